"""Aggregates of history made by SQLite, where all values are numbers; all others are made by `periods`.

Periods of one length are walked: each takes its rows from the table's order, so nothing is sorted. Where they would be
more than rows, or the time is not the table's, the rows are grouped.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Any, Final, cast

import orjson

from broker.model.evolution import Period
from broker.model.values import Instant
from broker.stores.periods import Edges, Timed, eligible, measure, periods_of, start_of
from broker.stores.recall import span_of
from broker.stores.sqlite.instances import DROPPED
from broker.stores.sqlite.known import Known
from broker.stores.sqlite.reading import TIMES, Reading

WALKED_MAX: Final = 50_000  # periods
_LENGTH_MAX: Final = 2**60
_STARTS: Final = """WITH RECURSIVE p (place, low, high) AS (
    SELECT :place, :start + :place * :length, :start + (:place + 1) * :length
    UNION ALL SELECT place + 1, high, high + :length FROM p WHERE place < :last)"""
_LISTED: Final = "WITH p (place, low, high) AS (SELECT key, value->>0, value->>1 FROM json_each(:periods))"
_MADE: Final = {
    "avg": ("avg(value)",),
    "distinctCount": ("count(DISTINCT value)",),
    "max": (),
    "min": ("min(value)",),
    "stddev": ("total(value - :near)", "total((value - :near) * (value - :near))"),
    "sum": ("total(value)",),
    "sumsq": ("total(CAST(value AS REAL) * value)",),
    "totalCount": (),
}
"""Methods as columns, beside `count(*)`; `near` is a number near all values, for what else would lose digits."""
_CHECKED: Final = ("count(*)", "count(value)", "max(value)")
"""Columns that tell of values that are no numbers: some are NULL, or the greatest is a text: no number is above it."""


_PLACE: Final = {"totalCount": 0, "max": 2}
"""Methods whose values are among those."""


@dataclass(frozen=True, slots=True)
class Source:
    """The values of one attribute: rows of the table, and instances that the entity has now."""

    name: str
    entity: int
    path: int
    current: Sequence[Timed]
    first: Instant
    last: Instant


class Aggregates:
    """The periods of one entity's attributes."""

    def __init__(self, reader: Reading) -> None:
        query = reader.query
        assert query.aggregation is not None
        self._db, self._reader, self._query = reader.db, reader, query
        self._methods = query.aggregation.methods
        self._time = TIMES.get(query.timeproperty, "time")
        anytime = self._time != "time" or query.timerel is None
        observed = f"observed <> {DROPPED}" if anytime else "observed = 1"
        self._where = f"entity = :entity AND path = :path AND {observed} AND deleted_at IS NULL"
        if reader.datasets is not None:
            self._where += " AND dataset IN (SELECT value FROM json_each(:datasets))"

    def periods(self, known: Known, names: Iterable[str]) -> dict[str, dict[str, list[Period]]]:
        """Periods by attribute and method, as `periods.aggregate`."""
        sources = [source for name in names if (source := self._source(known, name)) is not None]
        start = start_of(self._query, [source.first for source in sources])
        return {one.name: eligible(one.name, self._made(known, one, start), self._query) for one in sources}

    def _source(self, known: Known, name: str) -> Source | None:
        """None where there are no values."""
        path = self._reader.path(name)
        current = [row for row in self._reader.current_timed(known, name) if row[1].deleted_at is None]
        times = [at for at, _ in current]
        if path is not None:
            times += self._ends(known.number, path)
        return Source(name, known.number, path or 0, current, min(times), max(times)) if times else None

    def _ends(self, entity: int, path: int) -> list[Instant]:
        time = self._time
        sql = f"SELECT {time} FROM instance WHERE {self._where} AND {time} >= :low AND {time} < :high ORDER BY {time}"  # noqa: S608
        values = self._bound(entity, path)
        ends = [self._db.execute(f"{sql}{way} LIMIT 1", values).get for way in ("", " DESC")]
        return [cast(int, end) for end in ends if end is not None]

    def _made(self, known: Known, source: Source, start: Instant) -> dict[str, list[Period]]:
        edges = Edges(self._query, start, source.last)
        listed = edges.length is None
        if not _all_numbers(source.current) or (listed and self._time != "time"):
            return periods_of(self._values(known, source), self._query, start)
        places = (edges.place(source.first), edges.place(source.last))
        values = self._bound(source.entity, source.path)
        values |= {"current": _packed(source.current), "near": self._near(source) if "stddev" in self._methods else 0}
        if listed:
            values["periods"] = orjson.dumps(edges.irregular()).decode()
        length = min(edges.length or 0, _LENGTH_MAX)
        values |= {"start": start, "length": length, "place": places[0], "last": places[1]}
        walked = listed or (self._time == "time" and places[1] - places[0] < WALKED_MAX)
        rows = self._db.execute(self._walk(source, listed=listed) if walked else self._group(source), values).fetchall()
        columns: list[Sequence[Any]] = list(zip(*_parsed(rows), strict=True))
        if columns[0] != columns[1] or str in set(map(type, columns[2])):
            return periods_of(self._values(known, source), self._query, start)
        return self._read([cast(int, row[0]) for row in rows], columns, edges)

    def _values(self, known: Known, source: Source) -> list[Timed]:
        return [row for row in self._reader.timed(known, source.name) if row[1].deleted_at is None]

    def _near(self, source: Source) -> float:
        sql = f"SELECT avg(value) FROM instance WHERE {self._where} AND {self._time} >= :low AND {self._time} < :high"  # noqa: S608
        found = self._db.execute(sql, self._bound(source.entity, source.path)).get
        if found is None and source.current:
            found = measure(source.current[0][1]).number
        return float(cast(float, found or 0))

    def _columns(self) -> str:
        return ", ".join([*_CHECKED, *(column for method in self._methods for column in _MADE[method])])

    def _walk(self, source: Source, *, listed: bool) -> str:
        between = f"{self._time} >= max(p.low, :low) AND {self._time} < min(p.high, :high)"
        held = f"SELECT value FROM instance WHERE {self._where} AND {between}"  # noqa: S608
        if source.current:
            held += (
                " UNION ALL SELECT value->>1 FROM json_each(:current) WHERE value->>0 >= p.low AND value->>0 < p.high"
            )
        made = f"(SELECT json_array({self._columns()}) FROM ({held}))"  # noqa: S608
        return f"{_LISTED if listed else _STARTS} SELECT place, {made} FROM p"  # noqa: S608

    def _group(self, source: Source) -> str:
        held = f"""SELECT {self._time} AS at, value FROM instance
            WHERE {self._where} AND {self._time} >= :low AND {self._time} < :high"""  # noqa: S608
        if source.current:
            held += " UNION ALL SELECT value->>0, value->>1 FROM json_each(:current)"
        return f"SELECT (at - :start) / :length AS place, json_array({self._columns()}) FROM ({held}) GROUP BY place"  # noqa: S608

    def _read(self, places: list[int], columns: list[Sequence[Any]], edges: Edges) -> dict[str, list[Period]]:
        filled = columns[0]
        if 0 in filled:
            places = list(compress(places, filled))
            columns = [list(compress(column, filled)) for column in columns]
        lows, highs = edges.spans(places)
        found: dict[str, list[Period]] = {}
        place = len(_CHECKED)
        for method in self._methods:
            if method == "stddev":
                values: Sequence[Any] = list(map(_stddev, columns[0], columns[place], columns[place + 1]))
            else:
                values = columns[_PLACE.get(method, place)]
            found[method] = list(map(Period, lows, highs, values))
            if not all(map(math.isfinite, values)):
                found[method] = [period for period in found[method] if math.isfinite(cast(float, period.value))]
            place += len(_MADE[method])
        return found

    def _bound(self, entity: int, path: int) -> dict[str, Any]:
        low, high = span_of(self._query)
        return {"entity": entity, "path": path, "datasets": self._reader.datasets, "low": low, "high": high}


def _all_numbers(current: Sequence[Timed]) -> bool:
    return all(measure(past).number is not None and not measure(past).is_size for _, past in current)


def _packed(current: Sequence[Timed]) -> str:
    return orjson.dumps([[at, measure(past).number] for at, past in current]).decode()


def _parsed(rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    text = f"[{','.join([row[1] for row in rows])}]"
    try:
        return cast("list[list[Any]]", orjson.loads(text))
    except orjson.JSONDecodeError:  # SQLite writes infinity as a number that is too large
        return cast("list[list[Any]]", json.loads(text))


def _stddev(count: int, total: float, squares: float) -> float:
    return math.sqrt(max(0.0, squares / count - (total / count) ** 2))
