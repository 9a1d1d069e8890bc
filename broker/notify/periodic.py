"""Notifications by the clock: subscriptions with a timeInterval (clause 5.8.6).

A subscription's periods are counted from its making or last change; the notification of a period carries an id made of
its number. APScheduler says when; the numbers only rise, so that no id comes twice when a clock is put back. The last
one is kept in the store once its notification was sent. Who takes over begins with those that ended since, a little
while ago: one that was sent when its process died comes again under the same id, and none is left out.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from broker.errors import NgsiError
from broker.notify.book import Entry
from broker.notify.courier import SECOND_US, Courier, Desk
from broker.notify.message import Message, Undelivered
from broker.ports.outbox import Marks, notification_id

if TYPE_CHECKING:
    from apscheduler.schedulers.asyncio import AsyncIOScheduler

log = logging.getLogger("misono.notify")

MARK: Final = "period:"
CATCH_UP_S: Final = 60.0  # so long after its end a period is still notified
TRIES_MAX: Final = 3  # of one period, while it lasts
WATCH_S: Final = 1.0
JUMP_S: Final = 0.5  # by so much the clock may differ from one that cannot be put back before jobs are set anew


@dataclass(frozen=True, slots=True)
class _Job:
    tenant: str
    name: str
    interval: float
    start: int


def period_of(start: int, interval_s: float, now: int) -> int:
    """How many periods have passed: 0 in the first."""
    return int((now - start) / SECOND_US // interval_s)


class Periodic:
    """The timers of one process. Made and used on the courier's event loop."""

    def __init__(self, desk: Desk, courier: Courier, marks: Marks) -> None:
        self._desk = desk
        self._courier = courier
        self._marks = marks
        self._loop = asyncio.get_running_loop()
        self._jobs: dict[tuple[str, str], _Job] = {}
        self._last: dict[tuple[str, str], int] = {}
        self._marked: dict[tuple[str, str], int] = {}
        self._under_way: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._scheduler: AsyncIOScheduler | None = None
        self._skew = 0.0
        self._watch: asyncio.TimerHandle | None = None

    def sync(self, tenant: str) -> None:
        """Make the timers agree with the tenant's subscriptions as they are now."""
        wanted: dict[tuple[str, str], _Job] = {}
        for name, entry in self._desk.book.all(tenant).items():
            interval = entry.subscription.time_interval
            if interval is not None and self._desk.ours(tenant, name):
                wanted[tenant, name] = _Job(tenant, name, interval, entry.modified_at)
        for key in [key for key in self._jobs if key[0] == tenant and self._jobs[key] != wanted.get(key)]:
            self._remove(key)
        for key, job in wanted.items():
            if key not in self._jobs:
                self._jobs[key] = job
                self._schedule(key, job)
                self._begin(job, 0)

    async def stop(self, patience_s: float) -> None:
        """Fire nothing more; what is being sent has so long to arrive."""
        if self._watch is not None:
            self._watch.cancel()
        if self._scheduler is not None:
            self._scheduler.shutdown(wait=False)
        if self._under_way:
            await asyncio.wait(self._under_way.values(), timeout=patience_s)

    def _schedule(self, key: tuple[str, str], job: _Job) -> None:
        from apscheduler.triggers.interval import IntervalTrigger  # noqa: PLC0415 - only who has timers pays for it

        first = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=job.start + round(job.interval * SECOND_US))
        trigger = IntervalTrigger(start_date=first, timezone=UTC)
        trigger.interval = timedelta(seconds=job.interval)  # its own parameter takes whole seconds only
        trigger.interval_length = job.interval
        self._running().add_job(
            self._fire, trigger, args=[job], id="\n".join(key), coalesce=True, max_instances=1,
            misfire_grace_time=None,
        )  # fmt: skip

    def _remove(self, key: tuple[str, str]) -> None:
        del self._jobs[key]
        self._last.pop(key, None)
        self._marked.pop(key, None)
        self._running().remove_job("\n".join(key))

    def _running(self) -> AsyncIOScheduler:
        if self._scheduler is None:
            from apscheduler.schedulers.asyncio import AsyncIOScheduler  # noqa: PLC0415 - as above

            logging.getLogger("apscheduler").setLevel(logging.WARNING)
            self._scheduler = AsyncIOScheduler(event_loop=self._loop, timezone=UTC)
            self._scheduler.start()
            self._skew = self._offset()
            self._watch = self._loop.call_later(WATCH_S, self._look_at_clock)
        return self._scheduler

    def _offset(self) -> float:
        return self._desk.clock.now() / SECOND_US - self._loop.time()

    def _look_at_clock(self) -> None:
        """A clock that was put forward or back moves every timer: set them anew from where it stands now."""
        offset = self._offset()
        if abs(offset - self._skew) > JUMP_S:
            log.warning("the clock jumped by %.1f s: timers are set anew", offset - self._skew)
            self._skew = offset
            for key, job in list(self._jobs.items()):
                self._running().remove_job("\n".join(key))
                self._schedule(key, job)
                if key in self._last:  # what the clock left out did not pass
                    self._last[key] = max(
                        self._last[key], period_of(job.start, job.interval, self._desk.clock.now()) - 1
                    )
        self._watch = self._loop.call_later(WATCH_S, self._look_at_clock)

    async def _fire(self, job: _Job) -> None:
        """The scheduler says that a period has ended; it may be a little early. It waits for nothing of it."""
        self._begin(job, round(job.interval * SECOND_US / 10))

    def _begin(self, job: _Job, early: int) -> None:
        """Notify, unless that is being done: the next time takes up what ended meanwhile."""
        key = (job.tenant, job.name)
        if key not in self._under_way:
            self._under_way[key] = task = self._loop.create_task(self._guarded(job, early))
            task.add_done_callback(lambda _: self._under_way.pop(key))

    async def _guarded(self, job: _Job, early: int) -> None:
        try:
            await self._notify(job, early)
        except Exception:  # an outermost loop: the next period is no worse for it
            log.exception("the notification of a period of %s failed", job.name)

    async def _notify(self, job: _Job, early: int) -> None:
        """Notify the periods that have ended, each once; `early` µs may be missing to the end of the last."""
        await self._know_last(job)
        key, ended = (job.tenant, job.name), period_of(job.start, job.interval, self._desk.clock.now() + early)
        if early and ended < self._last.get(key, ended):  # the clock was put back
            ended = self._last[key] + 1
        while self._jobs.get(key) == job and (number := self._next(job, ended)) is not None:
            self._last[key] = number
            try:
                await self._notify_of(job, number)
            except NgsiError as error:  # a store that is away: the next time, if that is not too late
                log.warning("period %d of %s waits: %s", number, job.name, error)
                if self._last.get(key) == number:
                    self._last[key] = number - 1
                return
            self._mark(job, number)

    async def _know_last(self, job: _Job) -> None:
        key, mark = (job.tenant, job.name), MARK + job.name
        if key in self._last:
            return
        kept = (await self._loop.run_in_executor(None, self._marks.marks, job.tenant, mark)).get(mark)
        same = isinstance(kept, list) and kept[:2] == [job.start, job.interval]
        last = int(str(kept[2])) if isinstance(kept, list) and same else -1
        self._last.setdefault(key, last)
        self._marked.setdefault(key, last)

    def _next(self, job: _Job, ended: int) -> int | None:
        """The number of the period to be notified next; None where the last that ended was."""
        number = max(self._last[job.tenant, job.name] + 1, ended - int(CATCH_UP_S / job.interval), 1)
        return number if number <= ended and self._desk.ours(job.tenant, job.name) else None

    async def _notify_of(self, job: _Job, number: int) -> None:
        desk, tenant = self._desk, job.tenant
        entry = desk.book.find(tenant, job.name)
        if entry is None or entry.subscription.status(desk.clock.now()) != "active":
            return
        if self._courier.queues.shut(entry.subscription.notification.endpoint.uri, self._loop.time()):
            return
        occasion = f"period:{job.start}:{job.interval}:{number}"
        name = notification_id(tenant, job.name, occasion)
        message = await self._loop.run_in_executor(None, desk.composer.period, tenant, entry, name)
        if message is not None:
            await self._send(job, entry, message)

    def _mark(self, job: _Job, number: int) -> None:
        key = (job.tenant, job.name)
        if number > self._marked.get(key, -1):
            self._marked[key] = number
            self._marks.mark(job.tenant, MARK + job.name, [job.start, job.interval, number])

    async def _send(self, job: _Job, entry: Entry, message: Message) -> None:
        desk, endpoint = self._desk, entry.subscription.notification.endpoint
        until = self._loop.time() + job.interval
        cooldown_s = None if endpoint.cooldown is None else endpoint.cooldown / 1000
        for trial in range(TRIES_MAX):
            attempt = desk.attempts.begin(job.tenant, job.name, desk.clock.now())
            try:
                await desk.transports.send(message, self._courier.timeout_s(endpoint))
            except (Undelivered, NgsiError) as error:
                log.info("notification %s of %s failed: %s", message.id, job.name, error)
                attempt.failed = True
                self._courier.queues.missed(endpoint.uri, self._loop.time(), cooldown_s)
            else:
                attempt.failed = False
            self._courier.closer.count(job.tenant, job.name, attempt)
            wait_s = desk.limits.policy.backoff_s * 2.0**trial
            if not attempt.failed or cooldown_s is not None or self._loop.time() + wait_s > until:
                return
            await asyncio.sleep(wait_s)
