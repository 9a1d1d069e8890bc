"""Forms of entities: their types, and the kinds of each attribute's instances, for discovery without their documents.

{"types": ["https://…/House"], "attributes": {"https://…/speed": ["Property"]}}
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import TypeAlias, cast

import orjson

from broker.model.entity import ENTITY_MEMBERS, Document, as_list, instances
from broker.model.values import Json
from broker.ports import AttributeCount, TypeCount

Form: TypeAlias = "tuple[str | tuple[str, ...], tuple[str, ...], tuple[Json | tuple[str, ...], ...]]"
Counted: TypeAlias = tuple[list[str], dict[str, list[str]], int]
"""Types, attribute -> the kinds of its instances, and how many entities have this form."""


def form_of(document: Document) -> Form:
    """The types, the members in their order and the kinds of their instances.

    Entities of one form count alike in discovery; forms that differ in order only have the same `form_text`.
    """
    kind = document["type"]
    return (
        kind if type(kind) is str else tuple(as_list(kind)),
        tuple(document),
        tuple([value["type"] if type(value) is dict else _kinds(value) for value in document.values()]),
    )


def form_text(form: Form) -> dict[str, Json]:
    """A form as JSON: `{"types": ["https://…/House"], "attributes": {"https://…/speed": ["Property"]}}`."""
    types, names, kinds = form
    found = {
        name: cast(Json, [kind] if isinstance(kind, str) else list(cast("tuple[str, ...]", kind)))
        for name, kind in zip(names, kinds, strict=True)
        if name not in ENTITY_MEMBERS
    }
    return {
        "types": [types] if isinstance(types, str) else list(types),
        "attributes": {name: found[name] for name in sorted(found)},
    }


def merged(found: Iterable[Counted]) -> list[Counted]:
    """Each form once, with the sum of its counts; those are left out of which nothing is left."""
    numbers: dict[bytes, int] = {}
    held: dict[bytes, Counted] = {}
    for form in found:
        key = orjson.dumps(form[:2])
        held[key] = form
        numbers[key] = numbers.get(key, 0) + form[2]
    return [(held[key][0], held[key][1], number) for key, number in numbers.items() if number > 0]


def count_types_of(found: Iterable[Counted]) -> list[TypeCount]:
    """Each type, by IRI."""
    numbers: Counter[str] = Counter()
    kinds: defaultdict[str, defaultdict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for iris, attributes, entities in found:
        for iri in iris:
            numbers[iri] += entities
            for name, seen in attributes.items():
                kinds[iri][name].update(seen)
    return [
        TypeCount(iri, numbers[iri], {name: frozenset(seen) for name, seen in sorted(kinds[iri].items())})
        for iri in sorted(numbers)
    ]


def count_attributes_of(found: Iterable[Counted]) -> list[AttributeCount]:
    """Each attribute name, by IRI."""
    numbers: Counter[str] = Counter()
    kinds: defaultdict[str, set[str]] = defaultdict(set)
    owners: defaultdict[str, set[str]] = defaultdict(set)
    for iris, names, entities in found:
        for name, seen in names.items():
            numbers[name] += entities * len(seen)
            kinds[name].update(seen)
            owners[name].update(iris)
    return [AttributeCount(iri, numbers[iri], frozenset(kinds[iri]), frozenset(owners[iri])) for iri in sorted(numbers)]


def _kinds(value: Json) -> tuple[str, ...] | None:
    """The kinds of several instances; None for id, type and scope."""
    if type(value) is list and type(value[0]) is dict:
        return tuple([cast(str, one["type"]) for one in instances(value)])
    return None
