"""The documents and marks of the memory engine: dictionaries under the store's lock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from copy import deepcopy
from threading import RLock
from typing import Any, Protocol, TypeVar

from broker.errors import NgsiError
from broker.model.values import Instant, Json
from broker.ports.held import Drop, Held, HeldCommand, HeldDecision, Hold
from broker.stores.refusals import no_tenant

T = TypeVar("T")


class Ground(Protocol):
    """What the parts of the memory engine need of it; all of it under its lock."""

    @property
    def lock(self) -> RLock:
        """One for everything."""

    def exists(self, tenant: str) -> bool:
        """Whether something was ever created in it."""

    def make(self, tenant: str) -> None:
        """From now on it exists."""

    def committed(self, tenant: str) -> None:
        """Something was written: tell those who listen to commits."""

    def moment(self, tenant: str) -> Instant:
        """Now, and never before the tenant's last change."""


class MemoryHeld:
    """HeldStore and Marks. `dropped(tenant, kind, id)` is told of each document that goes."""

    def __init__(self, ground: Ground, dropped: Callable[[str, str, str], None]) -> None:
        self._ground = ground
        self._dropped = dropped
        self._documents: dict[tuple[str, str], dict[str, Held]] = {}
        self._generations: Counter[tuple[str, str]] = Counter()
        self._marks: dict[str, dict[str, Json]] = {}

    def apply_held(self, tenant: str, commands: Sequence[HeldCommand]) -> Future[list[object]]:
        """Run the commands at once; the future is done on return."""
        with self._ground.lock:
            if not self._ground.exists(tenant) and not any(command.creates for command in commands):
                return failed(no_tenant(tenant))
            try:
                results = [self._run(tenant, command) for command in commands]
            except Exception as fault:  # noqa: BLE001 - whatever a decision raises goes to who made it
                return failed(fault)
            self._ground.committed(tenant)
            return done(results)

    def find_held(self, tenant: str, kind: str, document_id: str) -> Held | None:
        """One document."""
        with self._ground.lock:
            return _live(self._of(tenant, kind).get(document_id), self._ground.moment(tenant))

    def all_held(self, tenant: str, kind: str) -> list[Held]:
        """All of a kind, oldest first."""
        with self._ground.lock:
            now = self._ground.moment(tenant)
            held = [one for one in self._of(tenant, kind).values() if _live(one, now) is not None]
            return sorted(held, key=lambda one: (one.created_at, one.id))

    def page_held(self, tenant: str, kind: str, offset: int, limit: int) -> tuple[list[Held], int]:
        """A window of a kind, oldest first, and how many there are."""
        everything = self.all_held(tenant, kind)
        return everything[offset : offset + limit], len(everything)

    def held_generation(self, tenant: str, kind: str) -> int:
        """How many writes the kind has seen."""
        with self._ground.lock:
            self._of(tenant, kind)
            return self._generations[tenant, kind]

    def drop_all(self, tenant: str) -> None:
        """Nothing is held of the tenant any more."""
        with self._ground.lock:
            for key in [key for key in self._documents if key[0] == tenant]:
                del self._documents[key]
            self._marks.pop(tenant, None)

    def tenants_of(self, kind: str) -> list[str]:
        """Tenants that have, or had, documents of the kind."""
        return sorted(tenant for tenant, written in self._generations if written == kind)

    def sweep(self, tenant: str) -> int:
        """Drop what has expired; how many documents that were."""
        with self._ground.lock:
            now = self._ground.moment(tenant)
            due = [
                (kind, one.id)
                for (owner, kind), held in self._documents.items()
                for one in held.values()
                if owner == tenant and _live(one, now) is None
            ]
            for kind, document_id in due:
                self._drop(tenant, kind, document_id)
            return len(due)

    def mark(self, tenant: str, name: str, value: Json) -> Future[None]:
        """Keep a value under a name; None forgets it."""
        with self._ground.lock:
            if not self._ground.exists(tenant):
                return failed(no_tenant(tenant))
            marks = self._marks.setdefault(tenant, {})
            if value is None:
                marks.pop(name, None)
            else:
                marks[name] = deepcopy(value)
            return done(None)

    def marks(self, tenant: str, prefix: str) -> Mapping[str, Json]:
        """All whose names begin with the prefix."""
        with self._ground.lock:
            if not self._ground.exists(tenant):
                raise no_tenant(tenant)
            marks = self._marks.get(tenant, {})
            return {name: deepcopy(value) for name, value in sorted(marks.items()) if name.startswith(prefix)}

    def _of(self, tenant: str, kind: str) -> dict[str, Held]:
        if not self._ground.exists(tenant):
            raise no_tenant(tenant)
        return self._documents.setdefault((tenant, kind), {})

    def _run(self, tenant: str, command: HeldCommand) -> object:
        documents, now = self._documents.setdefault((tenant, command.kind), {}), self._ground.moment(tenant)
        current = _live(documents.get(command.id), now)
        try:
            decision: HeldDecision = command.decide(current, now)
        except NgsiError as refusal:
            return refusal
        if isinstance(decision, Hold):
            self._ground.make(tenant)
            documents[command.id] = written(command.id, decision, current, now)
            self._generations[tenant, command.kind] += 1
        elif isinstance(decision, Drop) and current is not None:
            self._drop(tenant, command.kind, command.id)
        return decision.result

    def _drop(self, tenant: str, kind: str, document_id: str) -> None:
        del self._documents[tenant, kind][document_id]
        self._generations[tenant, kind] += 1
        self._dropped(tenant, kind, document_id)


def written(document_id: str, decision: Hold, current: Held | None, now: Instant) -> Held:
    """The document as it stands after a decision to hold it."""
    body = deepcopy(dict(decision.body))
    if current is None:
        return Held(document_id, body, now, now, 1, decision.expires_at)
    return Held(document_id, body, current.created_at, now, current.version + 1, decision.expires_at)


def _live(held: Held | None, now: Instant) -> Held | None:
    """The document, where it has not expired."""
    return None if held is None or (held.expires_at is not None and held.expires_at <= now) else held


def done(result: T) -> Future[T]:
    """A future that is done."""
    future: Future[T] = Future()
    future.set_result(result)
    return future


def failed(fault: BaseException) -> Future[Any]:
    """A future that has failed."""
    future: Future[Any] = Future()
    future.set_exception(fault)
    return future
