"""Days of the city: where one begins and ends, in whichever zone the city is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from broker.model.values import Instant

ZONE: Final = "Asia/Tokyo"
SECOND_US: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Days:
    """The days of a zone: `2026-11-23`."""

    zone: ZoneInfo

    def of(self, at: Instant) -> str:
        """The day of an instant."""
        return datetime.fromtimestamp(at // SECOND_US, self.zone).date().isoformat()

    def end(self, day: str) -> Instant:
        """Where the day after it begins."""
        following = date.fromisoformat(day) + timedelta(days=1)
        begun = datetime(following.year, following.month, following.day, tzinfo=self.zone)
        return int(begun.astimezone(UTC).timestamp()) * SECOND_US

    def before(self, day: str) -> str:
        """The day before it."""
        return (date.fromisoformat(day) - timedelta(days=1)).isoformat()
