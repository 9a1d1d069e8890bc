"""Laws of `sort` and of distances over random entities (clauses 4.10, 4.23)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from broker.model.distance import distance_m, reach
from broker.model.entity import Entity
from broker.model.geometry import Reference, apart, bounds
from broker.query.ast import Ordering
from broker.query.ordering import sort
from tests.strategies import entities as known
from tests.strategies.queries import orderings

_geometries: st.SearchStrategy[Any] = st.sampled_from(known.GEOMETRIES)


@given(known.populations(), orderings())
def test_sorting_keeps_everything_and_is_done_after_once(population: list[Entity], ordering: Ordering) -> None:
    once = sort(population, ordering)
    assert sorted(entity.id for entity in once) == sorted(entity.id for entity in population)
    assert sort(once, ordering) == once


@given(known.populations(), orderings())
def test_the_first_key_leads(population: list[Entity], ordering: Ordering) -> None:
    first = replace(ordering, terms=ordering.terms[:1])
    together = sort(population, ordering)
    assert sort(together, first) == together


@given(_geometries, _geometries)
def test_distance_is_symmetric_and_nought_where_they_meet(one: Any, other: Any) -> None:
    there, back = distance_m(one, Reference(other)), distance_m(other, Reference(one))
    assert abs(there - back) <= 1e-6 * max(there, back)
    assert (there == 0) is Reference(other).relates("intersects", one)


@given(_geometries, _geometries, st.sampled_from([0.5, 1_000.0, 500_000.0, 15_000_000.0]))
def test_what_is_near_is_in_reach(one: Any, other: Any, metres: float) -> None:
    if distance_m(one, Reference(other)) <= metres:
        assert not apart(bounds(one), reach(bounds(other), metres))


@given(_geometries, _geometries)
def test_relations_agree_with_each_other(one: Any, other: Any) -> None:
    to = Reference(other)
    assert to.relates("disjoint", one) is not to.relates("intersects", one)
    assert to.relates("within", one) is Reference(one).relates("contains", other)
    assert not to.relates("equals", one) or to.relates("within", one)
    for relation in ("within", "contains", "overlaps", "equals"):
        assert not to.relates(relation, one) or to.relates("intersects", one)
