"""Attempts that the store does not know of yet: under way, or ended and not durable (clause 5.2.14.2).

Who reads a subscription while its receiver is still at it sees timesSent and lastNotification counted already.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Final

from broker.model.values import Instant
from broker.ports.outbox import Delivery, counted

_READS_MAX: Final = 20  # an attempt that became durable between two reads makes a third; never so many


@dataclass(slots=True, eq=False)
class Attempt:
    """One sending of one notification; `failed` is None while it is under way."""

    tenant: str
    subscription: str
    at: Instant
    failed: bool | None = None


class Attempts:
    """All of this process. Any thread may read and write."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._open: dict[str, dict[Attempt, None]] = {}
        self._settled = 0

    def begin(self, tenant: str, subscription: str, at: Instant) -> Attempt:
        """One is under way."""
        attempt = Attempt(tenant, subscription, at)
        with self._lock:
            self._open.setdefault(tenant, {})[attempt] = None
        return attempt

    def settle(self, attempts: Iterable[Attempt]) -> None:
        """The store knows of these, or never shall."""
        with self._lock:
            self._settled += 1
            for attempt in attempts:
                of_tenant = self._open.get(attempt.tenant, {})
                of_tenant.pop(attempt, None)
                if not of_tenant:
                    self._open.pop(attempt.tenant, None)

    def over(self, tenant: str, read: Callable[[], Mapping[str, Delivery]]) -> Mapping[str, Delivery]:
        """What the store says, and these: `read` is called again while attempts become durable beside it."""
        for _ in range(_READS_MAX):
            before, found = self._settled, read()
            with self._lock:
                if self._settled == before:
                    return self._added(tenant, found)
        return read()

    def _added(self, tenant: str, found: Mapping[str, Delivery]) -> Mapping[str, Delivery]:
        under_way = self._open.get(tenant)
        if not under_way:
            return found
        counters = dict(found)
        for attempt in under_way:
            counters[attempt.subscription] = _count(counters.get(attempt.subscription), attempt)
        return counters


def _count(known: Delivery | None, attempt: Attempt) -> Delivery:
    if attempt.failed is not None:
        return counted(known, attempt.at, failed=attempt.failed)
    last = known or Delivery()
    return Delivery(last.times_sent + 1, last.times_failed, attempt.at, last.last_success, last.last_failure)
