"""Durations: whole months and microseconds apart, because months have no fixed length (clauses 5.2.41, 6.4.3.2)."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from broker.model.values import Instant

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_YEAR_MAX = 9999


@dataclass(frozen=True, slots=True)
class Duration:
    """`P1M` is (1, 0), `PT1H` is (0, 3_600_000_000)."""

    months: int = 0
    micros: int = 0

    def after(self, instant: Instant) -> Instant:
        """The instant so much later; in a month that is too short its last day: 31 January and P1M is 28 February."""
        if not self.months:
            return instant + self.micros
        at = _EPOCH + instant * _MICROSECOND
        year, month = divmod(at.year * 12 + at.month - 1 + self.months, 12)
        if year > _YEAR_MAX:
            year, month = _YEAR_MAX, 11
        day = min(at.day, monthrange(year, month + 1)[1])
        moved = at.replace(year=year, month=month + 1, day=day)
        return (moved - _EPOCH) // _MICROSECOND + self.micros
