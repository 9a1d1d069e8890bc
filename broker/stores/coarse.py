"""What may be seen in aggregates only: how many values there were, and their average, of the city's own periods.

Whoever may have no finer than hourly values gets `avg` and `totalCount` of hours, days and months that are over, as the
city counts them (Asia/Tokyo). A **cell** is what has such a period, an attribute, a datasetId, whom it is about and
what an average is made of in common. It is told whole or not at all, whatever a query leaves out: so cells lie inside
of each other or apart, and what subtracting them leaves is, each time, a cell without the finer ones told inside of it.
That must be nothing, or VALUES_MIN values.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple, TypeAlias

from broker.model.entity import instances
from broker.model.subjects import DATA_CLASS, DATA_SUBJECT, subjects_of
from broker.model.values import Instant, to_text
from broker.query.temporal import TemporalQuery
from broker.stores.past import SCOPE, Past
from broker.stores.periods import Edges, Span, Timed, measure

VALUES_MIN: Final = 5
"""Values of which the average may be told: as offices of statistics tell no cell of fewer, so that who knows one or two
of them (the device's display, a neighbour) does not have the others."""
METHODS: Final = frozenset({"avg", "totalCount"})
"""The others tell single values (min, max, with few also sumsq and stddev), or how they differ (distinctCount)."""
HOUR: Final = 3_600_000_000
DAY: Final = 24 * HOUR
_CITY: Final = 9 * HOUR  # Asia/Tokyo, which has no summer time
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST: Final = (datetime(2, 1, 1, tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)
"""Periods of earlier values could begin before there are dates."""
_LEVELS: Final = ("hourly", "daily", "monthly")
_ASKED: Final = {(0, HOUR): "hourly", (0, DAY): "daily", (1, 0): "monthly"}

Key: TypeAlias = tuple[Instant, int, str]
Pasts: TypeAlias = Mapping[str, Sequence[Past]]
Judged: TypeAlias = Callable[[str, Pasts | None], Pasts]
"""What may be seen at a granularity: of an entity's instances, or of others put in their place."""


class Cell(NamedTuple):
    """Values that are told together."""

    name: str
    dataset: str
    whose: tuple[tuple[str, ...] | None, tuple[str, ...]]
    kind: str
    start: Instant


Cells: TypeAlias = dict[Cell, list[Timed]]


def granularity_of(query: TemporalQuery) -> str | None:
    """The granularity of a query's periods, if they can be the city's own; None where they cannot."""
    asked = query.aggregation
    if asked is None or query.timerel not in ("after", "between") or query.timeproperty != "observedAt":
        return None
    if query.last_n is not None or METHODS.isdisjoint(asked.methods):  # the former would leave a period some values
        return None
    return _ASKED.get((asked.months, asked.micros))


def key_of(past: Past) -> Key:
    """What an instance of an attribute is known by."""
    return past.time, past.number, past.dataset


class Coarse:
    """The cells of one entity that may be told to one who asks. `raw` is what they see anyway, `now` when they ask."""

    def __init__(self, judged: Judged, raw: Pasts, now: Instant) -> None:
        self._judged, self._now = judged, now
        self._raw = {name: {key_of(past) for past in pasts} for name, pasts in raw.items()}

    def rows(
        self, granularity: str, query: TemporalQuery, span: Span, scoped: Sequence[Span] | None
    ) -> dict[str, list[Timed]]:
        """The rows that count in a query's periods beside what is seen anyway, oldest first.

        `scoped` are the times of the query that its scope leaves (None: all). `granularity` is the query's.
        """
        told = self._told(granularity, span)
        found: dict[str, list[Timed]] = {}
        if told:
            edges = Edges(query, query.at, max(at for rows in told.values() for at, _ in rows))
            for cell, rows in told.items():
                end = _end(granularity, cell.start)
                asked = span[0] <= cell.start and end <= span[1]
                asked = asked and edges.edges(edges.place(cell.start)) == (cell.start, end)
                if asked and (scoped is None or any(low <= cell.start and end <= high for low, high in scoped)):
                    found.setdefault(cell.name, []).extend(rows)
        return {name: sorted(rows, key=lambda row: (row[0], row[1].number)) for name, rows in found.items()}

    def _told(self, granularity: str, span: Span) -> Cells:
        """The cells of a granularity that are over and leave nobody's few values when finer ones are subtracted."""
        finer: dict[str, set[Key]] = {}
        told: Cells = {}
        for level in _LEVELS[: _LEVELS.index(granularity) + 1]:
            told = {}
            for cell, rows in self._cells(level, span).items():
                left = sum(1 for _, past in rows if key_of(past) not in finer.get(cell.name, ()))
                if left == 0 or left >= VALUES_MIN:
                    told[cell] = rows
            told = self._covered(level, told)
            for cell, rows in told.items():
                finer.setdefault(cell.name, set()).update(key_of(past) for _, past in rows)
        return told

    def _cells(self, level: str, span: Span) -> Cells:
        found: Cells = {}
        low, high = max(span[0], _FIRST), min(span[1], self._now)
        for name, pasts in self._judged(level, None).items():
            raw: Collection[Key] = self._raw.get(name, ())
            for past in pasts if name not in (SCOPE, DATA_SUBJECT) else ():
                at = past.observed_at
                if at is None or past.deleted_at is not None or not low <= at < high:
                    continue
                start = _start(level, at)
                if key_of(past) not in raw and _end(level, start) <= self._now:
                    found.setdefault(_cell(name, past, start), []).append((at, past))
        return found

    def _covered(self, level: str, cells: Cells) -> Cells:
        """Those whose whole period may be seen, from its first instant to its last: no other consent sees another part.

        Asked of instances that never were: nothing that is hidden has a say in it.
        """
        probes: dict[str, list[Past]] = {}
        expected = list(_probes(level, cells))
        for name, past in expected:
            probes.setdefault(name, []).append(past)
        shown = self._judged(level, probes) if probes else {}
        seen = {(name, past.number) for name, pasts in shown.items() for past in pasts}
        places = enumerate(cells.items())
        return {cell: rows for n, (cell, rows) in places if {(cell.name, -2 * n - 1), (cell.name, -2 * n - 2)} <= seen}


def _probes(level: str, cells: Cells) -> Iterator[tuple[str, Past]]:
    for number, (cell, rows) in enumerate(cells.items()):
        past = rows[0][1]
        for place, at in enumerate((cell.start, _end(level, cell.start) - 1), 1):
            body = {**past.body, "observedAt": to_text(at)}
            yield cell.name, replace(past, number=-2 * number - place, body=body, observed_at=at)


def _cell(name: str, past: Past, start: Instant) -> Cell:
    whose = None if DATA_SUBJECT not in past.body else tuple(sorted(subjects_of(past.body[DATA_SUBJECT])))
    classes = tuple(str(one.get("value")) for one in instances(past.body.get(DATA_CLASS)))
    counted = measure(past)
    kind = "number" if counted.number is not None else "other" if counted.time is None else "time"
    return Cell(name, past.dataset, (whose, classes), kind, start)


def _start(level: str, at: Instant) -> Instant:
    """Where the city's period of an instant begins."""
    if level == "hourly":
        return at - at % HOUR
    day = at - (at + _CITY) % DAY
    return day if level == "daily" else day - (_in_city(day).day - 1) * DAY


def _end(level: str, start: Instant) -> Instant:
    """Where the city's period that begins there ends."""
    if level == "monthly":
        first = _in_city(start)
        return start + monthrange(first.year, first.month)[1] * DAY
    return start + (HOUR if level == "hourly" else DAY)


def _in_city(at: Instant) -> datetime:
    return _EPOCH + timedelta(microseconds=at + _CITY)
