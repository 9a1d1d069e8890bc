"""Slots: the intervals in which energy is metered, traded and settled; 30 minutes of the city's time by itself.

slots = Slots(30, ZoneInfo("Asia/Tokyo"))
start = slots.start_of(now)            the instant at which the slot of `now` began
slots.named(start)                     ("2026-11-24", 31): the day of the city, and the number (コマ) from 1 on
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from broker.model.values import Instant

MINUTE_US: Final = 60_000_000
DAY_MINUTES: Final = 24 * 60
LENGTHS: Final = (5, 10, 15, 20, 30, 60)
"""Minutes that a slot may have: an hour is made of whole ones."""


@dataclass(frozen=True, slots=True)
class Slots:
    """Of one length, in one zone."""

    minutes: int
    zone: ZoneInfo

    @property
    def length(self) -> Instant:
        """In microseconds."""
        return self.minutes * MINUTE_US

    @property
    def duration(self) -> str:
        """As ISO 8601 has it: `PT30M`."""
        return f"PT{self.minutes}M"

    def start_of(self, at: Instant) -> Instant:
        """When the slot began that an instant is in."""
        begun = self._midnight(self._local(at).date())
        return begun + (at - begun) // self.length * self.length

    def named(self, start: Instant) -> tuple[str, int]:
        """The day and the number of the slot that begins then."""
        day = self._local(start).date()
        return day.isoformat(), (start - self._midnight(day)) // self.length + 1

    def of_day(self, day: str) -> list[Instant]:
        """When the slots of a day of the city begin. Raises ValueError for what is no date."""
        first = date.fromisoformat(day)
        return [*self.between(self._midnight(first), self._midnight(first + timedelta(days=1)))]

    def between(self, start: Instant, end: Instant) -> Iterator[Instant]:
        """When slots begin, from the one of `start` on, before `end`."""
        at = self.start_of(start)
        while at < end:
            yield at
            at += self.length

    def _local(self, at: Instant) -> datetime:
        return datetime.fromtimestamp(at // 1_000_000, UTC).astimezone(self.zone)

    def _midnight(self, day: date) -> Instant:
        return int(datetime.combine(day, time(), self.zone).timestamp()) * 1_000_000
