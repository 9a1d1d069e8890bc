"""One transaction of one tenant: all commands waiting for it, each decided on what those before it left.

Decisions are made on entities held here; the rows follow at the end, in a few statements for the whole group. So a
refused command leaves nothing behind without a savepoint in the file (which would copy every page it touches), an
entity changed ten times in a group is written once, and SQLite works without Python between the rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import apsw
import orjson

from broker.errors import NgsiError
from broker.model.entity import Entity
from broker.model.expiry import live
from broker.model.values import Instant
from broker.ports import Command, Keep, Labels, Put, Remove
from broker.stores.images import Change, changed, touched
from broker.stores.sqlite.codec import ENTITY_COLUMNS, to_entity

_FIND = f"SELECT number, shape, {ENTITY_COLUMNS} FROM entity WHERE iri = ?"  # noqa: S608 - a constant of ours
_FIND_MANY = f"SELECT iri, number, shape, {ENTITY_COLUMNS} FROM json_each(?) CROSS JOIN entity ON iri = value"  # noqa: S608
_LAST = "SELECT max(0, ifnull((SELECT max(number) FROM entity), 0), ifnull((SELECT max(number) FROM history), 0))"
PREFETCH_MIN = 3


@dataclass(slots=True)
class Row:
    """An entity of the group: as the file has it (`stored`, None for a new one) and as it is now (None: removed).

    `labels` are those of the current entity, where they are known.
    """

    number: int
    stored: Entity | None
    current: Entity | None
    shape: int = 0
    next_expiry: Instant | None = None
    labels: Labels | None = None


@dataclass(frozen=True, slots=True)
class Logged:
    """A change log row to be: the entity as it was (None: not there) and as it is (a deleted one as it last was).

    `number` is that of its row.
    """

    number: int
    before: Entity | None
    entity: Entity
    change: Change
    subjects: frozenset[int]
    data_classes: frozenset[str]


@dataclass(slots=True)
class Written:
    """What a group comes to: rows to write and rows to remove, and the log in its order."""

    rows: list[Row] = field(default_factory=list)
    log: list[Logged] = field(default_factory=list)


class Group:
    """The commands of one transaction on one tenant's file; `db` is inside BEGIN IMMEDIATE."""

    def __init__(self, db: apsw.Connection, now: Instant, label: Callable[[Entity], Labels]) -> None:
        self._db = db
        self._now = now
        self._label = label
        self._held: dict[str, Row | None] = {}
        self._undo: list[tuple[str, Row | None]] = []
        self._gone: list[Row] = []
        self._log: list[Logged] = []
        self._next = int(db.execute(_LAST).get) + 1

    def prefetch(self, ids: Sequence[str]) -> None:
        """Read the rows of many ids at once."""
        for row in self._db.execute(_FIND_MANY, (orjson.dumps(ids).decode(),)):
            self._held[row[0]] = _row(row[1:])
        for one in ids:
            self._held.setdefault(one, None)

    def run(self, commands: Sequence[Command]) -> list[object]:
        """Each command's result, or the NgsiError it raised; any other exception undoes all of these commands."""
        gone, logged, following = len(self._gone), len(self._log), self._next
        self._undo.clear()
        try:
            return [self._run(command) for command in commands]
        except BaseException:
            for entity_id, row in reversed(self._undo):
                self._held[entity_id] = row
            self._next = following
            del self._gone[gone:]
            del self._log[logged:]
            raise

    def written(self) -> Written:
        """The rows that differ from the file, and the log."""
        rows = [row for row in self._held.values() if row is not None and row.current is not row.stored]
        return Written([*self._gone, *rows], self._log)

    def _run(self, command: Command) -> object:
        row = self._find(command.id)
        stored = None if row is None else row.current
        current = stored
        if stored is not None and row is not None and _due(row, self._now):
            current = live(stored, self._now)
        try:
            decision = command.decide(current, self._now)
        except NgsiError as refusal:
            return refusal
        match decision:
            case Keep():
                pass
            case Put(entity):
                self._put(command.id, row, None if current is None else stored, entity)
            case Remove():
                self._remove(command.id, row)
        return decision.result

    def _find(self, entity_id: str) -> Row | None:
        if entity_id not in self._held:
            found = self._db.execute(_FIND, (entity_id,)).fetchone()
            self._held[entity_id] = None if found is None else _row(found)
        return self._held[entity_id]

    def _put(self, entity_id: str, row: Row | None, stored: Entity | None, entity: Entity) -> None:
        if stored is None or row is None:
            self._remove(entity_id, row)  # one that had expired
            written = Entity(entity.document, self._now, self._now, entity.expires_at, 1)
            labels = self._label(written)
            put = Row(self._next, None, written, labels=labels)
            self._next += 1
        else:
            at, version = stored.created_at, stored.version + 1
            written = Entity(entity.document, at, self._now, entity.expires_at, version)
            labels = self._label(written)
            put = Row(row.number, row.stored, written, row.shape, row.next_expiry, labels)
        self._hold(entity_id, put)
        change = changed(stored, written)
        self._log.append(Logged(put.number, stored, written, change, *touched(labels, change)))

    def _remove(self, entity_id: str, row: Row | None) -> None:
        self._hold(entity_id, None)
        if row is None or row.current is None:
            return
        if row.stored is not None:
            self._gone.append(Row(row.number, row.stored, None, row.shape, row.next_expiry))
        last = row.current
        gone = Entity(last.document, last.created_at, self._now, last.expires_at, last.version + 1)
        change = changed(last, None)
        self._log.append(Logged(row.number, last, gone, change, *touched(self._label(gone), change)))

    def _hold(self, entity_id: str, row: Row | None) -> None:
        self._undo.append((entity_id, self._held[entity_id]))
        self._held[entity_id] = row


def _row(found: tuple[Any, ...]) -> Row:
    entity = to_entity(found[2:])
    return Row(found[0], entity, entity, found[1], found[-1])


def _due(row: Row, now: Instant) -> bool:
    """Whether something of it may have expired; only a row as the file has it knows when."""
    return row.current is not row.stored or (row.next_expiry is not None and row.next_expiry <= now)
