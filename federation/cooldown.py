"""Endpoints that are left alone for a while after a failure, as their registrations wish (clause 5.2.34)."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import Final

ENDPOINTS_MAX: Final = 16_384


class Cooldowns:
    """Until when which endpoint rests; each process learns it for itself."""

    def __init__(self, now: Callable[[], float] = monotonic) -> None:
        self._now = now
        self._until: dict[str, float] = {}

    def rests(self, endpoint: str) -> float:
        """For how many seconds more the endpoint is not asked; 0 where it may be."""
        if not self._until:
            return 0.0
        return max(self._until.get(endpoint, 0.0) - self._now(), 0.0)

    def failed(self, endpoint: str, cooldown_ms: float | None) -> None:
        """The endpoint failed; without a cooldown it is asked again at once."""
        if cooldown_ms is not None:
            if len(self._until) >= ENDPOINTS_MAX:
                self._until.clear()
            self._until[endpoint] = self._now() + cooldown_ms / 1000

    def worked(self, endpoint: str) -> None:
        """The endpoint answered."""
        if self._until:
            self._until.pop(endpoint, None)
