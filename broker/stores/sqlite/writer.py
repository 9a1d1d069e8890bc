"""The writer: one thread a process, that takes all writes waiting, a transaction and a sync for each tenant.

    apply ─> queue ─> take everything ─> by tenant: BEGIN IMMEDIATE, decide, rows, log, COMMIT (sync) ─> futures

A queue that is full refuses; a transaction that fails (disk full, another process too long at it) fails its futures;
a thread that dies fails all that wait and all that come.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from threading import Condition, Thread, current_thread
from typing import Final, Protocol, TypeAlias

import apsw

from broker.errors import NgsiError, ServiceUnavailable
from broker.model.entity import Entity
from broker.model.values import Instant
from broker.ports import Clock, Command, Labels
from broker.stores.sqlite import checkpointing
from broker.stores.sqlite.changelog import Kept
from broker.stores.sqlite.checkpointing import checkpoint, empty_log
from broker.stores.sqlite.files import WRITE_CACHE_KIB, connect
from broker.stores.sqlite.flush import NEVER, Flush
from broker.stores.sqlite.group import PREFETCH_MIN, Group, Logged
from broker.stores.sqlite.prepare import Prepared, prepare
from broker.stores.sqlite.schema import TENANT_STEPS, UnusableFile, migrate, version

log = logging.getLogger("misono.store")

QUEUED_MAX: Final = 20_000  # commands waiting; at 5,000 a second that is 4 s, and a client has given up by then
GATHER_S: Final = 0.001
"""So long a group waits to become as large as the last one: who got an answer just now is on the way with the next
write, and a commit costs as much for one command as for sixteen. A lone client never waits."""
GATHERED_MAX: Final = 64  # nor does a group wait to become larger than that: a transaction is cheap enough by then
GROUP_MAX: Final = 500  # commands a transaction: at most some 16 MiB of WAL
PREPARED_MIN: Final = 8  # commands of one caller that it prepares itself; fewer come faster together if the writer does
OPEN_MAX: Final = 64  # tenants whose file this thread holds open


@dataclass(frozen=True, slots=True)
class Submission:
    """Commands, or jobs, of one caller, in order, for one tenant; documents that they expect to put, prepared."""

    tenant: str
    done: Future[list[object]]
    commands: Sequence[Command] = ()
    prepared: Mapping[int, Prepared] = field(default_factory=dict)
    jobs: Sequence[Job] = ()
    alone: bool = False
    """In a transaction of its own."""

    def __len__(self) -> int:
        return len(self.commands) + len(self.jobs)


Job: TypeAlias = "Callable[[Open, Instant], object]"
"""Work of its own in the transaction, after the commands, in a savepoint: it gives its result, or raises NgsiError."""
Beside: TypeAlias = "Callable[[Open], Sequence[Companion]]"
"""Makes the companions of one tenant's file."""


class Companion(Protocol):
    """Other tables that a change of entities is written to, in the same transaction."""

    def begin(self, now: Instant) -> None:
        """A transaction has begun: look whether another process changed something that matters."""

    def write(self, changes: Sequence[Logged], first: int, now: Instant) -> None:
        """Write what follows from the changes; the first has this sequence in the change log, the others count up."""

    def committed(self) -> None:
        """The transaction is durable."""

    def forget(self) -> None:
        """It was rolled back."""


class Open:
    """One tenant's file, open for writing, and what is written beside the entities.

    `empties_log`: something was erased that the WAL still has, and shall not.
    """

    def __init__(self, path: Path, tenant: str, label: Callable[[Entity], Labels], beside: Beside) -> None:
        self.tenant = tenant
        self.db = connect(path, cache_kib=WRITE_CACHE_KIB, writes=True)
        self.overwrites = self.empties_log = False
        if version(self.db) < len(TENANT_STEPS):
            migrate(self.db, TENANT_STEPS)
        self.flush = Flush(self.db, label)
        self.companions = beside(self)
        self.wal_pages = 0
        self.restart_at = checkpointing.WAL_PAGES_FULL
        self.leaving = False
        self.db.pragma("journal_size_limit", checkpointing.WAL_BYTES_KEPT)
        self.db.set_wal_hook(self._grown)

    def overwrite(self) -> None:
        """From now on whatever is deleted is overwritten, always."""
        self.overwrites = True
        self.db.pragma("secure_delete", value=True)

    def expires(self, at: Instant | None) -> None:
        """Something written in this transaction expires then."""
        if at is not None and at < self.flush.soonest:
            self.flush.soonest = at

    def forget(self) -> None:
        """The transaction has failed: nothing of it is remembered."""
        self.flush.forget()
        for companion in self.companions:
            companion.forget()
        if self.db.in_transaction:
            self.db.execute("ROLLBACK")

    def _grown(self, _db: apsw.Connection, _name: str, pages: int) -> int:
        self.wal_pages = pages
        return apsw.SQLITE_OK


