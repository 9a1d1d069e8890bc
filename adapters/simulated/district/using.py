"""What people use: loads of a site by priority and minute, and the car that stands before it."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Final

from adapters.simulated.district.sites import SiteSpec
from adapters.simulated.district.weather import DAY_S, ZONE_S, Weather

Loads = tuple[int, int, int, int]
_HOURS: Final = {
    # by hour, in hundredths of the mean: (lighting, other)
    "home": (
        (20, 10, 10, 10, 10, 30, 90, 110, 60, 30, 30, 30, 30, 30, 30, 40, 90, 190, 250, 260, 260, 240, 180, 80),
        (50, 40, 40, 40, 50, 80, 150, 160, 90, 70, 60, 80, 90, 70, 60, 70, 100, 160, 210, 200, 180, 150, 110, 70),
    ),
    "store": (
        (110, 110, 110, 110, 110, 100, 90, 90, 90, 90, 90, 90, 90, 90, 90, 90, 100, 110, 110, 110, 110, 110, 110, 110),
        (60, 55, 50, 50, 55, 75, 110, 130, 120, 100, 105, 140, 145, 120, 100, 105, 115, 135, 140, 130, 115, 95, 80, 70),
    ),
    "mall": (
        (15, 15, 15, 15, 15, 15, 20, 40, 90, 180, 190, 190, 190, 190, 190, 190, 190, 190, 190, 190, 180, 110, 40, 20),
        (20, 20, 20, 20, 20, 25, 35, 60, 110, 170, 190, 200, 200, 195, 190, 190, 190, 185, 180, 170, 140, 90, 45, 25),
    ),
}  # fmt: skip
_HEATED: Final = {"home": 14, "store": 60, "mall": 1_800}
"""Watts for each degree that it is colder or warmer than 20 outside."""
_EV_W: Final = 3_000
_EV_TRIP_WH: Final = 8_000
_AWAY: Final = (8, 18)
_COMFORT: Final = 200
_JITTER_S: Final = 300


@dataclass(slots=True)
class Usage:
    """Of one site, by a seed."""

    spec: SiteSpec
    seed: int
    weather: Weather
    _days: dict[int, tuple[int, ...]] = field(default_factory=dict)

    def loads(self, at: int) -> Loads:
        """Watts that are asked for, by priority."""
        medical, cooling, lighting, other = self.spec.loads_w
        second = at + ZONE_S
        hour = second % DAY_S // 3_600
        jitter = self._jitter(second)
        by_light, by_other = _HOURS[self.spec.kind]
        compressor = 130 if second // 600 % 3 != 1 else 40
        heated = abs(self.weather.degrees(at) - _COMFORT) * _HEATED[self.spec.kind] // 10
        return (
            medical,
            cooling * compressor // 100,
            lighting * by_light[hour] // 100,
            (other * by_other[hour] // 100 + heated) * jitter // 100,
        )

    def car(self, at: int) -> int:
        """Watts that the car asks for: at home in the evening, until what it drove is back."""
        if not self.spec.ev_wh:
            return 0
        second = (at + ZONE_S) % DAY_S
        needs = _EV_TRIP_WH * 3_600 // _EV_W
        return _EV_W if _AWAY[1] * 3_600 <= second < _AWAY[1] * 3_600 + needs else 0

    def _jitter(self, second: int) -> int:
        day, place = divmod(second, DAY_S)
        found = self._days.get(day)
        if found is None:
            chance = Random(f"use {self.seed} {self.spec.name} {day}")  # noqa: S311  a simulation, not a secret
            whole = chance.gauss(100, 12)
            drawn = (max(40, round(whole + chance.gauss(0, 14))) for _ in range(DAY_S // _JITTER_S))
            found = self._days[day] = tuple(drawn)
        return found[place // _JITTER_S]
