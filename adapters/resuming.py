"""After a cut: which writes the hub had taken already, although nobody was told. Pure.

    written_before([("urn:x:1", first), ("urn:x:1", second)], {"urn:x:1": entity})  ->  {0}

An entity that shows what one of them says, value and instant, has taken it, and those before it too. Writing them once
more would leave the entity as it is, but its history would have them twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

from broker.model.values import Json
from broker.ports.hub import Fragment

Entity: TypeAlias = Mapping[str, Json]
_HEAD: Final = frozenset({"id", "type", "scope"})


def written_before(writes: Sequence[Fragment], now: Mapping[str, Entity]) -> set[int]:
    """The places of the writes, which are in order, that the entities show, or had shown before."""
    newest: dict[str, int] = {}
    for place, fragment in enumerate(writes):
        entity_id = str(fragment["id"])
        if (entity := now.get(entity_id)) is not None and _shows(entity, fragment):
            newest[entity_id] = place
    return {place for place, fragment in enumerate(writes) if place <= newest.get(str(fragment["id"]), -1)}


def _shows(entity: Entity, fragment: Fragment) -> bool:
    """Whether the entity has all that the fragment says of a certain instant; it must say something of one."""
    said = [
        (name, instance)
        for name, value in fragment.items()
        if name not in _HEAD
        for instance in (value if isinstance(value, list) else [value])
        if isinstance(instance, dict) and "observedAt" in instance
    ]
    return bool(said) and all(_has(entity.get(name), instance) for name, instance in said)


def _has(attribute: Json, instance: Mapping[str, Json]) -> bool:
    found = attribute if isinstance(attribute, list) else [attribute]
    return any(isinstance(one, dict) and instance.items() <= one.items() for one in found)
