"""Every engine answers every query as `query.match` does: random entities, random queries, and proof that they bite.

Run with three sets of limits: as shipped, and with limits so small that eight entities are "many", so that every way
of the planner is taken.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from broker.model.entity import Entity
from broker.ports import UNRESTRICTED, Page, Restriction
from broker.query.ast import (
    And,
    Between,
    Compare,
    DateValue,
    Geo,
    Node,
    Op,
    Or,
    Relation,
    Selection,
    TimeValue,
    UriValue,
    Window,
)
from broker.stores.sqlite import plan
from tests.engines.populated import Engines, engines
from tests.strategies.entities import populations
from tests.strategies.queries import nodes, selections

POPULATIONS = 72
QUERIES = 15  # drawn for a population; each is asked in full and term by term
OCCURRENCES_MIN = 100
BITE_MIN = 0.3

_LIMITS = {
    "as shipped": {},
    "walks": {"FEW": 0, "SHORT": 1, "WALK_MAX": 3, "CHUNK": 2},
    "drives": {"FEW": 0, "SHORT": 0, "WALK_MAX": 0},
}
_NODES = ["And", "Or", "Exists", "Compare", "OneOf", "Between", "Pattern", "Linked", "Geo", "HasType", "InScope"]
_NODES += ["Absent", "IdIn", "IdPattern", "HasAttribute"]
_OPERATORS = ["EQ", "NE", "GE", "GT", "LE", "LT"]
_VALUES = ["int", "float", "str", "bool", "DateTimeValue", "DateValue", "TimeValue", "UriValue"]
_RELATIONS = ["near", "within", "contains", "intersects", "equals", "disjoint", "overlaps"]

_PLAIN = [relation for relation in Relation if relation is not Relation.NEAR]

_RARE: list[DateValue | TimeValue | UriValue] = [
    DateValue("2026-01-01"),
    TimeValue(34_200_000_000, "09:30:00Z"),
    UriValue("urn:e:1"),
]

windows = st.builds(Window, st.integers(0, 4), st.sampled_from([0, 0, 1, 3]), st.booleans())
everything = Window(100, 0, count=True)


class Tally:
    """How often what was seen, and how many queries chose some but not all."""

    def __init__(self) -> None:
        self.pairs = self.biting = 0
        self.seen: Counter[str] = Counter()

    def note(self, selection: Selection, found: int, of: int) -> None:
        self.pairs += 1
        self.biting += 0 < found < of
        self._count(selection.where)

    def _count(self, part: Any) -> None:
        if isinstance(part, tuple):
            for item in part:
                self._count(item)
        elif is_dataclass(part):
            self.seen[type(part).__name__] += 1
            if isinstance(part, Geo):
                self.seen[part.relation.value] += 1
            for field in fields(part):
                self._count(getattr(part, field.name))
        elif isinstance(part, Op):
            self.seen[part.name] += 1
        else:
            self.seen[type(part).__name__] += 1


class Agreement:
    """The comparison of the engines, made once under each set of limits, whichever test comes first."""

    def __init__(self, directory_of: Callable[[str], Path]) -> None:
        self.tally = Tally()
        self._directory_of = directory_of
        self._made: set[str] = set()

    def under(self, limits: str) -> None:
        """Ask both engines, with the planner's limits set so."""
        if limits in self._made:
            return
        self._made.add(limits)
        with pytest.MonkeyPatch.context() as patch, engines(self._directory_of(limits)) as held:
            for name, value in _LIMITS[limits].items():
                patch.setattr(plan, name, value)
            self._ask(held)

    def _ask(self, held: Engines) -> None:
        @settings(
            max_examples=POPULATIONS,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(populations(), st.lists(st.tuples(selections(), windows), min_size=QUERIES, max_size=QUERIES))
        def agree(population: list[Entity], asked: list[tuple[Selection, Window]]) -> None:
            tenant = held.hold(population)
            for drawn, window in asked:
                for selection in (drawn, *(Selection(term) for term in _terms(drawn.where))):
                    _same_answer(held, tenant, selection, window)
                    self.tally.note(selection, _same_answer(held, tenant, selection, everything), len(population))

        agree()


@pytest.fixture(scope="module")
def agreement(tmp_path_factory: pytest.TempPathFactory) -> Agreement:
    """One for this module."""
    return Agreement(tmp_path_factory.mktemp)


@pytest.mark.parametrize("limits", _LIMITS)
def test_sqlite_agrees_with_match(limits: str, agreement: Agreement) -> None:
    agreement.under(limits)


def test_a_view_and_a_condition_restrict_alike(tmp_path: Path) -> None:
    def view(entity: Entity) -> Entity | None:
        """Hide an entity and, of all others, every second attribute."""
        if entity.id == "urn:e:2":
            return None
        kept = {name: value for number, (name, value) in enumerate(entity.document.items()) if number < 3 or number % 2}
        return Entity(kept, entity.created_at, entity.modified_at, entity.expires_at, entity.version)

    with engines(tmp_path) as held:

        @settings(
            max_examples=40, database=None, deadline=None, phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(populations(), st.lists(st.tuples(selections(), windows, nodes()), min_size=15, max_size=15))
        def agree(population: list[Entity], asked: list[tuple[Selection, Window, Any]]) -> None:
            tenant = held.hold(population)
            for selection, window, where in asked:
                for restriction in (Restriction(where), Restriction(And(()), view), Restriction(where, view)):
                    model = held.memory.select(tenant, selection, window, restriction)
                    found = held.sqlite.select(tenant, selection, window, restriction)
                    assert _told(found) == _told(model), (selection, window, restriction)
            for restriction in (UNRESTRICTED, Restriction(And(()), view)):
                assert held.sqlite.types(tenant, restriction) == held.memory.types(tenant, restriction)
                assert held.sqlite.attributes(tenant, restriction) == held.memory.attributes(tenant, restriction)

        agree()


@pytest.mark.timeout(900)  # all three comparisons, where it comes first
def test_the_pairs_bite(agreement: Agreement) -> None:
    """At least 10,000 pairs, 30 % selecting some but not all; every node, operator and value a hundred times."""
    for limits in _LIMITS:
        agreement.under(limits)
    tally = agreement.tally
    print(f"\n{tally.pairs} pairs of query and population, {tally.biting} select some but not all")
    print(f"figure pairs {tally.pairs}\nfigure biting_percent {100 * tally.biting / tally.pairs:.1f} {tally.pairs}")
    for name in (*_NODES, *_OPERATORS, *_VALUES, *_RELATIONS):
        print(f"  {name:14} {tally.seen[name]:7}")
    assert tally.pairs >= 10_000
    assert tally.biting >= BITE_MIN * tally.pairs
    rare = {name for name in (*_NODES, *_OPERATORS, *_VALUES, *_RELATIONS) if tally.seen[name] < OCCURRENCES_MIN}
    assert not rare


def _terms(node: Any) -> list[Node]:
    """The terms of a query, and each comparison with every operator: what errs alone may hide among others."""
    if isinstance(node, And | Or):
        return [term for inner in node.terms for term in _terms(inner)]
    if isinstance(node, Compare):
        without_order = isinstance(node.value, bool | UriValue)
        others: list[Node] = [replace(node, op=Op.EQ, value=value) for value in _RARE]
        if not without_order:
            others.append(Between(node.path, node.value, node.value))
        return [*(replace(node, op=op) for op in ((Op.EQ, Op.NE) if without_order else Op)), *others]
    if isinstance(node, Geo):
        return [node, *(replace(node, relation=one, max_distance_m=None, min_distance_m=None) for one in _PLAIN)]
    return [node]


def _same_answer(held: Engines, tenant: str, selection: Selection, window: Window) -> int:
    model = held.memory.select(tenant, selection, window, UNRESTRICTED)
    found = held.sqlite.select(tenant, selection, window, UNRESTRICTED)
    assert _told(found) == _told(model), (selection, window)
    return len(model.entities)


def _told(page: Page) -> tuple[Any, ...]:
    return ([(one, repr(one.document)) for one in page.entities], page.total, page.more)
