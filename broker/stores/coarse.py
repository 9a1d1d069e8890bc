"""What may be seen in aggregates only: values of the city's own hours, days or months, and enough of them.

Whoever may have no finer than daily values gets them of days as the city counts them (Asia/Tokyo), each of at least
VALUES_MIN values: otherwise periods that overlap, or that hold one value, would tell what the single values are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias

from broker.model.values import Instant
from broker.query.temporal import TemporalQuery
from broker.stores.past import Past
from broker.stores.periods import Edges, Timed

VALUES_MIN: Final = 3
"""Values in a period that may be told of who may not see the single ones."""
HOUR: Final = 3_600_000_000
DAY: Final = 24 * HOUR
_CITY: Final = 9 * HOUR  # Asia/Tokyo, which has no summer time
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

Key: TypeAlias = tuple[Instant, int, str]


def granularity_of(query: TemporalQuery) -> str | None:
    """The granularity of a query's periods, if they can be the city's own; None where they cannot."""
    asked = query.aggregation
    if asked is None or query.timerel not in ("after", "between") or query.timeproperty != "observedAt":
        return None
    if query.last_n is not None:  # it would leave a period some of its values
        return None
    if asked.months:
        return None if asked.micros else "monthly"
    if not asked.micros or asked.micros % HOUR:
        return None
    return "hourly" if asked.micros % DAY else "daily"


def enough(
    seen: Mapping[str, Sequence[Past]], wide: Mapping[str, Sequence[Timed]], query: TemporalQuery, granularity: str
) -> dict[str, list[Timed]]:
    """Of the rows of `wide` those that may count: what is among `seen` anyway, and what stands in a period of enough.

    `query` is one of which `granularity_of` told.
    """
    found: dict[str, list[Timed]] = {}
    for name, rows in wide.items():
        if rows:
            known = {_key(past) for past in seen.get(name, ())}
            found[name] = _of_periods(rows, known, query, granularity)
    return found


def _of_periods(rows: Sequence[Timed], known: Collection[Key], query: TemporalQuery, granularity: str) -> list[Timed]:
    edges = Edges(query, query.at, max(at for at, _ in rows))
    numbers = Counter(edges.place(at) for at, past in rows if past.deleted_at is None)
    good: dict[int, bool] = {}

    def counts(at: Instant) -> bool:
        place = edges.place(at)
        if place not in good:
            start, end = edges.edges(place)
            whole = query.timerel == "after" or end <= query.end
            fits = whole and _ON_GRID[granularity](start) and _ON_GRID[granularity](end)
            good[place] = fits and numbers[place] >= VALUES_MIN
        return good[place]

    return [(at, past) for at, past in rows if _key(past) in known or (past.deleted_at is None and counts(at))]


def _key(past: Past) -> Key:
    return past.time, past.number, past.dataset


def _on_month(at: Instant) -> bool:
    return (_EPOCH + timedelta(microseconds=at + _CITY)).day == 1 if _on_day(at) else False


def _on_day(at: Instant) -> bool:
    return (at + _CITY) % DAY == 0


_ON_GRID: Final[Mapping[str, Callable[[Instant], bool]]] = {
    "hourly": lambda at: at % HOUR == 0,
    "daily": _on_day,
    "monthly": _on_month,
}
