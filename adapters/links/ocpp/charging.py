"""Transactions and statuses of charging stations, kept over restarts.

A transaction of 1.6 gets its number here, once: a StartTransaction that comes again, because its answer was lost, gets
the number that it had. Of both versions it is kept where and when a transaction began and what its meter said then, so
that later messages, which say neither, still tell the energy of the session. Of who charges nothing is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Final, TypeVar, cast

import apsw

from adapters.store import AdapterStore, Row
from broker.model.values import Instant

T = TypeVar("T")
_KEPT: Final = 30 * 86_400 * 1_000_000
"""How long a transaction that ended is remembered: its station may have been out of reach for weeks."""
_TABLES: Final = (
    ("CREATE TABLE ocpp_transaction (number INTEGER PRIMARY KEY AUTOINCREMENT, adapter TEXT NOT NULL,"
    " station TEXT NOT NULL, name TEXT NOT NULL, connector TEXT NOT NULL, started_at INTEGER, begin_wh REAL,"
    " peak_w REAL, soc_start REAL, ended_at INTEGER, UNIQUE (adapter, station, name)) STRICT"),
    ("CREATE TABLE ocpp_status (adapter TEXT NOT NULL, station TEXT NOT NULL, evse INTEGER NOT NULL,"
    " connector INTEGER NOT NULL, status TEXT NOT NULL, PRIMARY KEY (adapter, station, evse, connector))"
    " STRICT, WITHOUT ROWID"),
)  # fmt: skip
_COLUMNS: Final = "name, connector, started_at, begin_wh, peak_w, soc_start, ended_at"
_WORST_FIRST: Final = ("Charging", "SuspendedEV", "SuspendedEVSE", "Finishing", "Preparing", "Occupied", "Reserved")
FREE: Final = "Available"
_OUT: Final = frozenset({"Unavailable", "Faulted"})


@dataclass(frozen=True, slots=True)
class Transaction:
    """One transaction of one station; None, or `""`: not known (yet)."""

    name: str
    connector: str = ""
    started_at: Instant | None = None
    begin_wh: float | None = None
    peak_w: float | None = None
    soc_start: float | None = None
    ended_at: Instant | None = None

    def joined(self, told: Transaction) -> Transaction:
        """What was known, and what a message tells beyond it: what is known of a beginning stays.

        The first register that is told is the beginning's only of a transaction whose beginning was told.
        """
        peaks = [one for one in (self.peak_w, told.peak_w) if one is not None]
        started_at = _first(self.started_at, told.started_at)
        return replace(
            self,
            connector=self.connector or told.connector,
            started_at=started_at,
            begin_wh=None if started_at is None else _first(self.begin_wh, told.begin_wh),
            peak_w=max(peaks, default=None),
            soc_start=_first(self.soc_start, told.soc_start),
            ended_at=_first(told.ended_at, self.ended_at),
        )


@dataclass(frozen=True, slots=True)
class Whole:
    """A station and one of its EVSEs, all connectors together: `free` of `of` EVSEs are, `status` is the station's."""

    evse: str
    free: int
    of: int
    status: str


