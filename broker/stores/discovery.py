"""Types and attributes, counted over entities (clauses 5.7.5 to 5.7.10)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import cast

from broker.model.entity import Entity
from broker.ports import AttributeCount, TypeCount


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
