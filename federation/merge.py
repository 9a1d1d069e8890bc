"""Merging what several sources know of one entity, pure (clauses 4.5.5.2, 4.5.5.3, 4.3.6.2).

    {"id": "a", "speed": 10 @ 09:00}  +  {"id": "a", "speed": 12 @ 10:00, "brand": "x"}
        ->  {"id": "a", "speed": 12 @ 10:00, "brand": "x"}

Instances are told apart by attribute and datasetId; of two with the same, the one observed last is given, then the one
modified last, then the one of the part that comes first. What comes from auxiliary sources fills gaps only.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import cast

from broker.model.entity import ENTITY_MEMBERS, Document, Entity, Instance, instances, member, sub_attributes
from broker.model.expiry import expired, over
from broker.model.values import Instant, Json, to_instant, to_text

_UNKNOWN: Instant = -(2**62)
"""Before every instant: a time that a source did not tell."""


@dataclass(slots=True)  # never changed once made; not `frozen`, which would double the time to make one
class Part:
    """One version of an entity.

    `auxiliary`: it only fills gaps; `dated`: the source told when it was made and changed, so that it can be compared.
    """

    entity: Entity
    auxiliary: bool = False
    dated: bool = True


def merge_parts(parts: Sequence[Part], now: Instant) -> Entity | None:
    """One entity of all parts, in the order of preference where nothing else decides; None where none is left.

    A part alone is given back as it is. What has expired by `now` counts for nothing.
    """
    live = [part for part in parts if not over(part.entity, now)]
    if len(live) < 2:  # noqa: PLR2004  one is no conflict
        return live[0].entity if live else None
    live.sort(key=_is_auxiliary)
    many = max(1, sum(not part.auxiliary for part in live))
    equal, fillers = live[:many], live[many:]
    created = min(part.entity.created_at for part in _dated(equal))
    modified = max(part.entity.modified_at for part in _dated(equal))
    transient = [part.entity.expires_at for part in live]
    lasting = None if None in transient else max(cast("list[Instant]", transient))
    settled = [(part, _settled(part, created, lasting=lasting is None)) for part in (*equal, *fillers)]
    base, more = settled[: len(equal)], settled[len(equal) :]
    document = _united([found for _, found in base], base[0][1])
    _add_attributes(document, base, now)
    for part, found in more:
        lacking = {name: value for name, value in found.items() if name not in document}
        _add_attributes(document, [(part, lacking)], now)
    return Entity(document, created, modified, lasting, max(part.entity.version for part in live))


def without(entity: Entity, names: Collection[str] | None) -> Entity | None:
    """The entity without these attributes, or, for None, without any: then nothing is left of it.

    What is registered as held elsewhere only is not taken from here (clause 4.3.6.3).
    """
    if names is None:
        return None
    if not any(name in entity.document for name in names):
        return entity
    document = {name: value for name, value in entity.document.items() if name not in names}
    return Entity(document, entity.created_at, entity.modified_at, entity.expires_at, entity.version)


def only(entity: Entity, names: Collection[str], dataset_ids: Collection[str] = ()) -> Entity:
    """The entity with no more than these attributes, none standing for all, and of them these datasets only."""
    document = entity.document
    if names and any(name not in names for name in document if name not in ENTITY_MEMBERS):
        document = {name: value for name, value in document.items() if name in ENTITY_MEMBERS or name in names}
    if dataset_ids:
        document = _of_datasets(document, dataset_ids)
    if document is entity.document:
        return entity
    return Entity(document, entity.created_at, entity.modified_at, entity.expires_at, entity.version)


def _of_datasets(document: Document, dataset_ids: Collection[str]) -> Document:
    kept: Document = {}
    for name, value in document.items():
        if name in ENTITY_MEMBERS:
            kept[name] = value
            continue
        found = [one for one in instances(value) if one.get("datasetId", "@none") in dataset_ids]
        if found:
            kept[name] = member(found)
    return kept


def _is_auxiliary(part: Part) -> bool:
    return part.auxiliary


def _dated(parts: Sequence[Part]) -> Sequence[Part]:
    return [part for part in parts if part.dated] or parts


def _united(documents: Sequence[Document], first: Document) -> Document:
    """The members that are no attributes: the id, and the types and scopes of all."""
    document: Document = {"id": first["id"]}
    for name in ("type", "scope"):
        found = list(dict.fromkeys(one for held in documents for one in _listed(held.get(name))))
        if found:
            document[name] = found[0] if len(found) == 1 else cast("Json", found)
    return document


def _listed(value: Json) -> list[str]:
    if value is None:
        return []
    return cast("list[str]", value) if isinstance(value, list) else [cast("str", value)]


def _add_attributes(document: Document, parts: Iterable[tuple[Part, Document]], now: Instant) -> None:
    held: dict[str, list[tuple[Part, Json]]] = {}
    for part, found in parts:
        for name, value in found.items():
            if name not in ENTITY_MEMBERS:
                held.setdefault(name, []).append((part, value))
    for name, values in held.items():
        chosen = values[0][1] if len(values) == 1 else _chosen(values, now)
        if chosen is not None:
            document[name] = chosen


def _chosen(values: Sequence[tuple[Part, Json]], now: Instant) -> Json:
    """The instances of one attribute, the most current one of each datasetId; None where none is left."""
    best: dict[Json, tuple[tuple[Instant, Instant], Instance]] = {}
    for part, value in values:
        for instance in instances(value):
            if expired(instance, now):
                continue
            dataset, rank = instance.get("datasetId"), _rank(part, instance)
            if dataset not in best or rank > best[dataset][0]:
                best[dataset] = (rank, instance)
    return member([instance for _, instance in best.values()]) if best else None


def _rank(part: Part, instance: Instance) -> tuple[Instant, Instant]:
    """When it was observed, then when it was modified (clause 4.5.5.3)."""
    modified = instance.get("modifiedAt", instance.get("createdAt"))
    if modified is not None:
        return _instant(instance.get("observedAt")), _instant(modified)
    return _instant(instance.get("observedAt")), part.entity.created_at if part.dated else _UNKNOWN


def _instant(value: Json) -> Instant:
    found = to_instant(value) if isinstance(value, str) else None
    return _UNKNOWN if found is None else found


def _settled(part: Part, created: Instant, *, lasting: bool) -> Document:
    """The document with what its instances had from their entity: when it was created, and how long it lasts.

    `lasting`: the merged entity does not expire, so that what comes of a transient one does by itself (4.5.5.2).
    """
    entity = part.entity
    stamp = to_text(entity.created_at) if part.dated and entity.created_at != created else None
    due = entity.expires_at if lasting else None
    if stamp is None and due is None:
        return entity.document
    document: Document = {}
    for name, value in entity.document.items():
        if name in ENTITY_MEMBERS:
            document[name] = value
        else:
            document[name] = member([_marked(one, stamp, due) for one in instances(value)])
    return document


def _marked(instance: Instance, stamp: str | None, due: Instant | None) -> Instance:
    marked = dict(instance)
    if stamp is not None:
        marked.setdefault("createdAt", stamp)
        for name, found in sub_attributes(instance):
            marked[name] = member([_marked(one, stamp, None) for one in found])
    if due is not None and not _UNKNOWN < _instant(instance.get("expiresAt")) <= due:
        marked["expiresAt"] = to_text(due)
    return marked
