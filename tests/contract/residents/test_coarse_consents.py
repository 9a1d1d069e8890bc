"""Whoever may have hours, days or months has averages and counts of those that are over, and nothing to subtract."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from broker.ldcontext.core import core_context
from broker.model.values import to_text
from broker.query.ast import EVERYTHING, And, HasType, InScope, Window
from broker.query.bind import bind
from broker.query.q import parse_q
from broker.query.temporal import Aggregation, TemporalQuery
from tests.contract.residents.small_city import SmallCity, small_city
from tests.fakes.few_consents import HEART_RATE, READING, WEIGHT, clinic, reading

HOUR = 3_600_000_000
DAY = 24 * HOUR
MIDNIGHT = 1_767_193_200_000_000  # 2026-01-01T00:00:00+09:00
HANA = "urn:ngsi-ld:Reading:hana:1"
LENGTHS = {"hourly": (0, HOUR), "daily": (0, DAY), "monthly": (1, 0)}


@pytest.fixture(params=["memory", "sqlite"])
def city(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SmallCity]:
    with small_city(request.param, tmp_path) as made:
        made.clock.set(MIDNIGHT + 40 * DAY)
        yield made


def measure(city: SmallCity, start: int, values: Sequence[Any], dataset: str | None = None, **more: Any) -> None:
    """Values of hana, a second apart."""
    for number, value in enumerate(values):
        instance = {"type": "Property", "value": value, "observedAt": to_text(start + number * 1_000_000), **more}
        city.put(reading("hana", heartRate=instance | ({"datasetId": dataset} if dataset else {})))


def told(
    city: SmallCity, length: str, *methods: str, start: int = MIDNIGHT, end: int | None = None, **more: Any
) -> dict[str, dict[int, Any]]:
    """Values by method, and by the hours that a period begins after midnight."""
    query = TemporalQuery(
        "after" if end is None else "between",
        start,
        end or 0,
        aggregation=Aggregation(methods or ("avg", "totalCount"), *LENGTHS[length]),
        **more,
    )
    page = city.broker.history.evolution("", HANA, query, city.call(clinic()).restriction)
    return {
        method: {(one.start - MIDNIGHT) // HOUR: one.value for one in periods}
        for found in page.evolutions
        for method, periods in found.aggregated.get(HEART_RATE, {}).items()
    }


def test_enough_values_are_counted_and_averaged_and_nothing_else(city: SmallCity) -> None:
    measure(city, MIDNIGHT, [61, 97, 70, 80])
    measure(city, MIDNIGHT + HOUR, [60, 61, 62, 63, 64])
    city.city.give("hana", HEART_RATE, granularity="hourly")
    assert told(city, "hourly") == {"avg": {1: 62.0}, "totalCount": {1: 5}}
    every = ("min", "max", "sum", "sumsq", "stddev", "distinctCount")
    assert told(city, "hourly", *every) == {}
    assert told(city, "hourly", "max", "avg") == {"avg": {1: 62.0}}
    asked = TemporalQuery("after", MIDNIGHT, aggregation=Aggregation(("max",), 0, HOUR))
    page = city.broker.history.evolutions(
        "", HasType(READING), asked, Window(9, count=True), city.call(clinic()).restriction
    )
    assert (page.evolutions, page.total) == ([], 0)


def test_a_period_that_runs_is_told_when_it_is_over(city: SmallCity) -> None:
    now = city.clock.now()
    measure(city, now, [1, 2, 3, 4, 5])
    city.city.give("hana", HEART_RATE, granularity="hourly")
    assert told(city, "hourly") == told(city, "daily") == {}
    city.clock.set(now + HOUR - 1)
    assert told(city, "hourly") == {}
    city.clock.set(now + HOUR)
    assert told(city, "hourly") == {"avg": {960: 3.0}, "totalCount": {960: 5}}
    assert told(city, "daily") == {}


def test_each_dataset_has_enough_for_itself(city: SmallCity) -> None:
    for number in range(5):
        measure(city, MIDNIGHT + number * 60_000_000, [100 + number], f"urn:d:{number}")
    measure(city, MIDNIGHT + HOUR, [70, 70, 70, 70, 70], "urn:d:1")
    measure(city, MIDNIGHT + HOUR, [90, 91], "urn:d:2")
    city.city.give("hana", HEART_RATE, granularity="hourly")
    assert told(city, "hourly") == {"avg": {1: 70.0}, "totalCount": {1: 5}}
    assert told(city, "hourly", dataset_ids=("urn:d:1",)) == {"avg": {1: 70.0}, "totalCount": {1: 5}}
    assert told(city, "hourly", dataset_ids=("urn:d:2",)) == {}


def test_a_period_is_exactly_one_and_none_leaves_a_few_to_subtract(city: SmallCity) -> None:
    measure(city, MIDNIGHT, [99])
    for hour in (1, 24, 25):
        measure(city, MIDNIGHT + hour * HOUR, [60, 61, 62, 63, 64])
    city.city.give("hana", HEART_RATE, granularity="hourly")
    assert list(told(city, "hourly")["avg"]) == [1, 24, 25]
    assert told(city, "daily") == {"avg": {24: 62.0}, "totalCount": {24: 10}}
    assert told(city, "monthly") == {}
    for micros in (2 * HOUR, 2 * DAY, HOUR // 2, 0):
        query = TemporalQuery("after", MIDNIGHT, aggregation=Aggregation(("avg", "totalCount"), 0, micros))
        page = city.broker.history.evolution("", HANA, query, city.call(clinic()).restriction)
        assert not [one for one in page.evolutions if one.aggregated], micros
    assert told(city, "hourly", start=MIDNIGHT + HOUR // 2) == {}
    assert list(told(city, "hourly", end=MIDNIGHT + 25 * HOUR)["avg"]) == [1, 24]
    assert list(told(city, "hourly", end=MIDNIGHT + 25 * HOUR + 4_000_000)["avg"]) == [1, 24]
    assert told(city, "hourly", last_n=1) == {}


def test_months_are_told_where_nothing_few_is_left(city: SmallCity) -> None:
    measure(city, MIDNIGHT, [99])
    measure(city, MIDNIGHT + DAY, [60, 61, 62, 63])
    city.city.give("hana", HEART_RATE, granularity="daily")
    assert told(city, "daily") == {}
    assert told(city, "monthly") == {"avg": {0: 69.0}, "totalCount": {0: 5}}
    city.city.withdraw("hana")
    city.city.give("hana", HEART_RATE, granularity="monthly")
    assert told(city, "daily") == {}
    assert told(city, "monthly")["totalCount"] == {0: 5}


def test_what_is_seen_as_measured_leaves_enough_of_the_rest(city: SmallCity) -> None:
    measure(city, MIDNIGHT, [60, 61, 62, 63, 64, 65, 66])
    city.city.give("hana", HEART_RATE, granularity="hourly")
    city.city.give("hana", HEART_RATE, covers_from=MIDNIGHT + 3_000_000)
    assert told(city, "hourly", "avg", "totalCount", "max") == {
        "avg": {0: 64.5}, "totalCount": {0: 4}, "max": {0: 66}
    }  # fmt: skip
    measure(city, MIDNIGHT + HOUR, [60, 61, 62, 63, 64])
    assert told(city, "hourly", "max", "totalCount")["max"] == {0: 66, 1: 64}


def test_a_consent_to_a_part_of_a_period_tells_nothing_of_it(city: SmallCity) -> None:
    measure(city, MIDNIGHT, [60, 61, 62, 63, 64, 65, 66])
    city.city.give("hana", HEART_RATE, granularity="hourly", covers_from=MIDNIGHT + 1_000_000)
    assert told(city, "hourly") == {}
    measure(city, MIDNIGHT + HOUR, [60, 61, 62, 63, 64])
    assert told(city, "hourly")["avg"] == {1: 62.0}


def test_an_average_is_made_of_enough_numbers(city: SmallCity) -> None:
    measure(city, MIDNIGHT, [99, "a", "b", "c", "d"])
    city.city.give("hana", HEART_RATE, granularity="hourly")
    assert told(city, "hourly") == {}


def test_conditions_know_nothing_of_what_is_seen_coarsely(city: SmallCity) -> None:
    measure(city, MIDNIGHT, [60, 61, 62, 63, 64])
    city.city.give("hana", HEART_RATE, granularity="hourly")
    asked = TemporalQuery("after", MIDNIGHT, aggregation=Aggregation(("avg",), 0, HOUR))
    for text, found in (("heartRate>0", 0), ("heartRate", 0), ("!heartRate", 1)):
        where = And((HasType(READING), bind(parse_q(text), core_context())))
        page = city.broker.history.evolutions("", where, asked, Window(9), city.call(clinic()).restriction)
        assert len(page.evolutions) == found, text


def test_a_scope_cuts_no_period(city: SmallCity) -> None:
    city.city.give("hana", HEART_RATE, granularity="hourly")
    city.city.give("hana", WEIGHT)
    for scope, at in (("/a", 0), ("/b", HOUR // 2)):
        city.clock.set(MIDNIGHT + 40 * DAY + at)
        for number in range(5):
            observed = to_text(city.clock.now() + number * 1_000_000)
            value = {"type": "Property", "value": 60, "observedAt": observed}
            city.put(reading("hana", scope=scope, heartRate=value, weight=value))
    city.clock.set(MIDNIGHT + 41 * DAY)
    asked = TemporalQuery("after", MIDNIGHT, aggregation=Aggregation(("totalCount",), 0, HOUR))
    for where, found in ((InScope("/a"), {WEIGHT: 5}), (InScope("/b"), {WEIGHT: 4}), (EVERYTHING, {HEART_RATE: 10})):
        page = city.broker.history.evolutions("", where, asked, Window(9), city.call(clinic()).restriction)
        [one] = page.evolutions
        counts = {name: held["totalCount"][0].value for name, held in one.aggregated.items()}
        assert counts == {WEIGHT: 10} | found, where
