"""Leases of the memory engine: the one process has what it asks for, each name by one holder at a time."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock

from broker.model.values import Instant
from broker.ports import Clock

SECOND_US = 1_000_000


@dataclass(slots=True)
class Lease:
    """Who has it (`""`: nobody), from when until when, and the token of this holding."""

    holder: str = ""
    taken_at: Instant = 0
    until: Instant = 0
    token: int = 0

    def free(self, now: Instant) -> bool:
        """Whether anybody may take it. A clock that was put back before its taking ends it too, not in hours."""
        return not self.holder or not self.taken_at <= now < self.until


class MemoryLeases:
    """Leases in a dictionary."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = Lock()
        self._leases: dict[str, Lease] = {}

    def take(self, name: str, holder: str, seconds: float) -> int | None:
        """Take or renew; None where another has it."""
        with self._lock:
            lease, now = self._leases.setdefault(name, Lease()), self._clock.now()
            if lease.holder != holder and not lease.free(now):
                return None
            if lease.holder != holder:
                lease.holder = holder
                lease.token += 1
            lease.taken_at, lease.until = now, now + int(seconds * SECOND_US)
            return lease.token

    def release(self, name: str, holder: str) -> None:
        """Give it back, where it is the holder's."""
        with self._lock:
            lease = self._leases.get(name)
            if lease is not None and lease.holder == holder:
                lease.holder = ""