@dataclass(frozen=True, slots=True)
class Around:
    """What a writer needs of the store around it.

    `path_of(tenant)` gives the file, made if it must be. `lower(tenant, at)` is told, before the commit, when something
    expires that was written; `committed(tenant)` comes after it, and what it raises fails the writes; `told(tenant)`
    comes last, and undoes nothing. `overwrites(tenant)` says that what it deletes is to be overwritten.
    """

    path_of: Callable[[str], Path]
    lower: Callable[[str, Instant], None]
    committed: Callable[[str], None]
    told: Callable[[str], None]
    beside: Beside
    overwrites: Callable[[str], bool]


class Writer:
    """The thread and its queue."""

    def __init__(self, clock: Clock, label: Callable[[Entity], Labels], around: Around) -> None:
        self._clock, self._label, self._around = clock, label, around
        self._waiting: list[Submission] = []
        self._commands = 0
        self._usual = 0  # three quarters of the last group: what the next one waits for
        self._expected = 1  # commands at which the thread is woken
        self._wake = Condition()
        self._ended: str | None = None
        self._closing = False
        self._open: OrderedDict[str, Open] = OrderedDict()
        self._thread = Thread(target=self._main, name="misono-writer", daemon=True)
        self._thread.start()

    def submit(self, tenant: str, commands: Sequence[Command]) -> Future[list[object]]:
        """Queue the commands; the future is done when they are durable, or fails."""
        prepared = _prepare(commands) if len(commands) >= PREPARED_MIN else {}
        return self._queue(Submission(tenant, Future(), commands, prepared))

    def run(self, tenant: str, jobs: Sequence[Job], *, alone: bool = False) -> Future[list[object]]:
        """Queue jobs; the future holds each one's result, or the NgsiError it raised, when all is durable."""
        return self._queue(Submission(tenant, Future(), jobs=jobs, alone=alone))

    def writing(self, tenant: str) -> apsw.Connection | None:
        """The connection of the transaction under way, for what is asked within it; None on any other thread."""
        if current_thread() is not self._thread:
            return None
        held = self._open.get(tenant)
        return None if held is None or not held.db.in_transaction else held.db

    def release(self, tenant: str) -> Future[list[object]]:
        """Let go of the tenant's file once what waits for it is written; the next write opens it again."""

        def leave(held: Open, _now: Instant) -> None:
            held.leaving = True

        return self.run(tenant, [leave])

    def _queue(self, one: Submission) -> Future[list[object]]:
        with self._wake:
            if self._ended is not None:
                one.done.set_exception(_unavailable(self._ended))
            elif self._commands and self._commands + len(one) > QUEUED_MAX:
                one.done.set_exception(_unavailable("The write queue is full."))
            else:
                self._waiting.append(one)
                self._commands += len(one)
                if self._commands >= self._expected:
                    self._wake.notify()
        return one.done

    def close(self) -> None:
        """Commit what waits, then end; later submissions fail."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._thread.join()

    def _main(self) -> None:
        reason = "The store is closed."
        try:
            while (taken := self._take()) is not None:
                self._write(taken)
            self._close_all()
        except BaseException:
            reason = "The writer has ended."
            log.exception("the writer thread ends")
            raise
        finally:
            with self._wake:
                self._ended = reason
                left, self._waiting = self._waiting, []
            _fail(left, _unavailable(reason))

    def _take(self) -> list[Submission] | None:
        """All that waits, waiting for some; None when it is time to end."""
        with self._wake:
            while not self._waiting:
                if self._closing:
                    return None
                self._wake.wait()
            self._gather()
            taken, self._waiting = self._waiting, []
            self._commands = 0
        # From here on it will be written: who gave up before this leaves nothing, who does after it cannot cancel.
        return [one for one in taken if one.done.set_running_or_notify_cancel()]

    def _gather(self) -> None:
        """Wait a moment for those that the last commit answered; holding the lock."""
        if self._commands < self._usual and not self._closing:
            self._expected = self._usual
            self._wake.wait(GATHER_S)
            self._expected = 1
        self._usual = min(self._commands, GATHERED_MAX) * 3 // 4

    def _write(self, taken: list[Submission]) -> None:
        groups: dict[str, list[list[Submission]]] = {}
        for one in taken:
            parts = groups.setdefault(one.tenant, [[]])
            alone = any(other.alone for other in (one, *parts[-1][-1:]))
            if parts[-1] and (alone or sum(map(len, parts[-1])) + len(one) > GROUP_MAX):
                parts.append([])
            parts[-1].append(one)
        try:
            for tenant, parts in groups.items():
                for part in parts:
                    self._commit(tenant, part)
        finally:
            _fail(taken, _unavailable("The writer has ended."))

    def _commit(self, tenant: str, part: list[Submission]) -> None:
        """Write a part and answer it. Whatever goes wrong fails this part alone: the thread goes on."""
        try:
            held = self._opened(tenant)
            answers, wrote = self._transact(held, part)
            if wrote:
                self._around.committed(tenant)
        except (apsw.Error, OSError, UnusableFile) as error:
            log.error("a write to tenant %r failed: %s", tenant, error)  # noqa: TRY400 - no fault of this program
            self._fail_part(tenant, part, f"The write failed: {error}.")
            return
        except Exception:
            log.exception("a write to tenant %r failed", tenant)
            self._fail_part(tenant, part, "The write failed.")
            return
        if held.empties_log:  # who erased something is told once the WAL has it no more
            empty_log(held)
        self._tell(held, wrote=wrote)
        for one, answer in zip(part, answers, strict=True):
            if isinstance(answer, BaseException):
                one.done.set_exception(answer)
            else:
                one.done.set_result(answer)
        checkpoint(held)
        if held.leaving:
            self._forget(tenant)

    def _tell(self, held: Open, *, wrote: bool) -> None:
        """Tell of the commit; what fails there undoes nothing, and is no other's."""
        told: list[Callable[[], None]] = [companion.committed for companion in held.companions]
        if wrote:
            told.append(partial(self._around.told, held.tenant))
        for tell in told:
            try:
                tell()
            except Exception:
                log.exception("after a commit of tenant %r", held.tenant)

    def _fail_part(self, tenant: str, part: list[Submission], reason: str) -> None:
        self._forget(tenant)
        _fail(part, _unavailable(reason))

    def _transact(self, held: Open, part: list[Submission]) -> tuple[list[list[object] | Exception], bool]:
        """Each submission's answer, and whether anything was written."""
        db = held.db
        db.execute("BEGIN IMMEDIATE")
        done, before = False, db.total_changes()
        try:
            kept = Kept.of(db)
            now = max(self._clock.now(), kept.at)
            for companion in held.companions:
                companion.begin(now)
            group = Group(db, now, self._label)
            ids = [command.id for one in part for command in one.commands]
            if len(ids) >= PREFETCH_MIN:
                group.prefetch(ids)
            answers = [_decide(group, one) for one in part]
            written = group.written()
            if written.log:
                held.flush.write(written, {key: one for sent in part for key, one in sent.prepared.items()}, kept)
                for companion in held.companions:
                    companion.write(written.log, kept.newest + 1, now)
            for place, one in enumerate(part):
                if one.jobs:
                    answers[place] = _do_all(one, held, now)
            self._lower(held)
            db.execute("COMMIT")
            done = True
        finally:
            if not done:
                held.forget()
        return answers, db.total_changes() != before

    def _lower(self, held: Open) -> None:
        """Say when something of this transaction expires, before it can be found to have expired."""
        if held.flush.soonest != NEVER:
            self._around.lower(held.tenant, held.flush.soonest)
            held.flush.soonest = NEVER

    def _opened(self, tenant: str) -> Open:
        held = self._open.get(tenant)
        if held is None:
            while len(self._open) >= OPEN_MAX:
                self._open.popitem(last=False)[1].db.close()
            held = self._open[tenant] = Open(self._around.path_of(tenant), tenant, self._label, self._around.beside)
            if self._around.overwrites(tenant):
                held.overwrite()
        self._open.move_to_end(tenant)
        return held

    def _forget(self, tenant: str) -> None:
        held = self._open.pop(tenant, None)
        if held is not None:
            held.db.close()

    def _close_all(self) -> None:
        while self._open:
            self._open.popitem()[1].db.close()


