"""How sources do: counters that last (clause 5.2.9), and what an operator wants to know of each.

Counters of a registration are one mark a process: `source/<registration>/<process>`. Each process alone writes its
own, once in a while for all attempts since; who reads adds them up. What this process has not written yet it knows.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any, Final, Protocol, cast

from broker.errors import NgsiError
from broker.model.values import Instant, Json
from broker.ports import Clock
from broker.ports.held import HeldStore
from broker.ports.outbox import Delivery, Marks
from broker.ports.places import home_of

log = logging.getLogger("misono.federation")

PREFIX: Final = "source/"
_WEIGHT: Final = 0.2  # of the newest latency in their mean
REGISTRATION: Final = "registration"


class HeldMarks(HeldStore, Marks, Protocol):
    """Registrations, and the marks that keep their counters."""


@dataclass(frozen=True, slots=True)
class Health:
    """What is known of a source: counts, instants in µs, the mean latency, and the last thing that went wrong."""

    sent: int = 0
    failed: int = 0
    last_success: Instant | None = None
    last_failure: Instant | None = None
    last_error: str = ""
    latency_ms: float = 0.0
    total_ms: float = 0.0

    @property
    def well(self) -> bool | None:
        """Whether the last attempt succeeded; None where there was none."""
        if not self.sent:
            return None
        return self.last_failure is None or (self.last_success or 0) > self.last_failure

    def after(self, at: Instant, took_ms: float, error: str) -> Health:
        """Health after one more attempt; an empty error is a success."""
        mean = took_ms if not self.latency_ms else self.latency_ms + _WEIGHT * (took_ms - self.latency_ms)
        found = replace(self, sent=self.sent + 1, latency_ms=mean, total_ms=self.total_ms + took_ms)
        if error:
            return replace(found, failed=self.failed + 1, last_failure=at, last_error=error)
        return replace(found, last_success=at)

    def beside(self, other: Health) -> Health:
        """Health as two processes know it together."""
        later = other if (other.last_failure or 0) > (self.last_failure or 0) else self
        sent = self.sent + other.sent
        weighed = self.latency_ms * self.sent + other.latency_ms * other.sent
        return Health(
            sent,
            self.failed + other.failed,
            _latest(self.last_success, other.last_success),
            _latest(self.last_failure, other.last_failure),
            later.last_error,
            weighed / sent if sent else 0.0,
            self.total_ms + other.total_ms,
        )

    def minus(self, written: Health) -> Health:
        """Health without what had been counted before."""
        counts = self.sent - written.sent, self.failed - written.failed
        return replace(self, sent=counts[0], failed=counts[1], total_ms=self.total_ms - written.total_ms)


class Book:
    """Counts for this process; `worker` tells it from the others."""

    def __init__(self, held: HeldMarks, clock: Clock, worker: str) -> None:
        self._held, self.clock, self._worker = held, clock, worker
        self._lock = Lock()
        self._known: dict[str, dict[str, Health]] = {}
        self._written: dict[str, dict[str, Health]] = {}

    def count(self, tenant: str, registration: str, took_ms: float, error: str) -> None:
        """One attempt at a source; `error` is empty for a success. Quick, but for a tenant's first."""
        tenant = home_of(tenant)
        with self._lock:
            known = self._known.get(tenant)
            if known is None:
                known = self._known[tenant] = self._load(tenant)
                self._written[tenant] = dict(known)
            health = known.get(registration) or Health()
            known[registration] = health.after(self.clock.now(), took_ms, error)

    def healths(self, tenant: str) -> Mapping[str, Health]:
        """Registration -> its health, as all processes know it."""
        tenant = home_of(tenant)
        found: dict[str, Health] = {}
        with self._lock:
            own = dict(self._known.get(tenant, {}))
        loaded = tenant in self._known
        for (registration, worker), health in self._marks(tenant).items():
            if not (loaded and worker == self._worker):
                found[registration] = found[registration].beside(health) if registration in found else health
        for registration, health in own.items():
            found[registration] = found[registration].beside(health) if registration in found else health
        return found

    def counters(self, tenant: str) -> Mapping[str, Delivery]:
        """Registration -> timesSent, timesFailed, lastSuccess, lastFailure."""
        return {
            name: Delivery(one.sent, one.failed, None, one.last_success, one.last_failure)
            for name, one in self.healths(tenant).items()
        }

    def own(self) -> dict[tuple[str, str], Health]:
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
            kept = {name for name, worker in self._marks(tenant) if worker == self._worker}
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
                self._held.mark(tenant, _mark(name, self._worker), _body(health))
        except NgsiError as error:
            log.warning("the counters of sources could not be written: %s", error.detail)

    def _load(self, tenant: str) -> dict[str, Health]:
        return {name: one for (name, worker), one in self._marks(tenant).items() if worker == self._worker}

    def _marks(self, tenant: str) -> dict[tuple[str, str], Health]:
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


def _body(health: Health) -> Json:
    return [
        health.sent, health.failed, health.last_success, health.last_failure, health.last_error,
        round(health.latency_ms, 3), round(health.total_ms, 3),
    ]  # fmt: skip


def _health(body: Json) -> Health:
    return Health(*cast("list[Any]", body))


def _latest(one: Instant | None, other: Instant | None) -> Instant | None:
    return max((at for at in (one, other) if at is not None), default=None)
