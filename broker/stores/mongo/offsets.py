"""Where a query's offsets are, so that pages walk by key: `(tenant, query, offset) -> the stamp before it`.

A page without an offset is always read anew. For those that follow it, a write of this process makes what was known of
its tenant unknown at once; writes of other processes, and what expires, are seen within KNOWN_US.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Final, TypeVar

from broker.model.values import Instant
from broker.query.ast import Node

Learnt = TypeVar("Learnt", int, bool)

TENANTS_MAX: Final = 256
QUERIES_MAX: Final = 64  # of a tenant
PLACES_MAX: Final = 64  # of a query
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


@dataclass(slots=True)
class _Tenant:
    """What is known of a tenant: its queries, and whether something of it has expired, with when that was learnt."""

    queries: dict[str, Known] = field(default_factory=dict)
    stale: tuple[bool, Instant] | None = None


class Offsets:
    """What is known of queries, shared by the threads that read."""

    def __init__(self) -> None:
        self._tenants: OrderedDict[str, _Tenant] = OrderedDict()
        self._lock = Lock()

    def of(self, tenant: str, where: Node) -> Known:
        """What is known of the query."""
        key = repr(where)  # not the node: Compare(path, EQ, 1) equals Compare(path, EQ, True) to Python
        with self._lock:
            queries = self._of(tenant).queries
            if key not in queries and len(queries) >= QUERIES_MAX:
                queries.clear()
            return queries.setdefault(key, Known())

    def is_stale(self, tenant: str, now: Instant, ask: Callable[[], bool]) -> bool:
        """Whether something of it has expired and is not swept yet; asked anew where that is not known."""
        with self._lock:
            held = self._of(tenant)
        found = _fresh(held.stale, now)
        if found is None:
            found = ask()
            held.stale = (found, now)
        return found

    def forget(self, tenant: str) -> None:
        """Something of it changed."""
        with self._lock:
            self._tenants.pop(tenant, None)

    def _of(self, tenant: str) -> _Tenant:
        held = self._tenants.setdefault(tenant, _Tenant())
        self._tenants.move_to_end(tenant)
        if len(self._tenants) > TENANTS_MAX:
            self._tenants.popitem(last=False)
        return held


def _fresh(held: tuple[Learnt, Instant] | None, now: Instant) -> Learnt | None:
    """A clock that was put back makes nothing fresh."""
    return held[0] if held is not None and 0 <= now - held[1] < KNOWN_US else None
