"""Delivery as a whole: a thread with an event loop, its courier and timers, and the leases under which they work."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from threading import Event, Thread
from typing import Final

from broker.errors import NonexistentTenant
from broker.notify.among import Among
from broker.notify.attempts import Attempts
from broker.notify.book import Book
from broker.notify.composing import Composer
from broker.notify.courier import Courier, Desk, Limits
from broker.notify.extras import Extras
from broker.notify.message import Message, Transports
from broker.notify.partitions import PARTITIONS, RENEWALS, Partitions
from broker.notify.periodic import Periodic
from broker.ports import ChangeLog, Clock
from broker.ports.held import HeldStore
from broker.ports.outbox import (
    SUBSCRIPTION,
    Leases,
    Marks,
    Outbox,
    OutboxRow,
    Probed,
    Watch,
    Watches,
    undelivered,
)
from broker.ports.places import News

log = logging.getLogger("misono.notify")

STIR_S: Final = 0.05  # after a commit, until it is looked whether subscriptions changed
LOOK_RENEWALS: Final = 3  # every so many renewals of leases it is looked for rows that nobody told of
DRAIN_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Delivering:
    """What delivery works with."""

    outbox: Outbox
    held: HeldStore
    marks: Marks
    leases: Leases
    changes: ChangeLog
    watches: Watches
    composer: Composer
    transports: Callable[[], Transports]
    clock: Clock
    chance: Callable[[], float]
    new_loop: Callable[[], asyncio.AbstractEventLoop]
    limits: Limits
    among: Among


class Dispatch:
    """Delivers from `start` to `stop`."""

    def __init__(self, parts: Delivering) -> None:
        self.attempts = Attempts()
        self._parts = parts
        self._book = Book(parts.held)
        self._watches: dict[str, Watch] = {}
        self._look_took = 0.0
        self._told: deque[tuple[str, Sequence[OutboxRow]]] = deque()
        self._stirred: set[str] = set()
        self._woken = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopped: asyncio.Event | None = None
        self._up = Event()
        self._thread = Thread(target=self._run, name="delivery", daemon=True)

    def start(self) -> None:
        """Begin with what waits, then deliver what comes."""
        self._parts.outbox.listen(self._arrived)
        self._parts.changes.listen_to_commits(self._committed)
        self._thread.start()
        self._up.wait()

    def stop(self) -> None:
        """Let what is on its way arrive, and end."""
        if self._stopped is not None:
            self._wake(self._stopped.set)
        if self._thread.is_alive():
            self._thread.join()
        if self._parts.among.slot is not None:
            self._parts.among.slot.release()

    def alive(self) -> bool:
        """Whether it delivers; where it has ended, rows wait in the store until the next start."""
        return self._thread.is_alive()

    def announce(self, news: News) -> None:
        """Send news on its way: tried a few times, and logged where it does not arrive."""
        if self._loop is not None and not self._loop.is_closed():
            asyncio.run_coroutine_threadsafe(self._extras.announce(news), self._loop)

    def probe(self, tenant: str, subscription: str) -> Future[Probed]:
        """Notify a subscription's endpoint once, as a test."""
        if self._loop is None or self._loop.is_closed():
            return undelivered(tenant, subscription)
        return asyncio.run_coroutine_threadsafe(self._extras.probe(tenant, subscription), self._loop)

    def send(self, message: Message) -> Future[str]:
        """Send a message that no row stands for, once: why it did not arrive, nothing where it did."""
        if self._loop is None or self._loop.is_closed():
            pending: Future[str] = Future()
            pending.set_result("this process delivers nothing")
            return pending
        return asyncio.run_coroutine_threadsafe(self._extras.send(message), self._loop)

    @property
    def holder(self) -> str:
        """Who this process is among those that take leases."""
        return self._parts.among.holder

    def _arrived(self, tenant: str, rows: Sequence[OutboxRow]) -> None:
        self._told.append((tenant, rows))
        if not self._woken and self._loop is not None:
            self._woken = True
            self._wake(self._take_in)

    def _committed(self, tenant: str) -> None:
        self._book.stale(tenant)
        if tenant not in self._stirred and self._loop is not None:
            self._stirred.add(tenant)
            self._wake(self._stir, tenant)

    def _wake(self, call: Callable[..., None], *arguments: str) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(call, *arguments)

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=self._parts.new_loop) as runner:
                runner.run(self._main())
        except Exception:  # an outermost loop: rows wait in the store until the next start
            log.exception("delivery has ended")
        finally:
            self._up.set()

    async def _main(self) -> None:
        parts, among = self._parts, self._parts.among
        self._partitions = Partitions(
            parts.leases, among.holder, -(-PARTITIONS // among.processes), asyncio.get_running_loop().time,
            among.lease_s,
        )  # fmt: skip
        self._transports = transports = parts.transports()
        book = self._book
        desk = Desk(
            parts.outbox, book, parts.composer, transports, parts.clock, self.attempts, parts.limits, parts.chance,
            self._partitions.ours,
        )  # fmt: skip
        self._generations = dict[str, int]()
        self._courier = courier = Courier(desk)
        self._periodic = Periodic(desk, courier, parts.marks)
        self._extras = Extras(desk, courier.timeout_s)
        self._stopped, self._loop = asyncio.Event(), asyncio.get_running_loop()
        if among.bell is not None:
            among.bell.listen(courier.read_on)
        self._loop.call_soon(self._take_in)
        self._up.set()
        keeping = self._loop.create_task(self._keep())
        await self._stopped.wait()
        keeping.cancel()
        await self._periodic.stop(DRAIN_S)
        await courier.stop(DRAIN_S)
        self._partitions.release()
        await transports.close()
        if among.bell is not None:
            among.bell.close()

    async def _keep(self) -> None:
        """Hold the leases; at the start and where they changed take up the work, now and then look for more."""
        turn = 0
        while True:
            try:
                await self._renew(look=turn % LOOK_RENEWALS == 0)
            except Exception:  # an outermost loop: a store that is busy is asked again
                log.exception("leases of delivery could not be renewed")
            turn += 1
            await asyncio.sleep(self._parts.among.lease_s / RENEWALS)

    async def _renew(self, *, look: bool) -> None:
        tenants = self._parts.outbox.tenants()
        if not tenants:
            return
        loop = asyncio.get_running_loop()
        changed = await loop.run_in_executor(None, self._partitions.renew)
        busy = set(await loop.run_in_executor(None, self._parts.outbox.busy)) if look and not changed else set()
        for tenant in tenants:
            if changed:
                self._take_over(tenant)
            elif look:
                if tenant in busy:
                    self._courier.look(tenant)
                self._look_at_subscriptions(tenant)
            await asyncio.sleep(0)

    def _take_in(self) -> None:
        self._woken = False
        if self._told:
            self._hold()
        while self._told:
            tenant, rows = self._told.popleft()
            self._courier.told(tenant, rows)
            bell = self._parts.among.bell
            if bell is not None and not all(self._partitions.ours(tenant, row.subscription) for row in rows):
                bell.ring(tenant)

    def _stir(self, tenant: str) -> None:
        assert self._loop is not None
        self._loop.call_later(max(STIR_S, 10 * self._look_took), self._look_at_subscriptions, tenant)

    def _look_at_subscriptions(self, tenant: str) -> None:
        self._stirred.discard(tenant)
        generation = self._book.generation(tenant)
        if generation == self._generations.get(tenant, 0):
            return
        assert self._loop is not None
        began, self._generations[tenant] = self._loop.time(), generation
        self._hold()
        self._courier.prune(tenant)
        self._sync(tenant)
        self._look_took = self._loop.time() - began

    def _hold(self) -> None:
        """Take the leases again, where they were let go of while there was nothing to deliver."""
        if self._partitions.lapsed and self._partitions.renew():
            for tenant in self._parts.outbox.tenants():
                self._take_over(tenant)

    def _take_over(self, tenant: str) -> None:
        self._courier.open(tenant)
        self._sync(tenant)

    def _sync(self, tenant: str) -> None:
        self._periodic.sync(tenant)
        uris = [entry.subscription.notification.endpoint.uri for entry in self._book.all(tenant).values()]
        asyncio.get_running_loop().run_in_executor(None, self._prepare, tenant, uris)

    def _prepare(self, tenant: str, uris: Sequence[str]) -> None:
        """Make, in a thread, what the next write and the next notification would have to wait for."""
        self._transports.prepare(uris)
        with suppress(NonexistentTenant):
            self._watches[tenant] = self._parts.watches.compile(self._parts.held.all_held(tenant, SUBSCRIPTION))
