"""Instants as the bank writes them, so that their texts order as they do; spans of days and years."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from broker.errors import BadRequestData
from broker.model.values import Instant, to_instant, to_text

CITY: Final = ZoneInfo("Asia/Tokyo")
DAY_US: Final = 86_400_000_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def moment(text: str, pointer: str) -> str:
    """`2026-11-23T03:00:00Z` as `2026-11-23T03:00:00.000000Z`. Raises BadRequestData."""
    instant = to_instant(text)
    if instant is None:
        raise BadRequestData(f"'{text[:40]}' is no instant in UTC", pointer=pointer, remedy="2026-11-23T03:00:00Z")
    return to_text(instant)


def instant_of(text: str) -> Instant:
    """The instant of a text that the bank wrote."""
    instant = to_instant(text)
    assert instant is not None, text
    return instant


def after_days(instant: Instant, days: int) -> str:
    """So many days later."""
    return to_text(instant + days * DAY_US)


def after_years(instant: Instant, years: int) -> Instant:
    """The same day of the city's calendar so many years later; of 29 February, 1 March."""
    then = (_EPOCH + timedelta(microseconds=instant)).astimezone(CITY)
    if (then.month, then.day) == (2, 29):
        then += timedelta(days=1)
    later = then.replace(year=then.year + years)
    return int((later - _EPOCH) / timedelta(microseconds=1))


def city_day(instant: Instant) -> str:
    """The day of the city that an instant is in: `2026-11-23`."""
    return (_EPOCH + timedelta(microseconds=instant)).astimezone(CITY).date().isoformat()


def day_start(instant: Instant) -> Instant:
    """When the day of the city began that an instant is in."""
    then = (_EPOCH + timedelta(microseconds=instant)).astimezone(CITY)
    begun = then.replace(hour=0, minute=0, second=0, microsecond=0)
    return int((begun - _EPOCH) / timedelta(microseconds=1))
