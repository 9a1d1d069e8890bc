"""When something is not as usual. Pure: instants in microseconds, temperatures in degrees Celsius, humidity 0 to 1.

absence(Usual({7: 26, 8: 27}, 28), last, now, zone)    how unlikely the silence since `last` is by what is usual
heat(31.5, 0.7)                                        indoor heat by the WBGT that temperature and humidity give
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from broker.model.values import Instant

HOUR_US: Final = 3_600_000_000
MINUTE_US: Final = 60_000_000
LEVELS: Final = ("notice", "caution", "emergency")
UNLIKELY: Final = (("emergency", 0.001), ("caution", 0.01), ("notice", 0.05))
"""How unlikely a silence is, at the most, at each level."""
HEAT: Final = (("emergency", 31.0), ("caution", 28.0), ("notice", 25.0))
"""WBGT from which on: 危険, 厳重警戒 and 警戒 of the Japanese Society of Biometeorology's guideline for daily life."""
SILENT_MAX_H: Final = 14 * 24


@dataclass(frozen=True, slots=True)
class Usual:
    """On how many of `days` days there was activity in each hour of the day."""

    hours: Mapping[int, int]
    days: int

    def chance(self, hour: int) -> float:
        """That there is activity in that hour; never quite 0 or 1, for days are few."""
        return (min(self.hours.get(hour, 0), self.days) + 0.5) / (self.days + 1)


@dataclass(frozen=True, slots=True)
class Finding:
    """What was noticed: by which rule, how urgent, since when, and how sure that is (0 to 1)."""

    rule: str
    level: str
    since: Instant
    confidence: float


def absence(usual: Usual, last: Instant, now: Instant, zone: ZoneInfo) -> Finding | None:
    """A silence that is not usual; hours count that were silent from their beginning to their end."""
    at, silent, chance = (last // HOUR_US + 1) * HOUR_US, 0, 1.0
    while at + HOUR_US <= now and silent < SILENT_MAX_H:
        chance *= 1 - usual.chance(datetime.fromtimestamp(at // 1_000_000, UTC).astimezone(zone).hour)
        at, silent = at + HOUR_US, silent + 1
    level = next((name for name, most in UNLIKELY if chance <= most), "")
    return Finding("noActivity", level, last, round(1 - chance, 4)) if level else None


def wbgt(temperature: float, humidity: float) -> float:
    """Indoors, without sun and wind, by Ono and Tonouchi (2014)."""
    percent = humidity * 100
    return 0.735 * temperature + 0.0374 * percent + 0.00292 * temperature * percent - 4.064


def heat(temperature: float, humidity: float, since: Instant = 0) -> Finding | None:
    """Heat indoors that people fall ill of."""
    found = wbgt(temperature, humidity)
    level = next((name for name, least in HEAT if found >= least), "")
    return Finding("indoorHeat", level, since, 1.0) if level else None


def left_open(since: Instant, now: Instant, minutes: int) -> Finding | None:
    """A door that stands open for so long; for four times as long it is urgent."""
    open_min = (now - since) // MINUTE_US
    if open_min < minutes:
        return None
    return Finding("doorLeftOpen", "emergency" if open_min >= 4 * minutes else "caution", since, 1.0)


def worse(one: str, other: str) -> bool:
    """Whether a level is above another one."""
    return LEVELS.index(one) > LEVELS.index(other)
