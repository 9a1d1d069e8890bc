"""Durations of ISO 8601: `P1Y2M3DT4H5M6.5S`, `P2W` (clauses 4.5.19, 5.2.41, 6.4.3.2).

Years and months have no fixed length: a duration is whole months and microseconds apart.
"""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from broker.model.values import Instant

_PARTS = re.compile(
    r"P(?=.)(?:(\d{1,6})Y)?(?:(\d{1,6})M)?(?:(\d{1,6})W)?(?:(\d{1,7})D)?"
    r"(?:T(?=.)(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,12})(?:[.,](\d{1,6}))?S)?)?"
)
_MONTHS = (12, 1)
_SECONDS = (7 * 86_400, 86_400, 3_600, 60, 1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_YEAR_MAX = 9999


@dataclass(frozen=True, slots=True)
class Duration:
    """`P1M` is (1, 0), `PT1H` is (0, 3_600_000_000)."""

    months: int = 0
    micros: int = 0

    def after(self, instant: Instant) -> Instant:
        """The instant so much later; of a month that is too short its last day: 31 January and P1M is 28 February."""
        if not self.months:
            return instant + self.micros
        at = _EPOCH + instant * _MICROSECOND
        years, month = divmod(at.year * 12 + at.month - 1 + self.months, 12)
        if years > _YEAR_MAX:
            years, month = _YEAR_MAX, 11
        day = min(at.day, monthrange(years, month + 1)[1])
        moved = at.replace(year=years, month=month + 1, day=day)
        return (moved - _EPOCH) // _MICROSECOND + self.micros


def read_duration(text: str) -> Duration | None:
    """Read a duration; None where it is none, or nothing at all (`PT`)."""
    found = _PARTS.fullmatch(text)
    if found is None:
        return None
    *whole, fraction = found.groups()
    counts = [int(part or 0) for part in whole]
    months = sum(count * months for count, months in zip(counts[:2], _MONTHS, strict=True))
    seconds = sum(count * length for count, length in zip(counts[2:], _SECONDS, strict=True))
    return Duration(months, seconds * 1_000_000 + int((fraction or "0").ljust(6, "0")))
