"""Rows that come out of order: which were taken in already, and where it is looked for those that nobody told of.

Where several processes give numbers, a row may be seen after one with a higher number, or twice: told of and read, or
read under two numbers, as a row that was written late gets a later one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from broker.ports.outbox import OutboxRow

REMEMBERED_S: Final = 30.0


class Latecomers:
    """What one process took in lately, and how far each look saw. Times are seconds of a clock that never goes back."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._taken: dict[tuple[str, str, int], tuple[float, str]] = {}
        self._looks: dict[str, tuple[int, int]] = {}

    def knows(self, tenant: str, row: OutboxRow) -> bool:
        """Whether the row was taken in lately. One that was revived is another row."""
        return _key(tenant, row) in self._taken

    def taken(self, tenant: str, row: OutboxRow) -> None:
        """The row was taken in."""
        now = self._now()
        while self._taken:
            oldest = next(iter(self._taken))
            if self._taken[oldest][0] > now - REMEMBERED_S:
                break
            del self._taken[oldest]
        self._taken[_key(tenant, row)] = now, row.subscription

    def forget(self, tenant: str, subscription: str) -> None:
        """The rows of a subscription are not in memory any more."""
        for key in [key for key, (_, of) in self._taken.items() if key[0] == tenant and of == subscription]:
            del self._taken[key]

    def span(self, tenant: str) -> tuple[int, int] | None:
        """Between which numbers it is looked for rows that nobody has; None where there was no look yet."""
        return self._looks.get(tenant)

    def looked(self, tenant: str, seen: int, until: int = 0) -> None:
        """A look ended, `seen` being the highest number seen; with `until` it ended there, and the next goes on."""
        self._looks[tenant] = until, seen


def _key(tenant: str, row: OutboxRow) -> tuple[str, str, int]:
    return tenant, row.id, row.number if row.redelivered else 0
