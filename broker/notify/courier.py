"""Takes rows of the outbox to their endpoints: one event loop, on which everything here happens.

told(tenant, rows) ─> queues ─> take ─> _deliver: subscription as of now ─ compose ─ transport ─> closer
                        ^── read on from the store: rows that were not told, not kept, or are another process's work
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Final

from broker.errors import NgsiError, NonexistentTenant, ServiceUnavailable
from broker.model.subscription import Endpoint
from broker.notify.attempts import Attempt, Attempts
from broker.notify.book import Book, Entry
from broker.notify.closing import Closer
from broker.notify.composing import Composer
from broker.notify.latecomers import Latecomers
from broker.notify.message import Message, Transports, Undelivered
from broker.notify.queues import Chain, Lane, Policy, Queues
from broker.ports import Clock
from broker.ports.outbox import Closing, Outbox, OutboxRow

log = logging.getLogger("misono.notify")

READ_ROWS: Final = 256  # rows read from the store at once; the loop stands still meanwhile, some 10 ms
AGAIN_S: Final = 0.5  # a store that did not answer is asked again
SECOND_US: Final = 1_000_000
_FAR: Final = 2**62
"""A number that no row has yet."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a receiver may take where its subscription does not say, and at most; how often what is tried."""

    policy: Policy = field(default_factory=Policy)
    timeout_s: float = 8.0
    timeout_max_s: float = 60.0


@dataclass(frozen=True, slots=True)
class Desk:
    """What a courier works with."""

    outbox: Outbox
    book: Book
    composer: Composer
    transports: Transports
    clock: Clock
    attempts: Attempts
    limits: Limits
    chance: Callable[[], float]
    ours: Callable[[str, str], bool]
    """Whether this process delivers for a (tenant, subscription)."""


