"""Writes of held documents: read, decided, then each written against what was read, with the generation of its kind.

`w` is another number with every write: a document that was dropped and made anew is not taken for the one before.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from pymongo import DeleteOne, ReplaceOne, UpdateOne
from pymongo.errors import BulkWriteError, PyMongoError
from pymongo.results import BulkWriteResult

from broker.errors import NgsiError, ServiceUnavailable
from broker.model.values import Instant
from broker.ports.held import Drop, Held, HeldCommand, HeldDecision, Hold
from broker.stores.mongo.connection import Bson
from broker.stores.mongo.generations import listed
from broker.stores.mongo.ground import key
from broker.stores.mongo.hub import Hub
from broker.stores.mongo.lanes import Undecided
from broker.stores.mongo.packing import packed, unpacked

TRIES: Final = 8
PAUSE_S: Final = 0.004  # between two tries, longer each time
DUPLICATE: Final = 11000
Write: TypeAlias = UpdateOne | DeleteOne | ReplaceOne[Bson]


@dataclass(slots=True)
class _Work:
    """One document of a submission: what was found of it, and what the commands make of it."""

    name: str
    kind: str
    document_id: str
    row: Bson | None = None
    held: Held | None = None
    writes: bool = False
    token: int = 0
    gone: bool = False

    def found(self, row: Bson | None, now: Instant) -> None:
        """Begin with what is there."""
        self.row, self.held, self.writes = row, live(row, now), False

    def decided(self, decision: HeldDecision, now: Instant) -> None:
        """What a command makes of it."""
        if isinstance(decision, Hold):
            self.held, self.writes = _written(self.document_id, decision, self.held, now), True
        elif isinstance(decision, Drop) and self.held is not None:
            self.held, self.writes = None, True

    @property
    def makes(self) -> bool:
        """Whether there will be a document where none was."""
        return self.held is not None and self.row is None


class Applying:
    """Jobs in the line of a tenant's writes.

    Documents that are written together are written by one bulk, the last first: who sees the first sees the others.
    Where one of them was no longer as it was read, the others are put back and everything is decided again.
    """

    def __init__(self, hub: Hub, tenant: str, dropped: Callable[[str, str, str], None]) -> None:
        self._hub, self._tenant, self._dropped = hub, tenant, dropped
        self._held = hub.ground.held
        self._moved: list[str] = []

    def apply(self, commands: Sequence[HeldCommand], now: Instant) -> list[object]:
        """Each command's result, or the NgsiError it raised. Raises Undecided before anything is written."""
        named = [key(self._tenant, one.kind, one.id) for one in commands]
        works = {name: _Work(name, one.kind, one.id) for name, one in zip(named, commands, strict=True)}
        results: dict[int, object] = {}
        for attempt in range(TRIES):
            time.sleep(PAUSE_S * attempt * random.random())  # noqa: S311 - no secret
            self._read(works, now)
            for place, command in enumerate(commands):
                if not works[named[place]].gone:
                    results[place] = _decided(command, works[named[place]], now)
            if self._write([work for work in works.values() if work.writes]):
                return [results[place] for place in range(len(commands))]
        raise ServiceUnavailable("Others kept writing the same documents; nothing was done.")

    def sweep(self, now: Instant) -> int:
        """Drop what has expired; how many documents that were."""
        rows = list(self._held.find({"t": self._tenant, "x": {"$lte": now}}))
        works = [_Work(row["_id"], row["k"], row["i"], row, writes=True) for row in rows]
        self._write(works)
        return len(works)

    def _read(self, works: Mapping[str, _Work], now: Instant) -> None:
        rows = {row["_id"]: row for row in self._held.find({"_id": {"$in": list(works)}})}
        for name, work in works.items():
            work.gone = work.gone and name not in rows
            work.found(rows.get(name), now)

    def _write(self, changed: Sequence[_Work]) -> bool:
        """Whether all were still as they were found; then they are written, and the generations of their kinds raised.

        What was dropped is not put back otherwise: it may have been another who dropped it.
        """
        works = [work for work in reversed(changed) if work.row is not None or work.held is not None]
        if not works:
            return True
        self._hub.slots.check()
        self._hub.tenants.make(self._tenant)
        kinds = sorted({work.kind for work in works})
        done = self._bulk([self._of(work) for work in works], kinds)
        whole = done is not None and _is_whole(works, len(kinds), done)
        if not whole and len(works) > 1:
            self._bulk([put_back for work in works if (put_back := _put_back(work)) is not None], kinds)
        for work in self._gone(works, whole=whole):
            work.gone = True
            self._dropped(self._tenant, work.kind, work.document_id)
        self._tell()
        return whole

    def _bulk(self, writes: Sequence[Write], kinds: Sequence[str]) -> BulkWriteResult | None:
        """What the server did, generations raised with it; None where another has made a document meanwhile."""
        names = [key(self._tenant, kind) for kind in kinds]
        generations = self._hub.generations
        raised = [generations.raised(name, self._tenant, kind) for name, kind in zip(names, kinds, strict=True)]
        try:
            done = self._held.bulk_write([*writes, *raised])
        except PyMongoError as error:
            generations.forget(names)
            self._hub.pulse.owe(names)
            if isinstance(error, BulkWriteError) and _is_duplicate(error):
                return None
            raise
        for place, (name, kind) in enumerate(zip(names, kinds, strict=True), len(writes)):
            generations.rose(name)
            self._moved.append(name)
            if place in (done.upserted_ids or {}):
                generations.tenants_moved(kind)
                self._moved.append(listed(kind))
        return done

    def _of(self, work: _Work) -> Write:
        where: Bson = {"_id": work.name, "w": 0 if work.row is None else work.row["w"]}
        if work.held is None:
            return DeleteOne(where)
        work.token = self._hub.ground.stamps.next()
        change = row_of(self._tenant, work.kind, work.held)
        update: Bson = {"$set": {**change, "w": work.token}}
        if work.row is not None and "x" in work.row and "x" not in change:
            update["$unset"] = {"x": ""}
        return UpdateOne(where, update, upsert=work.row is None)

    def _gone(self, works: Sequence[_Work], *, whole: bool) -> list[_Work]:
        """Those of the dropped documents that are not there any more."""
        drops = [work for work in works if work.held is None]
        if whole or not drops or len(works) == 1:
            return drops if whole else []
        left = {row["_id"] for row in self._held.find({"_id": {"$in": [work.name for work in drops]}}, {"_id": 1})}
        return [work for work in drops if work.name not in left]

    def _tell(self) -> None:
        if self._moved:
            self._hub.pulse.tell(self._moved)
            self._hub.tell(self._tenant)
            self._moved = []


