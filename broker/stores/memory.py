"""The memory engine: dictionaries and `query.match`, the model every other engine must agree with.

It keeps nothing past the process. Everything is one lock wide: it is made to be evidently right, not fast.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from copy import deepcopy
from dataclasses import dataclass, field, replace
from operator import itemgetter
from threading import RLock
from typing import Final, Protocol

from broker.errors import NgsiError, ResourceNotFound
from broker.model.entity import Entity
from broker.model.expiry import live, next_expiry
from broker.model.values import Instant, Json
from broker.ports import (
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
from broker.ports.outbox import EntityChange, Watches
from broker.query.ast import Selection, Window
from broker.query.match import matches
from broker.query.ordering import sort
from broker.stores.discovery import count_attributes, count_types, measure_types
from broker.stores.images import ERASED, Change, changed, no_labels, touched
from broker.stores.memory_held import MemoryHeld
from broker.stores.memory_history import MemoryHistory
from broker.stores.memory_leases import MemoryLeases
from broker.stores.memory_outbox import MemoryOutbox
from broker.stores.memory_places import MemoryPlaces
from broker.stores.naming import Named
from broker.stores.refusals import no_tenant

LOG_ROWS_MAX = 100_000  # memory is the limit here; an older position gets ResourceNotFound


@dataclass(slots=True)
class _Tenant:
    """One tenant's entities in creation order, and its log."""

    entities: dict[str, Entity] = field(default_factory=dict)
    log: deque[LoggedChange] = field(default_factory=lambda: deque(maxlen=LOG_ROWS_MAX))
    sequence: int = 0


class Companion(Protocol):
    """What else is kept of changes, under the store's lock."""

    def write(self, tenant: str, changes: Sequence[EntityChange]) -> None:
        """Keep what follows from the changes of one `apply` or sweep, none of which will be undone."""


