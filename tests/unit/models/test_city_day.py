"""The simulated day: it begins with the sample data, goes as its curves do, and is the same each time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datamodels.city.day import BadDay, Day, changes, clock, moving, read_day

SUN = [0, 0, 0, 0, 0, 0, 0.1, 0.3, 0.5, 0.7, 0.9, 1, 1, 0.9, 0.8, 0.6, 0.3, 0.1, 0, 0, 0, 0, 0, 0]
EXPAND = {"Meter": "https://a.example/Meter", "value": "https://a.example/value"}
AT = "https://a.example/value"


def day(series: dict[str, Any] | None = None, **members: Any) -> Day:
    one = {"type": "Meter", "attribute": "value", "curve": "sun", **(series or {})}
    body: dict[str, Any] = {"start": "2026-11-23T03:00:00Z", "curves": {"sun": SUN}, "series": [one], **members}
    return read_day(body)


def meter(value: float = 2.0) -> dict[str, Any]:
    instance = {"type": "Property", "value": value, "unitCode": "KWT", "observedAt": "2026-11-23T03:00:00.000000Z"}
    return {"id": "urn:a:1", "type": "https://a.example/Meter", AT: instance}


def value_at(one: Day, step: int, value: float = 2.0) -> float:
    fragments = changes(one, moving(one, [meter(value)], EXPAND), step)
    instance: Any = fragments[0][AT]
    number: float = instance["value"]
    return number


def test_a_step_is_a_fragment_with_value_unit_and_moment() -> None:
    one = day({"how": "times"}, step=60)
    assert changes(one, moving(one, [meter()], EXPAND), 2) == [
        {
            "id": "urn:a:1",
            "type": "https://a.example/Meter",
            AT: {"type": "Property", "value": 1.6, "unitCode": "KWT", "observedAt": "2026-11-23T05:00:00Z"},
        }
    ]
    assert clock(one, 2) == "14:00"


@given(
    st.sampled_from(["plus", "times", "grow"]),
    st.floats(0, 50),
    st.floats(0, 3),
    st.integers(0, 5000),
)
def test_it_begins_with_the_sample_and_is_the_same_each_time(how: str, value: float, jitter: float, step: int) -> None:
    one = day({"how": how, "jitter": jitter, "by": 3, "least": -10, "most": 90})
    assert value_at(one, 0, value) == pytest.approx(min(value, 90), abs=0.006)
    assert value_at(one, step, value) == value_at(one, step, value)
    assert -10 <= value_at(one, step, value) <= 90


def test_night_falls_and_the_next_day_is_as_this_one() -> None:
    one = day({"how": "times"}, step=60)
    assert [value_at(one, step) for step in (0, 12, 18, 24)] == [2.0, 0.0, 0.2, 2.0]


@given(st.integers(0, 3000), st.integers(0, 3000))
def test_a_meter_never_runs_backwards(earlier: int, later: int) -> None:
    one = day({"how": "grow", "by": 1.5, "digits": 3})
    first, second = sorted((earlier, later))
    assert value_at(one, first) <= value_at(one, second)


def test_a_meter_counts_the_area_under_its_curve() -> None:
    one = day({"how": "grow", "by": 2, "digits": 6}, step=60)
    assert value_at(one, 24, 0.0) == pytest.approx(2 * sum(SUN))
    assert value_at(one, 49, 0.0) == pytest.approx(2 * (2 * sum(SUN) + 0.95))


def test_digits_of_0_give_whole_numbers() -> None:
    assert isinstance(value_at(day({"digits": 0, "by": 7}), 9), int)


def test_who_goes_round_comes_back() -> None:
    square = [[139.0, 35.0], [139.1, 35.0], [139.1, 35.1], [139.0, 35.1]]
    one = day(routes=[{"id": "urn:a:bus", "lap": 20, "through": square}])
    fragments: list[Any] = [changes(one, [], step)[0] for step in range(5)]
    places = [fragment["https://uri.etsi.org/ngsi-ld/location"]["value"]["coordinates"] for fragment in fragments]
    assert places == [pytest.approx(place) for place in [*square, square[0]]]


def test_only_numbers_of_default_instances_move() -> None:
    other = meter() | {"id": "urn:a:2", AT: {"type": "Property", "value": "much"}}
    several = meter() | {"id": "urn:a:3"}
    several[AT] = [several[AT] | {"datasetId": "urn:a:d", "value": 9}, several[AT]]
    found = moving(day(), [other, several, meter() | {"type": "https://a.example/Else"}], EXPAND)
    assert [(one.id, one.instance["value"]) for one in found] == [("urn:a:3", 2.0)]


def test_its_pace() -> None:
    one = day(speed=60, step=5)
    assert (one.pause_s, one.day_s) == (5.0, 1440.0)
    assert one.start == datetime(2026, 11, 23, 3, tzinfo=UTC)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"start": "2026-11-23T03:00:00"}, "start"),
        ({"start": "2026-11-23T03:00:00Z", "zone": "Mars/Olympus"}, "zone"),
        ({"start": "2026-11-23T03:00:00Z", "speed": 0}, "speed: a number above 0"),
        ({"start": "2026-11-23T03:00:00Z", "curves": {"sun": [1, 2]}}, "curves.sun: 24 numbers"),
        ({"start": "2026-11-23T03:00:00Z", "series": [{"curve": "moon"}]}, "series: curve"),
        ({"start": "2026-11-23T03:00:00Z", "series": "all"}, "series: a list"),
        ({"start": "2026-11-23T03:00:00Z", "routes": [{"id": "urn:a:1", "through": [[1, 2]]}]}, "routes"),
        ({"start": "2026-11-23T03:00:00Z", "routes": [{"id": "urn:a:1", "through": [[1, 2], [1]]}]}, "routes: through"),
    ],
)
def test_what_is_wrong_is_said(body: dict[str, Any], told: str) -> None:
    with pytest.raises(BadDay) as refusal:
        read_day(body)
    assert told in str(refusal.value)


@pytest.mark.parametrize(
    "wrong", [{"attribute": 1}, {"how": "twice"}, {"by": "much"}, {"colour": "red"}, {"jitter": True}]
)
def test_what_is_wrong_with_a_series_is_said(wrong: dict[str, Any]) -> None:
    with pytest.raises(BadDay, match="series"):
        day(wrong)
