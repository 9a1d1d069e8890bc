"""Rows are closed in batches: while one is on its way to the disk the next gathers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Future
from typing import Final

from broker.errors import NgsiError, NonexistentTenant
from broker.notify.attempts import Attempt, Attempts
from broker.ports.outbox import Closing, Outbox

log = logging.getLogger("misono.notify")

BATCH_MAX: Final = 500  # closings in one transaction
AGAIN_S: Final = 0.5  # a store that refuses (its queue is full) is asked again


class Closer:
    """Closes rows of all tenants, each tenant's in their order. Used on one event loop."""

    def __init__(self, outbox: Outbox, attempts: Attempts) -> None:
        self._outbox = outbox
        self._attempts = attempts
        self._loop = asyncio.get_running_loop()
        self._waiting: dict[str, list[tuple[Closing, Attempt | None]]] = {}
        self._writing: set[str] = set()
        self._written_now: dict[str, list[tuple[Closing, Attempt | None]]] = {}
        self._settled = asyncio.Event()
        self._settled.set()

    def close(self, tenant: str, closing: Closing, attempt: Attempt | None) -> None:
        """Close a row soon; its attempt is counted by then."""
        self._waiting.setdefault(tenant, []).append((closing, attempt))
        if tenant not in self._writing:
            self._writing.add(tenant)
            self._settled.clear()
            self._loop.call_soon(self._write, tenant)

    def ids(self, tenant: str) -> set[str]:
        """The notifications of a tenant whose closing is not durable yet."""
        known = [*self._waiting.get(tenant, ()), *self._written_now.get(tenant, ())]
        return {closing.row.id for closing, _ in known}

    def count(self, tenant: str, subscription: str, attempt: Attempt) -> None:
        """Count an attempt that had no row."""
        self._attempts.write_down([attempt])
        pending = self._outbox.count_sent(tenant, subscription, attempt.at, failed=bool(attempt.failed))
        self._when_done(pending, lambda _fault: self._attempts.settle([attempt]))

    async def settled(self) -> None:
        """Return once all rows that were closed are durable."""
        await self._settled.wait()

    def _write(self, tenant: str) -> None:
        waiting = self._waiting.pop(tenant, [])
        if not waiting:
            self._writing.discard(tenant)
            if not self._writing:
                self._settled.set()
            return
        batch, left = waiting[:BATCH_MAX], waiting[BATCH_MAX:]
        if left:
            self._waiting[tenant] = left
        self._attempts.write_down(attempt for _, attempt in batch if attempt is not None)
        self._written_now[tenant] = batch
        pending = self._outbox.close_rows(tenant, [closing for closing, _ in batch])
        self._when_done(pending, lambda fault: self._written(tenant, batch, fault))

    def _written(self, tenant: str, batch: list[tuple[Closing, Attempt | None]], fault: BaseException | None) -> None:
        self._written_now.pop(tenant, None)
        if fault is None or isinstance(fault, NonexistentTenant):
            self._attempts.settle(attempt for _, attempt in batch if attempt is not None)
            self._write(tenant)
            return
        if not isinstance(fault, NgsiError):
            log.error("rows of tenant %r could not be closed", tenant, exc_info=fault)
        self._attempts.keep(attempt for _, attempt in batch if attempt is not None)
        self._waiting[tenant] = [*batch, *self._waiting.get(tenant, [])]
        self._loop.call_later(AGAIN_S, self._write, tenant)

    def _when_done(self, pending: Future[None], then: Callable[[BaseException | None], None]) -> None:
        def told(done: Future[None]) -> None:
            if not self._loop.is_closed():
                self._loop.call_soon_threadsafe(then, done.exception())

        pending.add_done_callback(told)
