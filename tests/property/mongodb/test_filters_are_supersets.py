"""What a filter leaves out, `query.match` leaves out: on every kind of server, for random and for edgy values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.model.entity import Entity
from broker.ports import Labels
from broker.query.ast import (
    And,
    Between,
    Compare,
    DateTimeValue,
    DateValue,
    Node,
    OneOf,
    Op,
    Or,
    Path,
    Pattern,
    TimeValue,
    UriValue,
    Value,
)
from broker.query.match import matches
from broker.stores.mongo.compile import Able, compile_node
from broker.stores.mongo.entities import Stamped, to_bson
from broker.stores.mongo.keys import TEXT_MAX, index_members
from tests.fakes.bson_filter import meets, operators
from tests.fakes.clock import START
from tests.strategies.entities import populations
from tests.strategies.queries import nodes

A = "https://example.org/a"
LONG = "x" * TEXT_MAX
SERVERS = [Able(), Able(texts=False), Able(ranges=False, texts=False)]
ALLOWED = {"$in", "$gt", "$gte", "$lt", "$lte", "$and", "$or", "$elemMatch"}
NUMBERS: list[Any] = [
    0, -0.0, 1, -1, 0.1, -0.1, 20, 20.5, 2**53, 2**53 + 1, -(2**53) - 1, float(2**53), 2**63, 10**30, 10**30 + 1, 1e30,
    10**400, -(10**400), 1.7976931348623157e308, 5e-324,
]  # fmt: skip
TEXTS = [
    "", "a", "A", "ab", "é", "大阪", "\uff21", "\U0001d11e", "\U0010ffff", "a\U0010ffff", "a\x00", LONG, LONG[:-1],
    LONG + "a", LONG + "b", LONG[:-1] + "y", LONG + "\U0010ffff", "2026-01-01", "2026-01-01T00:00:00Z",
    "2026-01-01T00:00:00.5Z", "2026-01-01T00:00:59Z", "2026-01-01T00:01:00Z", "09:00:00Z", "09:00:00.25Z",
    "2026-13-01", "urn:e:1",
]  # fmt: skip
OTHERS: list[Any] = [[], [1, "a", LONG + "a", 10**30], list(range(100)), [True], {"b": 1}, {"@value": "a"}, None]
HELD: list[Any] = [*NUMBERS, *TEXTS, True, False, *OTHERS]
ASKED: list[Value] = [
    *NUMBERS, *TEXTS, True, False, UriValue("urn:e:1"), UriValue("a"), DateValue("2026-01-01"), DateTimeValue(START),
    DateTimeValue(START + 500_000), DateTimeValue(START + 60_000_000), TimeValue(9 * 3_600_000_000, "09:00:00Z"),
    TimeValue(9 * 3_600_000_000 + 250_000, "09:00:00.25Z"),
]  # fmt: skip

REGEXES = ["^a", "^ab?", "^a|b", "^x{3}", "^x*", "^é", "^", "a$", f"^{LONG}a", "^2026-01", "(?i)^A", "^(a)", "^A+"]


def _entity(number: int, value: Any) -> Entity:
    instance: Any = {"type": "Property", "value": value}
    if isinstance(value, str) and value.startswith("2026"):
        instance["observedAt"] = value
    return Entity({"id": f"urn:e:{number}", "type": "https://example.org/T", A: instance}, START, START)


def _stored(entity: Entity) -> Any:
    return to_bson("t", entity, Stamped(1, 1), index_members(entity.document, Labels()))


EDGES = [(one, _stored(one)) for one in (_entity(number, value) for number, value in enumerate(HELD))]


def _left_out(node: Node, held: list[tuple[Entity, Any]], able: Able) -> int:
    """How many the filter leaves out; fails where one of them matches, or where an exact one finds too much."""
    by_id = {entity.id: entity for entity, _ in held}
    compiled = compile_node(node, "t", able)
    assert set(operators(compiled.where)) <= ALLOWED
    left_out = 0
    for entity, stored in held:
        found = compiled.where is not None and meets(compiled.where, stored)
        left_out += not found
        if matches(node, entity, by_id.get):
            assert found, (node, compiled.where, entity.document)
        elif compiled.exact:
            assert not found, (node, compiled.where, entity.document)
    return left_out


@pytest.mark.parametrize("able", SERVERS)
def test_random_queries_lose_nothing(able: Able) -> None:
    tally: Counter[str] = Counter()

    @settings(max_examples=60, derandomize=True, database=None)
    @given(st.lists(nodes(), min_size=8, max_size=8), populations())
    def lose_nothing(asked: list[Node], population: list[Entity]) -> None:
        held = [(entity, _stored(entity)) for entity in population]
        for term in (term for node in asked for term in _terms(node)):
            tally[type(term).__name__] += 1
            tally[type(term).__name__ + " leaves out"] += bool(_left_out(term, held, able))

    lose_nothing()
    print(sorted(tally.items()))
    for name in ("And", "Or", "Exists", "Compare", "OneOf", "Between", "Geo", "HasType", "InScope", "IdIn"):
        assert tally[name + " leaves out"] > 0, name


def _terms(node: Node) -> Iterator[Node]:
    yield node
    if isinstance(node, And | Or):
        for term in node.terms:
            yield from _terms(term)


@pytest.mark.parametrize("able", SERVERS)
def test_edges_lose_nothing(able: Able) -> None:
    left_out = 0
    for path, op, value in product((Path(A), Path(A, ("observedAt",))), Op, ASKED):
        left_out += _left_out(Compare(path, op, value), EDGES, able)
    for path, low, step, negated in product((Path(A), Path(A, ("observedAt",))), range(len(ASKED)), (1, 5), (0, 1)):
        high = ASKED[(low + step) % len(ASKED)]
        left_out += _left_out(Between(path, ASKED[low], high, bool(negated)), EDGES, able)
        left_out += _left_out(OneOf(path, (ASKED[low], high), bool(negated)), EDGES, able)
    for regex in (
        "^a",
        "^ab?",
        "^a|b",
        "^x{3}",
        "^x*",
        "^é",
        "^",
        "a$",
        f"^{LONG}a",
        "^2026-01",
        "(?i)^A",
        "^(a)",
        "^A+",
    ):
        left_out += _left_out(Pattern(Path(A), regex), EDGES, able)
    assert left_out > len(EDGES) * 100


def test_a_good_server_leaves_out_most_of_what_does_not_match() -> None:
    terms: list[Node] = [Compare(Path(A), op, 20) for op in Op if op is not Op.NE]
    terms += [Compare(Path(A), Op.GT, "b"), Between(Path(A), 0, 25), Compare(Path(A), Op.GE, DateTimeValue(START))]
    for term in terms:
        matching = sum(matches(term, entity, lambda _: None) for entity, _ in EDGES)
        uncovered = 1
        prefixes = 6
        assert len(EDGES) - _left_out(term, EDGES, Able()) <= matching + uncovered + prefixes, term


@given(nodes(), nodes(), nodes())
def test_filters_are_flat_and_have_no_negation(one: Node, other: Node, third: Node) -> None:
    compiled = compile_node(And((Or((one, other)), And((third, one)), Or((Or((one, third)), other)))), "t", Able())
    _check_flat(compiled.where or {})


def _check_flat(where: dict[str, Any]) -> None:
    for glue in ("$and", "$or"):
        for part in where.get(glue, ()):
            assert glue not in part
            assert part
            _check_flat(part)
