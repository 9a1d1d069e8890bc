"""Where a query's offsets are, so that pages walk by key: `(tenant, query, offset) -> the stamp before it`.

A write of this process makes what was known of its tenant unknown at once; those of others are seen within KNOWN_S.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from threading import Lock
from typing import Final

from broker.query.ast import Node

QUERIES_MAX: Final = 1_024
PLACES_MAX: Final = 1_024
KNOWN_S: Final = 1.0


class Known:
    """What is known of one query: stamps by offset, and how many there are in all, each with the time it was learnt."""

    def __init__(self) -> None:
        self._total: tuple[int, float] | None = None
        self._places: dict[int, tuple[int, float]] = {}

    @property
    def total(self) -> int | None:
        """How many entities match; None where that has to be counted."""
        return None if self._total is None or _old(self._total[1]) else self._total[0]

    def count(self, total: int) -> None:
        """Remember how many match."""
        self._total = (total, time.monotonic())

    def after(self, offset: int) -> int | None:
        """The stamp after which the page at `offset` starts."""
        held = self._places.get(offset)
        return None if held is None or _old(held[1]) else held[0]

    def place(self, offset: int, stamp: int) -> None:
        """Remember that the page at `offset` starts after this stamp."""
        if len(self._places) >= PLACES_MAX:
            self._places = {}
        self._places[offset] = (stamp, time.monotonic())


class Offsets:
    """What is known of queries, shared by the threads that read."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, str], Known] = OrderedDict()
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

    def forget(self, tenant: str) -> None:
        """Something of it changed."""
        with self._lock:
            for key in [key for key in self._known if key[0] == tenant]:
                del self._known[key]


def _old(at: float) -> bool:
    return time.monotonic() - at > KNOWN_S
