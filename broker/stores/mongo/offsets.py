"""Where a query's offsets are, so that pages walk by key: `(tenant, query, offset) -> the stamp before it`.

A page without an offset is always read anew. For those that follow it, a write of this process makes what was known of
its tenant unknown at once; writes of other processes, and what expires, are seen within KNOWN_US.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Final

from broker.model.values import Instant
from broker.query.ast import Node

QUERIES_MAX: Final = 1_024
PLACES_MAX: Final = 1_024
KNOWN_US: Final = 500_000


class Known:
    """What is known of one query: stamps by offset, and how many there are in all, each with when it was learnt."""

    def __init__(self) -> None:
        self._total: tuple[int, Instant] | None = None
        self._places: dict[int, tuple[int, Instant]] = {}

    def total(self, now: Instant) -> int | None:
        """How many entities match; None where that has to be counted."""
        return _fresh(self._total, now)

    def count(self, total: int, now: Instant) -> None:
        """Remember how many match."""
        self._total = (total, now)

    def after(self, offset: int, now: Instant) -> int | None:
        """The stamp after which the page at `offset` starts."""
        return _fresh(self._places.get(offset), now) if offset else 0

    def place(self, offset: int, stamp: int, now: Instant) -> None:
        """Remember that the page at `offset` starts after this stamp."""
        if len(self._places) >= PLACES_MAX:
            self._places = {}
        self._places[offset] = (stamp, now)


class Offsets:
    """What is known of queries, shared by the threads that read."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, str], Known] = OrderedDict()
        self._stale: OrderedDict[str, tuple[bool, Instant]] = OrderedDict()
        self._lock = Lock()

    def of(self, tenant: str, where: Node) -> Known:
        """What is known of the query."""
        key = (tenant, repr(where))  # not the node: Compare(path, EQ, 1) equals Compare(path, EQ, True) to Python
        with self._lock:
            known = self._known.setdefault(key, Known())
            self._known.move_to_end(key)
            if len(self._known) > QUERIES_MAX:
                self._known.popitem(last=False)
        return known

    def is_stale(self, tenant: str, now: Instant, ask: Callable[[], bool]) -> bool:
        """Whether something of it has expired and is not swept yet; asked anew where that is not known."""
        held = self._stale.get(tenant)
        if held is not None and 0 <= now - held[1] < KNOWN_US:
            return held[0]
        found = ask()
        with self._lock:
            self._stale[tenant] = (found, now)
            if len(self._stale) > QUERIES_MAX:
                self._stale.popitem(last=False)
        return found

    def forget(self, tenant: str) -> None:
        """Something of it changed."""
        with self._lock:
            self._stale.pop(tenant, None)
            for key in [key for key in self._known if key[0] == tenant]:
                del self._known[key]


def _fresh(held: tuple[int, Instant] | None, now: Instant) -> int | None:
    """A clock that was put back makes nothing fresh."""
    return held[0] if held is not None and 0 <= now - held[1] < KNOWN_US else None
