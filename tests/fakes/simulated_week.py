"""What the sites of the simulated district make and use by half hour, with forecasts of its weather that are wrong."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Final

from adapters.simulated.district.sites import SEVEN, SiteSpec
from adapters.simulated.district.using import Usage
from adapters.simulated.district.weather import CLEAR, DAY_S, ZONE_S, Weather
from services.energy.planning import forecasting

BEGIN: Final = 1_767_225_600 - ZONE_S
"""A midnight in Tokyo."""
HALF_S, SAMPLE_S = 1_800, 300
BEST_W_M2: Final = 900.0


def simulated(seed: int, days: int) -> Iterator[tuple[str, list[int], list[int], list[forecasting.Weather]]]:
    """(name, Wh of sun, Wh of load, the forecast) of each of the seven sites."""
    weather, starts = Weather(seed), range(BEGIN, BEGIN + days * DAY_S, HALF_S)
    chance = Random(seed)
    wrong = {day: (chance.gauss(1, 0.15), chance.gauss(0, 15)) for day in range(days)}
    told = []
    for start in starts:
        (clouds, warmth), (sun, tenths) = wrong[(start - BEGIN) // DAY_S], weather.forecast(start + HALF_S // 2)
        told.append(forecasting.Weather(max(sun * clouds, 0) * BEST_W_M2 / CLEAR, (tenths + warmth) / 10))
    shining = [sum(weather.sun(at) for at in _samples(start)) for start in starts]
    for spec in SEVEN:
        yield spec.name, [_wh(spec.pv_w * sun // CLEAR) for sun in shining], _used(spec, seed, weather, starts), told


def _used(spec: SiteSpec, seed: int, weather: Weather, starts: range) -> list[int]:
    usage = Usage(spec, seed, weather)
    return [_wh(sum(sum(usage.loads(at)) + usage.car(at) for at in _samples(start))) for start in starts]


def _samples(start: int) -> range:
    return range(start, start + HALF_S, SAMPLE_S)


def _wh(watts: int) -> int:
    return watts * SAMPLE_S // 3_600
