"""What time it is for a write: never before the last change of its tenant, as far as this process knows."""

from __future__ import annotations

from threading import Lock
from typing import Final

from broker.model.values import Instant
from broker.ports import Clock

KNOWN_MAX: Final = 10_000


class Moments:
    """The last change of each tenant; past KNOWN_MAX tenants it is the same one for all that were known."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = Lock()
        self._last: dict[str, Instant] = {}
        self._floor: Instant = 0

    def now(self, tenant: str, least: Instant = 0) -> Instant:
        """Now, and not before `least`."""
        return max(self._clock.now(), self._last.get(tenant, self._floor), least)

    def changed(self, tenant: str, at: Instant) -> None:
        """Something of it was changed then."""
        with self._lock:
            if len(self._last) >= KNOWN_MAX and tenant not in self._last:
                self._floor = max(self._floor, *self._last.values())
                self._last.clear()
            self._last[tenant] = at