class Charging:
    """The tables of one adapter. Writes come as futures: done when they are durable."""

    def __init__(self, store: AdapterStore, adapter: str) -> None:
        store.tables("ocpp", _TABLES)
        self._store = store
        self._adapter = adapter

    def begin(self, station: str, told: Transaction, now: Instant) -> Future[Transaction]:
        """A transaction of 1.6, with its number: that of the running one where this is the same told again."""

        def work(db: apsw.Connection) -> Transaction:
            known = self._rows(
                db,
                "station = ? AND connector = ? AND started_at IS ? AND begin_wh IS ? AND ended_at IS NULL",
                (station, told.connector, told.started_at, told.begin_wh),
            )
            if known:
                return known[-1]
            self._forget(db, now)
            number = _one(db, "SELECT coalesce(max(seq), 0) + 1 FROM sqlite_sequence WHERE name = 'ocpp_transaction'")
            return self._put(db, station, replace(told, name=str(number)))

        return self._store.write(work)

    def note(self, station: str, told: Transaction) -> Future[Transaction]:
        """What a message tells of a transaction, joined with what is known of it; that is what comes back."""

        def work(db: apsw.Connection) -> Transaction:
            known = self._rows(db, "station = ? AND name = ?", (station, told.name))
            joined = (known[0] if known else Transaction(told.name)).joined(told)
            return joined if known and joined == known[0] else self._put(db, station, joined)

        return self._store.write(work)

    def running(self, station: str, connector: str = "") -> list[Transaction]:
        """Transactions of a station, or of one of its connectors, that did not end; the oldest first."""
        found = self._store.read(
            f"SELECT {_COLUMNS} FROM ocpp_transaction WHERE adapter = ? AND station = ? AND ended_at IS NULL"  # noqa: S608 - our own words
            " ORDER BY number",
            (self._adapter, station),
        )
        return [one for one in map(_transaction, found) if connector in ("", one.connector)]

    def status(self, station: str, evse: int, connector: int, status: str) -> Future[Whole]:
        """Note the status of a connector; how its EVSE and the station are then."""

        def work(db: apsw.Connection) -> Whole:
            place = (self._adapter, station, evse, connector)
            db.execute("INSERT OR REPLACE INTO ocpp_status VALUES (?, ?, ?, ?, ?)", (*place, status))
            sql = "SELECT evse, status FROM ocpp_status WHERE adapter = ? AND station = ? ORDER BY evse, connector"
            return _whole(evse, cast("list[tuple[int, str]]", list(db.execute(sql, (self._adapter, station)))))

        return self._store.write(work)

    def _put(self, db: apsw.Connection, station: str, one: Transaction) -> Transaction:
        db.execute(
            "INSERT INTO ocpp_transaction (adapter, station, name, connector, started_at, begin_wh, peak_w, soc_start,"
            " ended_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (adapter, station, name) DO UPDATE"
            " SET connector = excluded.connector, started_at = excluded.started_at, begin_wh = excluded.begin_wh,"
            " peak_w = excluded.peak_w, soc_start = excluded.soc_start,"
            " ended_at = excluded.ended_at",
            (self._adapter, station, one.name, one.connector, one.started_at, _real(one.begin_wh), _real(one.peak_w),
             _real(one.soc_start), one.ended_at),
        )  # fmt: skip
        return one

    def _rows(self, db: apsw.Connection, where: str, bindings: Sequence[apsw.SQLiteValue]) -> list[Transaction]:
        sql = f"SELECT {_COLUMNS} FROM ocpp_transaction WHERE adapter = ? AND {where} ORDER BY number"  # noqa: S608 - our own words
        return [_transaction(row) for row in db.execute(sql, (self._adapter, *bindings))]

    def _forget(self, db: apsw.Connection, now: Instant) -> None:
        db.execute("DELETE FROM ocpp_transaction WHERE adapter = ? AND ended_at < ?", (self._adapter, now - _KEPT))


def _transaction(row: Row) -> Transaction:
    return Transaction(*row)  # type: ignore[arg-type]  # the columns are strict, in this order


def _one(db: apsw.Connection, sql: str) -> int:
    return next((cast("int", row[0]) for row in db.execute(sql)), 1)


def _real(value: float | None) -> float | None:
    """As its column has it: a whole number of a sample may be longer than the 64 bits of the file's whole numbers."""
    return None if value is None else float(value)


def _first(one: T | None, other: T | None) -> T | None:
    return other if one is None else one


def _whole(evse: int, rows: Sequence[tuple[int, str]]) -> Whole:
    """EVSE 0 is the station itself: out of order, it is that as a whole."""
    by_evse: dict[int, list[str]] = {}
    for one, status in rows:
        by_evse.setdefault(one, []).append(status)
    own = by_evse.pop(0, [FREE])[0]
    each = {one: _together(statuses) for one, statuses in by_evse.items()}
    free = 0 if own in _OUT else sum(status == FREE for status in each.values())
    station = own if own in _OUT or not each else _station(each.values())
    return Whole(own if evse == 0 else each[evse], free, len(each), station)


def _together(statuses: Sequence[str]) -> str:
    """Connectors of one EVSE: in use where one is; else free where one is; else what they are."""
    used = [status for status in _WORST_FIRST if status in statuses]
    return used[0] if used else FREE if FREE in statuses else statuses[0]


def _station(statuses: Iterable[str]) -> str:
    """Free where one EVSE is, in use where one is, else out of order: `Faulted` where all are."""
    kinds = set(statuses)
    if FREE in kinds:
        return FREE
    if kinds - _OUT:
        return "Occupied"
    return "Faulted" if kinds == {"Faulted"} else "Unavailable"
