"""The bank's book: each act is a row that stays; what an item is now is the fold of its acts, kept beside them.

    desk.write("offer", "urn:ngsi-ld:DataOffer:1", "publish", {"state": "offerLive"})

An act's `changed` holds the members that it sets; a member that it takes away is set to None. Personal texts (a
complaint, and whose it is) are no part of an act: they stand in `bank_text`, where they can be erased.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar

from broker.errors import ResourceNotFound, ServiceUnavailable
from broker.keeping import KeptFile, NotKept, Row
from broker.model.values import Instant, Json
from broker.ports import Clock

STEPS: Final = (
    (
        "CREATE TABLE bank_item (number INTEGER PRIMARY KEY, tenant TEXT NOT NULL, kind TEXT NOT NULL,"
        " id TEXT NOT NULL, version INTEGER NOT NULL, projected INTEGER NOT NULL, due INTEGER, body TEXT NOT NULL,"
        " UNIQUE (tenant, kind, id)) STRICT"
    ),
    "CREATE INDEX bank_item_due ON bank_item (due) WHERE due IS NOT NULL",
    "CREATE INDEX bank_item_ahead ON bank_item (number) WHERE projected < version",
    (
        "CREATE TABLE bank_event (number INTEGER PRIMARY KEY, tenant TEXT NOT NULL, kind TEXT NOT NULL,"
        " id TEXT NOT NULL, version INTEGER NOT NULL, at INTEGER NOT NULL, act TEXT NOT NULL, by TEXT NOT NULL,"
        " changed TEXT NOT NULL, UNIQUE (tenant, kind, id, version)) STRICT"
    ),
    (
        "CREATE TRIGGER bank_event_stays BEFORE UPDATE ON bank_event"
        " BEGIN SELECT RAISE(ABORT, 'an act of the bank is never changed'); END"
    ),
    (
        "CREATE TRIGGER bank_event_remains BEFORE DELETE ON bank_event"
        " BEGIN SELECT RAISE(ABORT, 'an act of the bank is never removed'); END"
    ),
    (
        "CREATE TABLE bank_text (tenant TEXT NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL, subject TEXT NOT NULL,"
        " body TEXT NOT NULL, PRIMARY KEY (tenant, kind, id)) STRICT, WITHOUT ROWID"
    ),
    "CREATE INDEX bank_text_subject ON bank_text (tenant, subject)",
)
ITEMS_MAX: Final = 20_000
T = TypeVar("T")
Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Item:
    """One thing of the bank as it is now: a recipient, an offer, a complaint, …."""

    kind: str
    id: str
    number: int
    version: int
    body: Body

    @property
    def state(self) -> str:
        """`offerLive`."""
        return str(self.body.get("state", ""))

    def told(self) -> dict[str, Json]:
        """As its door answers it."""
        return {"id": self.id, **self.body}


@dataclass(frozen=True, slots=True)
class Act:
    """One row of the book."""

    version: int
    at: Instant
    act: str
    by: str
    changed: Body


class Db(Protocol):
    """A transaction of the file."""

    def execute(self, sql: str, bindings: tuple[str | int | None, ...] = ..., /) -> Iterator[Row]:
        """Rows of a statement."""


class Desk:
    """The book within one transaction; `now` is its time, `by` whoever acts."""

    def __init__(self, db: Db, tenant: str, by: str, now: Instant) -> None:
        self.db, self.tenant, self.by, self.now = db, tenant, by, now
        self.touched: list[Item] = []

    def find(self, kind: str, item_id: str) -> Item | None:
        """It, or None."""
        rows = self.db.execute(f"{_ITEM} AND id = ?", (self.tenant, kind, item_id))
        return next(map(_item, rows), None)

    def item(self, kind: str, item_id: str) -> Item:
        """It. Raises ResourceNotFound."""
        return found(self.find(kind, item_id), kind)

    def items(self, kind: str) -> list[Item]:
        """All of a kind, oldest first."""
        return [*map(_item, self.db.execute(f"{_ITEM} ORDER BY number", (self.tenant, kind)))]

    def write(self, kind: str, item_id: str, act: str, changed: Mapping[str, Any], due: Instant | None = None) -> Item:
        """Write an act down; `due` is when the item is to be looked at next by itself."""
        before = self.find(kind, item_id)
        version = 1 if before is None else before.version + 1
        body = fold({} if before is None else before.body, changed)
        key = (self.tenant, kind, item_id)
        self.db.execute(
            "INSERT INTO bank_event (tenant, kind, id, version, at, act, by, changed) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (*key, version, self.now, act, self.by, _text(changed)),
        )
        self.db.execute(
            "INSERT INTO bank_item (tenant, kind, id, version, projected, due, body) VALUES (?, ?, ?, ?, 0, ?, ?)"
            " ON CONFLICT DO UPDATE SET version = excluded.version, due = excluded.due, body = excluded.body",
            (*key, version, due, _text(body)),
        )
        item = self.item(kind, item_id)
        self.touched = [*(one for one in self.touched if (one.kind, one.id) != (kind, item_id)), item]
        return item

    def keep_text(self, kind: str, item_id: str, subject: str, body: Mapping[str, Any]) -> None:
        """Keep what is somebody's own, where it can be erased."""
        row = (self.tenant, kind, item_id, subject, _text(body))
        self.db.execute("INSERT OR REPLACE INTO bank_text VALUES (?, ?, ?, ?, ?)", row)

    def text(self, kind: str, item_id: str) -> tuple[str, Body]:
        """Whose it is and what they wrote; both empty where it was erased."""
        sql = "SELECT subject, body FROM bank_text WHERE tenant = ? AND kind = ? AND id = ?"
        row = next(iter(self.db.execute(sql, (self.tenant, kind, item_id))), None)
        return ("", {}) if row is None else (str(row[0]), json.loads(str(row[1])))


