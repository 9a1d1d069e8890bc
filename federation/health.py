"""How sources do: counters that last (clause 5.2.9), and what an operator wants to know of each.

Counters of a registration are one mark a process: `source/<registration>/<process>`. Each process alone writes its
own, once in a while for all attempts since; who reads adds them up. What this process has not written yet it knows.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from threading import Lock
from typing import Any, Final, Protocol, cast

from broker.errors import NgsiError
from broker.model.registration import REGISTRATION
from broker.model.source_health import SourceHealth
from broker.model.values import Json
from broker.ports import Clock
from broker.ports.held import HeldStore
from broker.ports.outbox import Marks
from broker.ports.places import home_of

log = logging.getLogger("misono.federation")

PREFIX: Final = "source/"


class HeldMarks(HeldStore, Marks, Protocol):
    """Registrations, and the marks that keep their counters."""


class Book:
    """Counts for this process; `worker` tells it from the others."""

    def __init__(self, held: HeldMarks, clock: Clock, worker: str) -> None:
        self._held, self.clock, self.worker = held, clock, worker
        self._lock = Lock()
        self._known: dict[str, dict[str, SourceHealth]] = {}
        self._written: dict[str, dict[str, SourceHealth]] = {}

    def count(self, tenant: str, registration: str, took_ms: float, error: str) -> None:
        """One attempt at a source; `error` is empty for a success. Quick, but for a tenant's first."""
        tenant = home_of(tenant)
        with self._lock:
            known = self._known.get(tenant)
            if known is None:
                known = self._known[tenant] = self._load(tenant)
                self._written[tenant] = dict(known)
            health = known.get(registration) or SourceHealth()
            known[registration] = health.after(self.clock.now(), took_ms, error)

    def healths(self, tenant: str) -> Mapping[str, SourceHealth]:
        """Registration -> its health, as all processes know it."""
        tenant = home_of(tenant)
        found: dict[str, SourceHealth] = {}
        with self._lock:
            own = dict(self._known.get(tenant, {}))
        loaded = tenant in self._known
        for (registration, worker), health in self._marks(tenant).items():
            if not (loaded and worker == self.worker):
                found[registration] = found[registration].beside(health) if registration in found else health
        for registration, health in own.items():
            found[registration] = found[registration].beside(health) if registration in found else health
        return found

    def own(self) -> dict[tuple[str, str], SourceHealth]:
        """(tenant, registration) -> what this process has counted."""
        with self._lock:
            return {(tenant, name): one for tenant, known in self._known.items() for name, one in known.items()}

    def forget(self, tenant: str, registration: str) -> None:
        """The registration is gone: its counters go too, in all processes."""
        with self._lock:
            self._known.get(tenant, {}).pop(registration, None)
            self._written.get(tenant, {}).pop(registration, None)
        for name, worker in self._marks(tenant):
            if name == registration:
                self._held.mark(tenant, _mark(name, worker), None)

    def flush(self) -> None:
        """Write what has been counted since the last time; registrations that are gone are forgotten."""
        with self._lock:
            changed = {
                tenant: [name for name, one in known.items() if self._written[tenant].get(name) is not one]
                for tenant, known in self._known.items()
            }
        for tenant, names in changed.items():
            if names:
                self._flush(tenant, names)

    def _flush(self, tenant: str, names: list[str]) -> None:
        try:
            kept = {name for name, worker in self._marks(tenant) if worker == self.worker}
            for name in names:
                if self._held.find_held(tenant, REGISTRATION, name) is None:
                    self.forget(tenant, name)
                    continue
                with self._lock:
                    health, written = self._known[tenant].get(name), self._written[tenant].get(name)
                    if health is None:
                        continue
                    if written is not None and name not in kept:  # forgotten by another process, then registered anew
                        health = self._known[tenant][name] = health.minus(written)
                    self._written[tenant][name] = health
                self._held.mark(tenant, _mark(name, self.worker), _body(health))
        except NgsiError as error:
            log.warning("the counters of sources could not be written: %s", error.detail)

    def _load(self, tenant: str) -> dict[str, SourceHealth]:
        return {name: one for (name, worker), one in self._marks(tenant).items() if worker == self.worker}

    def _marks(self, tenant: str) -> dict[tuple[str, str], SourceHealth]:
        try:
            marks = self._held.marks(tenant, PREFIX)
        except NgsiError:
            return {}
        found = {}
        for mark, body in marks.items():
            name, _, worker = mark.removeprefix(PREFIX).rpartition("/")
            found[name, worker] = _health(body)
        return found


def _mark(registration: str, worker: str) -> str:
    return f"{PREFIX}{registration}/{worker}"


def _body(health: SourceHealth) -> Json:
    return [
        health.sent, health.failed, health.last_success, health.last_failure, health.last_error,
        round(health.latency_ms, 3), round(health.total_ms, 3),
    ]  # fmt: skip


def _health(body: Json) -> SourceHealth:
    return SourceHealth(*cast("list[Any]", body))
