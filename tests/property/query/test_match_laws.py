"""Laws of `match` over random entities and queries, and that the random material bites (clause 4.9)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from typing import Any

from hypothesis import find, given, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample

from broker.model.entity import Entity
from broker.query.ast import (
    Absent,
    And,
    Between,
    Compare,
    Exists,
    Linked,
    Node,
    OneOf,
    Op,
    Or,
    Path,
    Pattern,
)  # fmt: skip
from broker.query.leaves import indexable, leaves, path_key
from broker.query.match import matches
from tests.strategies import entities as known
from tests.strategies.queries import nodes, paths, q_nodes, values_at


def _follow(population: list[Entity]) -> Callable[[str], Entity | None]:
    return {entity.id: entity for entity in population}.get


def _alone(node: Node, entity: Entity) -> bool:
    return matches(node, entity, lambda _: None)


@given(nodes(), nodes(), known.populations())
def test_and_or_are_intersection_and_union(one: Node, other: Node, population: list[Entity]) -> None:
    follow = _follow(population)
    for entity in population:
        left, right = matches(one, entity, follow), matches(other, entity, follow)
        assert matches(And((one, other)), entity, follow) is (left and right)
        assert matches(Or((one, other)), entity, follow) is (left or right)


@given(nodes(linked=False), known.entities(), st.data())
def test_hiding_an_attribute_never_makes_an_entity_match(node: Node, entity: Entity, data: st.DataObject) -> None:
    hidden = data.draw(st.sampled_from(known.ATTRIBUTES))
    view = replace(entity, document={name: held for name, held in entity.document.items() if name != hidden})
    assert not _alone(node, view) or _alone(node, entity)


@given(paths(), known.entities(), st.data())
def test_a_target_is_equal_or_unequal(path: Any, entity: Entity, data: st.DataObject) -> None:
    value = data.draw(values_at(path))
    equal, unequal = (_alone(Compare(path, op, value), entity) for op in (Op.EQ, Op.NE))
    assert _alone(Exists(path), entity) is (equal or unequal)
    assert _alone(OneOf(path, (value,)), entity) is equal
    assert _alone(OneOf(path, (value,), negated=True), entity) is unequal
    assert _alone(Between(path, value, value), entity) <= equal


@given(q_nodes(linked=False), known.entities())
def test_what_matches_is_found_by_the_leaves(node: Node, entity: Entity) -> None:
    given_leaves = leaves(entity.document)
    assert not given_leaves.uncovered
    found: dict[str, list[tuple[Any, bool]]] = {}
    for _, key, value, ordered in given_leaves.leaves:
        found.setdefault(key, []).append((value, ordered))
    for term in _terms(node):
        if not isinstance(term, Absent) and indexable(term.path) and _alone(term, entity):
            rows = found.get(path_key(term.path), [])
            assert rows, term
            if isinstance(term, Pattern):
                assert any(ordered and isinstance(value, str) for value, ordered in rows)
            if isinstance(term, Compare) and isinstance(term.value, str | int | float) and term.op is not Op.NE:
                assert _reached(term, rows), term


def _reached(term: Compare, rows: list[tuple[Any, bool]]) -> bool:
    """Whether some leaf, as a Property of its own, gives the same answer."""
    if term.path.subs[-1:] == ("observedAt",):
        return True
    alone = replace(term, path=Path("a:a"))
    return any(_alone(alone, _bearer(value)) for value, ordered in rows if ordered or term.op is Op.EQ)


def _bearer(value: Any) -> Entity:
    return Entity({"id": "urn:x", "type": "T:t", "a:a": {"type": "Property", "value": value}}, 0, 0)


def _terms(node: Any) -> list[Any]:
    if isinstance(node, And | Or):
        return [term for inner in node.terms for term in _terms(inner)]
    return [node]


def test_the_random_material_bites() -> None:
    """At least 30 % of pairs of query and population select some and not all; every kind of node and value occurs."""
    seen: Counter[str] = Counter()
    partial = total = 0

    @settings(max_examples=500, database=None, derandomize=True)
    @given(st.lists(nodes(), min_size=5, max_size=5), known.populations())
    def look(asked: list[Node], population: list[Entity]) -> None:
        nonlocal partial, total
        follow = _follow(population)
        for node in asked:
            hits = sum(matches(node, entity, follow) for entity in population)
            total += 1
            partial += 0 < hits < len(population)
            _count(node, seen)

    look()
    print(f"{partial} of {total} bite", dict(seen))
    assert partial >= 0.3 * total
    for name in _EXPECTED:
        assert seen[name] > 0, name


_EXPECTED = [
    *(
        "And",
        "Or",
        "Exists",
        "Absent",
        "Compare",
        "OneOf",
        "Between",
        "Pattern",
        "Linked",
        "Geo",
        "HasType",
        "InScope",
        "IdIn",
    ),
    *("IdPattern", "HasAttribute", "EQ", "NE", "GE", "GT", "LE", "LT", "int", "float", "str", "bool"),
    *("DateTimeValue", "DateValue", "TimeValue", "UriValue"),
    *("near", "within", "contains", "intersects", "equals", "disjoint", "overlaps"),
]


def _count(node: Any, seen: Counter[str]) -> None:
    if isinstance(node, tuple):
        for item in node:
            _count(item, seen)
    elif is_dataclass(node):
        seen[type(node).__name__] += 1
        for field in fields(node):
            _count(getattr(node, field.name), seen)
    elif hasattr(node, "name"):
        seen[node.name if isinstance(node, Op) else node.value] += 1
    else:
        seen[type(node).__name__] += 1


def test_the_vocabulary_holds_no_unreachable_linked_query() -> None:
    """Some population answers a linked query with yes."""
    linked = q_nodes().filter(lambda node: isinstance(node, Linked))
    pair = st.tuples(linked, known.populations())
    try:
        find(pair, lambda drawn: any(matches(drawn[0], one, _follow(drawn[1])) for one in drawn[1]))
    except NoSuchExample as none:
        raise AssertionError("no linked query ever matches") from none
