"""How context sources do: counters that last (clause 5.2.9), and what an operator wants to know of each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from broker.model.values import Instant

_WEIGHT: Final = 0.2  # of the newest latency in their mean


@dataclass(frozen=True, slots=True)
class SourceHealth:
    """What is known of a source: counts, instants in µs, the mean latency, and the last thing that went wrong."""

    sent: int = 0
    failed: int = 0
    last_success: Instant | None = None
    last_failure: Instant | None = None
    last_error: str = ""
    latency_ms: float = 0.0
    total_ms: float = 0.0

    @property
    def well(self) -> bool | None:
        """Whether the last attempt succeeded; None where there was none."""
        if not self.sent:
            return None
        return self.last_failure is None or (self.last_success or 0) > self.last_failure

    def after(self, at: Instant, took_ms: float, error: str) -> SourceHealth:
        """SourceHealth after one more attempt; an empty error is a success."""
        mean = took_ms if not self.latency_ms else self.latency_ms + _WEIGHT * (took_ms - self.latency_ms)
        found = replace(self, sent=self.sent + 1, latency_ms=mean, total_ms=self.total_ms + took_ms)
        if error:
            return replace(found, failed=self.failed + 1, last_failure=at, last_error=error)
        return replace(found, last_success=at)

    def beside(self, other: SourceHealth) -> SourceHealth:
        """SourceHealth as two processes know it together."""
        later = other if (other.last_failure or 0) > (self.last_failure or 0) else self
        sent = self.sent + other.sent
        weighed = self.latency_ms * self.sent + other.latency_ms * other.sent
        return SourceHealth(
            sent,
            self.failed + other.failed,
            _latest(self.last_success, other.last_success),
            _latest(self.last_failure, other.last_failure),
            later.last_error,
            weighed / sent if sent else 0.0,
            self.total_ms + other.total_ms,
        )

    def minus(self, written: SourceHealth) -> SourceHealth:
        """SourceHealth without what had been counted before."""
        counts = self.sent - written.sent, self.failed - written.failed
        return replace(self, sent=counts[0], failed=counts[1], total_ms=self.total_ms - written.total_ms)


def _latest(one: Instant | None, other: Instant | None) -> Instant | None:
    return max((at for at in (one, other) if at is not None), default=None)
