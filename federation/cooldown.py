"""Endpoints that are left alone for a while after a failure, as their registrations wish (clause 5.2.34)."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import Final

ENDPOINTS_MAX: Final = 16_384


class Cooldowns:
    """When which endpoint failed last; each process learns it for itself. Registrations without a cooldown ask on."""

    def __init__(self, now: Callable[[], float] = monotonic) -> None:
        self._now = now
        self._failed_at: dict[str, float] = {}

    def rests(self, endpoint: str, cooldown_ms: float | None) -> float:
        """For how many seconds more the endpoint is not asked; 0 where it may be."""
        failed_at = self._failed_at.get(endpoint)
        if cooldown_ms is None or failed_at is None:
            return 0.0
        return max(failed_at + cooldown_ms / 1000 - self._now(), 0.0)

    def failed(self, endpoint: str) -> None:
        """The endpoint failed."""
        if len(self._failed_at) >= ENDPOINTS_MAX:
            self._failed_at.clear()
        self._failed_at[endpoint] = self._now()

    def worked(self, endpoint: str) -> None:
        """The endpoint answered."""
        if self._failed_at:
            self._failed_at.pop(endpoint, None)
