"""The outbox of this engine: rows beside the log and the history, closings and counters as jobs in the line of writes.

The numbers of one process rise with its commits; of several processes a lower one may come later, for as long as a
write may take. Whoever reads on allows for it (`settled`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any, Final, Protocol

from pymongo import DeleteMany, UpdateOne

from broker.errors import NonexistentTenant
from broker.model.entity import Entity
from broker.model.values import Instant
from broker.ports import outbox
from broker.ports.held import Held
from broker.ports.outbox import SUBSCRIPTION, Closing, Delivery, EntityChange, OutboxRow, Watch, Watches
from broker.stores.mongo.closings import Attempted, increments, settle, to_delivery
from broker.stores.mongo.connection import Bson, asking
from broker.stores.mongo.ground import Ground, Happened, Line, first, key
from broker.stores.mongo.outbox_rows import (
    COUNTERS,
    DEAD,
    IMAGE,
    WAITING,
    image_id,
    revived,
    row_id,
    rows_of,
    to_rows,
    told,
    written,
)
from broker.stores.mongo.stamps import STEP
from broker.stores.refusals import no_tenant

Arrived = Callable[[str, Sequence[OutboxRow]], None]

LATE_US: Final = 3_000_000
"""So much later than its number says a row may be seen, by another process; what takes longer is looked for."""
_NAME: Final = {"_id": 1}


class Subscriptions(Protocol):
    """Where the watch comes from."""

    def all_held(self, tenant: str, kind: str) -> list[Held]:
        """The documents of a kind."""

    def find_held(self, tenant: str, kind: str, document_id: str) -> Held | None:
        """One document."""

    def held_generation(self, tenant: str, kind: str) -> int:
        """Rises with every change to one."""

    def tenants_of(self, kind: str) -> list[str]:
        """Tenants that have, or had, some."""


class MongoOutbox:
    """Outbox, what decides on its rows (`matched`), and what writes them beside the entities (Beside)."""

    def __init__(self, ground: Ground, line: Line, subscriptions: Subscriptions, watches: Watches | None) -> None:
        self._ground, self._line = ground, line
        self._subscriptions, self._watches = subscriptions, watches
        self._watching: dict[str, tuple[int, Watch | None]] = {}
        self._listeners: list[Arrived] = []
        self._newest: dict[str, int] = {}
        self._buried: dict[str, int] = {}

    def matched(self, tenant: str, change: EntityChange, linked: Callable[[str], Entity | None]) -> tuple[str, ...]:
        """Ids of the subscriptions that this change must notify."""
        watch = None if self._watches is None else self._watch(tenant, self._watches)
        return () if watch is None else tuple(watch.matched(change, linked))

    def documents(self, happened: Happened) -> list[Bson]:
        """A row for each subscription that the change matched; written again it is the same row."""
        return written(happened) if happened.matched else []

    def committed(self, tenant: str, happened: Sequence[Happened]) -> None:
        """Tell of the rows."""
        self._tell(tenant, [row for one in happened if one.matched for row in told(one)])

    def dropped(self, tenant: str, kind: str, document_id: str) -> None:
        """A document is gone: with a subscription go its rows and counters. In the line of writes."""
        if kind != SUBSCRIPTION:
            return
        mine = {"t": tenant, "k": {"$in": [WAITING, DEAD]}, "s": document_id}
        shared = {image_id(row) for row in self._ground.trail.find({**mine, "m": True}, {"t": 1, "i": 1, "q": 1})}
        self._ground.trail.delete_many(mine)
        self._drop_unused(shared)
        self._ground.trail.delete_one({"_id": _counters(tenant, document_id)})

    def erase(self, tenant: str, entity_id: str) -> int:
        """Drop every row of changes of an entity, dead ones too; how many there were. In the line of writes."""
        rows = {"t": tenant, "i": entity_id, "k": {"$in": [WAITING, DEAD]}}
        gone = self._ground.trail.delete_many(rows)
        self._ground.trail.delete_many({"t": tenant, "i": entity_id, "k": IMAGE})
        return int(gone.deleted_count)

    def listen(self, arrived: Arrived) -> None:
        """Be told of rows right after they were written, on the thread that wrote them."""
        self._listeners.append(arrived)

    def tenants(self) -> list[str]:
        """Those that have, or had, subscriptions."""
        return self._subscriptions.tenants_of(SUBSCRIPTION)

    def busy(self) -> list[str]:
        """Those with rows that wait."""
        with asking():
            found = self._ground.trail.aggregate([{"$match": {"k": WAITING}}, {"$group": {"_id": "$t"}}])
            return [str(one["_id"]) for one in found]

    def newest(self, tenant: str) -> int:
        """The highest number that this process gave or finds."""
        self._must_exist(tenant)
        with asking():
            found = self._ground.trail.find({"t": tenant, "k": {"$in": [WAITING, DEAD]}}, {"n": 1})
            last = [int(one["n"]) for one in found.sort("n", -1).limit(1)]
        return max([self._newest.get(tenant, 0), *last])

    def settled(self, number: int) -> int:
        """The highest number up to this one below which no row comes any more, of whichever process."""
        return min(number, self._ground.clock.now() - LATE_US)

    def waiting(self, tenant: str, after: int, limit: int, subscription: str = "") -> list[OutboxRow]:
        """Rows neither closed nor dead, with a number above `after`; of one subscription where it is named."""
        return self._read({"t": tenant, "k": WAITING, **({"s": subscription} if subscription else {})}, after, limit)

    def close_rows(self, tenant: str, closings: Sequence[Closing]) -> Future[None]:
        """Close or put off rows and change the counters; what is no longer waiting is passed over."""
        named = [(row_id(tenant, closing.row), closing) for closing in closings]

        def close(_: Instant) -> None:
            self._close(tenant, named)

        return first(self._line.run(tenant, [close]), _nothing)

    def count_sent(self, tenant: str, subscription: str, at: Instant, *, failed: bool) -> Future[None]:
        """Count one attempt that had no row, of a subscription that is there."""

        def count(_: Instant) -> None:
            if self._subscriptions.find_held(tenant, SUBSCRIPTION, subscription) is not None:
                self._count(tenant, [Attempted(subscription, at, failed)])

        return first(self._line.run(tenant, [count]), _nothing)

    def deliveries(self, tenant: str, ids: Sequence[str] | None = None) -> Mapping[str, Delivery]:
        """Counters by subscription."""
        self._must_exist(tenant)
        asked: Bson = {"t": tenant, "k": COUNTERS}
        if ids is not None:
            asked = {"_id": {"$in": [_counters(tenant, one) for one in ids]}}
        with asking():
            return {str(one["s"]): to_delivery(one) for one in self._ground.trail.find(asked)}

    def dead(self, tenant: str, after: int, limit: int) -> list[OutboxRow]:
        """Dead rows with a number above `after`."""
        return self._read({"t": tenant, "k": DEAD}, after, limit)

    def revive(self, tenant: str, numbers: Sequence[int]) -> Future[int]:
        """Put dead rows at the end of those waiting, under new numbers, and tell of them."""

        def revive(now: Instant) -> int:
            trail, named = self._ground.trail, _dead(tenant, numbers)
            names = [one["_id"] for one in trail.find(named, {"n": 1}).sort("n", 1)]
            if not names:
                return 0
            number = self._ground.stamps.next(len(names))
            moves = [
                UpdateOne({"_id": name, "k": DEAD}, {"$set": revived(number + place * STEP, now)})
                for place, name in enumerate(names)
            ]
            trail.bulk_write(moves)
            rows = self._read({"_id": {"$in": names}, "k": WAITING}, number - 1, len(names))
            self._tell(tenant, rows)
            return len(rows)

        return first(self._line.run(tenant, [revive]), int)

    def discard(self, tenant: str, numbers: Sequence[int]) -> Future[int]:
        """Drop dead rows."""

        def drop(_: Instant) -> int:
            return self._remove(_dead(tenant, numbers))

        return first(self._line.run(tenant, [drop]), int)

    def _watch(self, tenant: str, watches: Watches) -> Watch | None:
        """The watch over the subscriptions as this process knows them; None where there are none."""
        try:
            generation = self._subscriptions.held_generation(tenant, SUBSCRIPTION)
        except NonexistentTenant:
            return None
        known, watch = self._watching.get(tenant, (0, None))
        if known != generation:
            held = self._subscriptions.all_held(tenant, SUBSCRIPTION)
            watch = watches.compile(held) if held else None
            self._watching[tenant] = generation, watch
        return watch

    def _tell(self, tenant: str, rows: Sequence[OutboxRow]) -> None:
        if not rows:
            return
        self._newest[tenant] = max(self._newest.get(tenant, 0), rows[-1].number)
        for arrived in self._listeners:
            arrived(tenant, rows)

    def _must_exist(self, tenant: str) -> None:
        if not self._line.exists(tenant):
            raise no_tenant(tenant)

    def _read(self, asked: Bson, after: int, limit: int) -> list[OutboxRow]:
        if "t" in asked:
            self._must_exist(asked["t"])
        with asking():
            found = list(self._ground.trail.find({**asked, "n": {"$gt": after}}).sort("n", 1).limit(limit))
            shared = {image_id(one) for one in found if "m" in one}
            return to_rows(found, self._ground.trail.find({"_id": {"$in": list(shared)}}) if shared else ())

    def _close(self, tenant: str, closings: Sequence[tuple[str, Closing]]) -> None:
        trail, names = self._ground.trail, list({name for name, _ in closings})
        found = trail.find({"_id": {"$in": names}, "k": WAITING}, {"s": 1, "c": 1, "t": 1, "i": 1, "q": 1, "m": 1})
        waiting = {one["_id"]: one for one in found}
        if not waiting:
            return
        settled = settle(waiting, closings)
        self._count(tenant, settled.attempts)
        changes: list[Any] = [UpdateOne({"_id": name}, {"$set": change}) for name, change in settled.kept.items()]
        if settled.gone:
            changes.append(DeleteMany({"_id": {"$in": settled.gone}}))
        trail.bulk_write(changes)
        self._drop_unused({image_id(waiting[name]) for name in settled.gone if "m" in waiting[name]})
        self._bury(tenant, settled.died)

    def _count(self, tenant: str, attempts: Iterable[Attempted]) -> None:
        changes: list[Any] = [
            UpdateOne(
                {"_id": _counters(tenant, name)},
                {**update, "$setOnInsert": {"t": tenant, "i": "", "k": COUNTERS, "n": 0, "s": name}},
                upsert=True,
            )
            for name, update in increments(attempts).items()
        ]
        if changes:
            self._ground.trail.bulk_write(changes)

    def _bury(self, tenant: str, died: int) -> None:
        """Now and then drop the oldest dead rows: an endpoint that is gone fills no disk."""
        self._buried[tenant] = self._buried.get(tenant, 0) + died
        if self._buried[tenant] < outbox.DEAD_SLICE:
            return
        self._buried[tenant] = 0
        mine: Bson = {"t": tenant, "k": DEAD}
        newest = self._ground.trail.find(mine, {"n": 1}).sort("n", -1).skip(outbox.DEAD_MAX).limit(1)
        for one in newest:
            self._remove({**mine, "n": {"$lte": one["n"]}})

    def _remove(self, asked: Bson) -> int:
        """Delete rows, and images that were theirs alone; how many rows there were."""
        found = list(self._ground.trail.find(asked, {"t": 1, "i": 1, "q": 1, "m": 1}))
        if not found:
            return 0
        gone = self._ground.trail.delete_many({"_id": {"$in": [one["_id"] for one in found]}})
        self._drop_unused({image_id(one) for one in found if "m" in one})
        return int(gone.deleted_count)

    def _drop_unused(self, images: set[str]) -> None:
        """Delete those images whose rows are all gone."""
        if not images:
            return
        trail = self._ground.trail
        known = list(trail.find({"_id": {"$in": list(images)}}, {"t": 1, "i": 1, "q": 1, "w": 1}))
        names = [name for one in known for name in rows_of(one)]
        left = {one["_id"] for one in trail.find({"_id": {"$in": names}}, _NAME)}
        unused = [one["_id"] for one in known if left.isdisjoint(rows_of(one))]
        if unused:
            trail.delete_many({"_id": {"$in": unused}})


def _counters(tenant: str, subscription: str) -> str:
    return key(tenant, "", COUNTERS, subscription)


def _dead(tenant: str, numbers: Sequence[int]) -> Bson:
    return {"t": tenant, "k": DEAD, "n": {"$in": sorted(set(numbers))}}


def _nothing(_: object) -> None:
    """No result."""
