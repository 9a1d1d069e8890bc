"""The weather of a district by its seed, minute by minute, and the forecast of it, which knows less."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from random import Random
from typing import Final

MINUTE_S: Final = 60
DAY_S: Final = 86_400
DAY_MINUTES: Final = 1_440
ZONE_S: Final = 9 * 3_600
"""Japan Standard Time."""
CLEAR: Final = 1_000
_YEAR: Final = 365.25


@dataclass(frozen=True, slots=True)
class Today:
    """A day: the sun by minute in thousandths of its best, degrees by hour in tenths; `cloud` is what is forecast."""

    sun: tuple[int, ...]
    degrees: tuple[int, ...]
    cloud: float
    mean: float


@dataclass(slots=True)
class Weather:
    """See the module; instants are seconds since 1970 in UTC."""

    seed: int
    _days: dict[int, Today] = field(default_factory=dict)

    def sun(self, at: int) -> int:
        """How much of their best solar panels give, in thousandths."""
        day, minute = divmod((at + ZONE_S) // MINUTE_S, DAY_MINUTES)
        return self._day(day).sun[minute]

    def degrees(self, at: int) -> int:
        """The temperature outside, in tenths of a degree."""
        day, second = divmod(at + ZONE_S, DAY_S)
        return self._day(day).degrees[second // 3_600]

    def forecast(self, at: int) -> tuple[int, int]:
        """(sun in thousandths, tenths of a degree) as told the day before: the day's cloud and mean, no gusts."""
        day, second = divmod(at + ZONE_S, DAY_S)
        told = self._day(day)
        sun = clear_sky(day, second // MINUTE_S) * (1.0 - told.cloud)
        return round(sun), round(told.mean * 10 + 45 * math.sin(math.tau * (second / DAY_S - 0.375)))

    def _day(self, day: int) -> Today:
        found = self._days.get(day)
        if found is None:
            found = self._days[day] = _drawn(self.seed, day)
        return found


def clear_sky(day: int, minute: int) -> float:
    """Thousandths of the best without a cloud: longer and higher in summer."""
    season = math.sin(math.tau * (day % _YEAR - 80) / _YEAR)
    half = (12.0 + 2.4 * season) / 2
    height = math.cos((minute / 60 - 11.7) / half * math.pi / 2) if abs(minute / 60 - 11.7) < half else 0.0
    return CLEAR * height * (0.78 + 0.22 * season)


def _drawn(seed: int, day: int) -> Today:
    chance = Random(f"weather {seed} {day}")  # noqa: S311  a simulation, not a secret
    cloud = chance.betavariate(1.2, 2.2)
    mean = 15.5 - 11.0 * math.cos(math.tau * (day % _YEAR - 25) / _YEAR) + chance.gauss(0, 2.0)
    drift = 0.0
    sun: list[int] = []
    for minute in range(DAY_MINUTES):
        drift = 0.97 * drift + chance.gauss(0, 0.05)
        through = min(1.0, max(0.04, 1.0 - cloud * (1.0 + drift) + 0.3 * drift))
        sun.append(round(clear_sky(day, minute) * through))
    degrees = tuple(
        round(mean * 10 + 45 * math.sin(math.tau * (hour / 24 - 0.375)) + chance.gauss(0, 6)) for hour in range(24)
    )
    return Today(tuple(sun), degrees, cloud, mean)
