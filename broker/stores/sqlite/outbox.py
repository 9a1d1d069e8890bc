"""The outbox of this engine: rows written beside the entities, closings and counters as jobs of the writer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from functools import partial
from typing import Any, Final

import apsw

from broker.model.entity import Entity
from broker.model.expiry import live
from broker.model.values import Instant
from broker.ports import outbox
from broker.ports.outbox import (
    SUBSCRIPTION,
    Closing,
    Delivery,
    EntityChange,
    OutboxRow,
    Watch,
    Watches,
    counted,
)
from broker.stores.sqlite import outbox_rows
from broker.stores.sqlite.codec import ENTITY_COLUMNS, to_entity
from broker.stores.sqlite.dues import Dues
from broker.stores.sqlite.ground import Ground, first, nothing
from broker.stores.sqlite.group import Logged
from broker.stores.sqlite.held import all_of, generation
from broker.stores.sqlite.outbox_rows import NEWEST, Asked, text
from broker.stores.sqlite.writer import Open

Arrived = Callable[[str, Sequence[OutboxRow]], None]

_LINKED: Final = f"SELECT {ENTITY_COLUMNS} FROM entity WHERE iri = ?"  # noqa: S608 - constants of ours
_DELIVERY: Final = "SELECT subscription, sent, failed, notified_at, succeeded_at, failed_at FROM delivery"
_DELIVERIES: Final = f"{_DELIVERY} WHERE subscription IN (SELECT value FROM json_each(?))"  # noqa: S608
_COUNT: Final = """INSERT OR REPLACE INTO delivery
    SELECT value->>0, value->>1, value->>2, value->>3, value->>4, value->>5 FROM json_each(?)"""
_PUT_OFF: Final = """UPDATE outbox SET due = r.value->>1, reason = r.value->>2, attempts = attempts + 1
    FROM json_each(?) AS r WHERE outbox.number = r.value->>0 RETURNING number, subscription"""
_BURY: Final = """INSERT INTO dead_letter
    SELECT value->>0, value->>1, value->>2, value->>3, value->>4, value->>5 FROM json_each(?)"""


class OutboxRows:
    """The companion that keeps what matched, of one tenant's file; `listeners` are told after the commit."""

    def __init__(self, held: Open, watches: Watches, listeners: Sequence[Arrived]) -> None:
        self._db, self._tenant = held.db, held.tenant
        self._watches, self._listeners = watches, listeners
        self._watch: Watch | None = None
        self._generation = 0
        self._added: list[OutboxRow] = []

    def begin(self, now: Instant) -> None:
        """The generation is read when something was written: in this transaction it is the same."""

    def write(self, changes: Sequence[Logged], first: int, now: Instant) -> None:
        """Keep a row for each subscription that each change must notify."""
        watch = self._current(now)
        if watch is None:
            return
        found = []
        for sequence, one in enumerate(changes, first):
            after = None if one.change.after is None else one.entity
            change = EntityChange(sequence, one.entity.modified_at, one.before, after)
            matched = watch.matched(change, partial(self._linked, now))
            if matched:
                found.append((change, matched))
        if found:
            self._added += outbox_rows.add(self._db, self._tenant, found)

    def tell(self, rows: Sequence[OutboxRow]) -> None:
        """Tell of these too, once they are durable."""
        self._added += rows

    def committed(self) -> None:
        """Tell what there is."""
        if not self._added:
            return
        added, self._added = self._added, []
        for arrived in self._listeners:
            arrived(self._tenant, added)

    def forget(self) -> None:
        """Nothing of it was written."""
        self._added = []

    def _current(self, now: Instant) -> Watch | None:
        """The watch over the subscriptions as they are in this transaction; None where there are none."""
        risen = generation(self._db, SUBSCRIPTION)
        if risen != self._generation:
            held = all_of(self._db, SUBSCRIPTION, now)
            self._watch = self._watches.compile(held) if held else None
            self._generation = risen
        return self._watch

    def _linked(self, now: Instant, entity_id: str) -> Entity | None:
        rows: list[tuple[Any, ...]] = self._db.execute(_LINKED, (entity_id,)).fetchall()
        return live(to_entity(rows[0]), now) if rows else None


