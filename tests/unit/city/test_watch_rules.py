"""When something is not as usual: silences, heat, doors."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.watch.rules import HOUR_US, LEVELS, MINUTE_US, Usual, absence, heat, left_open, wbgt, worse

TOKYO = ZoneInfo("Asia/Tokyo")
SEVEN = 22 * HOUR_US
"""Seven o'clock in Tokyo."""
AWAKE = Usual(dict.fromkeys(range(6, 21), 28), 28)


def test_a_silence_is_noticed_the_more_the_longer_it_is() -> None:
    levels = [found.level if (found := absence(AWAKE, SEVEN, SEVEN + n * HOUR_US, TOKYO)) else "" for n in range(5)]
    assert levels == ["", "", "notice", "emergency", "emergency"]


def test_a_silent_night_is_as_usual() -> None:
    evening = SEVEN + 14 * HOUR_US
    assert absence(AWAKE, evening, evening + 9 * HOUR_US, TOKYO) is None


def test_an_hour_counts_when_it_is_over() -> None:
    late = SEVEN + 59 * MINUTE_US
    assert absence(AWAKE, late, late + 60 * MINUTE_US, TOKYO) is None


@given(st.dictionaries(st.integers(0, 23), st.integers(0, 40)), st.integers(1, 28), st.integers(0, 400))
def test_a_silence_never_grows_less_urgent(hours: dict[int, int], days: int, silent: int) -> None:
    usual = Usual(hours, days)
    one, next_ = (absence(usual, SEVEN, SEVEN + (silent + more) * HOUR_US, TOKYO) for more in (0, 1))
    assert one is None or (next_ is not None and not worse(one.level, next_.level))
    assert one is None or 0 <= one.confidence <= 1


@pytest.mark.parametrize(
    ("temperature", "humidity", "level"),
    [(25, 0.5, ""), (30, 0.6, "notice"), (33, 0.6, "caution"), (36, 0.7, "emergency")],
)
def test_heat_by_temperature_and_humidity(temperature: float, humidity: float, level: str) -> None:
    found = heat(temperature, humidity)
    assert (found.level if found else "") == level


@given(st.floats(20, 45), st.floats(0, 0.99))
def test_it_is_hotter_when_it_is_warmer_or_damper(temperature: float, humidity: float) -> None:
    assert wbgt(temperature + 1, humidity) > wbgt(temperature, humidity)
    assert wbgt(temperature, humidity + 0.01) > wbgt(temperature, humidity)


def test_a_door_is_noticed_after_a_while_and_urgent_after_four() -> None:
    found = [left_open(0, minutes * MINUTE_US, 30) for minutes in (29, 30, 119, 120)]
    assert [one.level if one else "" for one in found] == ["", "caution", "caution", "emergency"]
    assert LEVELS[0] == "notice"
