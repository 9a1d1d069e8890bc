"""Held documents and marks of a tenant: jobs of its writer, so that they stand in the order of its writes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from functools import partial
from typing import Any, Final

import apsw

from broker.model.values import Instant, Json
from broker.ports.held import Drop, Held, HeldCommand, HeldDecision, Hold
from broker.stores.sqlite.codec import dump, load_any
from broker.stores.sqlite.dues import Dues
from broker.stores.sqlite.ground import Ground, first, nothing
from broker.stores.sqlite.writer import Job, Open

_COLUMNS: Final = "id, body, created_at, modified_at, version, expires_at"
_FIND: Final = f"SELECT {_COLUMNS} FROM held WHERE kind = ? AND id = ?"  # noqa: S608 - constants of ours
_ALL: Final = f"SELECT {_COLUMNS} FROM held WHERE kind = ? ORDER BY created_at, id"  # noqa: S608
_LIVE: Final = "kind = ?1 AND (expires_at IS NULL OR expires_at > ?2)"
_PAGE: Final = f"""SELECT {_COLUMNS} FROM (
    SELECT kind AS k, id AS i FROM held INDEXED BY held_order WHERE {_LIVE} ORDER BY created_at, id LIMIT ?3 OFFSET ?4
    ) CROSS JOIN held ON kind = k AND id = i ORDER BY created_at, id"""  # noqa: S608 - constants of ours
_COUNT: Final = f"SELECT count(*) FROM held INDEXED BY held_order WHERE {_LIVE}"  # noqa: S608
_PUT: Final = """INSERT OR REPLACE INTO held (kind, id, body, created_at, modified_at, version, expires_at)
    VALUES (?, ?, ?, ?, ?, ?, ?)"""
_RISE: Final = """INSERT INTO generation (kind, number) VALUES (?, 1)
    ON CONFLICT (kind) DO UPDATE SET number = number + 1"""
_GENERATION: Final = "SELECT number FROM generation WHERE kind = ?"
_EXPIRED: Final = "SELECT kind, id FROM held WHERE expires_at <= ?"


class SqliteHeld:
    """HeldStore and Marks. `dropped(db, kind, id)` deletes, in the same transaction, what hangs on a document."""

    def __init__(self, ground: Ground, dues: Dues, dropped: Callable[[apsw.Connection, str, str], None]) -> None:
        self._ground, self._dues, self._dropped = ground, dues, dropped

    def apply_held(self, tenant: str, commands: Sequence[HeldCommand]) -> Future[list[object]]:
        """Queue the commands for the writer."""
        jobs: list[Job] = [partial(self._run, command) for command in commands]
        return self._ground.run(tenant, jobs, creates=any(command.creates for command in commands))

    def find_held(self, tenant: str, kind: str, document_id: str) -> Held | None:
        """One document."""
        with self._ground.reading(tenant) as db:
            return _find(db, kind, document_id, self._ground.now())

    def all_held(self, tenant: str, kind: str) -> list[Held]:
        """All of a kind, oldest first."""
        with self._ground.reading(tenant) as db:
            return all_of(db, kind, self._ground.now())

    def page_held(self, tenant: str, kind: str, offset: int, limit: int) -> tuple[list[Held], int]:
        """A window of a kind, oldest first, and how many there are."""
        with self._ground.reading(tenant) as db:
            now = self._ground.now()
            rows: list[tuple[Any, ...]] = db.execute(_PAGE, (kind, now, limit, offset)).fetchall()
            return [_held(row) for row in rows], int(db.execute(_COUNT, (kind, now)).get)

    def tenants_of(self, kind: str) -> list[str]:
        """Tenants that have, or had, documents of the kind."""
        return self._dues.keeping(kind)

    def held_generation(self, tenant: str, kind: str) -> int:
        """Rises with every write of the kind."""
        with self._ground.reading(tenant) as db:
            return generation(db, kind)

    def mark(self, tenant: str, name: str, value: Json) -> Future[None]:
        """Keep a value under a name; None forgets it."""

        def keep(held: Open, _now: Instant) -> None:
            if value is None:
                held.db.execute("DELETE FROM mark WHERE name = ?", (name,))
            else:
                held.db.execute("INSERT OR REPLACE INTO mark VALUES (?, ?)", (name, dump(value)[0].decode()))

        return first(self._ground.run(tenant, [keep]), nothing)

    def marks(self, tenant: str, prefix: str) -> Mapping[str, Json]:
        """All whose names begin with the prefix."""
        sql = "SELECT name, value FROM mark WHERE substr(name, 1, length(?1)) = ?1 ORDER BY name"
        with self._ground.reading(tenant) as db:
            rows: list[tuple[Any, ...]] = db.execute(sql, (prefix,)).fetchall()
        return {name: load_any(value) for name, value in rows}

    def sweep(self, held: Open, now: Instant) -> int:
        """Drop what has expired: a job; how many documents that were."""
        rows: list[tuple[Any, ...]] = held.db.execute(_EXPIRED, (now,)).fetchall()
        for kind, document_id in rows:
            self._drop(held, kind, document_id)
        return len(rows)

    def _run(self, command: HeldCommand, held: Open, now: Instant) -> object:
        current = _find(held.db, command.kind, command.id, now)
        decision: HeldDecision = command.decide(current, now)
        if isinstance(decision, Hold):
            self._dues.keep(command.kind, held.tenant)
            held.expires(decision.expires_at)
            made, version = (now, 1) if current is None else (current.created_at, current.version + 1)
            text = dump(dict(decision.body))[0].decode()
            held.db.execute(_PUT, (command.kind, command.id, text, made, now, version, decision.expires_at))
            held.db.execute(_RISE, (command.kind,))
        elif isinstance(decision, Drop) and current is not None:
            self._drop(held, command.kind, command.id)
        return decision.result

    def _drop(self, held: Open, kind: str, document_id: str) -> None:
        held.db.execute("DELETE FROM held WHERE kind = ? AND id = ?", (kind, document_id))
        held.db.execute(_RISE, (kind,))
        self._dropped(held.db, kind, document_id)


def all_of(db: apsw.Connection, kind: str, now: Instant) -> list[Held]:
    """The documents of a kind that have not expired, oldest first."""
    rows: list[tuple[Any, ...]] = db.execute(_ALL, (kind,)).fetchall()
    return [_held(row) for row in rows if row[-1] is None or row[-1] > now]


def generation(db: apsw.Connection, kind: str) -> int:
    """How many writes the kind has seen."""
    return int(db.execute(_GENERATION, (kind,)).get or 0)


def _find(db: apsw.Connection, kind: str, document_id: str, now: Instant) -> Held | None:
    rows: list[tuple[Any, ...]] = db.execute(_FIND, (kind, document_id)).fetchall()
    return _held(rows[0]) if rows and (rows[0][-1] is None or rows[0][-1] > now) else None


def _held(row: tuple[Any, ...]) -> Held:
    return Held(row[0], load_any(row[1]), *row[2:])
