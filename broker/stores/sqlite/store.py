"""The SQLite engine: EntityStore, Tenants, ChangeLog and DocumentStore over one directory.

Reads run on the calling thread and end their transaction before they answer; writes go to the writer thread.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, cast

import apsw
import orjson

from broker.errors import NgsiError
from broker.model.entity import Entity
from broker.model.expiry import live
from broker.model.values import Instant, Json
from broker.ports import (
    INLINE,
    INLINE_BUDGET_MS,
    AttributeCount,
    Clock,
    Command,
    Keep,
    Labels,
    LoggedChange,
    Page,
    Put,
    Remove,
    Restriction,
    StoredDocument,
    TypeCount,
    TypeExtent,
)
from broker.ports.outbox import Watches
from broker.query.ast import EVERYTHING, Selection, Window
from broker.stores.discovery import count_attributes, count_types, measure_types
from broker.stores.forms import count_attributes_of, count_types_of
from broker.stores.images import no_labels
from broker.stores.refusals import no_tenant
from broker.stores.sqlite import changelog, counts, extents
from broker.stores.sqlite.budget import Budget
from broker.stores.sqlite.codec import ENTITY_COLUMNS, to_entity
from broker.stores.sqlite.documents import Hub
from broker.stores.sqlite.dues import Dues, next_due
from broker.stores.sqlite.files import copy, create, hub_path, prepare, tenant_path
from broker.stores.sqlite.held import SqliteHeld
from broker.stores.sqlite.history import SqliteHistory
from broker.stores.sqlite.leases import SqliteLeases
from broker.stores.sqlite.outbox import SqliteOutbox
from broker.stores.sqlite.places import SqlitePlaces
from broker.stores.sqlite.readers import Readers, Tenant
from broker.stores.sqlite.schema import TENANT_STEPS, UnusableFile
from broker.stores.sqlite.select import Asked, Reading
from broker.stores.sqlite.writer import Around, Companion, Job, Open, Writer

log = logging.getLogger("misono.store")

_GET_MANY: Final = f"SELECT {ENTITY_COLUMNS} FROM json_each(?) CROSS JOIN entity ON iri = value"  # noqa: S608
_GET: Final = f"SELECT {ENTITY_COLUMNS} FROM entity WHERE iri = ?"  # noqa: S608 - constants of ours
_SCAN_AFTER: Final = f"SELECT number, {ENTITY_COLUMNS} FROM entity WHERE number > ? ORDER BY number LIMIT 500"  # noqa: S608
SWEEP_MAX: Final = 200  # entities a sweep takes up at a time, so that writes come in between


def nowhere(_tenant: str) -> bool:
    """What is deleted is not overwritten."""
    return False


class SqliteStore:
    """One directory of files; several processes may have it open."""

    inline: Final = True

    def __init__(
        self,
        directory: Path,
        clock: Clock,
        label: Callable[[Entity], Labels] = no_labels,
        watches: Watches | None = None,
        overwrites: Callable[[str], bool] = nowhere,
    ) -> None:
        self._directory = directory
        self._clock, self._overwrites = clock, overwrites
        self._hub = Hub(hub_path(directory))
        self._readers = Readers(self._path)
        self._template: bytes | None = None
        self._unlisted: set[str] = set()
        self._listening: list[Callable[[str], None]] = []
        self._dues = Dues(hub_path(directory))
        self.outbox = SqliteOutbox(self, self._dues, watches)
        self.held = SqliteHeld(self, self._dues, self.outbox.dropped)
        self.leases = SqliteLeases(hub_path(directory), clock)
        self.history = SqliteHistory(self, self._readers, self._transaction)
        around = Around(self._path_for_writing, self._dues.lower, self._committed, self._told, self._beside, overwrites)
        self._writer = Writer(clock, label, around)
        self.writing = self._writer.writing
        self.places = SqlitePlaces(directory, clock, (self._hub, self._readers, self._writer), self._empty)

    def apply(self, tenant: str, commands: Sequence[Command]) -> Future[list[object]]:
        """Queue the commands for the writer."""
        if not (self._hub.exists(tenant) or any(command.creates for command in commands)):
            return _refused(tenant)
        return self._writer.submit(tenant, commands)

    def run(
        self, tenant: str, jobs: Sequence[Job], *, creates: bool = False, alone: bool = False
    ) -> Future[list[object]]:
        """Queue jobs for the writer; for the parts of this engine that stand beside the entities."""
        if not (creates or self._hub.exists(tenant)):
            return _refused(tenant)
        return self._writer.run(tenant, jobs, alone=alone)

    def now(self) -> Instant:
        """What the clock says."""
        return self._clock.now()

    @contextmanager
    def reading(self, tenant: str) -> Iterator[apsw.Connection]:
        """A read transaction on a tenant's file, over at the end."""
        with self._transaction(tenant) as (db, _):
            yield db

    def get(self, tenant: str, entity_id: str) -> Entity | None:
        """The live entity, or None."""
        known = self._readers.of(tenant)
        db = known.take()
        try:
            row = db.execute(_GET, (entity_id,)).fetchall()
        finally:
            known.give(db)
        if not row:
            return None
        entity = to_entity(row[0])
        return entity if row[0][-1] is None else live(entity, self._clock.now())

    def get_many(self, tenant: str, entity_ids: Sequence[str]) -> dict[str, Entity]:
        """The live entities of these ids, by one statement."""
        known = self._readers.of(tenant)
        db = known.take()
        try:
            rows = db.execute(_GET_MANY, (orjson.dumps(entity_ids).decode(),)).fetchall()
        finally:
            known.give(db)
        found: dict[str, Entity] = {}
        for row in rows:
            entity = to_entity(row)
            kept = entity if row[-1] is None else live(entity, self._clock.now())
            if kept is not None:
                found[kept.id] = kept
        return found

    def select(
        self,
        tenant: str,
        selection: Selection,
        window: Window,
        restriction: Restriction,
        budget_ms: float | None = None,
    ) -> Page:
        """The window of the answer.

        Raises TooComplexQuery past the work budget; with `budget_ms`, OverBudget past that many milliseconds. On the
        event loop (INLINE) the budget is INLINE_BUDGET_MS.
        """
        if budget_ms is None and INLINE.get():
            budget_ms = INLINE_BUDGET_MS
        asked = Asked(selection, window, restriction, self._clock.now())
        budget = Budget(budget_ms)
        with self._transaction(tenant) as (db, known), budget.on(db):
            return Reading(db, known.names, budget, asked).page(known.offsets)

    def types(self, tenant: str, restriction: Restriction) -> list[TypeCount]:
        """Every type of live visible entities."""
        if restriction.view is not None or restriction.where != EVERYTHING:
            return count_types(self._visible(tenant, restriction))
        with self._transaction(tenant) as (db, _):
            return count_types_of(counts.forms(db, self._clock.now()))

    def attributes(self, tenant: str, restriction: Restriction) -> list[AttributeCount]:
        """Every attribute name of live visible entities."""
        if restriction.view is not None or restriction.where != EVERYTHING:
            return count_attributes(self._visible(tenant, restriction))
        with self._transaction(tenant) as (db, _):
            return count_attributes_of(counts.forms(db, self._clock.now()))

    def extents(self, tenant: str, restriction: Restriction) -> list[TypeExtent]:
        """Where and when the live visible entities of each type are."""
        if restriction.view is not None or restriction.where != EVERYTHING:
            return measure_types(self._visible(tenant, restriction))
        with self._transaction(tenant) as (db, _):
            return extents.extents(db, self._clock.now())

    def scan(self, tenant: str) -> Iterator[Entity]:
        """All live entities of one moment; the file's WAL grows while this is read."""
        now = self._clock.now()
        with self._transaction(tenant) as (db, _):
            after, rows = 0, list[tuple[Any, ...]]()
            while rows := db.execute(_SCAN_AFTER, (after,)).fetchall():
                after = rows[-1][0]
                for row in rows:
                    entity = live(to_entity(row[1:]), now)
                    if entity is not None:
                        yield entity

    def exists(self, tenant: str) -> bool:
        """Whether something was ever created in it."""
        return self._hub.exists(tenant)

    def names(self) -> list[str]:
        """All tenants, the default one first."""
        return self._hub.names()

    def since(self, tenant: str, sequence: int, limit: int) -> list[LoggedChange]:
        """Log rows after `sequence`."""
        with self._transaction(tenant) as (db, _):
            return changelog.since(db, sequence, limit)

    def heads_since(self, tenant: str, sequence: int, limit: int) -> list[tuple[int, str, Sequence[str], bool]]:
        """What the same rows are about, without their images."""
        with self._transaction(tenant) as (db, _):
            return changelog.heads_since(db, sequence, limit)

    def bounds(self, tenant: str) -> tuple[int, int]:
        """The oldest and the newest sequence kept."""
        with self._transaction(tenant) as (db, _):
            return changelog.bounds(db)

    def listen_to_commits(self, told: Callable[[str], None]) -> None:
        """Call `told` after each commit, on the writer's thread."""
        self._listening.append(told)

    def put(self, kind: str, document_id: str, body: dict[str, Json], created_at: Instant) -> None:
        """Write one hub-wide document."""
        self._hub.put(kind, document_id, body, created_at)

    def find(self, kind: str, document_id: str) -> StoredDocument | None:
        """One document."""
        return self._hub.find(kind, document_id)

    def all(self, kind: str) -> list[StoredDocument]:
        """All of a kind."""
        return self._hub.all(kind)

    def delete(self, kind: str, document_id: str) -> bool:
        """Whether there was one."""
        return self._hub.delete(kind, document_id)

    def generation(self, kind: str) -> int:
        """Rises with every write of the kind."""
        return self._hub.generation(kind)

    def state(self) -> dict[str, Json]:
        """Whether the hub answers."""
        return {"store": "ok" if self._hub.exists("") else "failing"}

    def sweep(self) -> int:
        """Remove what has expired, entities as ordinary logged changes; how many were touched, and documents gone.

        Only tenants of which something may have expired are opened, and once a day those of persons.
        """
        for tenant in filter(self._overwrites, self._hub.names()):
            self._overwrite(tenant)
        return sum(self._sweep(tenant) for tenant in self._dues.due(self._clock.now()))

    def close(self) -> None:
        """Commit what waits, then let go of the files."""
        self._writer.close()
        self._readers.close()
        self._hub.close()
        self._dues.close()
        self.leases.close()

    def _beside(self, held: Open) -> Sequence[Companion]:
        """What is written with the entities of a tenant."""
        return [*self.outbox.beside(held), self.history.beside(held)]

    def _overwrite(self, tenant: str) -> None:
        """Overwrite what deleted rows have left; a fault is this tenant's own, and comes back with the next sweep."""
        try:
            self.history.overwrite_daily(tenant)
        except (apsw.Error, NgsiError) as error:
            log.warning("what was deleted in tenant %r is overwritten later: %s", tenant, error)

    def _sweep(self, tenant: str) -> int:
        """What of a tenant has expired; a fault is its own, and comes back with the next sweep."""
        self._dues.begin(tenant)
        try:
            return self._sweep_entities(tenant) + self._sweep_held(tenant)
        except (NgsiError, UnusableFile, apsw.Error) as error:
            log.warning("tenant %r is not swept: %s", tenant, error)
            return 0

    def _sweep_held(self, tenant: str) -> int:
        """Documents that have expired; and when something expires next, as this transaction leaves it."""

        def finish(held: Open, now: Instant) -> int:
            gone = self.held.sweep(held, now)
            self._dues.end(tenant, next_due(held.db))
            return gone

        (gone,) = self._writer.run(tenant, [finish]).result()
        return cast("int", gone)

    def _sweep_entities(self, tenant: str) -> int:
        swept = 0
        while True:
            now = self._clock.now()
            with self._transaction(tenant) as (db, _):
                rows: list[tuple[Any, ...]] = db.execute(
                    "SELECT iri FROM expiry CROSS JOIN entity ON number = entity WHERE due <= ? LIMIT ?",
                    (now, SWEEP_MAX),
                ).fetchall()
            if not rows:
                return swept
            swept += len(rows)
            self.apply(tenant, [Command(row[0], _keep_what_lives) for row in rows]).result()

    @contextmanager
    def _transaction(self, tenant: str) -> Iterator[tuple[apsw.Connection, Tenant]]:
        """A read transaction, over before the answer goes out."""
        with self._readers.use(tenant) as (db, known):
            db.execute("BEGIN")
            try:
                yield db, known
            finally:
                db.execute("ROLLBACK")

    def _visible(self, tenant: str, restriction: Restriction) -> Iterator[Entity]:
        selection = Selection(EVERYTHING)
        offset = 0
        while True:
            page = self.select(tenant, selection, Window(1_000, offset), restriction)
            yield from page.entities
            offset += len(page.entities)
            if not page.more:
                return

    def _path(self, tenant: str) -> Path:
        if tenant and not self._hub.exists(tenant):
            raise no_tenant(tenant)
        return tenant_path(self._directory, tenant)

    def _path_for_writing(self, tenant: str) -> Path:
        """The tenant's file, made where there is none."""
        path = tenant_path(self._directory, tenant)
        if tenant and not self._hub.exists(tenant):
            self._unlisted.add(tenant)
            if not path.exists():
                copy(self._empty(), path)
        return path

    def _empty(self) -> bytes:
        """A tenant's file with nothing in it: copying one costs less than making its tables."""
        if self._template is None:
            path = self._directory / ".template.sqlite"
            path.unlink(missing_ok=True)
            create(path, TENANT_STEPS)
            self._template = path.read_bytes()
        return self._template

    def _committed(self, tenant: str) -> None:
        if tenant in self._unlisted:
            self._hub.add([tenant])
            self._unlisted.discard(tenant)

    def _told(self, tenant: str) -> None:
        for told in self._listening:
            told(tenant)


def open_store(
    directory: Path,
    clock: Clock,
    label: Callable[[Entity], Labels] = no_labels,
    watches: Watches | None = None,
    overwrites: Callable[[str], bool] = nowhere,
) -> SqliteStore:
    """The store in this directory, made where there is none; `overwrites(tenant)`: what it deletes is overwritten.

    Raises UnusableFile where a file is damaged or from a newer release.
    """
    prepare(directory)
    return SqliteStore(directory, clock, label, watches, overwrites)


def _keep_what_lives(current: Entity | None, _now: Instant) -> Keep | Put | Remove:
    return Remove() if current is None else Put(current)


def _refused(tenant: str) -> Future[list[object]]:
    refused: Future[list[object]] = Future()
    refused.set_exception(no_tenant(tenant))
    return refused
