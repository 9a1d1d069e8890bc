"""The outbox of the memory engine: what matched stands in a dictionary until it is closed."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from itertools import islice
from threading import Lock
from typing import Protocol

from broker.model.entity import Entity
from broker.model.values import Instant
from broker.ports import outbox
from broker.ports.held import Held
from broker.ports.outbox import (
    SUBSCRIPTION,
    Closing,
    Delivery,
    EntityChange,
    OutboxRow,
    Watch,
    Watches,
    counted,
    notification_id,
)
from broker.stores.memory_held import Ground, done, failed
from broker.stores.refusals import no_tenant


class Subscriptions(Protocol):
    """Where the watch comes from."""

    def all_held(self, tenant: str, kind: str) -> list[Held]:
        """The documents of a kind."""

    def held_generation(self, tenant: str, kind: str) -> int:
        """Rises with every change to one."""

    def tenants_of(self, kind: str) -> list[str]:
        """Tenants that have, or had, some."""


@dataclass(slots=True)
class _Box:
    """One tenant's rows by number, waiting and dead, its counters, and the watch of one generation."""

    rows: dict[int, OutboxRow] = field(default_factory=dict)
    dead: dict[int, OutboxRow] = field(default_factory=dict)
    deliveries: dict[str, Delivery] = field(default_factory=dict)
    last: int = 0
    generation: int = 0
    watch: Watch | None = None

    def add(self, row: OutboxRow) -> OutboxRow:
        """Put a row at the end, under the next number."""
        self.last += 1
        self.rows[self.last] = numbered = replace(row, number=self.last)
        return numbered


