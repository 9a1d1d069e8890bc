"""What a crash left between an entity and what follows from its changes: it is written, under the same ids, and told.

The log's document of a change is the last to be written: where it is there, all else was, and may be gone for a good
reason. What is younger than AGE_US may still be under way in its own process.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from broker.model.values import Instant
from broker.stores.mongo import pending
from broker.stores.mongo.connection import Bson
from broker.stores.mongo.ground import Ground, Happened, Line, key
from broker.stores.mongo.trail import LOG, Trail

log = logging.getLogger("misono.store")

AGE_US: Final = 5_000_000
REPAIR_S: Final = 5.0
LEASE_S: Final = 30.0
CHUNK: Final = 100


class Repair:
    """Finishes changes of all tenants, each in the line of its tenant's writes; `tell(tenant)` tells of a commit."""

    def __init__(self, ground: Ground, line: Line, trail: Trail, tell: Callable[[str], None]) -> None:
        self._ground, self._line, self._trail, self._tell = ground, line, trail, tell

    def run(self) -> int:
        """Finish what is old enough; how many entities that were."""
        seen: set[str] = set()
        while found := [one for one in self._left() if one["_id"] not in seen]:
            seen.update(one["_id"] for one in found)
            for tenant in sorted({one["t"] for one in found}):
                ids = [one["_id"] for one in found if one["t"] == tenant]
                self._line.run(tenant, [partial(self._finish, tenant, ids)], creates=True).result()
        if seen:
            log.warning("finished the changes of %d entities that a process had left", len(seen))
        return len(seen)

    def _left(self) -> list[Bson]:
        """Some of them, as the index of what is under way gives them."""
        return list(self._ground.entities.find({"p.s": {"$lt": self._limit()}}, {"t": 1}).limit(CHUNK))

    def _limit(self) -> int:
        return self._ground.clock.now() - AGE_US

    def _finish(self, tenant: str, ids: Sequence[str], _now: Instant) -> None:
        found = list(self._ground.entities.find({"_id": {"$in": list(ids)}}))
        limit = self._limit()
        old = [(one, [change for change in pending.read(one) if change.change.sequence < limit]) for one in found]
        happened = [change for _, changes in old for change in changes]
        there = self._written(happened)
        left = [one for one in happened if _log_id(one) not in there]
        told = self._trail.write_again(left) if left else []
        for one, changes in old:
            self._settle(one, changes)
        if told:
            self._trail.tell(tenant, told)
            self._tell(tenant)

    def _written(self, happened: Sequence[Happened]) -> set[str]:
        ids = [_log_id(one) for one in happened]
        return {one["_id"] for one in self._ground.trail.find({"_id": {"$in": ids}}, {"_id": 1})}

    def _settle(self, found: Bson, changes: Sequence[Happened]) -> None:
        """The changes are no longer under way; a deleted entity goes with the last of them."""
        numbers = [one.change.sequence for one in changes]
        if found.get("g") and len(numbers) == len(found["p"]):
            self._ground.entities.delete_one({"_id": found["_id"], "n": found["n"], "g": True})
        elif numbers:
            self._ground.entities.update_one({"_id": found["_id"]}, {"$pull": {"p": {"s": {"$in": numbers}}}})


def _log_id(happened: Happened) -> str:
    return key(happened.tenant, happened.change.entity.id, LOG, happened.change.sequence)
