"""The places of this engine: files like a tenant's, filled past the change log, copied and dropped as files."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Final

import apsw
import orjson

from broker.model.entity import Entity
from broker.model.values import Instant
from broker.ports import Clock, Restriction
from broker.query.ast import Selection, Window
from broker.stores.sqlite.budget import Budget
from broker.stores.sqlite.changelog import Kept
from broker.stores.sqlite.codec import ENTITY_COLUMNS, to_entity
from broker.stores.sqlite.documents import Hub
from broker.stores.sqlite.files import READ_CACHE_KIB, connect, copy, publish, sync_file, tenant_path
from broker.stores.sqlite.group import Row, Written
from broker.stores.sqlite.prepare import Prepared, prepare
from broker.stores.sqlite.readers import Readers
from broker.stores.sqlite.select import Asked, Reading
from broker.stores.sqlite.writer import Open, Writer
from broker.stores.uniting import united

_KNOWN: Final = f"SELECT iri, number, shape, {ENTITY_COLUMNS} FROM json_each(?) CROSS JOIN entity ON iri = value"  # noqa: S608
_NEXT: Final = "SELECT coalesce(max(number), 0) + 1 FROM entity"
_OWN: Final = """
    DELETE FROM held; DELETE FROM mark; DELETE FROM delivery; DELETE FROM outbox; DELETE FROM dead_letter;
    DELETE FROM outbox_image; DELETE FROM change_log;
"""
"""What a copy of the data does not take along: who watched them, and how they came about."""


class SqlitePlaces:
    """Places. `empty()` gives the content of a file with nothing in it."""

    def __init__(
        self, directory: Path, clock: Clock, parts: tuple[Hub, Readers, Writer], empty: Callable[[], bytes]
    ) -> None:
        self._directory, self._clock, self._empty = directory, clock, empty
        self._hub, self._readers, self._writer = parts

    def walk(self, tenant: str, selection: Selection, restriction: Restriction) -> Iterator[Entity]:
        """Every selected entity of one moment; the tenant's WAL grows while this is read."""
        with self._readers.use(tenant) as (db, known):
            db.execute("BEGIN")
            asked = Asked(selection, Window(0), restriction, self._clock.now())
            yield from Reading(db, known.names, Budget(math.inf), asked).all()

    def walk_ids(self, tenant: str, selection: Selection, restriction: Restriction) -> Iterator[str]:
        """Their ids. Raises TooComplexQuery past the work budget of a read."""
        budget = Budget(None)
        with self._readers.use(tenant) as (db, known), budget.on(db):
            db.execute("BEGIN")
            asked = Asked(selection, Window(0), restriction, self._clock.now())
            yield from Reading(db, known.names, budget, asked).all_ids()

    def make_place(self, place: str) -> None:
        """An empty file, then its name."""
        copy(self._empty(), tenant_path(self._directory, place))
        self._hub.add([place])

    def fill_place(self, place: str, entities: Sequence[Entity]) -> Future[None]:
        """Put entities as they are: one transaction."""
        ready = {id(entity.document): prepare(entity.document) for entity in entities}
        filled: Future[None] = Future()

        def fill(held: Open, _now: Instant) -> None:
            _put(held, entities, ready)

        def finish(written: Future[list[object]]) -> None:
            fault = written.exception()
            if fault is None:
                filled.set_result(None)
            else:
                filled.set_exception(fault)

        self._writer.run(place, [fill]).add_done_callback(finish)
        return filled

    def copy_place(self, place: str, into: str) -> None:
        """A copy of the file of one moment, without what stands in it beside entities and history."""
        path = tenant_path(self._directory, into)
        fresh = path.with_name(f".{path.name}.{os.getpid()}.{time.monotonic_ns()}")
        source = connect(tenant_path(self._directory, place), cache_kib=READ_CACHE_KIB, writes=True)
        try:
            source.execute("VACUUM INTO ?", (str(fresh),))
        finally:
            source.close()
        made = apsw.Connection(str(fresh))
        made.execute(_OWN)
        made.pragma("journal_mode", "wal")
        made.close()
        sync_file(fresh)
        publish(fresh, path)
        self._hub.add([into])

    def drop_place(self, place: str) -> None:
        """Close the file here, strike its name out, remove it; another process lets go when it opens another one."""
        if not self._hub.exists(place):
            return
        self._writer.release(place).result()
        self._hub.remove(place)
        self._readers.forget(place)
        path = tenant_path(self._directory, place)
        for suffix in ("", "-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)


def _put(held: Open, entities: Sequence[Entity], ready: dict[int, Prepared]) -> None:
    known = _known(held.db, [entity.id for entity in entities])
    following = int(held.db.execute(_NEXT).get)
    rows: dict[str, Row] = {}
    for entity in entities:
        row = rows.get(entity.id) or known.get(entity.id)
        if row is None:
            rows[entity.id] = Row(following, None, entity)
            following += 1
        else:
            assert row.current is not None
            row.current = united(row.current, entity)
            rows[entity.id] = row
    changed = [row for row in rows.values() if row.current is not row.stored]
    if changed:
        held.flush.write(Written(changed, []), ready, Kept.of(held.db))


def _known(db: apsw.Connection, ids: list[str]) -> dict[str, Row]:
    found: list[tuple[Any, ...]] = db.execute(_KNOWN, (orjson.dumps(ids).decode(),)).fetchall()
    rows = {}
    for iri, number, shape, *columns in found:
        entity = to_entity(tuple(columns))
        rows[iri] = Row(number, entity, entity, shape, columns[-1])
    return rows
