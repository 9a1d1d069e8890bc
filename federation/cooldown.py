"""Sources that are left alone for a while after a failure, as their registrations wish (clause 5.2.34)."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import Final

from broker.model.registration import Registration

FAILURES_MAX: Final = 16_384


class Cooldowns:
    """When which registration's source failed last; each process learns it for itself.

    A registration speaks for itself alone: one without a cooldown asks on at the same endpoint, and a new one begins
    without a past.
    """

    def __init__(self, now: Callable[[], float] = monotonic) -> None:
        self._now = now
        self._failed_at: dict[tuple[str, str, str], float] = {}

    def rests(self, tenant: str, registration: Registration) -> float:
        """For how many seconds more its source is not asked; 0 where it may be."""
        if registration.cooldown_ms is None:
            return 0.0
        failed_at = self._failed_at.get((tenant, registration.id, registration.endpoint))
        return 0.0 if failed_at is None else max(failed_at + registration.cooldown_ms / 1000 - self._now(), 0.0)

    def ended(self, tenant: str, registration: Registration, *, failed: bool) -> None:
        """Its source has been asked."""
        if registration.cooldown_ms is None:
            return
        key = tenant, registration.id, registration.endpoint
        if not failed:
            self._failed_at.pop(key, None)
            return
        if len(self._failed_at) >= FAILURES_MAX:
            self._failed_at.clear()
        self._failed_at[key] = self._now()
