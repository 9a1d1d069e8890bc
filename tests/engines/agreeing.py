"""Whether an engine answers every query as the memory model does, and how much a run of such comparisons shows."""

from __future__ import annotations

from collections import Counter
from dataclasses import fields, is_dataclass, replace
from typing import Any

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
from tests.engines.populated import Engines
from tests.strategies.entities import populations
from tests.strategies.queries import nodes, scarce, selections

QUERIES = 15  # drawn for a population; each is asked in full and term by term
OCCURRENCES_MIN = 100
BITE_MIN = 0.3

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

    def assert_bites(self, pairs_min: int, occurrences_min: int = OCCURRENCES_MIN) -> None:
        """So many pairs, 30 % selecting some but not all; every node, operator and value often. Prints the table."""
        print(f"\n{self.pairs} pairs of query and population, {self.biting} select some but not all")
        print(f"figure pairs {self.pairs}\nfigure biting_percent {100 * self.biting / self.pairs:.1f} {self.pairs}")
        names = (*_NODES, *_OPERATORS, *_VALUES, *_RELATIONS)
        for name in names:
            print(f"  {name:14} {self.seen[name]:7}")
        assert self.pairs >= pairs_min
        assert self.biting >= BITE_MIN * self.pairs
        rare = {name for name in names if self.seen[name] < occurrences_min}
        assert not rare


def assert_agrees(held: Engines, tally: Tally, populations_max: int, *, windowed: bool = True) -> None:
    """So many populations, QUERIES queries of each and more of what is scarce, and their terms.

    All are asked in full and, with `windowed`, by a window.
    """

    @settings(
        max_examples=populations_max,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(populations(), st.lists(st.tuples(selections(), windows), min_size=QUERIES, max_size=QUERIES), scarce())
    def agree(population: list[Entity], asked: list[tuple[Selection, Window]], rest: tuple[Node, ...]) -> None:
        tenant = held.hold(population)
        for drawn, window in [*asked, *((Selection(node), everything) for node in rest)]:
            for selection in (drawn, *(Selection(term) for term in _terms(drawn.where))):
                if windowed:
                    _same_answer(held, tenant, selection, window)
                tally.note(selection, _same_answer(held, tenant, selection, everything), len(population))

    agree()


def assert_restricts_alike(held: Engines, populations_max: int) -> None:
    """Under a view, a condition and both: the same entities, types and attributes."""

    def view(entity: Entity) -> Entity | None:
        """Hide an entity and, of all others, every second attribute."""
        if entity.id == "urn:e:2":
            return None
        kept = {name: value for number, (name, value) in enumerate(entity.document.items()) if number < 3 or number % 2}
        return Entity(kept, entity.created_at, entity.modified_at, entity.expires_at, entity.version)

    @settings(
        max_examples=populations_max,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(populations(), st.lists(st.tuples(selections(), windows, nodes()), min_size=15, max_size=15))
    def agree(population: list[Entity], asked: list[tuple[Selection, Window, Any]]) -> None:
        tenant = held.hold(population)
        for selection, window, where in asked:
            for restriction in (Restriction(where), Restriction(And(()), view), Restriction(where, view)):
                model = held.memory.select(tenant, selection, window, restriction)
                found = held.other.select(tenant, selection, window, restriction)
                assert _told(found) == _told(model), (selection, window, restriction)
        for restriction in (UNRESTRICTED, Restriction(And(()), view)):
            assert held.other.types(tenant, restriction) == held.memory.types(tenant, restriction)
            assert held.other.attributes(tenant, restriction) == held.memory.attributes(tenant, restriction)

    agree()


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
    found = held.other.select(tenant, selection, window, UNRESTRICTED)
    assert _told(found) == _told(model), (selection, window)
    return len(model.entities)


def _told(page: Page) -> tuple[Any, ...]:
    return ([(one, repr(one.document)) for one in page.entities], page.total, page.more)