class SqliteOutbox:
    """Outbox."""

    def __init__(self, ground: Ground, dues: Dues, watches: Watches | None) -> None:
        self._ground, self._dues, self._watches = ground, dues, watches
        self._listeners: list[Arrived] = []

    def beside(self, held: Open) -> list[OutboxRows]:
        """The companions of a tenant's file."""
        return [] if self._watches is None else [OutboxRows(held, self._watches, self._listeners)]

    def dropped(self, db: apsw.Connection, kind: str, document_id: str) -> None:
        """A document is gone: with a subscription go its rows and counters."""
        if kind == SUBSCRIPTION:
            outbox_rows.drop_subscription(db, document_id)

    def listen(self, arrived: Arrived) -> None:
        """Be told of rows right after the commit that made them, on the writer's thread."""
        self._listeners.append(arrived)

    def tenants(self) -> list[str]:
        """Those that have, or had, subscriptions."""
        return self._dues.keeping(SUBSCRIPTION)

    def busy(self) -> list[str]:
        """Any of them may be."""
        return self.tenants()

    def newest(self, tenant: str) -> int:
        """The highest number given."""
        with self._ground.reading(tenant) as db:
            return int(db.execute(NEWEST).get or 0)

    def waiting(self, tenant: str, after: int, limit: int, subscription: str = "") -> list[OutboxRow]:
        """Rows neither closed nor dead, with a number above `after`; of one subscription where it is named."""
        with self._ground.reading(tenant) as db:
            return outbox_rows.read(db, tenant, Asked("outbox", after, limit, subscription))

    def settled(self, number: int) -> int:
        """All numbers are: they are given under the lock of the writer."""
        return number

    def close_rows(self, tenant: str, closings: Sequence[Closing]) -> Future[None]:
        """Close or put off rows and change the counters; what is no longer waiting is passed over."""

        def close(held: Open, _now: Instant) -> None:
            for part in _apart(closings):
                _close(held.db, part)

        return first(self._ground.run(tenant, [close]), nothing)

    def count_sent(self, tenant: str, subscription: str, at: Instant, *, failed: bool) -> Future[None]:
        """Count one attempt that had no row, of a subscription that is there."""

        def count(held: Open, _now: Instant) -> None:
            sql = "SELECT 1 FROM held WHERE kind = ? AND id = ?"
            if held.db.execute(sql, (SUBSCRIPTION, subscription)).get is not None:
                _count(held.db, [(subscription, at, failed)])

        return first(self._ground.run(tenant, [count]), nothing)

    def deliveries(self, tenant: str, ids: Sequence[str] | None = None) -> Mapping[str, Delivery]:
        """Counters by subscription."""
        sql, asked = (_DELIVERY, ()) if ids is None else (_DELIVERIES, (text(list(ids)),))
        with self._ground.reading(tenant) as db:
            rows: list[tuple[Any, ...]] = db.execute(sql, asked).fetchall()
        return {row[0]: Delivery(*row[1:]) for row in rows}

    def dead(self, tenant: str, after: int, limit: int) -> list[OutboxRow]:
        """Dead rows with a number above `after`."""
        with self._ground.reading(tenant) as db:
            return outbox_rows.read(db, tenant, Asked("dead_letter", after, limit))

    def revive(self, tenant: str, numbers: Sequence[int]) -> Future[int]:
        """Put dead rows at the end of those waiting, under new numbers, and tell of them."""

        def revive(held: Open, now: Instant) -> int:
            rows = outbox_rows.revive(held.db, tenant, numbers, now)
            for companion in held.companions:
                if isinstance(companion, OutboxRows):
                    companion.tell(rows)
            return len(rows)

        return first(self._ground.run(tenant, [revive]), int)

    def discard(self, tenant: str, numbers: Sequence[int]) -> Future[int]:
        """Drop dead rows."""

        def drop(held: Open, _now: Instant) -> int:
            return len(outbox_rows.take_out(held.db, "dead_letter", numbers))

        return first(self._ground.run(tenant, [drop]), int)


def _apart(closings: Sequence[Closing]) -> list[list[Closing]]:
    """The closings in their order, cut where a row would come a second time."""
    parts: list[list[Closing]] = []
    seen: set[int] = set()
    for closing in closings:
        if not parts or closing.row.number in seen:
            parts.append([])
            seen.clear()
        parts[-1].append(closing)
        seen.add(closing.row.number)
    return parts


def _close(db: apsw.Connection, closings: Sequence[Closing]) -> None:
    """One closing a row."""
    ended = [one for one in closings if one.outcome != "retry"]
    retried = [[one.row.number, one.due, one.reason] for one in closings if one.outcome == "retry"]
    dead = {one.row.number: one for one in ended if one.outcome == "dead"}
    found: dict[int, str] = {}
    if retried:
        put_off: list[tuple[Any, ...]] = db.execute(_PUT_OFF, (text(retried),)).fetchall()
        found.update(dict(put_off))
    if ended:
        sql = """DELETE FROM outbox WHERE number IN (SELECT value FROM json_each(?))
            RETURNING number, subscription, attempts, redelivered"""
        gone: list[tuple[Any, ...]] = db.execute(sql, (text([one.row.number for one in ended]),)).fetchall()
        found.update({row[0]: row[1] for row in gone})
        buried = [_buried(row, dead[row[0]]) for row in gone if row[0] in dead]
        if buried:
            db.execute(_BURY, (text(buried),))
            if any(row[0] % outbox.DEAD_SLICE == 0 for row in buried):
                outbox_rows.drop_oldest_dead(db, outbox.DEAD_MAX)
        outbox_rows.drop_unused_images(db, [row[0] for row in gone if row[0] not in dead])
    attempts = [
        (found[one.row.number], one.at, one.outcome != "delivered")
        for one in closings
        if one.row.number in found and one.outcome != "dropped"
    ]
    _count(db, attempts)


def _buried(row: tuple[Any, ...], closing: Closing) -> list[Any]:
    number, subscription, attempts, redelivered = row
    return [number, subscription, closing.at, attempts + 1, redelivered, closing.reason]


def _count(db: apsw.Connection, attempts: Sequence[tuple[str, Instant, bool]]) -> None:
    """Change counters by attempts: subscription, when, whether it failed."""
    if not attempts:
        return
    names = {name for name, _, _ in attempts}
    known: list[tuple[Any, ...]] = db.execute(_DELIVERIES, (text(list(names)),)).fetchall()
    counters = {row[0]: Delivery(*row[1:]) for row in known}
    for name, at, failed in attempts:
        counters[name] = counted(counters.get(name), at, failed=failed)
    rows = [
        [name, one.times_sent, one.times_failed, one.last_notification, one.last_success, one.last_failure]
        for name, one in counters.items()
    ]
    db.execute(_COUNT, (text(rows),))
