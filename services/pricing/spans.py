"""Days of the city that data are asked of, and how many values there are in them. Pure.

    span = read_span("2026-10-01", "2026-11-01")                        November's first day is not among them
    lines_of([Wanted("HeartRateObservation/heartRate", "daily")], span, today, 288) -> [Line(…)]

Each day is as old as it is: a span that reaches from long ago until today is priced by its parts, so that asking for
them one by one does not pay. Values are counted, not looked at: a price tells nothing of what somebody measured.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from broker.errors import BadRequestData
from services.pricing.prices import Line

DAYS_MAX: Final = 3_660
_HOURS: Final = 24
_OLDEST: Final = (("live", 0), ("day", 1), ("month", 31), ("year", 366))
"""How many days ago at most; what is older is `older`."""


@dataclass(frozen=True, slots=True)
class Span:
    """From a day until another one, which is not in it."""

    first: date
    end: date

    @property
    def days(self) -> int:
        """How many."""
        return (self.end - self.first).days


@dataclass(frozen=True, slots=True)
class Wanted:
    """An item (`Type/attribute`) at a granularity."""

    item: str
    granularity: str
    special: bool = False


def read_span(first: str, end: str) -> Span:
    """The span of two days as texts. Raises BadRequestData."""
    span = Span(_day(first, "/from"), _day(end, "/until"))
    if not 1 <= span.days <= DAYS_MAX:
        raise BadRequestData(
            f"a span has 1 to {DAYS_MAX} days", pointer="/until", remedy="a day after /from: it is not in the span"
        )
    return span


def parts_of(span: Span, today: date) -> list[tuple[str, Span]]:
    """The span by how old its days are, newest first; only parts that have days."""
    parts, end = list[tuple[str, Span]](), span.end
    for word, ago in _OLDEST:
        begun = max(today - timedelta(days=ago), span.first)
        if begun < end:
            parts.append((word, Span(begun, end)))
            end = begun
    if span.first < end:
        parts.append(("older", Span(span.first, end)))
    return parts


def values_in(span: Span, granularity: str, raw_per_day: int) -> int:
    """How many values of a granularity a span has: never fewer of a finer one."""
    if granularity == "raw":
        return span.days * raw_per_day
    if granularity == "hourly":
        return span.days * _HOURS
    if granularity == "daily":
        return span.days
    if granularity == "monthly":
        last = span.end - timedelta(days=1)
        return (last.year - span.first.year) * 12 + last.month - span.first.month + 1
    return 1


def lines_of(wanted: Iterable[Wanted], span: Span, today: date, raw_per_day: int) -> list[Line]:
    """What is priced: one line for each item and each age of its days."""
    parts = parts_of(span, today)
    return [
        Line(one.item, one.granularity, values_in(part, one.granularity, raw_per_day), word, one.special)
        for one in wanted
        for word, part in parts
    ]


def _day(text: str, pointer: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise BadRequestData("that is no day", pointer=pointer, remedy="2026-10-01") from error