def _decide(group: Group, one: Submission) -> list[object] | Exception:
    """The submission's results; a fault in a decision is its caller's alone."""
    try:
        return group.run(one.commands)
    except Exception as fault:  # noqa: BLE001 - whatever a decision raises goes to who made it
        return fault


def _do_all(one: Submission, held: Open, now: Instant) -> list[object] | Exception:
    """The results of a submission's jobs; a fault in one is its caller's alone, and leaves nothing of that job."""
    answers: list[object] = []
    for job in one.jobs:
        try:
            with held.db:  # a savepoint
                answers.append(job(held, now))
        except NgsiError as refusal:
            answers.append(refusal)
        except apsw.Error:
            raise
        except Exception as fault:  # noqa: BLE001 - whatever a job raises goes to who made it
            held.flush.forget()
            return fault
    return answers


def _prepare(commands: Sequence[Command]) -> dict[int, Prepared]:
    expected = [command.expected for command in commands if command.expected is not None]
    return {id(document): prepare(document) for document in expected}


def _fail(submissions: Sequence[Submission], reason: ServiceUnavailable) -> None:
    for one in submissions:
        if not one.done.done():
            one.done.set_exception(reason)


def _unavailable(detail: str) -> ServiceUnavailable:
    return ServiceUnavailable(detail, remedy="Send the request again.")