class Courier:
    """Delivers what this process is there to deliver."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._loop = asyncio.get_running_loop()
        self.queues = Queues(desk.limits.policy, desk.chance)
        self.closer = Closer(desk.outbox, desk.attempts)
        self._seen: dict[str, int] = {}
        self._sent_at: dict[tuple[str, str], float] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._pumping = False
        self._alarm: asyncio.TimerHandle | None = None
        self._stopping = False
        self._ordered = desk.outbox.settled(_FAR) == _FAR
        self._late = Latecomers(self._loop.time)

    def told(self, tenant: str, rows: Sequence[OutboxRow]) -> None:
        """Rows were committed by this process. Where numbers rise by one and some are missing, others have them."""
        seen = self._seen.get(tenant)
        if seen is None:
            self.open(tenant)
            seen = self._seen[tenant]
        if self._ordered and rows[0].number > seen + 1:
            self.read_on(tenant)
        for row in rows:
            self._take_in(tenant, row)
        self._seen[tenant] = max(self._seen[tenant], rows[-1].number)
        self.pump()

    def open(self, tenant: str) -> None:
        """Take up a tenant's work: the lanes of its subscriptions are read from the store."""
        try:
            self._seen[tenant] = self._desk.outbox.newest(tenant)
        except NonexistentTenant:
            self._seen[tenant] = 0
            return
        except ServiceUnavailable:
            self._seen[tenant] = 0  # what is there is read when the store is back
        self.take_over(tenant)

    def take_over(self, tenant: str) -> None:
        """Read again the lanes that are this process's."""
        lanes = [self.queues.lane(tenant, name) for name in self.prune(tenant)]
        try:
            rows = self._desk.outbox.waiting(tenant, 0, READ_ROWS) if lanes else []
        except NonexistentTenant:
            return
        except ServiceUnavailable as error:
            log.warning("the outbox could not be read: %s", error)
            rows = None
        for lane in lanes:
            if rows is not None and len(rows) < READ_ROWS:
                self._fill_with(lane, [row for row in rows if row.subscription == lane.subscription])
            else:  # many, or the store is away: each lane for itself, again until it is read
                self.queues.read_again(lane)
        self.pump()

    def prune(self, tenant: str) -> set[str]:
        """Forget lanes that are not this process's, or whose subscription is gone; the names of those that are."""
        wanted = {name for name in self._desk.book.all(tenant) if self._desk.ours(tenant, name)}
        for lane in self.queues.lanes():
            if lane.tenant == tenant and lane.subscription not in wanted:
                self.queues.forget(lane)
                self._sent_at.pop((tenant, lane.subscription), None)
                self._late.forget(tenant, lane.subscription)
        return wanted

    def read_on(self, tenant: str) -> None:
        """Take in rows that no commit of this process told of."""
        outbox = self._desk.outbox
        if tenant not in self._seen:
            self.open(tenant)
        try:
            rows = outbox.waiting(tenant, outbox.settled(self._seen[tenant]), READ_ROWS)
        except NonexistentTenant:
            return
        if len(rows) == READ_ROWS:  # many: each lane for itself
            self.open(tenant)
            return
        for row in rows:
            self._take_in(tenant, row)
            self._seen[tenant] = max(self._seen[tenant], row.number)
        if rows:
            self.pump()

    def look(self, tenant: str) -> None:
        """Take in what came without being told of, also rows that came long after their number."""
        self.read_on(tenant)
        seen, span, until = self._seen[tenant], self._late.span(tenant), 0
        if span is not None and not self._ordered:
            try:
                rows = self._desk.outbox.waiting(tenant, span[0], READ_ROWS)
            except NonexistentTenant:
                return
            until = rows[-1].number if len(rows) == READ_ROWS else 0
            known = self.queues.ids(tenant) | self.closer.ids(tenant)
            for row in rows:
                if row.number <= span[1] and row.id not in known:
                    self._straggler(tenant, row)
        self._late.looked(tenant, seen, until)
        self.pump()

    def pump(self) -> None:
        """Send soon what may be sent."""
        if not self._pumping and not self._stopping:
            self._pumping = True
            self._loop.call_soon(self._pump)

    async def stop(self, patience_s: float) -> None:
        """Send nothing more; give those on their way, and their closings, so long to come to an end."""
        self._stopping = True
        if self._alarm is not None:
            self._alarm.cancel()
        with suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                if self._tasks:
                    await asyncio.wait(self._tasks)
                await self.closer.settled()
        for task in self._tasks:
            task.cancel()

    def _take_in(self, tenant: str, row: OutboxRow) -> None:
        name = row.subscription
        if not self._desk.ours(tenant, name):
            return
        lane = self.queues.lane(tenant, name)
        if lane.behind:
            return
        if row.number > lane.last if self._ordered else not self._late.knows(tenant, row):
            self._arrive(lane, row)

    def _arrive(self, lane: Lane, row: OutboxRow) -> None:
        """Put a row at the end of its lane, whatever its number."""
        entry = self._desk.book.find(lane.tenant, lane.subscription)
        if entry is not None:
            placed = row if row.number > lane.last else replace(row, number=lane.last + 1)
            self.queues.arrive(lane, placed, entry.subscription.notification.endpoint.uri, self._due(row))
            self._note(lane, row, placed.number)

    def _straggler(self, tenant: str, row: OutboxRow) -> None:
        """A row that should have been seen: take it in, unless reading on will come to it."""
        lane = self.queues.lane(tenant, row.subscription)
        if self._desk.ours(tenant, row.subscription) and not self.queues.comes(lane, row):
            log.info("row %d of %r came late", row.number, tenant)
            self._arrive(lane, row)

    def _due(self, row: OutboxRow) -> float:
        """When, on the loop's clock; a clock that was put back makes nobody wait longer than a backoff."""
        if not row.attempts:
            return 0.0
        wait_s = (row.due - self._desk.clock.now()) / SECOND_US
        return self._loop.time() + min(max(wait_s, 0.0), self._desk.limits.policy.backoff_max_s)

    def _pump(self) -> None:
        self._pumping = False
        self._read_behind()
        for chain in self.queues.take(self._loop.time()):
            task = self._loop.create_task(self._deliver(chain))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        wakes_at = self.queues.wakes_at()
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm = None if wakes_at is None else self._loop.call_at(wakes_at, self.pump)

    def _read_behind(self) -> None:
        """Read on where rows are only in the store; so many at a time, then others have their turn."""
        left, chains, lanes = READ_ROWS, deque(self.queues.dry_chains()), deque(self.queues.dry_lanes())
        try:
            while chains:
                chain = chains[0]
                rows = self._read(chain.lane, chain.behind_from or 0)
                self.queues.refill(chains.popleft(), rows, more=len(rows) == READ_ROWS)
                left -= len(rows)
            while lanes and left > 0:
                left -= self._fill(lanes[0])
                lanes.popleft()
        except ServiceUnavailable as error:
            log.warning("the outbox could not be read: %s", error)
            self.queues.put_back(chains, lanes)
            self._loop.call_later(AGAIN_S, self.pump)
            return
        self.queues.put_back((), lanes)
        if self.queues.dry:
            self.pump()

    def _fill(self, lane: Lane) -> int:
        """How many rows of the lane were read."""
        return self._fill_with(lane, self._read(lane, lane.last))

    def _fill_with(self, lane: Lane, rows: Sequence[OutboxRow]) -> int:
        entry = self._desk.book.find(lane.tenant, lane.subscription)
        if entry is None:
            self.queues.forget(lane)
            return 0
        uri = entry.subscription.notification.endpoint.uri
        filled = [(row, uri, self._due(row)) for row in rows if not self._late.knows(lane.tenant, row)]
        self.queues.fill(lane, filled, more=len(rows) == READ_ROWS)
        for row in rows:
            self._note(lane, row, row.number)
        return len(rows)

    def _note(self, lane: Lane, row: OutboxRow, number: int) -> None:
        """Remember a row that may be seen again, if it was taken in."""
        if not self._ordered and number <= lane.last:
            self._late.taken(lane.tenant, row)

    def _read(self, lane: Lane, after: int) -> list[OutboxRow]:
        try:
            return self._desk.outbox.waiting(lane.tenant, after, READ_ROWS, lane.subscription)
        except NonexistentTenant:
            return []

    async def _deliver(self, chain: Chain) -> None:
        try:
            await self._attempt(chain)
        except Exception:  # an outermost loop: a row that cannot be worked with is no reason to stop the others
            log.exception("row %d of %r failed", chain.row.number, chain.lane.tenant)
            self._failed(chain, None, None, "the broker failed; its log has the reason")
        finally:
            self.pump()

    async def _attempt(self, chain: Chain) -> None:
        lane, row = chain.lane, chain.row
        entry = self._desk.book.find(lane.tenant, lane.subscription)
        refusal = "the subscription is gone" if entry is None else self._unwanted(lane, entry, row)
        if entry is None or refusal:
            self._drop(chain, refusal)
            return
        endpoint = entry.subscription.notification.endpoint
        if endpoint.uri != chain.endpoint.uri:
            self.queues.moved(chain, endpoint.uri)
            return
        attempt: Attempt | None = None
        try:
            message = await self._composed(lane.tenant, entry, row)
            refusal = self._withheld(lane, entry, row, message)
            if message is None or refusal:
                self._drop(chain, refusal)
                return
            attempt = self._desk.attempts.begin(lane.tenant, lane.subscription, self._desk.clock.now())
            await self._desk.transports.send(message, self.timeout_s(endpoint))
        except NgsiError as error:
            self._failed(chain, None, attempt, str(error))
        except Undelivered as error:
            self._failed(chain, endpoint, attempt, str(error))
        else:
            attempt.failed = False
            self.closer.close(lane.tenant, Closing(row, "delivered", attempt.at), attempt)
            self.queues.succeeded(chain)

    def timeout_s(self, endpoint: Endpoint) -> float:
        """How long this receiver may take."""
        limits = self._desk.limits
        return limits.timeout_s if endpoint.timeout is None else min(endpoint.timeout / 1000, limits.timeout_max_s)

    async def _composed(self, tenant: str, entry: Entry, row: OutboxRow) -> Message | None:
        composer = self._desk.composer
        if composer.ready(tenant, entry):
            return composer.change(tenant, entry, row)
        return await self._loop.run_in_executor(None, composer.change, tenant, entry, row)

    def _unwanted(self, lane: Lane, entry: Entry, row: OutboxRow) -> str:
        """Why the subscription does not want this now; empty where it does (clause 5.8.6)."""
        subscription = entry.subscription
        status = subscription.status(self._desk.clock.now())
        if status != "active":
            return f"the subscription is {status}"
        return "throttled" if self._is_throttled(lane, entry, row) else ""

    def _withheld(self, lane: Lane, entry: Entry, row: OutboxRow, message: Message | None) -> str:
        """Why a message is not sent, once it was composed; empty where it is, and then throttling begins with it."""
        if message is None:
            return "its reader may not see what changed"
        if self._is_throttled(lane, entry, row):  # by what was composed beside it
            return "throttled"
        if not (row.attempts or row.redelivered):
            self._sent_at[(lane.tenant, lane.subscription)] = self._loop.time()
        return ""

    def _is_throttled(self, lane: Lane, entry: Entry, row: OutboxRow) -> bool:
        """Whether the subscription was notified too short a time ago; what its reader may not see does not count."""
        throttling = entry.subscription.throttling
        if throttling is None or row.attempts or row.redelivered:
            return False
        return self._loop.time() - self._last_sent((lane.tenant, lane.subscription)) < throttling

    def _last_sent(self, key: tuple[str, str]) -> float:
        """When the subscription was notified last, on the loop's clock; after a start its counters know."""
        found = self._sent_at.get(key)
        if found is None:
            delivery = self._desk.outbox.deliveries(key[0], [key[1]]).get(key[1])
            last = None if delivery is None else delivery.last_notification
            if last is None:
                return float("-inf")
            found = self._loop.time() - max(self._desk.clock.now() - last, 0) / SECOND_US
        return found

    def _drop(self, chain: Chain, reason: str) -> None:
        log.debug("row %d of %r is dropped: %s", chain.row.number, chain.lane.tenant, reason)
        closing = Closing(chain.row, "dropped", self._desk.clock.now(), reason=reason)
        self.closer.close(chain.lane.tenant, closing, None)
        self.queues.dropped(chain)

    def _failed(self, chain: Chain, endpoint: Endpoint | None, attempt: Attempt | None, reason: str) -> None:
        row, lane, now = chain.row, chain.lane, self._desk.clock.now()
        if attempt is not None:
            attempt.failed = True
        if endpoint is not None:  # else it is not the receiver's fault
            cooldown_s = None if endpoint.cooldown is None else endpoint.cooldown / 1000
            self.queues.missed(chain.endpoint.uri, self._loop.time(), cooldown_s)
        delay_s = self.queues.failed(chain, self._loop.time())
        log.info("notification %s of %s failed: %s", row.id, lane.subscription, reason)
        if delay_s is None:
            closing = Closing(row, "dead", now, reason=reason)
        else:
            closing = Closing(row, "retry", now, now + round(delay_s * SECOND_US), reason)
        self.closer.close(lane.tenant, closing, attempt)
