r"""Leases: one document each in the hub, taken by one findAndModify, so that of several processes one has it.

    {"_id": "lease\noutbox-3", "h": "holder", "a": 1767225600000000, "u": 1767225615000000, "n": 7}

`n` is the fencing token. Instants are of the process that took it: machines' clocks must agree to some seconds (NTP).
"""

from __future__ import annotations

from typing import Final

from pymongo import ReturnDocument
from pymongo.collection import Collection
from pymongo.errors import DuplicateKeyError

from broker.ports import Clock
from broker.stores.mongo.connection import Bson, asking
from broker.stores.mongo.ground import key

FAMILY: Final = "lease"
SECOND_US: Final = 1_000_000
SKEW_US: Final = 10 * SECOND_US
"""A taking so far ahead is another machine's clock; beyond it the clock was put back, and the lease is free."""


class MongoLeases:
    """Leases; the instants are those of this process."""

    def __init__(self, hub: Collection[Bson], clock: Clock) -> None:
        self._hub, self._clock = hub, clock
        self._mine: set[tuple[str, str]] = set()

    def take(self, name: str, holder: str, seconds: float) -> int | None:
        """Take or renew; None where another has it."""
        now = self._clock.now()
        put = {"h": holder, "a": now, "u": now + int(seconds * SECOND_US)}
        ways = [self._renew, self._take, self._make]
        if (name, holder) not in self._mine:
            ways = [self._take, self._renew, self._make]
        self._mine.discard((name, holder))
        with asking():
            for way in ways:
                token = way(key(FAMILY, name), put)
                if token is not None:
                    self._mine.add((name, holder))
                    return token
        return None

    def release(self, name: str, holder: str) -> None:
        """Give it back, where it is the holder's."""
        self._mine.discard((name, holder))
        with asking():
            self._hub.update_one({"_id": key(FAMILY, name), "h": holder}, {"$set": {"h": ""}})

    def _renew(self, name: str, put: Bson) -> int | None:
        """It is the holder's already, also where its time is over and nobody took it."""
        return self._changed({"_id": name, "h": put["h"]}, {"$set": put})

    def _take(self, name: str, put: Bson) -> int | None:
        free = [{"h": ""}, {"u": {"$lte": put["a"]}}, {"a": {"$gt": put["a"] + SKEW_US}}]
        others = {"_id": name, "h": {"$ne": put["h"]}, "$or": free}
        return self._changed(others, {"$set": put, "$inc": {"n": 1}})

    def _make(self, name: str, put: Bson) -> int | None:
        """It is taken for the first time ever."""
        if self._hub.find_one({"_id": name}, {"_id": 1}) is not None:
            return None
        try:
            self._hub.insert_one({"_id": name, "n": 1, **put})
        except DuplicateKeyError:
            return None
        return 1

    def _changed(self, where: Bson, change: Bson) -> int | None:
        found = self._hub.find_one_and_update(where, change, return_document=ReturnDocument.AFTER)
        return None if found is None else int(found["n"])
