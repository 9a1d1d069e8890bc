"""Entities as sources answer them, read as what they are: claims of somebody else (clauses 4.3.6.7, 6.3.17)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TypeAlias

from broker.decode.entity import IDENTITY, decode_entity
from broker.errors import BadRequestData
from broker.ldcontext.active import ActiveContext
from broker.model.entity import Document, Entity, Instance, instances
from broker.model.expiry import live
from broker.model.values import Instant, Json, to_instant, to_text
from federation.merge import Part

_Times: TypeAlias = tuple[Json, Json]
_LASTING = frozenset({"type", "value", "object", "unitCode", "observedAt", "createdAt", "modifiedAt", "datasetId"})
"""Members of instances without sub-attributes that do not expire: most of them."""


def read_part(body: Json, names: Callable[[Json], ActiveContext], now: Instant, *, auxiliary: bool) -> Part | None:
    """One entity of an answer, of which nothing else is used from then on; None where it has expired by `now`.

    `names` gives those of an @context, or of the request for None. Raises NgsiError for what is no entity.
    """
    if not isinstance(body, dict):
        raise BadRequestData("an entity is an object", clause="4.5.1", remedy='{"id": "urn:…", "type": "…"}')
    active = names(body.pop("@context", None))
    made, changed = body.pop("createdAt", None), body.pop("modifiedAt", None)
    times = {} if made is None is changed else _taken_times(body, (made, changed))
    document = decode_entity(body, active)
    created, modified = _instant(made), _instant(changed)
    expires = _instant(document.pop("expiresAt")) if "expiresAt" in document else None
    if times:
        _give_back(document, times, active, None if created is None else to_text(created))
    begin = now if created is None else created
    entity = Entity(document, begin, begin if modified is None else modified, expires, 0)
    if expires is not None or not _lasts(document):
        found = live(entity, now)
        if found is None:
            return None
        entity = found
    return Part(entity, auxiliary, created is not None or modified is not None)


def id_of(body: Json) -> str | None:
    """The id of an entity in an answer; None for what is none."""
    if isinstance(body, dict):
        found = body.get("id", body.get("@id"))
        if isinstance(found, str):
            return found
    return None


def _instant(value: Json) -> Instant | None:
    return _known_instant(value) if isinstance(value, str) else None


_known_instant = lru_cache(maxsize=1024)(to_instant)
"""What was loaded together has its times in common."""


def _lasts(document: Document) -> bool:
    """Whether plainly nothing in it expires."""
    for name, value in document.items():
        if name not in IDENTITY and not (type(value) is dict and _LASTING.issuperset(value)):
            return False
    return True


def _taken_times(body: dict[str, Json], whole: _Times) -> dict[str, list[tuple[Json, _Times]]]:
    """When each instance was made and changed, taken out: what is decoded has no such members.

    Those that are as the times of the `whole` entity are dropped: an instance made with it and not changed since.
    """
    found: dict[str, list[tuple[Json, _Times]]] = {}
    made = whole[0]
    for name, value in body.items():
        for one in value if type(value) is list else (value,):
            if type(one) is dict and ("createdAt" in one or "modifiedAt" in one) and name not in IDENTITY:
                created, modified = one.pop("createdAt", None), one.pop("modifiedAt", None)
                if created != made or modified != made:
                    found.setdefault(name, []).append((one.get("datasetId"), (created, modified)))
    return found


def _give_back(
    document: Mapping[str, Json], times: Mapping[str, list[tuple[Json, _Times]]], names: ActiveContext, made: str | None
) -> None:
    """Put the times into the instances as `model.entity` has them: where they differ from what they would be anyway.

    The instances were made of this answer and are shared with nobody.
    """
    for name, told in times.items():
        found = {one.get("datasetId"): one for one in instances(document.get(names.iris[name]))}
        for dataset, (created, modified) in told:
            instance = found.get(None if dataset == "@none" else dataset)
            if instance is not None:
                _stamp(instance, _text(created), _text(modified), made)


def _stamp(instance: Instance, created: str | None, modified: str | None, made: str | None) -> None:
    if created is not None and created != made:
        instance["createdAt"] = created
    if modified is not None and modified != (created or made):
        instance["modifiedAt"] = modified


def _text(value: Json) -> str | None:
    found = _instant(value)
    return None if found is None else to_text(found)
