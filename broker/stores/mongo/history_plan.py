"""What a command does to a history, done so that a crash leaves all of it or nothing.

    known.update {_id, v} → v + 1, the head as it is then, the plan     one command: from here on it has happened
    trail.bulk_write      leaves put, leaves deleted                    the same however often it is done
    known.update {_id, v} → the plan is gone

A plan that was left is carried out by whoever comes next: its own process at once, another when it is LEFT_S old.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import bson
from pymongo import DeleteMany, ReplaceOne
from pymongo.errors import DuplicateKeyError

from broker.errors import PayloadTooLarge, ServiceUnavailable
from broker.stores.mongo.connection import Bson
from broker.stores.mongo.ground import Ground
from broker.stores.mongo.history_heads import Head

LEFT_S: Final = 5.0
TRIES: Final = 8
WAIT_S: Final = 0.05
PLAN_MAX: Final = 12_000_000
"""Bytes of a plan: with it a document must stay below MongoDB's 16 MB."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is to be written: the head, leaves to put, ids of leaves to delete.

    `passing` says that the head needs no document of its own once that is done: it says nothing that the leaves and the
    entity do not say, or there is nothing left of it.
    """

    head: Head
    put: Sequence[Bson] = ()
    drop: Sequence[str] = ()
    passing: bool = False


Decide = Callable[[Head | None], tuple[Outcome | None, object]]


class Plans:
    """Carries out what commands decide on the histories of all tenants."""

    def __init__(self, ground: Ground) -> None:
        self._ground, self._holder = ground, secrets.token_hex(8)

    def decided(self, tenant: str, find: Callable[[], Head | None], decide: Decide) -> object:
        """Read, decide and write, again where others came between. Raises ServiceUnavailable after TRIES of that."""
        for attempt in range(TRIES):
            head = find()
            if head is not None and head.plan is not None:
                if not self.finish(head.plan):
                    time.sleep(WAIT_S * (attempt + 1))
                continue
            outcome, result = decide(head)
            if outcome is None or self._write(tenant, outcome):
                return result
        raise ServiceUnavailable("Others write the history of this entity all the time.")

    def finish(self, kept: Bson) -> bool:
        """Carry out a plan that was left; False where it may still be under way in another process."""
        if kept["w"] != self._holder and kept["q"] > self._ground.clock.now() - int(LEFT_S * 1_000_000):
            return False
        self._carry_out(kept)
        return True

    def left(self) -> int:
        """Carry out all plans that were left; how many there were."""
        return sum(self.finish(kept) for kept in list(self._ground.known.find({"q": {"$gt": 0}})))

    def _write(self, tenant: str, outcome: Outcome) -> bool:
        """Whether it was written: else somebody else wrote the head meanwhile."""
        head = outcome.head
        plan = bson.encode({"put": list(outcome.put), "drop": list(outcome.drop)})
        if len(plan) > PLAN_MAX:
            raise PayloadTooLarge(
                f"This writes {len(plan)} bytes of one history at once.", remedy="Write it in several requests."
            )
        kept = head.document(tenant) | {"v": head.version + 1, "p": plan, "q": self._ground.clock.now()}
        kept |= {"w": self._holder} | ({"e": True} if outcome.passing else {})
        if head.version:
            where = {"_id": kept["_id"], "t": tenant, "i": head.iri, "v": head.version}
            if not self._ground.known.replace_one(where, kept).matched_count:
                return False
        else:
            try:
                self._ground.known.insert_one(kept)
            except DuplicateKeyError:
                return False
        self._carry_out(kept)
        return True

    def _carry_out(self, kept: Bson) -> None:
        plan, which = bson.decode(kept["p"]), {"t": kept["t"], "i": kept["i"]}
        work: list[Any] = [ReplaceOne({"_id": one["_id"], **which}, one, upsert=True) for one in plan["put"]]
        if plan["drop"]:
            work.append(DeleteMany({"_id": {"$in": plan["drop"]}, **which}))
        if work:
            self._ground.trail.bulk_write(work, ordered=False)
        where = {"_id": kept["_id"], **which, "v": kept["v"]}
        if "e" in kept:
            self._ground.known.delete_one(where)
        else:
            self._ground.known.update_one(where, {"$unset": {"p": 1, "q": 1, "w": 1}})
