"""Merging histories that several sources have of one entity, pure (clauses 4.5.5, 5.7.3.4, 5.7.4.4).

Every source's instances of an attribute become one series. Those of one dataset and one time are the same instance: the
one that was modified last is kept, here before elsewhere where that is equal. What an exclusive or redirect source
has registered is its alone; an auxiliary one adds instances of times that nobody else has.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from itertools import count
from typing import Final, TypeAlias, cast

from broker.decode.temporal import SCOPE, decode_history
from broker.errors import BadRequestData
from broker.ldcontext.active import ActiveContext
from broker.model.entity import Instance
from broker.model.evolution import Evolution
from broker.model.names import is_uri
from broker.model.values import Instant, Json, to_instant
from broker.query.ast import EVERYTHING, And, HasType, IdIn, IdPattern, Node, Or
from broker.query.temporal import TemporalQuery
from broker.stores.past import Past, copied
from broker.stores.recall import Story, counted_at, union

_SYSTEM: Final = ("createdAt", "modifiedAt", "deletedAt", "instanceId")
_SCOPED: Final = frozenset({"type", "value", "observedAt"})

Slot: TypeAlias = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Version:
    """What one source has of an entity's history. `source` is the id of its registration, empty for this broker.

    `owned` are the attributes that are this source's alone, None for all; `adds` says that it only adds.
    """

    evolution: Evolution
    source: str = ""
    owned: frozenset[str] | None = frozenset()
    adds: bool = False


@dataclass(slots=True)
class Merged:
    """Histories merged: what of each there is, and the ids of its instances by their number."""

    stories: dict[str, Story] = field(default_factory=dict)
    instance_ids: dict[int, str] = field(default_factory=dict)

    def name_of(self, _entity_id: str, _name: str, past: Past) -> str:
        """The id that an instance has where it is."""
        return self.instance_ids[past.number]


def merge_evolutions(
    versions: Iterable[Version], query: TemporalQuery, now: Instant, into: Merged | None = None
) -> Merged:
    """The histories of all entities that any source has, in the order of their coming; beside those in `into`."""
    by_id: dict[str, list[Version]] = {}
    for version in versions:
        by_id.setdefault(version.evolution.id, []).append(version)
    merged = into or Merged()
    numbers = count(len(merged.instance_ids) + 1)
    for entity_id, found in by_id.items():
        series: dict[str, dict[Slot, list[Past]]] = {}
        ordered = [*(one for one in found if not one.adds), *(one for one in found if one.adds)]
        for version in ordered:
            for name, instances in _own(version, found).items():
                found_here = []
                for instance in instances:
                    past = _past(instance, next(numbers), now)
                    merged.instance_ids[past.number] = _instance_id(instance, version, name)
                    found_here.append(past)
                _put(series.setdefault(name, {}), found_here, query, adds=version.adds)
        pasts = {name: [past for some in held.values() for past in some] for name, held in series.items()}
        merged.stories[entity_id] = replace(_head(found), pasts=pasts)
    return merged


def decode_evolution(body: Json, names: ActiveContext) -> Evolution:
    """A history as a source gave it, normalized, with the times and ids that its instances have there.

    Raises BadRequestData for what is none.
    """
    if not isinstance(body, dict):
        raise BadRequestData("A source's history is no JSON object.", clause="5.2.20", remedy="an EntityTemporal")
    history = decode_history(_readable(body), names)
    if not is_uri(history.id) or not history.types:
        raise BadRequestData("A source's history has no id or no type.", clause="5.2.20", remedy="id and type")
    terms = {names.iris[name]: value for name, value in body.items() if name not in _NO_SERIES}
    attributes: dict[str, list[Instance]] = {}
    for name, instances in history.attributes.items():
        raw = body.get(SCOPE) if name == SCOPE else terms.get(name)
        attributes[name] = _timed(instances, raw)
    created_at = _instant(body, "createdAt")
    modified_at = _instant(body, "modifiedAt")
    return Evolution(
        history.id, history.types, created_at or 0, modified_at or created_at or 0, _instant(body, "deletedAt"),
        history.scopes, attributes,
    )  # fmt: skip


_NO_SERIES: Final = frozenset({"id", "@id", "type", "@type", "@context", SCOPE, *_SYSTEM, "expiresAt"})


def identity_of(where: Node) -> Node:
    """The part of a condition that is about types and ids alone: what holds of every part of an entity."""
    if isinstance(where, And):
        return And(tuple(term for term in where.terms if _is_identity(term)))
    return where if _is_identity(where) else EVERYTHING


def _is_identity(node: Node) -> bool:
    if isinstance(node, And | Or):
        return all(_is_identity(term) for term in node.terms)
    return isinstance(node, HasType | IdIn | IdPattern)


def _own(version: Version, found: Sequence[Version]) -> Mapping[str, Sequence[Instance]]:
    """The attributes of a version but those that belong to another source alone."""
    attributes = version.evolution.attributes
    for other in found:
        if other is version or (other.owned is not None and not other.owned):
            continue
        if version.owned is None or (other.owned is None and version.owned):
            continue
        owned = other.owned
        attributes = {} if owned is None else {name: held for name, held in attributes.items() if name not in owned}
    return attributes


def _past(instance: Instance, number: int, now: Instant) -> Past:
    """The instance; where it does not say when it was written, that was when it was observed."""
    past = copied(instance, number, now)
    if "createdAt" not in instance and past.observed_at is not None:
        past.created_at = past.observed_at
    if "modifiedAt" not in instance:
        past.modified_at = past.created_at
    return past


def _put(held: dict[Slot, list[Past]], pasts: Iterable[Past], query: TemporalQuery, *, adds: bool) -> None:
    """Put a source's instances into an attribute's series."""
    added: dict[Slot, list[Past]] = {}
    for past in pasts:
        added.setdefault(_slot(past, query), []).append(past)
    for slot, some in added.items():
        known = held.get(slot)
        if known is None or (not adds and _latest(some) > _latest(known)):
            held[slot] = some


def _slot(past: Past, query: TemporalQuery) -> Slot:
    """What instances of several sources that are the same have in common."""
    if past.observed_at is not None:
        return past.dataset, "observedAt", past.observed_at
    return past.dataset, query.timeproperty, counted_at(past, query), past.deleted_at


def _latest(pasts: Iterable[Past]) -> Instant:
    return max(past.modified_at for past in pasts)


def _head(found: Sequence[Version]) -> Story:
    parts = [version.evolution for version in found]
    types: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    for part in parts:
        types, scopes = union(types, part.types), union(scopes, part.scopes)
    known = [part.created_at for part in parts if part.created_at]
    deleted = [part.deleted_at for part in parts]
    ended = max((one for one in deleted if one is not None), default=None) if None not in deleted else None
    modified_at = max(part.modified_at for part in parts)
    return Story(parts[0].id, types, scopes, min(known, default=modified_at), modified_at, ended)


def _instance_id(instance: Instance, version: Version, name: str) -> str:
    given = instance.get("instanceId")
    if isinstance(given, str):
        return given
    parts = version.source, version.evolution.id, name, *(str(instance.get(part)) for part in _MARKS)
    return f"urn:ngsi-ld:Instance:{sha256(chr(0).join(parts).encode()).hexdigest()[:32]}"


_MARKS: Final = ("datasetId", "observedAt", "modifiedAt", "value", "object")


def _readable(body: dict[str, Json]) -> dict[str, Json]:
    """The body without what is no history: times of the entity, attributes without an instance."""
    kept = {name: value for name, value in body.items() if name not in _SYSTEM and name != "@context" and value != []}
    scopes = kept.get(SCOPE)
    if isinstance(scopes, dict):
        scopes = [scopes]
    if isinstance(scopes, list) and scopes and all(isinstance(one, dict) for one in scopes):
        kept[SCOPE] = [
            {key: value for key, value in cast("dict[str, Json]", one).items() if key in _SCOPED} for one in scopes
        ]
    return kept


def _timed(instances: list[Instance], raw: Json) -> list[Instance]:
    """Instances with the system attributes that they came with; `raw` is what stood under the attribute's name."""
    sent = raw if isinstance(raw, list) else [raw]
    if len(sent) != len(instances):
        return instances
    found = []
    for instance, one in zip(instances, sent, strict=True):
        extra = _system_of(one) if isinstance(one, dict) else {}
        found.append({**instance, **extra} if extra else instance)
    return found


def _system_of(raw: dict[str, Json]) -> Instance:
    extra: Instance = {}
    for name in _SYSTEM:
        value = raw.get(name)
        if isinstance(value, str) and (is_uri(value) if name == "instanceId" else to_instant(value) is not None):
            extra[name] = value
    return extra


def _instant(body: Mapping[str, Json], name: str) -> Instant | None:
    value = body.get(name)
    return to_instant(value) if isinstance(value, str) else None
