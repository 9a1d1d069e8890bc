"""The aggregated temporal representation: methods over the values of each period (clause 4.5.19).

    what a value counts as     number, boolean (1, 0)   avg max min sum stddev sumsq distinctCount totalCount
                               array: its size          avg max min sum            distinctCount totalCount
                               time of the day          avg max min                distinctCount totalCount
                               other text               max min                    distinctCount totalCount
                               Relationship, object                                distinctCount totalCount

Least and greatest come out as they were, averages and sums as floats. `stddev` is that of the population: one value
has 0.
"""

from __future__ import annotations

import calendar
import math
import re
import sys
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import MAXYEAR, UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, Final, NamedTuple, cast

import orjson

from broker.errors import InvalidRequest
from broker.model.entity import VALUE_MEMBER
from broker.model.evolution import Period
from broker.model.values import Instant, Json
from broker.query.temporal import Aggregation, TemporalQuery
from broker.stores.past import SCOPE, Past

PERIODS_MAX: Final = 100_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LAST: Final = (datetime(MAXYEAR, 12, 31, 23, 59, 59, tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)
_TIME: Final = re.compile(r"(\d\d):(\d\d):(\d\d)(?:[.,](\d{1,6})\d*)?Z?")

Timed = tuple[Instant, Past]
Span = tuple[Instant, Instant]
ALWAYS: Final[Span] = (-(2**63), 2**63 - 1)


class Measure(NamedTuple):
    """What one value counts as: a number (of a scalar, or the size of an array), a text, a time of the day in µs."""

    number: int | float | None = None
    is_size: bool = False
    text: str | None = None
    time: int | None = None
    whole: Json = None


def aggregate(rows: Mapping[str, Sequence[Timed]], query: TemporalQuery) -> dict[str, dict[str, list[Period]]]:
    """Periods by attribute and method; attributes without values have none.

    Raises InvalidRequest where an attribute that was asked for by name has values, and none that a method takes
    (clause 5.7.4.4); of the others, what does not fit is left out.
    """
    live = {name: [row for row in held if row[1].deleted_at is None] for name, held in rows.items() if name != SCOPE}
    live = {name: held for name, held in live.items() if held}
    start = start_of(query, [min(at for at, _ in held) for held in live.values()])
    return {name: eligible(name, periods_of(held, query, start), query) for name, held in live.items()}


def periods_of(values: Sequence[Timed], query: TemporalQuery, start: Instant) -> dict[str, list[Period]]:
    """Periods by method of one attribute's values, of which there is one at least."""
    assert query.aggregation is not None
    edges = Edges(query, start, max(at for at, _ in values))
    filled: dict[int, list[Measure]] = {}
    for at, past in values:
        filled.setdefault(edges.place(at), []).append(measure(past))
    return {method: by_method(method, filled, edges) for method in query.aggregation.methods}


def eligible(name: str, found: dict[str, list[Period]], query: TemporalQuery) -> dict[str, list[Period]]:
    """The methods that gave something. Raises InvalidRequest as `aggregate`."""
    for method, periods in found.items():
        if not periods and name in query.names:
            raise InvalidRequest(
                f"{method} cannot be made of the values of {name}.",
                pointer="aggrMethods",
                clause="5.7.4.4",
                remedy="distinctCount and totalCount can be made of all values.",
            )
    return {method: periods for method, periods in found.items() if periods}


def start_of(query: TemporalQuery, firsts: Iterable[Instant]) -> Instant:
    """Where the first period starts: at timeAt, or, without one, at the first value of any attribute."""
    if query.timerel in ("after", "between"):
        return query.at
    return min(firsts, default=0)


class Edges:
    """Where periods start and end, from `start` to the one that holds `last`."""

    def __init__(self, query: TemporalQuery, start: Instant, last: Instant) -> None:
        asked = cast(Aggregation, query.aggregation)
        self._start, self._micros = start, asked.micros
        self._starts: list[Instant] | None = None
        if asked.months:
            self._starts = list(_steps(asked, start, last))
        elif not asked.micros:
            self._whole = start, _end(query, start, last)

    @property
    def length(self) -> int | None:
        """That of all periods; None where they differ, or where there is one only."""
        return self._micros if self._starts is None and self._micros else None

    def place(self, at: Instant) -> int:
        """The period of an instant, counted from 0."""
        if self._starts is not None:
            return bisect_right(self._starts, at) - 1
        return (at - self._start) // self._micros if self._micros else 0

    def edges(self, place: int) -> tuple[Instant, Instant]:
        """`(start, end)` of a period."""
        if self._starts is not None:
            return self._starts[place], self._starts[place + 1]
        if not self._micros:
            return self._whole
        first = self._start + place * self._micros
        return first, first + self._micros

    def spans(self, places: Sequence[int]) -> tuple[list[Instant], list[Instant]]:
        """`(starts, ends)` of periods."""
        if self.length is None:
            found = [self.edges(place) for place in places]
            return [low for low, _ in found], [high for _, high in found]
        start, length = self._start, self.length
        return [start + place * length for place in places], [start + (place + 1) * length for place in places]

    def irregular(self) -> list[tuple[Instant, Instant]]:
        """`(start, end)` of all periods, where they have no length in common; that of a whole ends after its last."""
        if self._starts is None:
            return [(ALWAYS[0], ALWAYS[1])]
        return list(pairwise(self._starts))


def measure(past: Past) -> Measure:
    """What an instance's value counts as."""
    body = past.body
    kind = cast(str, body["type"])
    value = body.get(VALUE_MEMBER[kind])
    if kind in ("Relationship", "ListRelationship", "LanguageProperty"):
        return Measure(whole=value)
    if type(value) is dict and "@value" in value:
        value = value["@value"]
    if isinstance(value, (bool, int, float)):
        return Measure(int(value) if value is True or value is False else _bounded(value))
    if type(value) is list:
        return Measure(len(value), is_size=True, whole=value)
    if type(value) is str:
        return Measure(text=value, time=_time_of_day(value), whole=value)
    return Measure(whole=value)


def _bounded(number: float) -> int | float:
    """An integer of 64 bits as it is, a longer one as the nearest float: as every engine keeps it."""
    return number if -(2**63) <= number < 2**63 else _float(number)


def _float(number: float) -> float:
    try:
        return float(number)
    except OverflowError:
        return sys.float_info.max if number > 0 else -sys.float_info.max


def by_method(method: str, filled: Mapping[int, Sequence[Measure]], edges: Edges) -> list[Period]:
    """What a method makes of each period that has values for it."""
    make, periods = METHODS[method], list[Period]()
    for place in sorted(filled):
        value = make(filled[place])
        if value is not None:
            periods.append(Period(*edges.edges(place), value))
    return periods


def _numbers(values: Iterable[Measure], *, sizes: bool) -> list[float]:
    return [_float(one.number) for one in values if one.number is not None and (sizes or not one.is_size)]


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None


def _avg(values: Sequence[Measure]) -> Json:
    numbers = _numbers(values, sizes=True)
    if numbers:
        return _finite(math.fsum(numbers) / len(numbers))
    times = [one.time for one in values if one.time is not None]
    return _time_text(round(sum(times) / len(times))) if times else None


def _extreme(pick: Callable[[Any], Any]) -> Callable[[Sequence[Measure]], Json]:
    def extreme(values: Sequence[Measure]) -> Json:
        numbers = [one.number for one in values if one.number is not None]
        if numbers:
            return cast(Json, pick(numbers))
        texts = [one.text for one in values if one.text is not None]
        return cast(Json, pick(texts)) if texts else None

    return extreme


def _sum(values: Sequence[Measure]) -> Json:
    numbers = _numbers(values, sizes=True)
    return _finite(math.fsum(numbers)) if numbers else None


def _sumsq(values: Sequence[Measure]) -> Json:
    numbers = _numbers(values, sizes=False)
    return _finite(math.fsum(number * number for number in numbers)) if numbers else None


def _stddev(values: Sequence[Measure]) -> Json:
    numbers = _numbers(values, sizes=False)
    if not numbers:
        return None
    mean = math.fsum(numbers) / len(numbers)
    return _finite(math.sqrt(math.fsum((number - mean) ** 2 for number in numbers) / len(numbers)))


def _distinct(values: Sequence[Measure]) -> Json:
    return len({one.number if one.whole is None else orjson.dumps(one.whole, option=_SORTED) for one in values})


METHODS: Final[dict[str, Callable[[Sequence[Measure]], Json]]] = {
    "avg": _avg,
    "distinctCount": _distinct,
    "max": _extreme(max),
    "min": _extreme(min),
    "stddev": _stddev,
    "sum": _sum,
    "sumsq": _sumsq,
    "totalCount": len,
}
_SORTED: Final = orjson.OPT_SORT_KEYS


def _end(query: TemporalQuery, start: Instant, last: Instant) -> Instant:
    if query.timerel == "between":
        return query.end
    return max(start, query.at if query.timerel == "before" else last)


def _steps(asked: Aggregation, start: Instant, last: Instant) -> Iterator[Instant]:
    """Starts of periods of months, until one is after `last`."""
    for count in range(PERIODS_MAX):
        at = _months_later(start, count * asked.months) + count * asked.micros
        yield min(at, _LAST)
        if at > last:
            return
    raise InvalidRequest(
        f"There are more than {PERIODS_MAX} periods.",
        pointer="aggrPeriodDuration",
        clause="4.5.19.1",
        remedy="Ask for longer periods, or for less time.",
    )


def _months_later(start: Instant, months: int) -> Instant:
    """The same day and time so many months later; the month's last day where it has no such day."""
    at = _EPOCH + timedelta(microseconds=start)
    year, month = divmod(at.year * 12 + at.month - 1 + months, 12)
    if year > MAXYEAR:
        return _LAST
    day = min(at.day, calendar.monthrange(year, month + 1)[1])
    return (at.replace(year=year, month=month + 1, day=day) - _EPOCH) // timedelta(microseconds=1)


def _time_of_day(text: str) -> int | None:
    found = _TIME.fullmatch(text)
    if found is None:
        return None
    hours, minutes, seconds = (int(part) for part in found.groups()[:3])
    return ((hours * 60 + minutes) * 60 + seconds) * 1_000_000 + int((found[4] or "").ljust(6, "0"))


def _time_text(micros: int) -> str:
    seconds, fraction = divmod(micros, 1_000_000)
    minutes, second = divmod(seconds, 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{second:02}" + (f".{fraction:06}Z" if fraction else "Z")
