"""Types and attributes, counted over entities (clauses 5.7.5 to 5.7.10)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import TypeAlias, cast

from broker.model.entity import Entity
from broker.model.geometry import Bounds, Geometry, bounds
from broker.model.values import Instant
from broker.ports import AttributeCount, TypeCount, TypeExtent

Times: TypeAlias = tuple[Sequence[str], Instant, Instant]
"""Types, first creation, last change."""
Boxes: TypeAlias = tuple[Sequence[str], Bounds]


def count_types(entities: Iterable[Entity]) -> list[TypeCount]:
    """Each type with its number of entities and the attributes seen on them, by IRI."""
    numbers: Counter[str] = Counter()
    kinds: defaultdict[str, defaultdict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for entity in entities:
        for iri in entity.types:
            numbers[iri] += 1
            seen = kinds[iri]
            for name, found in entity.attributes():
                seen[name].update(cast("str", one["type"]) for one in found)
    return [
        TypeCount(iri, numbers[iri], {name: frozenset(found) for name, found in sorted(kinds[iri].items())})
        for iri in sorted(numbers)
    ]


def count_attributes(entities: Iterable[Entity]) -> list[AttributeCount]:
    """Each attribute name with its number of instances, its kinds and the types that have it, by IRI."""
    numbers: Counter[str] = Counter()
    kinds: defaultdict[str, set[str]] = defaultdict(set)
    types: defaultdict[str, set[str]] = defaultdict(set)
    for entity in entities:
        for name, found in entity.attributes():
            numbers[name] += len(found)
            kinds[name].update(cast("str", one["type"]) for one in found)
            types[name].update(entity.types)
    return [AttributeCount(iri, numbers[iri], frozenset(kinds[iri]), frozenset(types[iri])) for iri in sorted(numbers)]


def measure_types(entities: Iterable[Entity]) -> list[TypeExtent]:
    """Where and when the entities of each type are, by IRI."""
    times, boxes = list[Times](), list[Boxes]()
    for entity in entities:
        times.append((entity.types, entity.created_at, entity.modified_at))
        for _, found in entity.attributes():
            places = [one["value"] for one in found if one["type"] == "GeoProperty" and "value" in one]
            boxes.extend((entity.types, bounds(cast("Geometry", place))) for place in places)
    return extents_of(times, boxes)


def extents_of(times: Iterable[Times], boxes: Iterable[Boxes]) -> list[TypeExtent]:
    """What parts of types cover, for each type, by IRI."""
    spans: dict[str, tuple[Instant, Instant]] = {}
    around: dict[str, Bounds] = {}
    for types, created, modified in times:
        for iri in types:
            first, last = spans.get(iri, (created, modified))
            spans[iri] = (min(first, created), max(last, modified))
    for types, box in boxes:
        for iri in types:
            west, south, east, north = around.get(iri, box)
            around[iri] = (min(west, box[0]), min(south, box[1]), max(east, box[2]), max(north, box[3]))
    return [TypeExtent(iri, *spans[iri], around.get(iri)) for iri in sorted(spans)]
