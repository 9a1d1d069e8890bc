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
                return done([self._run(tenant, command) for command in commands])
            except Exception as fault:  # noqa: BLE001 - whatever a decision raises goes to who made it
                return failed(fault)

    def find_held(self, tenant: str, kind: str, document_id: str) -> Held | None:
        """One document."""
        with self._ground.lock:
            return self._of(tenant, kind).get(document_id)

    def all_held(self, tenant: str, kind: str) -> list[Held]:
        """All of a kind, oldest first."""
        with self._ground.lock:
            return sorted(self._of(tenant, kind).values(), key=lambda one: (one.created_at, one.id))

    def held_generation(self, tenant: str, kind: str) -> int:
        """How many writes the kind has seen."""
        with self._ground.lock:
            self._of(tenant, kind)
            return self._generations[tenant, kind]

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
        documents = self._documents.setdefault((tenant, command.kind), {})
        current, now = documents.get(command.id), self._ground.moment(tenant)
        try:
            decision: HeldDecision = command.decide(current, now)
        except NgsiError as refusal:
            return refusal
        if isinstance(decision, Hold):
            self._ground.make(tenant)
            documents[command.id] = written(command.id, decision, current, now)
            self._generations[tenant, command.kind] += 1
        elif isinstance(decision, Drop) and current is not None:
            del documents[command.id]
            self._generations[tenant, command.kind] += 1
            self._dropped(tenant, command.kind, command.id)
        return decision.result


def written(document_id: str, decision: Hold, current: Held | None, now: Instant) -> Held:
    """The document as it stands after a decision to hold it."""
    body = deepcopy(dict(decision.body))
    if current is None:
        return Held(document_id, body, now, now)
    return Held(document_id, body, current.created_at, now, current.version + 1)


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
