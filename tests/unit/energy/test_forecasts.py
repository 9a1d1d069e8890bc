"""Forecasts of sun and load on a week that was held out, against every day being like the one before.

The weather itself is told to nobody: only what was forecast of it. `FORECAST_SITES=40` measures so many houses,
`FORECAST_SEEDS=10` so many weeks of the simulated district.
"""

from __future__ import annotations

import os

import pytest

from services.energy.planning.forecasting import Kind, Weather, forecast, persistence
from tests.fakes.simulated_week import simulated
from tests.fakes.weathered_house import DAY, weathered

SITES = int(os.environ.get("FORECAST_SITES", "7"))
SEEDS = int(os.environ.get("FORECAST_SEEDS", "1"))
LEARNT, HELD_OUT = 28, 7


def ratio(kind: Kind, *, told: bool) -> float:
    """The mean absolute error over all houses of the week, as a part of that of persistence."""
    ours = theirs = 0
    for seed in range(SITES):
        sun, load, weather = weathered(seed, LEARNT + HELD_OUT)
        came = sun if kind == "pv" else load
        for day in range(LEARNT, LEARNT + HELD_OUT):
            past, truth = came[: day * DAY], came[day * DAY : (day + 1) * DAY]
            seen = weather[: (day + 1) * DAY] if told else []
            ours += error(forecast(kind, past, seen, DAY, DAY), truth)
            theirs += error(persistence(past, DAY, DAY), truth)
    return ours / theirs


def of_the_district(kind: Kind) -> tuple[float, int]:
    """The same of the simulated district: the mean of its sites' parts, and how many slots were forecast."""
    parts: list[float] = []
    for seed in range(1, 1 + SEEDS):
        for _, sun, load, weather in simulated(seed, LEARNT + HELD_OUT):
            came, ours, theirs = sun if kind == "pv" else load, 0, 0
            for day in range(LEARNT, LEARNT + HELD_OUT):
                past, truth = came[: day * DAY], came[day * DAY : (day + 1) * DAY]
                ours += error(forecast(kind, past, weather[: (day + 1) * DAY], DAY, DAY), truth)
                theirs += error(persistence(past, DAY, DAY), truth)
            parts += [ours / theirs] if theirs else []  # one of the houses has no roof
    return sum(parts) / len(parts), len(parts) * HELD_OUT * DAY


def error(told: list[int], came: list[int]) -> int:
    return sum(abs(one - other) for one, other in zip(told, came, strict=True))


@pytest.mark.parametrize("kind", ["pv", "load"])
def test_a_week_held_out_is_forecast_a_tenth_better_than_by_the_day_before(kind: Kind) -> None:
    found = ratio(kind, told=True)
    print(f"figure forecast_{kind}_error {found:.4f} {SITES * HELD_OUT * DAY}")
    assert found <= 0.9


@pytest.mark.parametrize("kind", ["pv", "load"])
def test_so_is_a_week_of_the_simulated_district(kind: Kind) -> None:
    found, slots = of_the_district(kind)
    print(f"figure district_{kind}_error {found:.4f} {slots}")
    assert found <= 0.9


@pytest.mark.parametrize("kind", ["pv", "load"])
def test_without_any_weather_it_is_still_better(kind: Kind) -> None:
    assert ratio(kind, told=False) < 1


def test_what_is_not_known_is_left_out() -> None:
    sun, _, weather = weathered(3, 20)
    holes = [None if place % 11 == 0 or 300 <= place < 360 else one for place, one in enumerate(sun)]
    found = forecast("pv", holes, weather, DAY, DAY)
    assert len(found) == DAY
    assert max(found) > 0


def test_nothing_is_made_by_night_nor_below_nothing() -> None:
    sun, load, weather = weathered(1, 20)
    found = forecast("pv", sun, weather, 2 * DAY, DAY)
    assert found[0] == found[DAY - 1] == found[DAY] == 0
    assert min(found) >= 0
    assert min(forecast("load", load, weather, 2 * DAY, DAY)) >= 0


@pytest.mark.parametrize(
    ("history", "expected"),
    [([], [0, 0]), ([None, None], [0, 0]), ([4, 6], [4, 6]), ([4, 6, 8, None], [6, 6]), ([5], [0, 0])],
)
def test_a_short_past_is_its_mean(history: list[int | None], expected: list[int]) -> None:
    assert forecast("load", history, [Weather(1.0, 2.0)] * 9, 2, 2) == expected


def test_the_same_past_says_the_same() -> None:
    _, load, weather = weathered(2, 15)
    assert forecast("load", load, weather, DAY, DAY) == forecast("load", load, weather, DAY, DAY)
