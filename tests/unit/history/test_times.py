"""The temporal query language (clauses 4.11, 4.5.19, 5.2.21, 5.2.44)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from broker.decode.temporal_query import decode_temporal_query
from broker.errors import BadRequestData
from broker.model.values import to_instant
from broker.query.temporal import Aggregation, TemporalQuery
from broker.query.times import NO_TIMES, TemporalTexts, parse_duration, parse_times

AT, END = "2026-01-01T00:00:00Z", "2026-01-02T00:00:00.5Z"
HOUR = 3_600_000_000


def test_times_become_instants() -> None:
    at, end = to_instant(AT), to_instant(END)
    assert at is not None
    assert end is not None
    assert parse_times(TemporalTexts("after", AT)) == TemporalQuery("after", at)
    between = parse_times(TemporalTexts("between", AT, END, "modifiedAt", 5))
    assert between == TemporalQuery("between", at, end, "modifiedAt", 5)
    assert parse_times(NO_TIMES) == TemporalQuery()


@pytest.mark.parametrize(
    ("texts", "pointer"),
    [
        (TemporalTexts("during", AT), "timerel"),
        (TemporalTexts("after"), "timeAt"),
        (TemporalTexts(time_at=AT), "timerel"),
        (TemporalTexts("between", AT), "endTimeAt"),
        (TemporalTexts("after", "2026-01-01"), "timeAt"),
        (TemporalTexts("between", AT, "2026"), "endTimeAt"),
        (TemporalTexts(timeproperty="expiresAt"), "timeproperty"),
        (TemporalTexts(methods=("avg", "median")), "aggrMethods"),
        (TemporalTexts(methods=()), "aggrMethods"),
        (TemporalTexts(methods=("avg",), period="1H"), "aggrPeriodDuration"),
    ],
)
def test_what_is_wrong_is_named(texts: TemporalTexts, pointer: str) -> None:
    with pytest.raises(BadRequestData) as refused:
        parse_times(texts)
    assert refused.value.pointer == pointer


@pytest.mark.parametrize(
    ("text", "months", "micros"),
    [
        ("PT1H", 0, HOUR),
        ("P1D", 0, 24 * HOUR),
        ("P2W", 0, 14 * 24 * HOUR),
        ("P1M", 1, 0),
        ("PT1M", 0, HOUR // 60),
        ("P1Y2M", 14, 0),
        ("PT0S", 0, 0),
        ("P0D", 0, 0),
        ("PT0.25S", 0, 250_000),
        ("P3Y6M4DT12H30M5S", 42, ((4 * 24 + 12) * 3600 + 30 * 60 + 5) * 1_000_000),
    ],
)
def test_durations_are_months_and_microseconds(text: str, months: int, micros: int) -> None:
    assert parse_duration(text) == (months, micros)


@pytest.mark.parametrize("text", ["", "P", "PT", "1H", "P1DT", "P-1D", "PT1H1H", "P1H", "PT1D", "P" + "9" * 99 + "D"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(BadRequestData):
        parse_duration(text)


def test_a_method_counts_once() -> None:
    query = parse_times(TemporalTexts(methods=("avg", "max", "avg"), period="P1M"))
    assert query.aggregation == Aggregation(("avg", "max"), 1, 0)


BODY: dict[str, Any] = {"type": "Query", "entities": [{"type": "House"}]}
TIMES = TemporalTexts("after", AT)


@pytest.mark.parametrize(
    ("members", "texts"),
    [
        ({"temporalQ": {"timerel": "after", "timeAt": AT}}, TIMES),
        ({"temporalQ": {"timerel": "after", "timeAt": AT, "lastN": 3}}, replace(TIMES, last_n=3)),
        (
            {"temporalQ": {"timerel": "after", "timeAt": AT, "aggrMethods": "avg, max"}},
            replace(TIMES, methods=("avg", "max")),
        ),
        (
            {
                "temporalQ": {"timerel": "after", "timeAt": AT},
                "aggrParams": {"aggrMethods": ["sum"], "aggrPeriodDuration": "P1D"},
            },
            replace(TIMES, methods=("sum",), period="P1D"),
        ),
        ({}, None),
    ],
)
def test_a_body_says_the_same_as_parameters(members: Any, texts: TemporalTexts | None) -> None:
    assert decode_temporal_query({**BODY, **members}).times == texts


@pytest.mark.parametrize(
    ("members", "pointer"),
    [
        ({"temporalQ": {"timerel": "after", "timeAt": AT, "lastN": 0}}, "/temporalQ/lastN"),
        ({"temporalQ": {"timerel": "after", "timeAt": AT, "lastN": 2.5}}, "/temporalQ/lastN"),
        ({"temporalQ": {"timerel": 5, "timeAt": AT}}, "/temporalQ/timerel"),
        ({"temporalQ": {"timerel": "after", "at": AT}}, "/temporalQ/at"),
        ({"temporalQ": []}, "/temporalQ"),
        ({"aggrParams": {"lastN": 1}}, "/aggrParams/lastN"),
        ({"join": "sideways"}, "/join"),
    ],
)
def test_a_member_of_the_wrong_shape_is_named(members: Any, pointer: str) -> None:
    with pytest.raises(BadRequestData) as refused:
        decode_temporal_query({**BODY, **members})
    assert refused.value.pointer == pointer
