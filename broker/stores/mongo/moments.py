"""What time it is for a write: never before the last change of its tenant, as far as this process knows."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Final

from broker.model.values import Instant
from broker.ports import Clock

KNOWN_MAX: Final = 10_000


class Moments:
    """The last change of each tenant; of one that is not known, `last(tenant)` reads what processes before it wrote.

    Past KNOWN_MAX tenants all that were known are forgotten, but for the last change of them all.
    """

    def __init__(self, clock: Clock, last: Callable[[str], Instant]) -> None:
        self._clock, self._read = clock, last
        self._lock = Lock()
        self._last: dict[str, Instant] = {}
        self._floor: Instant = 0

    def now(self, tenant: str, least: Instant = 0) -> Instant:
        """Now, and not before `least`."""
        last = self._last.get(tenant)
        if last is None:
            last = max(self._floor, self._read(tenant))
            self.changed(tenant, last)
        return max(self._clock.now(), last, least)

    def changed(self, tenant: str, at: Instant) -> None:
        """Something of it was changed then."""
        with self._lock:
            if len(self._last) >= KNOWN_MAX and tenant not in self._last:
                self._floor = max(self._floor, *self._last.values())
                self._last.clear()
            self._last[tenant] = at
