"""Entities as sources answer them, read as what they are: claims of somebody else (clauses 4.3.6.7, 6.3.17)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

from broker.decode.entity import IDENTITY, decode_entity
from broker.errors import BadRequestData
from broker.ldcontext.active import ActiveContext
from broker.model.entity import Entity, Instance, instances
from broker.model.expiry import live
from broker.model.values import Instant, Json, to_instant, to_text
from federation.merge import Part

_TIMES = ("createdAt", "modifiedAt")
_Times = tuple[str | None, str | None]


def read_part(body: Json, names: Callable[[Json], ActiveContext], now: Instant, *, auxiliary: bool) -> Part | None:
    """One entity of an answer, of which nothing else is used from then on; None where it has expired by `now`.

    `names` gives those of an @context, or of the request for None. Raises NgsiError for what is no entity.
    """
    if not isinstance(body, dict):
        raise BadRequestData("an entity is an object", clause="4.5.1", remedy='{"id": "urn:…", "type": "…"}')
    context = body.pop("@context", None)
    created, modified = (_instant(body.pop(name, None)) for name in _TIMES)
    times = _taken_times(body)
    active = names(context)
    document = decode_entity(body, active)
    expires = _instant(document.pop("expiresAt", None))
    if times:
        _give_back(document, times, active, None if created is None else to_text(created))
    begin = now if created is None else created
    entity = live(Entity(document, begin, begin if modified is None else modified, expires, 0), now)
    return None if entity is None else Part(entity, auxiliary, dated=created is not None or modified is not None)


def id_of(body: Json) -> str | None:
    """The id of an entity in an answer; None for what is none."""
    if isinstance(body, dict):
        found = body.get("id", body.get("@id"))
        if isinstance(found, str):
            return found
    return None


def _instant(value: Json) -> Instant | None:
    return to_instant(value) if isinstance(value, str) else None


def _taken_times(body: dict[str, Json]) -> dict[str, list[tuple[Json, _Times]]]:
    """When each instance was made and changed, taken out: what is decoded has no such members."""
    found: dict[str, list[tuple[Json, _Times]]] = {}
    for name, value in body.items():
        if name in IDENTITY:
            continue
        for one in value if type(value) is list else (value,):
            if type(one) is dict and ("createdAt" in one or "modifiedAt" in one):
                times = one.pop("createdAt", None), one.pop("modifiedAt", None)
                if all(each is None or isinstance(each, str) for each in times):
                    found.setdefault(name, []).append((one.get("datasetId"), cast("_Times", times)))
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
                _stamp(instance, created, modified, made)


def _stamp(instance: Instance, created: str | None, modified: str | None, made: str | None) -> None:
    begun = _text(created)
    if begun is not None and begun != made:
        instance["createdAt"] = begun
    changed = _text(modified)
    if changed is not None and changed != (begun or made):
        instance["modifiedAt"] = changed


def _text(value: str | None) -> str | None:
    if value is None:
        return None
    found = to_instant(value)
    return None if found is None else to_text(found)
