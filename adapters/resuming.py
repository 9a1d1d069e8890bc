"""After a cut: which writes the hub had taken already, although nobody was told. Pure.

    written_before([("urn:x:1", first), ("urn:x:1", second)], {"urn:x:1": entity})  ->  {0}

An entity that shows what one of them says, value and instant, has taken it, and those before it too: as far as they are
not newer than that one, nor than what the entity shows where they say something. What is newer may have come before a
mere repetition of what the hub had long since; it is written. Writing the others once more would leave the entity as it
is, but its history would have them twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

from broker.model.entity import instances
from broker.model.values import Json
from broker.ports.hub import Fragment

Entity: TypeAlias = Mapping[str, Json]
_HEAD: Final = frozenset({"id", "type", "scope"})


def written_before(writes: Sequence[Fragment], now: Mapping[str, Entity]) -> set[int]:
    """The places of the writes, which are in order, that the entities show, or had shown before."""
    reached: dict[str, str] = {}
    known: set[int] = set()
    for place in reversed(range(len(writes))):
        entity_id = str(writes[place]["id"])
        if (entity := now.get(entity_id)) is None:
            continue
        said = _said(writes[place])
        newest = max((str(instance["observedAt"]) for _, instance in said), default="")
        if said and all(_has(entity.get(name), instance) for name, instance in said):
            reached[entity_id] = max(newest, reached.get(entity_id, ""))
        shown = entity_id in reached and newest <= reached[entity_id]
        if shown and all(_had(entity.get(name), instance) for name, instance in said):
            known.add(place)
    return known


def _said(fragment: Fragment) -> list[tuple[str, Mapping[str, Json]]]:
    """What it says of a certain instant, and of which attribute."""
    return [
        (name, instance)
        for name, value in fragment.items()
        if name not in _HEAD
        for instance in (value if isinstance(value, list) else [value])
        if isinstance(instance, dict) and "observedAt" in instance
    ]


def _has(attribute: Json, instance: Mapping[str, Json]) -> bool:
    return any(instance.items() <= one.items() for one in instances(attribute))


def _had(attribute: Json, instance: Mapping[str, Json]) -> bool:
    """Whether it has it, or one of the same data set that is not older."""
    dataset, at = instance.get("datasetId"), str(instance["observedAt"])
    return any(one.get("datasetId") == dataset and str(one.get("observedAt", "")) >= at for one in instances(attribute))