class Book:
    """The book; any thread may ask it."""

    def __init__(self, file: KeptFile, clock: Clock, project: Callable[[str, Sequence[Item]], None]) -> None:
        file.tables("bank", STEPS)
        self._file, self._clock, self._project = file, clock, project

    def now(self) -> Instant:
        """The time."""
        return self._clock.now()

    def transact(self, tenant: str, by: str, work: Callable[[Desk], T]) -> T:
        """Do it in one transaction, durable and shown in the hub on return. Raises what `work` raises."""

        def run(db: Db) -> tuple[T, list[Item]]:
            desk = Desk(db, tenant, by, self._clock.now())
            result = work(desk)
            return result, desk.touched

        try:
            result, touched = self._file.write(run).result()
        except NotKept as error:
            raise ServiceUnavailable("nothing is written now", remedy="Ask again.") from error
        self._project(tenant, touched)
        return result

    def find(self, tenant: str, kind: str, item_id: str) -> Item | None:
        """It as it is now, or None."""
        rows = self._file.read(f"{_ITEM} AND id = ?", (tenant, kind, item_id))
        return next(map(_item, rows), None)

    def item(self, tenant: str, kind: str, item_id: str) -> Item:
        """It. Raises ResourceNotFound."""
        return found(self.find(tenant, kind, item_id), kind)

    def items(self, tenant: str, kind: str, after: int = 0, limit: int = ITEMS_MAX) -> list[Item]:
        """Those of a kind after that number, oldest first."""
        rows = self._file.read(f"{_ITEM} AND number > ? ORDER BY number LIMIT ?", (tenant, kind, after, limit))
        return [*map(_item, rows)]

    def text(self, tenant: str, kind: str, item_id: str) -> tuple[str, Body]:
        """Whose an item is and what they wrote; both empty where there is nothing of it."""
        sql = "SELECT subject, body FROM bank_text WHERE tenant = ? AND kind = ? AND id = ?"
        row = next(iter(self._file.read(sql, (tenant, kind, item_id))), None)
        return ("", {}) if row is None else (str(row[0]), json.loads(str(row[1])))

    def of_subject(self, tenant: str, kind: str, subject: str) -> list[Item]:
        """A person's own, oldest first."""
        sql = "SELECT id FROM bank_text WHERE tenant = ? AND kind = ? AND subject = ?"
        mine = {str(row[0]) for row in self._file.read(sql, (tenant, kind, subject))}
        return [one for one in self.items(tenant, kind) if one.id in mine]

    def forget(self, tenant: str, subject: str) -> int:
        """Erase what is a person's own; how many texts went."""

        def erase(db: Db) -> int:
            sql = "DELETE FROM bank_text WHERE tenant = ? AND subject = ? RETURNING id"
            gone = len([*db.execute(sql, (tenant, subject))])
            self._file.empty_log()
            return gone

        return self._file.write(erase).result()

    def acts(self, tenant: str, kind: str, item_id: str) -> list[Act]:
        """What was done to an item, oldest first."""
        sql = (
            "SELECT version, at, act, by, changed FROM bank_event"
            " WHERE tenant = ? AND kind = ? AND id = ? ORDER BY version"
        )
        rows = self._file.read(sql, (tenant, kind, item_id))
        return [
            Act(int(str(version)), int(str(at)), str(act), str(by), json.loads(str(changed)))
            for version, at, act, by, changed in rows
        ]

    def due(self, limit: int = 500) -> list[tuple[str, Item]]:
        """Items of all tenants that are to be looked at by now."""
        sql = "SELECT kind, id, number, version, body, tenant FROM bank_item WHERE due <= ? ORDER BY due LIMIT ?"
        return [(str(row[5]), _item(row)) for row in self._file.read(sql, (self._clock.now(), limit))]

    def ahead(self, limit: int = 500) -> list[tuple[str, Item]]:
        """Items of all tenants of which the hub does not show the newest yet."""
        sql = (
            "SELECT kind, id, number, version, body, tenant FROM bank_item WHERE projected < version"
            " ORDER BY number LIMIT ?"
        )
        return [(str(row[5]), _item(row)) for row in self._file.read(sql, (limit,))]

    def shown(self, item: Item) -> None:
        """The hub shows that version of it now."""

        def note(db: Db) -> None:
            db.execute(
                "UPDATE bank_item SET projected = max(projected, ?) WHERE number = ?", (item.version, item.number)
            )

        self._file.write(note).result()

    def tenants(self) -> list[str]:
        """Those in which there is anything."""
        return [str(row[0]) for row in self._file.read("SELECT DISTINCT tenant FROM bank_item ORDER BY tenant")]


def fold(body: Mapping[str, Any], changed: Mapping[str, Any]) -> Body:
    """What an item is after an act."""
    return {name: value for name, value in {**body, **changed}.items() if value is not None}


def found(item: Item | None, kind: str) -> Item:
    """It. Raises ResourceNotFound where it is None."""
    if item is None:
        raise ResourceNotFound(f"there is no such {kind}", remedy=f"the list of what there is of it: {kind}")
    return item


_ITEM: Final = "SELECT kind, id, number, version, body FROM bank_item WHERE tenant = ? AND kind = ?"


def _item(row: Row) -> Item:
    return Item(str(row[0]), str(row[1]), int(str(row[2])), int(str(row[3])), json.loads(str(row[4])))


def _text(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
