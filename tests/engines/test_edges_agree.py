"""Values at the edges of what the index holds: every operator between any two of them, on every engine.

FerretDB reads all of a collection for each answer: there every value is asked for by two operators of six, and by all
with MISONO_LONG=1.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from broker.model.entity import Entity
from broker.ports import UNRESTRICTED
from broker.query.ast import (
    And,
    Between,
    Compare,
    DateTimeValue,
    DateValue,
    Exists,
    Node,
    OneOf,
    Op,
    Pattern,
    Selection,
    TimeValue,
    UriValue,
    Value,
    Window,
)  # fmt: skip
from broker.query.ast import (
    Path as Way,
)
from broker.stores.sqlite.index import TEXT_CHARACTERS_MAX
from tests.engines.populated import Engines, engines
from tests.fakes.clock import START

A = "https://example.org/a"
LONG = "x" * TEXT_CHARACTERS_MAX
NUMBERS = [
    0, -0.0, 1, 1.0, 0.1, -1, 2**53, 2**53 + 1, float(2**53), 2**63 - 1, -(2**63), 2**63, float(2**63), 2**63 + 1,
    -(2**63) - 1, 10**30, 10**30 + 1, 1e30, 10**308, 10**400, -(10**400), 1.7976931348623157e308, 5e-324,
]  # fmt: skip
TEXTS = [
    "", " ", "a", "A", "é", "\U0010ffff", "a\x00", "a\x00b", LONG, LONG[:-1], LONG + "a", LONG + "b", LONG[:-1] + "y",
    "0", "true", "2026-01-01", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00.5Z", "2026-01-01T00:00:01Z", "09:00:00Z",
    "09:00:00.25Z", "2026-13-01", "2026-01-01T00:00:00", "urn:e:1",
]  # fmt: skip
ARRAYS: list[Any] = [
    [],
    [1],
    ["a"],
    [True],
    [[1]],
    [None],
    [1, "a", LONG + "a", 10**30],
    list(range(100)),
    {"b": 1},
    None,
]
HELD = [*NUMBERS, *TEXTS, True, False, *ARRAYS]
ASKED: list[Value] = [
    *NUMBERS, *TEXTS, True, False, UriValue("urn:e:1"), UriValue("a"), DateValue("2026-01-01"), DateTimeValue(START),
    DateTimeValue(START + 500_000), DateTimeValue(START + 1_000_000), TimeValue(9 * 3_600_000_000, "09:00:00Z"),
    TimeValue(9 * 3_600_000_000 + 250_000, "09:00:00.25Z"),
]  # fmt: skip
EVERYTHING = Window(1_000, 0, count=True)
THOROUGH = bool(os.environ.get("MISONO_LONG"))


@pytest.fixture(scope="module", params=["sqlite", "mongo", "ferret"])
def held(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Engines, str]]:
    with engines(request.param, tmp_path_factory.mktemp("edges")) as made:
        yield made, made.hold([_entity(number, value) for number, value in enumerate(HELD)])


def _entity(number: int, value: Any) -> Entity:
    instance: Any = {"type": "Property", "value": value}
    if isinstance(value, str) and value.startswith("2026-01-01T") and value.endswith("Z"):
        instance["observedAt"] = value
    return Entity({"id": f"urn:e:{number}", "type": "https://example.org/T", A: instance}, START, START)


@pytest.mark.parametrize("op", Op)
def test_comparisons(held: tuple[Engines, str], op: Op, request: pytest.FixtureRequest) -> None:
    by_turns = "ferret" in request.node.callspec.id and not THOROUGH
    for value in ASKED[[*Op].index(op) % 3 :: 3] if by_turns else ASKED:
        _same(held, Compare(Way(A), op, value))
        _same(held, Compare(Way(A, ("observedAt",)), op, value))


def test_ranges_and_lists(held: tuple[Engines, str]) -> None:
    for low, high in zip(ASKED, [*ASKED[3:], *ASKED[:3]], strict=True):
        for negated in (False, True):
            _same(held, Between(Way(A), low, high, negated))
            _same(held, OneOf(Way(A), (low, high), negated))


def test_patterns_see_the_whole_text(held: tuple[Engines, str]) -> None:
    for regex in ("a$", "^x*y$", "b$", "^$", "", "x{100}", "^a.b$", "é", "(?s)a.b"):
        for negated in (False, True):
            _same(held, Pattern(Way(A), regex, negated))


def test_some_are_found_and_some_are_not(held: tuple[Engines, str]) -> None:
    """The other tests of this module bite."""
    found = [_same(held, Compare(Way(A), Op.EQ, value)) for value in ASKED]
    assert sum(0 < number < len(HELD) for number in found) > len(ASKED) - 5
    assert _same(held, Exists(Way(A))) == len(HELD)
    assert _same(held, Exists(Way(A, (), ("b",)))) == 1


def _same(held: tuple[Engines, str], node: Node) -> int:
    stores, tenant = held
    selection = Selection(And((node,)))
    model = stores.memory.select(tenant, selection, EVERYTHING, UNRESTRICTED)
    found = stores.other.select(tenant, selection, EVERYTHING, UNRESTRICTED)
    assert [one.id for one in found.entities] == [one.id for one in model.entities], node
    assert found.total == model.total
    return len(model.entities)
