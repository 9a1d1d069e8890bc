"""Writes of held documents: read, decided, then each written against what was read, with the generation of its kind.

`w` is another number with every write: a document that was dropped and made anew is not taken for the one before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from pymongo import DeleteOne, UpdateOne
from pymongo.errors import BulkWriteError, PyMongoError

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
DUPLICATE: Final = 11000


@dataclass(slots=True)
class _Work:
    """One document of a submission: its commands by their places, what was found, and what they made of it."""

    name: str
    kind: str
    document_id: str
    commands: list[tuple[int, HeldCommand]] = field(default_factory=list)
    row: Bson | None = None
    becomes: Held | None = None
    writes: bool = False
    results: dict[int, object] = field(default_factory=dict)

    def decide(self, row: Bson | None, now: Instant) -> None:
        """Run the commands on what was found."""
        self.row, self.writes = row, False
        current = live(row, now)
        for place, command in self.commands:
            try:
                decision: HeldDecision = command.decide(current, now)
            except NgsiError as refusal:
                self.results[place] = refusal
                continue
            if isinstance(decision, Hold):
                current, self.writes = _written(command.id, decision, current, now), True
            elif isinstance(decision, Drop) and current is not None:
                current, self.writes = None, True
            self.results[place] = decision.result
        self.becomes = current

    @property
    def drops(self) -> bool:
        """Whether the document goes."""
        return self.writes and self.becomes is None and self.row is not None


class Applying:
    """Jobs in the line of a tenant's writes."""

    def __init__(self, hub: Hub, tenant: str, dropped: Callable[[str, str, str], None]) -> None:
        self._hub, self._tenant, self._dropped = hub, tenant, dropped
        self._held = hub.ground.held
        self._moved: list[str] = []

    def apply(self, commands: Sequence[HeldCommand], now: Instant) -> list[object]:
        """Each command's result, or the NgsiError it raised. Raises Undecided before anything is written."""
        works: dict[str, _Work] = {}
        for place, command in enumerate(commands):
            name = key(self._tenant, command.kind, command.id)
            works.setdefault(name, _Work(name, command.kind, command.id)).commands.append((place, command))
        rows = {row["_id"]: row for row in self._held.find({"_id": {"$in": list(works)}})}
        try:
            for work in works.values():
                work.decide(rows.get(work.name), now)
        except Exception as fault:  # whatever a decision raises goes to who made it
            raise Undecided(fault) from fault
        for work in works.values():
            self._settle(work, now)
        self._tell()
        results = {place: result for work in works.values() for place, result in work.results.items()}
        return [results[place] for place in range(len(commands))]

    def sweep(self, now: Instant) -> int:
        """Drop what has expired; how many documents that were."""
        rows = list(self._held.find({"t": self._tenant, "x": {"$lte": now}}))
        works = [_Work(row["_id"], row["k"], row["i"], row=row, writes=True) for row in rows]
        swept = sum(self._write(work) for work in works)
        self._tell()
        return swept

    def _settle(self, work: _Work, now: Instant) -> None:
        for _ in range(TRIES):
            if not work.writes or self._write(work):
                return
            work.decide(self._held.find_one({"_id": work.name}), now)
        raise ServiceUnavailable(f"{work.document_id} is being written by too many at once.")

    def _write(self, work: _Work) -> bool:
        """Whether the document was still as it was found; then it is written, and its generation raised."""
        if work.row is None and work.becomes is None:  # made and dropped in one submission
            return True
        self._hub.slots.check()
        self._hub.tenants.make(self._tenant)
        name = key(self._tenant, work.kind)
        raised = self._hub.generations.raised(name, self._tenant, work.kind)
        try:
            done = self._held.bulk_write([self._of(work), raised])
        except BulkWriteError as error:
            if any(fault.get("code") != DUPLICATE for fault in error.details["writeErrors"]):
                self._hub.generations.forget([name])
                raise
            return False
        except PyMongoError:
            self._hub.generations.forget([name])
            raise
        made = set(done.upserted_ids or {})
        self._raise(name, work, first_of_kind=1 in made)
        hit = done.deleted_count > 0 if work.drops else 0 in made or done.matched_count > (1 not in made)
        if hit and work.drops:
            self._dropped(self._tenant, work.kind, work.document_id)
        return hit

    def _of(self, work: _Work) -> UpdateOne | DeleteOne:
        where: Bson = {"_id": work.name, "w": 0 if work.row is None else work.row["w"]}
        if work.becomes is None:
            return DeleteOne(where)
        change = row_of(self._tenant, work.kind, work.becomes)
        update: Bson = {"$set": {**change, "w": self._hub.ground.stamps.next()}}
        if work.row is not None and "x" in work.row and "x" not in change:
            update["$unset"] = {"x": ""}
        return UpdateOne(where, update, upsert=work.row is None)

    def _raise(self, name: str, work: _Work, *, first_of_kind: bool) -> None:
        self._hub.generations.rose(name)
        self._moved.append(name)
        if first_of_kind:
            self._hub.generations.tenants_moved(work.kind)
            self._moved.append(listed(work.kind))

    def _tell(self) -> None:
        if self._moved:
            self._hub.pulse.tell(self._moved)
            self._hub.tell(self._tenant)
            self._moved = []


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