def _decided(command: HeldCommand, work: _Work, now: Instant) -> object:
    """The result of a command, or its refusal; what it makes of the document."""
    try:
        decision: HeldDecision = command.decide(work.held, now)
    except NgsiError as refusal:
        return refusal
    except Exception as fault:  # whatever a decision raises goes to who made it
        raise Undecided(fault) from fault
    work.decided(decision, now)
    return decision.result


def _is_whole(works: Sequence[_Work], kinds: int, done: BulkWriteResult) -> bool:
    """Whether every write met the document it was meant for; behind them stand those of so many generations."""
    made = set(done.upserted_ids or {})
    matched = done.matched_count - sum(place not in made for place in range(len(works), len(works) + kinds))
    drops = sum(work.held is None for work in works)
    makes = [place for place, work in enumerate(works) if work.makes]
    return made.issuperset(makes) and matched == len(works) - drops - len(makes) and done.deleted_count == drops


def _put_back(work: _Work) -> Write | None:
    """The write that undoes this process's own; None for a document that was dropped."""
    if work.held is None:
        return None
    where = {"_id": work.name, "w": work.token}
    return DeleteOne(where) if work.row is None else ReplaceOne(where, work.row)


def _is_duplicate(error: BulkWriteError) -> bool:
    faults = error.details["writeErrors"]
    return bool(faults) and all(fault["code"] == DUPLICATE for fault in faults)


def row_of(tenant: str, kind: str, held: Held) -> Bson:
    """The document that keeps it, without `_id` and `w`."""
    row: Bson = {"t": tenant, "k": kind, "i": held.id, "v": held.version, "c": held.created_at, "m": held.modified_at}
    row["d"] = packed(dict(held.body))
    return row if held.expires_at is None else {**row, "x": held.expires_at}


def held_of(row: Bson) -> Held:
    """What a document keeps."""
    return Held(row["i"], unpacked(row["d"]), row["c"], row["m"], row["v"], row.get("x"))


def live(row: Bson | None, now: Instant) -> Held | None:
    """What it keeps, where that has not expired."""
    return None if row is None or row.get("x", now + 1) <= now else held_of(row)


def _written(document_id: str, decision: Hold, current: Held | None, now: Instant) -> Held:
    if current is None:
        return Held(document_id, dict(decision.body), now, now, 1, decision.expires_at)
    return Held(document_id, dict(decision.body), current.created_at, now, current.version + 1, decision.expires_at)
