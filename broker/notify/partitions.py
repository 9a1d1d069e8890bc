"""Which of several processes delivers for which subscription: partitions, each under a lease.

A process takes its share at once, and what nobody has taken after that only once everybody had time to. A holder's
name stays the same when the process is started again after a crash, so that its leases are its own at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from zlib import crc32

from broker.ports.outbox import Leases

PARTITIONS: Final = 4  # a lease is a write to the disk now and then: no more than processes that are likely
LEASE_S: Final = 15.0
RENEWALS: Final = 3  # in the time of a lease
RENEW_S: Final = LEASE_S / RENEWALS


def partition_of(tenant: str, subscription: str) -> int:
    """0 to PARTITIONS - 1, the same in every process."""
    return crc32(f"{tenant}\n{subscription}".encode()) % PARTITIONS


class Partitions:
    """The partitions of this process. `share` is how many of them it takes while others may want some too."""

    def __init__(
        self, leases: Leases, holder: str, share: int, monotonic: Callable[[], float], lease_s: float = LEASE_S
    ) -> None:
        self._leases = leases
        self._holder = holder
        self._share = share
        self._monotonic = monotonic
        self._held: frozenset[int] = frozenset()
        self._until = 0.0
        self._lease_s = lease_s
        self._patient_until = monotonic() + lease_s + lease_s / RENEWALS

    def renew(self) -> bool:
        """Take and keep what is ours; whether that is another set than before. Writes: not on an event loop."""
        before, now = self.held, self._monotonic()
        wanted = sorted(range(PARTITIONS), key=lambda one: one not in before)
        room = self._share if now < self._patient_until else PARTITIONS
        held: set[int] = set()
        for partition in wanted:
            if len(held) < max(room, len(before)) and self._take(partition):
                held.add(partition)
        self._held, self._until = frozenset(held), now + self._lease_s
        return self._held != before

    @property
    def held(self) -> frozenset[int]:
        """Those that are ours now; none where they were not renewed in time."""
        return self._held if self._monotonic() < self._until else frozenset()

    @property
    def lapsed(self) -> bool:
        """Whether nobody renewed in time: there was nothing to deliver, or this process stood still."""
        return self._monotonic() >= self._until

    def ours(self, tenant: str, subscription: str) -> bool:
        """Whether this process delivers for the subscription."""
        return self._monotonic() < self._until and partition_of(tenant, subscription) in self._held

    def release(self) -> None:
        """Let others have them."""
        for partition in self._held:
            self._leases.release(_name(partition), self._holder)
        self._held, self._until = frozenset(), 0.0

    def _take(self, partition: int) -> bool:
        return self._leases.take(_name(partition), self._holder, self._lease_s) is not None


def _name(partition: int) -> str:
    return f"outbox-{partition}"
