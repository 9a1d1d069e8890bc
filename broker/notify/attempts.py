"""Attempts that the store does not know of yet: under way, or ended and not durable (clause 5.2.14.2).

Who reads a subscription while its receiver is still at it sees timesSent and lastNotification counted already.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from threading import Condition
from typing import Final

from broker.model.values import Instant
from broker.ports.outbox import Delivery, counted

_READS_MAX: Final = 20  # an attempt that became durable between two reads makes a third; never so many
_WAIT_S: Final = 0.005  # a commit takes about a millisecond


@dataclass(slots=True, eq=False)
class Attempt:
    """One sending of one notification; `failed` is None while it is under way."""

    tenant: str
    subscription: str
    at: Instant
    failed: bool | None = None


class Attempts:
    """All of this process. Any thread may read and write.

    While the store writes some down, what it says of their tenant may hold them already or not: a reader waits.
    """

    def __init__(self) -> None:
        self._changed = Condition()
        self._open: dict[str, dict[Attempt, None]] = {}
        self._written_down: dict[str, set[Attempt]] = {}
        self._settled = 0

    def begin(self, tenant: str, subscription: str, at: Instant) -> Attempt:
        """One is under way."""
        attempt = Attempt(tenant, subscription, at)
        with self._changed:
            self._open.setdefault(tenant, {})[attempt] = None
        return attempt

    def write_down(self, attempts: Iterable[Attempt]) -> None:
        """The store is about to learn of these."""
        with self._changed:
            for attempt in attempts:
                self._written_down.setdefault(attempt.tenant, set()).add(attempt)

    def keep(self, attempts: Iterable[Attempt]) -> None:
        """The store has not learned of these."""
        with self._changed:
            self._forget_writing(attempts)
            self._changed.notify_all()

    def settle(self, attempts: Iterable[Attempt]) -> None:
        """The store knows of these, or never shall."""
        gone = list(attempts)
        with self._changed:
            self._settled += 1
            self._forget_writing(gone)
            for attempt in gone:
                of_tenant = self._open.get(attempt.tenant, {})
                of_tenant.pop(attempt, None)
                if not of_tenant:
                    self._open.pop(attempt.tenant, None)
            self._changed.notify_all()

    def over(self, tenant: str, read: Callable[[], Mapping[str, Delivery]]) -> Mapping[str, Delivery]:
        """What the store says, and these.

        `read` is called again while attempts become durable beside it. Where that never ends, those that may be
        counted twice are left out: their turn comes in milliseconds.
        """
        for _ in range(_READS_MAX):
            with self._changed:
                self._changed.wait_for(lambda: tenant not in self._written_down, _WAIT_S)
                before = self._settled
            found = read()
            with self._changed:
                if self._settled == before and tenant not in self._written_down:
                    return self._added(tenant, found)
        found = read()
        with self._changed:
            return self._added(tenant, found)

    def _forget_writing(self, attempts: Iterable[Attempt]) -> None:
        for attempt in attempts:
            writing = self._written_down.get(attempt.tenant, set())
            writing.discard(attempt)
            if not writing:
                self._written_down.pop(attempt.tenant, None)

    def _added(self, tenant: str, found: Mapping[str, Delivery]) -> Mapping[str, Delivery]:
        under_way = self._open.get(tenant)
        if not under_way:
            return found
        counters = dict(found)
        unsure = self._written_down.get(tenant, set())
        for attempt in under_way:
            if attempt in unsure:
                continue
            counters[attempt.subscription] = _count(counters.get(attempt.subscription), attempt)
        return counters


def _count(known: Delivery | None, attempt: Attempt) -> Delivery:
    if attempt.failed is not None:
        return counted(known, attempt.at, failed=attempt.failed)
    last = known or Delivery()
    return Delivery(last.times_sent + 1, last.times_failed, attempt.at, last.last_success, last.last_failure)
