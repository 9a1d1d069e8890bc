"""Where a query's offsets are: `(query, generation, offset) -> entity before it`, bounded, so that pages walk by key.

The generation is the change log's newest sequence: any write makes what was known of the tenant's queries unknown.
"""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import Final

import apsw

from broker.query.ast import Node

QUERIES_MAX: Final = 256
PLACES_MAX: Final = 1_024


class Known:
    """What is known of one query at one generation."""

    def __init__(self) -> None:
        self.total: int | None = None
        self._places: dict[int, int] = {0: 0}

    def after(self, offset: int) -> int | None:
        """The entity after which the page at `offset` starts."""
        return self._places.get(offset)

    def place(self, offset: int, entity: int) -> None:
        """Remember that the page at `offset` starts after `entity`."""
        if len(self._places) >= PLACES_MAX:
            self._places = {0: 0}
        self._places[offset] = entity


class Offsets:
    """What is known of a tenant's queries, shared by the threads that read it."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, Known] = OrderedDict()
        self._generation = -1
        self._lock = Lock()

    def of(self, db: apsw.Connection, where: Node) -> Known:
        """What is known of the query in this connection's read transaction."""
        generation = int(db.execute("SELECT coalesce(max(sequence), 0) FROM change_log").get)
        key = repr(where)  # not the node: Compare(path, EQ, 1) equals Compare(path, EQ, True) to Python
        with self._lock:
            if generation != self._generation:
                if generation < self._generation:
                    return Known()  # a reader of an older moment
                self._known.clear()
                self._generation = generation
            known = self._known.setdefault(key, Known())
            self._known.move_to_end(key)
            if len(self._known) > QUERIES_MAX:
                self._known.popitem(last=False)
        return known
