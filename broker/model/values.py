"""JSON kinds and instants (clauses 4.6.3, 4.6.4)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TypeAlias

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
Scalar: TypeAlias = bool | int | float | str
Instant: TypeAlias = int
"""Microseconds since 1970-01-01T00:00:00Z."""

NGSI_LD_NULL = "urn:ngsi-ld:null"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_DATETIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.,]\d{1,9})?Z")


def to_text(instant: Instant) -> str:
    """`1767225600000000` gives `2026-01-01T00:00:00.000000Z`."""
    seconds, micros = divmod(instant, 1_000_000)
    days, second = divmod(seconds, 86_400)
    return f"{_date(days)}T{_time(second)}.{micros:06}Z"


# An answer has many instants of few days, and most at whole minutes.
@lru_cache(maxsize=2_048)
def _date(days: int) -> str:
    return (_EPOCH + timedelta(days=days)).date().isoformat()


@lru_cache(maxsize=8_192)
def _time(second: int) -> str:
    return f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"


def to_instant(text: str) -> Instant | None:
    """Read a DateTime of 4.6.3 (`2026-01-01T00:00:00.5Z`); None where it is none.

    Digits beyond microseconds are cut; a leap second and an offset other than `Z` are refused.
    """
    if not _DATETIME.fullmatch(text):
        return None
    fraction = text[20:-1][:6].ljust(6, "0")
    try:
        whole = datetime.fromisoformat(text[:19] + "+00:00")
    except ValueError:
        return None
    return (whole - _EPOCH) // _MICROSECOND + int(fraction)
