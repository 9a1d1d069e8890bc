r"""Generations: a number a kind of documents, that rises with every write of it, in whatever process.

    held   {"_id": "city\nsubscription", "t": "city", "k": "#", "g": "subscription", "n": 4}
    hub    {"_id": "generation\ncontext", "k": "#", "g": "context", "n": 12}

It stands beside the documents, so that one bulk raises it with them, and is kept in memory from the first time it is
asked for: by the pulse other processes' writes are seen within a quarter of a second, own ones at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from threading import Lock
from typing import Final

from pymongo import UpdateOne
from pymongo.collection import Collection

from broker.stores.mongo.connection import Bson, asking
from broker.stores.mongo.ground import key
from broker.stores.mongo.pulse import Moved, Pulse

KIND: Final = "#"
CHUNK: Final = 1000
KEPT_MAX: Final = 50_000
"""Numbers kept in memory, at some 200 bytes each; past it all are asked for again."""


class Generations:
    """The generations of one collection, by the `_id` of their document."""

    def __init__(self, collection: Collection[Bson], pulse: Pulse) -> None:
        self._collection = collection
        self._lock = Lock()
        self._asked: set[str] = set()
        self._known: dict[str, int] = {}
        self._tenants: dict[str, list[str]] = {}
        self._turns: Counter[str] = Counter()
        pulse.keep(self)

    def of(self, name: str) -> int:
        """The number; 0 where nothing was written yet."""
        known = self._known.get(name)
        if known is not None:
            return known
        with asking():
            return self._read([name])[name]

    def raised(self, name: str, tenant: str, kind: str) -> UpdateOne:
        """The write that raises it, to stand in one bulk behind that of the document."""
        return UpdateOne(
            {"_id": name}, {"$inc": {"n": 1}, "$setOnInsert": {"k": KIND, "t": tenant, "g": kind}}, upsert=True
        )

    def rose(self, name: str) -> None:
        """It was raised by this process."""
        with self._lock:
            if name in self._known:
                self._known[name] += 1

    def forget(self, names: Iterable[str]) -> None:
        """Nothing is known of them any more: a write may have come through or not, or they are gone."""
        with self._lock:
            for name in names:
                self._known.pop(name, None)
                self._asked.discard(name)

    def tenants_of(self, kind: str) -> list[str]:
        """The tenants in which something of the kind was written."""
        known = self._tenants.get(kind)
        if known is not None:
            return known
        with asking():
            return self._read_tenants(kind)

    def tenants_moved(self, kind: str) -> None:
        """The first of a kind was made in a tenant by this process, or a tenant was dropped."""
        with self._lock:
            self._turns[kind] += 1
            self._tenants.pop(kind, None)

    def refresh(self, moved: Moved) -> None:
        """Read again what other processes may have raised."""
        names = [name for name in list(self._asked) if moved(name)]
        for start in range(0, len(names), CHUNK):
            self._read(names[start : start + CHUNK])
        for kind in list(self._turns):
            if moved(listed(kind)):
                self._read_tenants(kind)

    def _read(self, names: list[str]) -> dict[str, int]:
        with self._lock:
            if len(self._asked) > KEPT_MAX:
                self._asked.clear()
                self._known.clear()
            self._asked.update(names)  # before it is read: what rises meanwhile is read again
        found = dict.fromkeys(names, 0)
        rows = self._collection.find({"_id": {"$in": names}}, {"n": 1})
        found |= {str(row["_id"]): int(row["n"]) for row in rows}
        with self._lock:
            for name in found:
                found[name] = max(found[name], self._known.get(name, 0))
            self._known |= {name: number for name, number in found.items() if name in self._asked}
        return found

    def _read_tenants(self, kind: str) -> list[str]:
        with self._lock:
            self._turns[kind] += 1
            turn = self._turns[kind]
        found = sorted({str(row["t"]) for row in self._collection.find({"k": KIND, "g": kind}, {"t": 1})})
        with self._lock:
            if self._turns[kind] == turn:  # of two reads the one that began later is kept
                self._tenants[kind] = found
        return found


def listed(kind: str) -> str:
    """The name under which the list of a kind's tenants moves."""
    return key(KIND, kind)
