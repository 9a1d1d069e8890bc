"""A clock that stands still until it is told to go on."""

from __future__ import annotations

from broker.model.values import Instant

START: Instant = 1_767_225_600_000_000  # 2026-01-01T00:00:00Z


class FakeClock:
    """The port Clock; `advance` moves it, `now` never does."""

    def __init__(self, start: Instant = START) -> None:
        self._now = start

    def now(self) -> Instant:
        """Where it stands."""
        return self._now

    def advance(self, seconds: float = 1) -> Instant:
        """Move it on, and give where it stands then."""
        self._now += round(seconds * 1_000_000)
        return self._now

    def set(self, instant: Instant) -> None:
        """Move it to an instant, forwards or back."""
        self._now = instant