class MemoryStore:
    """EntityStore, Tenants, ChangeLog and DocumentStore in one process's memory; its other parts stand beside it."""

    inline: Final = True

    def __init__(
        self, clock: Clock, label: Callable[[Entity], Labels] = no_labels, watches: Watches | None = None
    ) -> None:
        self._clock = clock
        self._label = label
        self.lock = RLock()
        self.outbox = MemoryOutbox(self, watches, self.get)
        self.held = MemoryHeld(self, self.outbox.dropped)
        self.outbox.watch_with(self.held)
        self.leases = MemoryLeases(clock)
        self.history = MemoryHistory(self)
        self.places = MemoryPlaces(self, self.history, (self.held.drop_all, self.outbox.drop_all))
        self._companions: list[Companion] = [self.outbox, self.history]
        self._changes: list[EntityChange] = []
        self._listening: list[Callable[[str], None]] = []
        self._tenants = {"": _Tenant()}
        self._documents: dict[str, dict[str, StoredDocument]] = {}
        self._generations: dict[str, int] = {}

    def apply(self, tenant: str, commands: Sequence[Command]) -> Future[list[object]]:
        """Run the commands at once; the future is done on return."""
        done: Future[list[object]] = Future()
        try:
            with self.lock:
                results = self._apply(tenant, commands)
        except Exception as fault:  # noqa: BLE001 - whatever a decision raises goes to who made it
            done.set_exception(fault)
            return done
        self.outbox.tell()
        done.set_result(results)
        return done

    def get(self, tenant: str, entity_id: str) -> Entity | None:
        """The live entity, or None."""
        with self.lock:
            found = self._of(tenant).entities.get(entity_id)
            return None if found is None else live(found, self._clock.now())

    def get_many(self, tenant: str, entity_ids: Sequence[str]) -> dict[str, Entity]:
        """The live entities of these ids."""
        with self.lock:
            return {one: entity for one in entity_ids if (entity := self.get(tenant, one)) is not None}

    def select(self, tenant: str, selection: Selection, window: Window, restriction: Restriction) -> Page:
        """What `match` says of every visible entity, in order, cut to the window."""
        with self.lock:
            visible = self._visible(tenant, restriction)
            found = [entity for entity in visible if self._fits(tenant, selection, entity, restriction)]
        if selection.order is not None:
            found = sort(found, selection.order)
        end = window.offset + window.limit
        return Page(found[window.offset : end], len(found) if window.count else None, len(found) > end)

    def types(self, tenant: str, restriction: Restriction) -> list[TypeCount]:
        """Every type of the visible entities."""
        with self.lock:
            return count_types(self._visible(tenant, restriction))

    def attributes(self, tenant: str, restriction: Restriction) -> list[AttributeCount]:
        """Every attribute name of the visible entities."""
        with self.lock:
            return count_attributes(self._visible(tenant, restriction))

    def extents(self, tenant: str, restriction: Restriction) -> list[TypeExtent]:
        """Where and when the visible entities of each type are."""
        with self.lock:
            return measure_types(self._visible(tenant, restriction))

    def scan(self, tenant: str) -> Iterator[Entity]:
        """All live entities of this moment."""
        with self.lock:
            now = self._clock.now()
            held = list(self._of(tenant).entities.values())
        return (kept for entity in held if (kept := live(entity, now)) is not None)

    def state(self) -> dict[str, Json]:
        """It is there."""
        return {"store": "ok"}

    def sweep(self) -> int:
        """Remove what has expired, entities as ordinary logged changes; how many were touched, and documents gone."""
        with self.lock:
            tenants = sorted(self._tenants.items())
            swept = sum(self._sweep(tenant, held) + self.held.sweep(tenant) for tenant, held in tenants)
        self.outbox.tell()
        return swept

    def exists(self, tenant: str) -> bool:
        """Whether something was ever created in it."""
        return tenant in self._tenants

    def make(self, tenant: str) -> None:
        """From now on it exists."""
        self._tenants.setdefault(tenant, _Tenant())

    def drop(self, tenant: str) -> None:
        """It does not exist any more."""
        self._tenants.pop(tenant, None)

    def held_entities(self, tenant: str) -> dict[str, Entity]:
        """The tenant's own entities, expired ones too. Raises NonexistentTenant."""
        return self._of(tenant).entities

    def moment(self, tenant: str) -> Instant:
        """Now, and never before the tenant's last change."""
        return self._now(self._tenants.get(tenant) or _Tenant())

    def names(self) -> list[str]:
        """All tenants, the default one first."""
        return sorted(self._tenants)

    def since(self, tenant: str, sequence: int, limit: int) -> list[LoggedChange]:
        """Log rows after `sequence`."""
        with self.lock:
            held = self._of(tenant)
            oldest = held.log[0].sequence if held.log else held.sequence + 1
            if sequence < oldest - 1:
                raise ResourceNotFound(
                    f"The change log starts at {oldest}.", pointer="sequence", remedy=f"Start again from {oldest - 1}."
                )
            return [row for row in held.log if row.sequence > sequence][:limit]

    def bounds(self, tenant: str) -> tuple[int, int]:
        """The oldest and the newest sequence kept."""
        with self.lock:
            log = self._of(tenant).log
            return (log[0].sequence, log[-1].sequence) if log else (0, 0)

    def listen_to_commits(self, told: Callable[[str], None]) -> None:
        """Call `told` after each commit, under the store's lock."""
        self._listening.append(told)

    def committed(self, tenant: str) -> None:
        """Tell those who listen."""
        for told in self._listening:
            told(tenant)

    def put(self, kind: str, document_id: str, body: dict[str, Json], created_at: Instant) -> None:
        """Write one document."""
        with self.lock:
            held = self._documents.setdefault(kind, {})
            held[document_id] = StoredDocument(document_id, deepcopy(body), created_at)
            self._generations[kind] = self.generation(kind) + 1

    def find(self, kind: str, document_id: str) -> StoredDocument | None:
        """One document."""
        with self.lock:
            return deepcopy(self._documents.get(kind, {}).get(document_id))

    def all(self, kind: str) -> list[StoredDocument]:
        """All of a kind, oldest first."""
        with self.lock:
            return sorted(deepcopy(list(self._documents.get(kind, {}).values())), key=lambda one: one.created_at)

    def delete(self, kind: str, document_id: str) -> bool:
        """Whether there was one."""
        with self.lock:
            if self._documents.get(kind, {}).pop(document_id, None) is None:
                return False
            self._generations[kind] = self.generation(kind) + 1
            return True

    def generation(self, kind: str) -> int:
        """How many writes the kind has seen."""
        return self._generations.get(kind, 0)

    def close(self) -> None:
        """Nothing is held open."""

    def erase(self, tenant: str, entity_id: str) -> dict[str, Json]:
        """Drop an entity and every trace of it but its history: what went, by table."""
        with self.lock:
            (there,) = self._apply(tenant, [Command(entity_id, _removed)])
            return {"entity": int(bool(there)), **self.erase_traces(tenant, entity_id)}

    def erase_traces(self, tenant: str, entity_id: str) -> dict[str, Json]:
        """Drop what the change log and the outbox tell of an entity: how much, by table."""
        with self.lock:
            held = self._of(tenant)
            rows = [row for row in held.log if row.entity_id == entity_id]
            kept = [row for row in held.log if row.entity_id != entity_id]
            if rows and rows[-1] is held.log[-1]:  # the log's next number is taken from it
                kept.append(LoggedChange(rows[-1].sequence, ERASED, rows[-1].version, rows[-1].at, {}, None))
            held.log = deque(kept, maxlen=LOG_ROWS_MAX)
            return {"change_log": len(rows), "outbox": self.outbox.erase(tenant, entity_id)}

    def named(self, tenant: str) -> Iterator[Named]:
        """Whatever may name a person, but for history."""
        held = self._of(tenant)
        yield from ((one.id, one.document) for one in held.entities.values())
        for row in held.log:
            yield from ((row.entity_id, image) for image in (row.before, row.after) if image is not None)
        for waiting in self.outbox.rows(tenant):
            before = waiting.change.before
            yield waiting.change.entity.id, waiting.change.entity.document
            if before is not None:
                yield before.id, before.document

    def known_ids(self, tenant: str) -> set[str]:
        """The ids of entities, and those in the change log."""
        held = self._of(tenant)
        return {*held.entities, *(row.entity_id for row in held.log)}

    def _apply(self, tenant: str, commands: Sequence[Command]) -> list[object]:
        held = self._tenants.get(tenant)
        if held is None and not any(command.creates for command in commands):
            raise no_tenant(tenant)
        held = held or _Tenant()
        now = self._now(held)
        self._changes = []
        # One command alone decides before it writes: there is nothing of it to undo.
        before = replace(held, entities=dict(held.entities), log=held.log.copy()) if len(commands) > 1 else held
        try:
            results = [self._run(held, command, now) for command in commands]
        except BaseException:
            held.entities, held.log, held.sequence = before.entities, before.log, before.sequence
            raise
        if held.sequence:
            self._tenants[tenant] = held
        self._tell(tenant)
        return results

    def _of(self, tenant: str) -> _Tenant:
        if tenant not in self._tenants:
            raise no_tenant(tenant)
        return self._tenants[tenant]

    def _now(self, held: _Tenant) -> Instant:
        """Never before the tenant's last change."""
        return max(self._clock.now(), held.log[-1].at if held.log else 0)

    def _visible(self, tenant: str, restriction: Restriction) -> Iterator[Entity]:
        def linked(entity_id: str) -> Entity | None:
            return self.get(tenant, entity_id)

        for entity in self.scan(tenant):
            shown = restriction.show(entity)
            if shown is not None and matches(restriction.where, entity, linked):
                yield shown

    def _fits(self, tenant: str, selection: Selection, entity: Entity, restriction: Restriction) -> bool:
        return matches(selection.where, entity, lambda other: restriction.show(self.get(tenant, other)))

    def _run(self, held: _Tenant, command: Command, now: Instant) -> object:
        stored = held.entities.get(command.id)
        current = None if stored is None else live(stored, now)
        try:
            decision = command.decide(current, now)
        except NgsiError as refusal:
            return refusal
        match decision:
            case Keep():
                pass
            case Put(entity):
                if stored is not None and current is None:
                    self._remove(held, stored, now)
                    stored = None
                self._put(held, stored, entity, now)
            case Remove():
                if stored is not None:
                    self._remove(held, stored, now)
        return decision.result

    def _put(self, held: _Tenant, stored: Entity | None, entity: Entity, now: Instant) -> None:
        created_at, version = (now, 1) if stored is None else (stored.created_at, stored.version + 1)
        written = replace(entity, created_at=created_at, modified_at=now, version=version)
        held.entities[written.id] = written
        self._log(held, stored, written, changed(stored, written))

    def _remove(self, held: _Tenant, stored: Entity, now: Instant) -> None:
        del held.entities[stored.id]
        gone = replace(stored, modified_at=now, version=stored.version + 1)
        self._log(held, stored, gone, changed(stored, None))

    def _log(self, held: _Tenant, before: Entity | None, entity: Entity, change: Change) -> None:
        held.sequence += 1
        after = None if change.after is None else entity
        self._changes.append(EntityChange(held.sequence, entity.modified_at, before, after))
        subjects, classes = touched(self._label(entity), change)
        held.log.append(
            LoggedChange(
                held.sequence,
                entity.id,
                entity.version,
                entity.modified_at,
                change.before,
                change.after,
                subjects,
                classes,
                tuple(entity.types),
                tuple(entity.scopes),
            )
        )

    def _tell(self, tenant: str) -> None:
        for companion in self._companions:
            companion.write(tenant, self._changes)
        self.committed(tenant)

    def _sweep(self, tenant: str, held: _Tenant) -> int:
        now = self._now(held)
        self._changes = []
        dated = [(at, one) for one in held.entities.values() if (at := next_expiry(one)) is not None and at <= now]
        due = [one for _, one in sorted(dated, key=itemgetter(0))]
        for stored in due:
            current = live(stored, now)
            if current is None:
                self._remove(held, stored, now)
            else:
                self._put(held, stored, current, now)
        self._tell(tenant)
        return len(due)


def _removed(current: Entity | None, _now: Instant) -> Keep | Remove:
    return Keep(result=False) if current is None else Remove(result=True)