class MemoryOutbox:
    """Outbox, and the companion of the store that fills it."""

    def __init__(self, ground: Ground, watches: Watches | None, find: Callable[[str, str], Entity | None]) -> None:
        self._ground = ground
        self._watches = watches
        self._find = find
        self._boxes: dict[str, _Box] = {}
        self._listeners: list[Callable[[str, Sequence[OutboxRow]], None]] = []
        self._untold: deque[tuple[str, list[OutboxRow]]] = deque()
        self._telling = Lock()

    def watch_with(self, subscriptions: Subscriptions) -> None:
        """Take the watch from these documents from now on."""
        self._subscriptions = subscriptions

    def write(self, tenant: str, changes: Sequence[EntityChange]) -> None:
        """Keep a row for each subscription that each change must notify."""
        watch = self._watch(tenant) if changes else None
        if watch is None:
            return
        box, added = self._box(tenant), list[OutboxRow]()
        for change in changes:
            for subscription in watch.matched(change, lambda other: self._find(tenant, other)):
                name = notification_id(tenant, subscription, str(change.sequence))
                added.append(box.add(OutboxRow(0, name, subscription, change, change.at)))
        if added:
            self._untold.append((tenant, added))

    def tell(self) -> None:
        """Tell listeners of what was written, in its order; outside of the store's lock."""
        if not self._untold:
            return
        with self._telling:
            while self._untold:
                tenant, rows = self._untold.popleft()
                for arrived in self._listeners:
                    arrived(tenant, rows)

    def dropped(self, tenant: str, kind: str, document_id: str) -> None:
        """A subscription is gone: so are its rows and counters."""
        box = self._boxes.get(tenant)
        if box is None or kind != SUBSCRIPTION:
            return
        for rows in (box.rows, box.dead):
            for number in [row.number for row in rows.values() if row.subscription == document_id]:
                del rows[number]
        box.deliveries.pop(document_id, None)

    def rows(self, tenant: str) -> list[OutboxRow]:
        """All there are, dead ones too."""
        with self._ground.lock:
            box = self._box(tenant)
            return [*box.rows.values(), *box.dead.values()]

    def erase(self, tenant: str, entity_id: str) -> int:
        """Drop every row of changes of an entity, dead ones too; how many there were."""
        with self._ground.lock:
            box, gone = self._box(tenant), 0
            for rows in (box.rows, box.dead):
                for number in [row.number for row in rows.values() if row.change.entity.id == entity_id]:
                    del rows[number]
                    gone += 1
            return gone

    def drop_all(self, tenant: str) -> None:
        """Nothing of the tenant waits, is dead or is counted any more."""
        with self._ground.lock:
            self._boxes.pop(tenant, None)

    def listen(self, arrived: Callable[[str, Sequence[OutboxRow]], None]) -> None:
        """Be told of rows right after they were written, in their order."""
        self._listeners.append(arrived)

    def tenants(self) -> list[str]:
        """Those that have, or had, subscriptions."""
        with self._ground.lock:
            return self._subscriptions.tenants_of(SUBSCRIPTION)

    def busy(self) -> list[str]:
        """Any of them may be."""
        return self.tenants()

    def newest(self, tenant: str) -> int:
        """The highest number given."""
        with self._ground.lock:
            return self._of(tenant).last

    def waiting(self, tenant: str, after: int, limit: int, subscription: str = "") -> list[OutboxRow]:
        """Rows neither closed nor dead, with a number above `after`; of one subscription where it is named."""
        with self._ground.lock:
            rows = self._of(tenant).rows
            if subscription:
                rows = {number: row for number, row in rows.items() if row.subscription == subscription}
            return _page(rows, after, limit)

    def settled(self, number: int) -> int:
        """All numbers are: they are given under the lock of the writer."""
        return number

    def close_rows(self, tenant: str, closings: Sequence[Closing]) -> Future[None]:
        """Close or put off rows and change the counters; what is no longer waiting is passed over."""
        with self._ground.lock:
            if not self._ground.exists(tenant):
                return failed(no_tenant(tenant))
            box = self._box(tenant)
            for closing in closings:
                _close(box, closing)
            return done(None)

    def count_sent(self, tenant: str, subscription: str, at: Instant, *, failed: bool) -> Future[None]:
        """Count one attempt that had no row, of a subscription that is there."""
        with self._ground.lock:
            box = self._of(tenant)
            if any(one.id == subscription for one in self._subscriptions.all_held(tenant, SUBSCRIPTION)):
                box.deliveries[subscription] = counted(box.deliveries.get(subscription), at, failed=failed)
            return done(None)

    def deliveries(self, tenant: str, ids: Sequence[str] | None = None) -> Mapping[str, Delivery]:
        """Counters by subscription."""
        with self._ground.lock:
            known = self._of(tenant).deliveries
            return dict(known) if ids is None else {one: known[one] for one in ids if one in known}

    def dead(self, tenant: str, after: int, limit: int) -> list[OutboxRow]:
        """Dead rows with a number above `after`."""
        with self._ground.lock:
            return _page(self._of(tenant).dead, after, limit)

    def revive(self, tenant: str, numbers: Sequence[int]) -> Future[int]:
        """Put dead rows at the end of those waiting, under new numbers, and tell of them."""
        with self._ground.lock:
            box, now = self._of(tenant), self._ground.moment(tenant)
            found = [row for number in sorted(numbers) if (row := box.dead.pop(number, None)) is not None]
            added = [box.add(replace(row, due=now, attempts=0, redelivered=True, reason="")) for row in found]
            if added:
                self._untold.append((tenant, added))
        self.tell()
        return done(len(added))

    def discard(self, tenant: str, numbers: Sequence[int]) -> Future[int]:
        """Drop dead rows."""
        with self._ground.lock:
            box = self._of(tenant)
            return done(sum(box.dead.pop(number, None) is not None for number in numbers))

    def _of(self, tenant: str) -> _Box:
        if not self._ground.exists(tenant):
            raise no_tenant(tenant)
        return self._box(tenant)

    def _box(self, tenant: str) -> _Box:
        return self._boxes.setdefault(tenant, _Box())

    def _watch(self, tenant: str) -> Watch | None:
        """The watch over the subscriptions as they are now; None where there are none."""
        if self._watches is None:
            return None
        box, generation = self._box(tenant), self._subscriptions.held_generation(tenant, SUBSCRIPTION)
        if box.generation != generation:
            held = self._subscriptions.all_held(tenant, SUBSCRIPTION)
            box.watch = self._watches.compile(held) if held else None
            box.generation = generation
        return box.watch


def _close(box: _Box, closing: Closing) -> None:
    row = box.rows.get(closing.row.number)
    if row is None:
        return
    attempted = replace(row, attempts=row.attempts + 1, reason=closing.reason)
    if closing.outcome == "retry":
        box.rows[row.number] = replace(attempted, due=closing.due)
    else:
        del box.rows[row.number]
    if closing.outcome == "dead":
        box.dead[row.number] = replace(attempted, due=closing.at)
        if row.number % outbox.DEAD_SLICE == 0:
            for number in sorted(box.dead)[: -outbox.DEAD_MAX]:
                del box.dead[number]
    if closing.outcome != "dropped":
        failed = closing.outcome != "delivered"
        box.deliveries[row.subscription] = counted(box.deliveries.get(row.subscription), closing.at, failed=failed)


def _page(rows: Mapping[int, OutboxRow], after: int, limit: int) -> list[OutboxRow]:
    found: Iterator[OutboxRow] = (rows[number] for number in sorted(rows) if number > after)
    return list(islice(found, limit))
