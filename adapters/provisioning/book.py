"""Devices, groups and mappings that people provisioned while the hub runs: rows of the adapters' file.

    book.add([Row("device", "meters", "", "h1-meter", {"id": "h1-meter", "mapping": "smart-meters"})])
    book.since(0) -> [Row(…, generation=1)]

Every row carries the generation of its last change, so that each process reads only what it has not seen. What was
removed stays as a row without a body for a while: that is how others hear of it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias, cast

import apsw

from adapters.provisioning.provision import Source
from adapters.store import AdapterStore
from broker.model.values import Instant, Json
from broker.ports import Clock

Kind: TypeAlias = Literal["device", "group", "mapping", "entity"]
Key: TypeAlias = tuple[Kind, str, str, str]
OWNER: Final = "provisioning"
GONE_KEPT_US: Final = 7 * 86_400 * 1_000_000
_STEPS: Final = (
    """
    CREATE TABLE provisioned (
      kind TEXT NOT NULL,
      adapter TEXT NOT NULL,
      tenant TEXT NOT NULL,
      name TEXT NOT NULL,
      body TEXT,
      given TEXT NOT NULL,
      source TEXT NOT NULL,
      generation INTEGER NOT NULL,
      at INTEGER NOT NULL,
      PRIMARY KEY (kind, adapter, tenant, name)
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX provisioned_since ON provisioned (generation)",
)
_SINCE: Final = """
    SELECT kind, adapter, tenant, name, body, given, source, generation
    FROM provisioned WHERE generation > ? ORDER BY generation
"""
_ONE: Final = """
    SELECT kind, adapter, tenant, name, body, given, source, generation
    FROM provisioned WHERE kind = ? AND adapter = ? AND tenant = ? AND name = ? AND body IS NOT NULL
"""
_KIND: Final = """
    SELECT kind, adapter, tenant, name, body, given, source, generation
    FROM provisioned WHERE kind = ? AND body IS NOT NULL ORDER BY adapter, tenant, name
"""
_PUT: Final = """
    INSERT OR REPLACE INTO provisioned (kind, adapter, tenant, name, body, given, source, generation, at)
    VALUES (?, ?, ?, ?, ?, ?, ?, 1 + (SELECT coalesce(max(generation), 0) FROM provisioned), ?)
"""


class AlreadyThere(Exception):
    """Something goes by that name already."""

    def __init__(self, key: Key) -> None:
        super().__init__(f"{key[0]} {key[3]!r} is there already")
        self.key = key


class NotThere(Exception):
    """Nothing goes by that name."""

    def __init__(self, key: Key) -> None:
        super().__init__(f"there is no {key[0]} {key[3]!r}")
        self.key = key


@dataclass(frozen=True, slots=True)
class Row:
    """`body` is what `provisioning.reading` reads, keys as digests, names as IRIs; None: it was removed."""

    kind: Kind
    adapter: str
    tenant: str
    name: str
    body: Mapping[str, Json] | None
    given: Mapping[str, Json] = field(default_factory=dict)
    source: Source = "book"
    generation: int = 0

    @property
    def key(self) -> Key:
        """What there is one of."""
        return self.kind, self.adapter, self.tenant, self.name


class Book:
    """The rows. Every write is durable on return; any thread, any process."""

    def __init__(self, store: AdapterStore, clock: Clock) -> None:
        self._store, self._clock = store, clock
        store.tables(OWNER, _STEPS)
        store.write(self._forget_gone).result()

    def since(self, generation: int) -> list[Row]:
        """What changed after that generation, oldest first."""
        return [_row(row) for row in self._store.read(_SINCE, (generation,))]

    def one(self, key: Key) -> Row | None:
        """The row of that name."""
        return next((_row(row) for row in self._store.read(_ONE, key)), None)

    def of_kind(self, kind: Kind) -> list[Row]:
        """All of a kind, by adapter, tenant and name."""
        return [_row(row) for row in self._store.read(_KIND, (kind,))]

    def add(self, rows: Sequence[Row], *, or_leave: bool = False) -> None:
        """New ones, all or none; with `or_leave` those that are there stay as they are. Raises AlreadyThere."""

        def work(db: apsw.Connection) -> None:
            for row in rows:
                if _body(db, row.key) is None:
                    self._put(db, row)
                elif not or_leave:
                    raise AlreadyThere(row.key)

        self._store.write(work).result()

    def put(self, rows: Sequence[Row]) -> None:
        """New ones, and others in the place of those that are there."""

        def work(db: apsw.Connection) -> None:
            for row in rows:
                self._put(db, row)

        self._store.write(work).result()

    def change(self, key: Key, change: Callable[[Row], Row]) -> Row:
        """What `change` makes of a row, in one transaction. Raises NotThere, and what `change` raises."""

        def work(db: apsw.Connection) -> Row:
            before = _body(db, key)
            if before is None:
                raise NotThere(key)
            after = change(before)
            self._put(db, after)
            return after

        return self._store.write(work).result()

    def remove(self, keys: Sequence[Key]) -> None:
        """Take them away, all or none. Raises NotThere."""

        def work(db: apsw.Connection) -> None:
            for key in keys:
                if _body(db, key) is None:
                    raise NotThere(key)
                self._put(db, Row(*key, None))

        self._store.write(work).result()

    def _put(self, db: apsw.Connection, row: Row) -> None:
        body = None if row.body is None else _text(row.body)
        db.execute(_PUT, (*row.key, body, _text(row.given), row.source, self._clock.now()))

    def _forget_gone(self, db: apsw.Connection) -> None:
        """Not the newest row: generations would begin anew."""
        before: Instant = self._clock.now() - GONE_KEPT_US
        db.execute(
            "DELETE FROM provisioned WHERE body IS NULL AND at < ?"
            " AND generation < (SELECT max(generation) FROM provisioned)",
            (before,),
        )


def _body(db: apsw.Connection, key: Key) -> Row | None:
    """The row of that name, where it was not removed."""
    found = db.execute(_ONE, key).fetchone()
    return None if found is None else _row(found)


def _row(columns: tuple[apsw.SQLiteValue, ...]) -> Row:
    kind, adapter, tenant, name, body, given, source, generation = columns
    return Row(
        cast("Kind", kind),
        str(adapter),
        str(tenant),
        str(name),
        None if body is None else json.loads(str(body)),
        json.loads(str(given)),
        cast("Source", source),
        int(str(generation)),
    )


def _text(value: Mapping[str, Json]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
