"""What has to be done for subscriptions whenever something changes, by one process for all of them (5.8.1.4, 5.11).

    moved(tenant), or another process's change, or a time that has come ─> work(tenant) of each job ─> when again

The process that has the lease works; others leave it their news by the generations of what they wrote.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from threading import Event, Lock, Thread
from time import monotonic
from typing import Final, Protocol, TypeAlias

from broker.errors import NgsiError, NonexistentTenant
from broker.http.exchange import Exchange
from broker.http.messages import Answer
from broker.model.registration import REGISTRATION
from broker.ports.held import HeldStore
from broker.ports.outbox import SUBSCRIPTION, Delivery, Leases
from broker.ports.sources import RELAY, SOURCE_SUBSCRIPTION
from federation.relay import Relays
from federation.tell import Teller

log = logging.getLogger("misono.federation")

Job: TypeAlias = Callable[[str], float | None]
"""What is done for a tenant; gives the seconds until it must be done again."""

LEASE: Final = "standing"
LEASE_S: Final = 10.0
RENEW_S: Final = 3.0
THREADS: Final = 8
AGAIN_S: Final = 5.0  # after a failure of this broker's own
_KINDS: Final = (REGISTRATION, SUBSCRIPTION, SOURCE_SUBSCRIPTION)


class Registrations(Protocol):
    """What is known of registrations."""

    def active(self, tenant: str) -> bool:
        """Whether the tenant has some."""

    def moved(self, tenant: str) -> None:
        """They have changed."""


@dataclass(frozen=True, slots=True)
class Ground:
    """Where changes are seen; `holder` is this process, `look_s` how often it is looked for changes of others."""

    held: HeldStore
    leases: Leases
    registrations: Registrations
    holder: str
    look_s: float = 1.0


class Standing:
    """Runs jobs for tenants from `start` to `stop`, each job for one tenant once at a time."""

    def __init__(self, ground: Ground, jobs: Sequence[Job]) -> None:
        self._ground, self._jobs = ground, jobs
        self._lock = Lock()
        self._stirred: set[str] = set()
        self._due: dict[tuple[int, str], float] = {}
        self._running: dict[tuple[int, str], bool] = {}
        self._seen: dict[str, tuple[int, ...]] = {}
        self._woken = Event()
        self._stopped = False
        self._leads_until = 0.0
        self._renewed_at = float("-inf")
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="standing")
        self._thread = Thread(target=self._run, name="standing", daemon=True)

    def start(self) -> None:
        """Begin with what changed since it was looked last."""
        self._thread.start()

    def stop(self) -> None:
        """Begin nothing more, and wait for what is under way."""
        self._stopped = True
        self._woken.set()
        if self._thread.is_alive():
            self._thread.join()
        self._pool.shutdown(cancel_futures=True)
        self._ground.leases.release(LEASE, self._ground.holder)

    def moved(self, tenant: str) -> None:
        """Something of the tenant has just changed, through this process."""
        with self._lock:
            self._stirred.add(tenant)
        self._woken.set()

    def _run(self) -> None:
        looked_at = float("-inf")
        while not self._stopped:
            self._woken.clear()
            try:
                now = monotonic()
                if self._leads(now):
                    if now - looked_at >= self._ground.look_s:
                        self._look()
                        looked_at = monotonic()
                    self._begin(now)
            except Exception:  # an outermost loop: what failed once is tried again
                log.exception("subscriptions that reach beyond this broker could not be looked at")
            self._woken.wait(self._pause_s())

    def _pause_s(self) -> float:
        with self._lock:
            first = min(self._due.values(), default=float("inf"))
        return min(max(first - monotonic(), 0.01), self._ground.look_s)

    def _leads(self, now: float) -> bool:
        """Whether this process works; what is stirred in another one is found there by `_look`."""
        if now - self._renewed_at >= RENEW_S:
            self._renewed_at = now
            token = self._ground.leases.take(LEASE, self._ground.holder, LEASE_S)
            if token is None:
                self._leads_until = 0.0
                self._seen.clear()
                with self._lock:
                    self._due.clear()
            else:
                self._leads_until = now + LEASE_S
        return now < self._leads_until

    def _look(self) -> None:
        """Stir the tenants of which something was written since the last look."""
        held = self._ground.held
        both = set(held.tenants_of(REGISTRATION)) & set(held.tenants_of(SUBSCRIPTION))
        for tenant in both | set(held.tenants_of(SOURCE_SUBSCRIPTION)) | set(held.tenants_of(RELAY)):
            try:
                seen = tuple(held.held_generation(tenant, kind) for kind in _KINDS)
            except NonexistentTenant:
                continue
            if self._seen.get(tenant) != seen:
                self._seen[tenant] = seen
                self._ground.registrations.moved(tenant)
                with self._lock:
                    self._stirred.add(tenant)

    def _begin(self, now: float) -> None:
        with self._lock:
            stirred, self._stirred = self._stirred, set()
            keys = {(job, tenant) for tenant in stirred for job in range(len(self._jobs))}
            keys |= {key for key, at in self._due.items() if at <= now}
            for key in keys:
                self._due.pop(key, None)
                if key in self._running:
                    self._running[key] = True
                else:
                    self._running[key] = False
                    self._pool.submit(self._work, key).add_done_callback(_logged)

    def _work(self, key: tuple[int, str]) -> None:
        job, tenant = key
        again: float | None = AGAIN_S
        try:
            again = self._jobs[job](tenant)
        except NonexistentTenant:
            again = None
        except NgsiError as error:
            log.warning("subscriptions of tenant %r have to wait: %s", tenant, error.detail)
        finally:
            with self._lock:
                if self._running.pop(key):
                    again = 0.0
                if again is not None:
                    self._due[key] = monotonic() + again
            self._woken.set()


class Subscribing:
    """The port `federation.hub.Subscribing`."""

    def __init__(self, standing: Standing, teller: Teller, relays: Relays) -> None:
        self._standing, self._teller, self._relays = standing, teller, relays

    def moved(self, tenant: str) -> None:
        """Registrations or subscriptions of the tenant have just changed."""
        self._standing.moved(tenant)

    def told(self, tenant: str, ids: Sequence[str]) -> Mapping[str, Delivery]:
        """Counters of these subscriptions to registrations."""
        return self._teller.told(tenant, ids)

    def relay(self, exchange: Exchange) -> Answer:
        """A source notifies."""
        return self._relays.relay(exchange)

    def close(self) -> None:
        """End the work, backwards."""
        self._standing.stop()
        self._relays.close()


def _logged(pending: Future[None]) -> None:
    if not pending.cancelled() and (error := pending.exception()) is not None:
        log.error("work for subscriptions failed", exc_info=error)
