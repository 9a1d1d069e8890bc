"""Lanes: a few threads that write, each tenant's writes always on the same one, in the order in which they came.

    submit ─> queue of the tenant's lane ─> all that waits ─> by tenant: runs of commands together, jobs one by one

A queue that is full refuses; a lane that dies fails all that wait and all that come.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from itertools import groupby
from threading import Condition, Thread
from time import monotonic
from typing import Final
from zlib import crc32

from pymongo.errors import PyMongoError

from broker.errors import NgsiError, ServiceUnavailable
from broker.model.values import Instant
from broker.ports import Command
from broker.stores.mongo.connection import unavailable
from broker.stores.mongo.ground import Job

log = logging.getLogger("misono.store")

LANES: Final = 4
QUEUED_MAX: Final = 20_000
GROUP_MAX: Final = 500
PATIENCE_S: Final = 5.0
"""While the server does not answer, what has waited longer than that is not begun: no lane waits for each by itself."""

Answers = list[object]


class Undecided(Exception):
    """A decision failed otherwise than by refusing; nothing was written of what it came with."""

    def __init__(self, fault: Exception) -> None:
        super().__init__(str(fault))
        self.fault = fault


@dataclass(frozen=True, slots=True)
class Submission:
    """Commands, or jobs, of one caller, in order, for one tenant."""

    tenant: str
    done: Future[Answers]
    commands: Sequence[Command] = ()
    jobs: Sequence[Job] = ()
    began: float = field(default_factory=monotonic)

    def __len__(self) -> int:
        return len(self.commands) + len(self.jobs)


class Lanes:
    """`write(tenant, commands)` answers each command of a group; `moment(tenant)` is the time for a job."""

    def __init__(
        self, write: Callable[[str, Sequence[Command]], Answers], moment: Callable[[str], Instant], count: int = LANES
    ) -> None:
        self._lanes = [_Lane(number, write, moment) for number in range(count)]

    def submit(self, one: Submission) -> Future[Answers]:
        """Queue it; the future is done when it is durable, or fails."""
        return self._lanes[crc32(one.tenant.encode()) % len(self._lanes)].queue(one)

    def close(self) -> None:
        """Write what waits, then end; later submissions fail."""
        for lane in self._lanes:
            lane.close()


class _Lane:
    def __init__(
        self, number: int, write: Callable[[str, Sequence[Command]], Answers], moment: Callable[[str], Instant]
    ) -> None:
        self._write, self._moment = write, moment
        self._waiting: list[Submission] = []
        self._count = 0
        self._wake = Condition()
        self._ended: str | None = None
        self._closing = self._failing = False
        self._thread = Thread(target=self._main, name=f"misono-lane-{number}", daemon=True)
        self._thread.start()

    def queue(self, one: Submission) -> Future[Answers]:
        with self._wake:
            if self._ended is not None:
                one.done.set_exception(ServiceUnavailable(self._ended))
            elif self._count and self._count + len(one) > QUEUED_MAX:
                one.done.set_exception(ServiceUnavailable("The write queue is full."))
            else:
                self._waiting.append(one)
                self._count += len(one)
                self._wake.notify()
        return one.done

    def close(self) -> None:
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._thread.join()

    def _main(self) -> None:
        reason = "The store is closed."
        try:
            while (taken := self._take()) is not None:
                for part in _parts(taken):
                    if left := self._in_time(part) if self._failing else part:
                        self._answer(left)
        except BaseException:
            reason = "The writer has ended."
            log.exception("a writing thread ends")
            raise
        finally:
            with self._wake:
                self._ended = reason
                left, self._waiting = self._waiting, []
            _fail(left, ServiceUnavailable(reason))

    def _take(self) -> list[Submission] | None:
        with self._wake:
            while not self._waiting:
                if self._closing:
                    return None
                self._wake.wait()
            taken, self._waiting, self._count = self._waiting, [], 0
        return [one for one in taken if one.done.set_running_or_notify_cancel()]

    def _in_time(self, part: list[Submission]) -> list[Submission]:
        """Those that have not waited too long; the others are refused."""
        least = monotonic() - PATIENCE_S
        _fail([one for one in part if one.began < least], ServiceUnavailable("The store is slow; nothing was done."))
        return [one for one in part if one.began >= least]

    def _answer(self, part: list[Submission]) -> None:
        """Write one part and answer it. Whatever goes wrong fails this part alone: the thread goes on."""
        tenant = part[0].tenant
        try:
            if part[0].jobs:
                answers = [self._run(job, tenant) for job in part[0].jobs]
            else:
                answers = self._write(tenant, [command for one in part for command in one.commands])
        except Undecided as undecided:
            self._answer_each(part, undecided)
            return
        except PyMongoError as error:
            log.error("a write to tenant %r failed: %s", tenant, error)  # noqa: TRY400 - no fault of this program
            _fail(part, unavailable(error))
            self._failing = True
            return
        except Exception as error:
            log.exception("a write to tenant %r failed", tenant)
            _fail(part, error if isinstance(error, NgsiError) else ServiceUnavailable("The write failed."))
            return
        self._failing = False
        for one in part:
            one.done.set_result(answers[: len(one)])
            answers = answers[len(one) :]

    def _answer_each(self, part: list[Submission], undecided: Undecided) -> None:
        """A fault in a decision is its submission's alone, and nothing of that is written."""
        if len(part) == 1:
            _fail(part, undecided.fault)
        else:
            for one in part:
                self._answer([one])

    def _run(self, job: Job, tenant: str) -> object:
        try:
            return job(self._moment(tenant))
        except NgsiError as refusal:
            return refusal


def _parts(taken: list[Submission]) -> list[list[Submission]]:
    """What is written together: commands of one tenant up to GROUP_MAX, or one submission of jobs."""
    parts: list[list[Submission]] = []
    by_tenant = sorted(taken, key=lambda one: one.tenant)  # stable: the order of each tenant's stays
    for _, of_tenant in groupby(by_tenant, key=lambda one: one.tenant):
        size = GROUP_MAX
        for one in of_tenant:
            if one.jobs or size + len(one) > GROUP_MAX:
                parts.append([])
                size = 0
            parts[-1].append(one)
            size = GROUP_MAX if one.jobs else size + len(one)
    return parts


def _fail(part: Sequence[Submission], fault: Exception) -> None:
    for one in part:
        if not one.done.done():
            one.done.set_exception(fault)
