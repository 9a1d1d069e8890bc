"""Aggregates of history (clause 4.5.19), on every engine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from broker.errors import InvalidRequest
from broker.model.evolution import Period
from broker.model.values import to_instant
from broker.ports import UNRESTRICTED
from broker.query.ast import EVERYTHING, Window
from broker.query.temporal import Aggregation, TemporalQuery
from tests.contract.engines import ENGINES, NS, Store, entity, opened, write
from tests.contract.history.evolving import MINUTE, A, begin, change, seen
from tests.fakes.clock import START, FakeClock

SPEED = frozenset({f"{NS}speed"})
DAY = 24 * 60 * MINUTE


@pytest.fixture(name="store", params=ENGINES)
def one_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    with opened(request.param, tmp_path, FakeClock()) as made:
        yield made


def periods(store: Store, query: TemporalQuery, name: str = "speed") -> Mapping[str, Sequence[Period]]:
    (found,) = store.history.evolution("", A, query, UNRESTRICTED).evolutions
    assert dict(found.attributes) == {}
    return found.aggregated.get(NS + name, {})


def values(store: Store, method: str, query: TemporalQuery | None = None, **times: int) -> list[Any]:
    asked = query or TemporalQuery(aggregation=Aggregation((method,), times.get("months", 0), times.get("micros", 0)))
    return [period.value for period in periods(store, asked)[method]]


NUMBERS = [1, 2.5, 4, True, -3]
TEXTS = ["b", "a", "b"]


@pytest.mark.parametrize(
    ("given", "method", "expected"),
    [
        (NUMBERS, "avg", 1.1),
        (NUMBERS, "max", 4),
        (NUMBERS, "min", -3),
        (NUMBERS, "sum", 5.5),
        (NUMBERS, "sumsq", 33.25),
        (NUMBERS, "stddev", 2.3323807579381204),
        (NUMBERS, "distinctCount", 4),
        (NUMBERS, "totalCount", 5),
        ([7], "stddev", 0),
        ([1e9, 1e9 + 1, 1e9 + 2], "stddev", 0.816496580927726),
        ([True, False], "avg", 0.5),
        ([True, False], "max", 1),
        (TEXTS, "max", "b"),
        (TEXTS, "min", "a"),
        (TEXTS, "distinctCount", 2),
        (TEXTS, "totalCount", 3),
        (["10:00:00Z", "11:00:00.5Z"], "avg", "10:30:00.250000Z"),
        (["2026-02-01T00:00:00Z", "2026-01-01T00:00:00Z"], "max", "2026-02-01T00:00:00Z"),
        ([[1, 2], [3], []], "avg", 1),
        ([[1, 2], [3]], "sum", 3),
        ([[1, 2], [3]], "max", 2),
        ([[1], [1], {"a": 1}], "distinctCount", 2),
        ([{"a": 1}], "totalCount", 1),
        ([1, "x", 3], "avg", 2),
        ([10**30, 1], "max", 1e30),
    ],
)
def test_methods_take_what_they_can(store: Store, given: list[Any], method: str, expected: Any) -> None:
    begin(store, "a", speed=[seen(value, minute) for minute, value in enumerate(given)])
    (value,) = values(store, method)
    assert value == pytest.approx(expected) if not isinstance(expected, str) else value == expected
    assert values(store, method, micros=60 * MINUTE) == [value]


@pytest.mark.parametrize(
    ("given", "method"),
    [
        (TEXTS, "avg"),
        (TEXTS, "sum"),
        ([{"a": 1}], "max"),
        ([[1]], "stddev"),
        ([[1]], "sumsq"),
        ([None], "min"),
    ],
)
def test_what_a_method_cannot_take_is_refused_where_it_was_asked_for(
    store: Store, given: list[Any], method: str
) -> None:
    begin(store, "a", speed=[seen(value, minute) for minute, value in enumerate(given)], name=[seen(1, 1)])
    asked = TemporalQuery(names=SPEED, aggregation=Aggregation((method,)))
    with pytest.raises(InvalidRequest) as refused:
        store.history.evolution("", A, asked, UNRESTRICTED)
    assert refused.value.pointer == "aggrMethods"
    both = TemporalQuery(aggregation=Aggregation((method, "totalCount")))
    assert list(periods(store, both)) == ["totalCount"]
    page = store.history.evolutions("", EVERYTHING, both, Window(1), UNRESTRICTED)
    assert dict(page.evolutions[0].kinds) == {f"{NS}speed": "Property", f"{NS}name": "Property"}


def test_relationships_are_counted(store: Store) -> None:
    links = [{"type": "Relationship", "object": f"urn:x:{n % 2}"} for n in range(3)]
    begin(store, "a", speed=[{**link, "observedAt": f"2026-01-01T00:0{n}:00Z"} for n, link in enumerate(links)])
    found = periods(store, TemporalQuery(aggregation=Aggregation(("distinctCount", "totalCount", "max"))))
    assert {method: held[0].value for method, held in found.items()} == {"distinctCount": 2, "totalCount": 3}


def test_periods_begin_where_the_query_does(store: Store) -> None:
    begin(store, "a", speed=[seen(n, n) for n in (1, 2, 11, 31)])
    asked = Aggregation(("sum",), 0, 10 * MINUTE)
    found = periods(store, TemporalQuery("after", START, aggregation=asked))["sum"]
    assert [((one.start - START) // MINUTE, (one.end - START) // MINUTE, one.value) for one in found] == [
        (0, 10, 3),
        (10, 20, 11),
        (30, 40, 31),
    ]
    found = periods(store, TemporalQuery("between", START + MINUTE, START + 12 * MINUTE, aggregation=asked))["sum"]
    assert [((one.start - START) // MINUTE, one.value) for one in found] == [(1, 3), (11, 11)]
    found = periods(store, TemporalQuery("before", START + 12 * MINUTE, aggregation=asked))["sum"]
    assert [((one.start - START) // MINUTE, one.value) for one in found] == [(1, 3), (11, 11)]


@pytest.mark.parametrize(
    ("query", "start", "end"),
    [
        (TemporalQuery(), 1, 31),
        (TemporalQuery("after", START), 0, 31),
        (TemporalQuery("before", START + 60 * MINUTE), 1, 60),
        (TemporalQuery("between", START, START + 60 * MINUTE), 0, 60),
    ],
)
def test_one_period_is_over_everything(store: Store, query: TemporalQuery, start: int, end: int) -> None:
    begin(store, "a", speed=[seen(n, n) for n in (1, 2, 31)])
    asked = TemporalQuery(query.timerel, query.at, query.end, aggregation=Aggregation(("totalCount",)))
    (found,) = periods(store, asked)["totalCount"]
    assert (found.start, found.end, found.value) == (START + start * MINUTE, START + end * MINUTE, 3)


def test_months_are_as_long_as_they_are(store: Store) -> None:
    at = ["2026-01-31T00:00:00Z", "2026-02-27T23:59:59Z", "2026-02-28T00:00:00Z", "2026-03-31T00:00:00Z"]
    begin(store, "a", speed=[{"type": "Property", "value": n, "observedAt": text} for n, text in enumerate(at)])
    start = to_instant(at[0])
    assert start is not None
    found = periods(store, TemporalQuery("after", start, aggregation=Aggregation(("sum", "max"), 1, 0)))
    assert [(one.start, one.value) for one in found["sum"]] == [
        (start, 1),
        (to_instant(at[2]), 2),
        (to_instant(at[3]), 3),
    ]
    two = periods(store, TemporalQuery("after", start, aggregation=Aggregation(("sum",), 1, 3 * DAY)))["sum"]
    assert [one.value for one in two] == [3, 3]


def test_what_an_entity_has_now_counts(store: Store) -> None:
    write(store, entity("a", speed=seen(1, 1)))
    change(store, A, speed=seen(2, 2))
    change(store, A, speed=seen(6, 30))
    asked = Aggregation(("avg", "totalCount", "stddev", "distinctCount"), 0, 10 * MINUTE)
    found = periods(store, TemporalQuery("after", START, aggregation=asked))
    assert {method: [one.value for one in held] for method, held in found.items()} == {
        "avg": [1.5, 6],
        "totalCount": [2, 1],
        "stddev": [0.5, 0],
        "distinctCount": [2, 1],
    }
    assert values(store, "avg") == [3]
    change(store, A, speed=None)
    assert values(store, "totalCount") == [3]


def test_the_last_few_are_aggregated(store: Store) -> None:
    begin(store, "a", speed=[seen(n, n) for n in range(10)])
    assert values(store, "sum", TemporalQuery(last_n=3, aggregation=Aggregation(("sum",)))) == [24]


def test_datasets_are_aggregated_by_themselves(store: Store) -> None:
    begin(store, "a", speed=[seen(1, 1), seen(10, 1, datasetId="urn:x:1"), seen(20, 2, datasetId="urn:x:1")])
    for dataset, expected in (("@none", 1), ("urn:x:1", 30)):
        asked = TemporalQuery(dataset_ids=(dataset,), aggregation=Aggregation(("sum",), 0, DAY))
        assert values(store, "sum", asked) == [expected]


def test_other_times_are_grouped(store: Store) -> None:
    begin(store, "a", speed=[seen(1, 1), seen(2, 2)])
    asked = TemporalQuery("after", START, timeproperty="createdAt", aggregation=Aggregation(("sum",), 0, MINUTE))
    assert periods(store, asked)["sum"] == [(START, START + MINUTE, 3)]
    months = TemporalQuery("after", START, timeproperty="modifiedAt", aggregation=Aggregation(("sum",), 1, 0))
    assert values(store, "sum", months) == [3]
