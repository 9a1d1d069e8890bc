r"""What processes tell each other: one small document of counters, which each of them reads five times a second.

    {"_id": "pulse", "b17": 4, "b90": 12}        and beside it the slots of the processes: pulse\n00, pulse\n01 …

A name (of a generation, of the list of tenants) belongs to one of BUCKETS counters. Who changes what the name stands
for writes that first, then counts up; who keeps it in memory sees the counter move and reads it again. So it costs a
command a fifth of a second, however many tenants there are, and another where something of what is kept has moved.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from threading import Lock
from time import monotonic
from typing import Any, Final, Protocol
from zlib import crc32

from pymongo import UpdateOne
from pymongo.collection import Collection
from pymongo.errors import PyMongoError

from broker.stores.mongo.connection import Bson

PULSE: Final = "pulse"
POLL_S: Final = 0.2
ALL_LOOKS: Final = 150
"""After so many looks everything counts as moved: who died between a write and telling of it told nobody."""
FRESH_S: Final = 2.0
"""Nothing is said of who else is there when the last look is older."""
BUCKETS: Final = 128
Moved = Callable[[str], bool]


class Kept(Protocol):
    """Something kept in memory under names."""

    def refresh(self, moved: Moved) -> None:
        """Read again what it keeps under the names that have moved."""


class Pulse:
    """The counters as this process saw them last."""

    def __init__(self, hub: Collection[Bson]) -> None:
        self._hub = hub
        self._kept: list[Kept] = []
        self._heard: list[Callable[[Sequence[Bson]], None]] = []
        self._counts: Bson = {}
        self._lock = Lock()
        self._looking = Lock()
        self._owed: set[str] = set()
        self._looks = 0
        self._slots: list[Bson] = []
        self._looked_at = float("-inf")

    def keep(self, kept: Kept) -> None:
        """From now on it is told what moved."""
        self._kept.append(kept)

    def hear(self, heard: Callable[[Sequence[Bson]], None]) -> None:
        """From now on call this at every look, with the rows of processes."""
        self._heard.append(heard)

    def beat(self, names: Iterable[str]) -> UpdateOne:
        """The write that tells of names that have moved: the last of a bulk on the hub."""
        counted = {_bucket(name): 1 for name in names}
        return UpdateOne({"_id": PULSE}, {"$inc": counted}, upsert=True)

    def tell(self, names: Iterable[str]) -> None:
        """Write that they have moved; what fails is told with a later look."""
        told = set(names)
        try:
            self._hub.bulk_write([self.beat(told)])
        except PyMongoError:
            self.owe(told)
            raise

    def owe(self, names: Iterable[str]) -> None:
        """They may have moved, and it may be that nobody was told: tell with the next look."""
        with self._lock:
            self._owed.update(names)

    def look(self) -> None:
        """See what moved, and have it read again. Where that fails, it has still moved at the next look."""
        with self._looking:
            self._look()

    def slots(self) -> list[dict[str, Any]] | None:
        """The rows of processes as of the last look; None where that was too long ago."""
        with self._lock:
            return self._slots if monotonic() - self._looked_at < FRESH_S else None

    def _look(self) -> None:
        asked_at = monotonic()
        rows = list(self._hub.find({"_id": {"$gte": PULSE, "$lt": PULSE + "~"}}))
        counts: Bson = next((row for row in rows if row["_id"] == PULSE), {})
        self._looks += 1
        everything = self._looks % ALL_LOOKS == 0
        moved = {name for name, count in counts.items() if count != self._counts.get(name)}
        with self._lock:
            self._slots = [row for row in rows if row["_id"] != PULSE]
            self._looked_at = asked_at
            owed, self._owed = self._owed, set()
        if owed:
            self.tell(owed)
        for heard in self._heard:
            heard(self._slots)
        if moved or everything:
            for kept in self._kept:
                kept.refresh(lambda name: everything or _bucket(name) in moved)
            self._counts = counts


def _bucket(name: str) -> str:
    return f"b{crc32(name.encode()) % BUCKETS}"
