"""What lasts beside the broker's store, of adapters and of services: one SQLite file, one writer thread.

    file = KeptFile(Path("var/adapters.sqlite"), "adapters")
    file.tables("queue", ("CREATE TABLE queued (…) STRICT",))
    file.write(lambda db: db.execute("INSERT …")).result()   # durable: one transaction, one sync for all that waits
    file.read("SELECT … WHERE adapter = ?", ("meters",))

Several processes may have the same file open: `misono devices` beside a running hub. What is deleted is overwritten.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from threading import Condition, Lock, Thread
from time import monotonic, sleep
from typing import IO, Any, Final, TypeAlias, TypeVar

import apsw

log = logging.getLogger("misono.keeping")

BUSY_MS: Final = 5_000
LOCK_LOOK_S: Final = 0.05
TRUNCATED_MS: Final = 200
"""So long the log waits for others to be emptied, at each write until it is."""
CACHE_KIB: Final = 4_096
WAL_PAGES: Final = 4_000
"""About 16 MiB, then the writer copies them back."""
WAL_BYTES_KEPT: Final = 32 << 20
Db: TypeAlias = apsw.Connection
"""What work is done with, within a transaction."""
SqlValue: TypeAlias = "apsw.SQLiteValue"
RuleBroken = apsw.ConstraintError
"""A table does not take what breaks its rules."""
Row: TypeAlias = "tuple[apsw.SQLiteValue, ...]"
T = TypeVar("T")


class NotKept(Exception):
    """The file takes nothing now (disk full, another process too long at it): nothing of it was written."""


class UnusableFile(Exception):
    """The file is none of ours, or of a later version; the text says which."""


class KeptFile:
    """The file; `whose` it is, for people. Any thread may call any method; `close` finishes what waits."""

    def __init__(self, path: Path, whose: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path: Final = path
        self._whose = whose
        self._db = _opened(self.path, writes=True)
        self._reader = _opened(self.path, writes=False)
        self._reading = Lock()
        self._waiting: list[_Job] = []
        self._wake = Condition()
        self._closing = False
        self._leftover = False
        self._alone: IO[str] | None = None
        self._thread = Thread(target=self._run, name=f"{whose}-writer", daemon=True)
        self._thread.start()

    def tables(self, owner: str, steps: Sequence[str]) -> None:
        """Make an owner's tables: the steps after those that the file has seen; a step is never changed, only added.

        Raises UnusableFile where the file has seen more of them than there are.
        """

        def make(db: apsw.Connection) -> None:
            seen = next((int(str(row[0])) for row in db.execute("SELECT steps FROM owner WHERE name = ?", (owner,))), 0)
            if seen > len(steps):
                raise UnusableFile(f"{self.path}: a later version of Misono wrote the tables of {owner!r}")
            for step in steps[seen:]:
                db.execute(step)
            db.execute("INSERT OR REPLACE INTO owner VALUES (?, ?)", (owner, len(steps)))

        if self.read("SELECT 1 FROM owner WHERE name = ? AND steps = ?", (owner, len(steps))):
            return
        self.write(make).result()

    def write(self, work: Callable[[apsw.Connection], T], then: Callable[[T], None] | None = None) -> Future[T]:
        """Do this in the writer's next transaction, in a savepoint of its own; done when it is durable.

        The future fails with what `work` raises, and nothing of it is written then, or with NotKept. `then` is told
        first that it is durable, on the writer's thread, in the order of the writes: it must be quick.
        """
        done: Future[T] = Future()
        done.set_running_or_notify_cancel()  # who waits may leave; what is to be written is written all the same
        with self._wake:
            if self._closing:
                raise NotKept(f"the file of {self._whose} is closed")
            self._waiting.append(_Job(work, done, then))
            self._wake.notify()
        return done

    def read(self, sql: str, bindings: Sequence[apsw.SQLiteValue] = ()) -> list[Row]:
        """Rows of what is committed."""
        with self._reading:
            return list(self._reader.execute(sql, tuple(bindings)))

    def generation(self) -> int:
        """Changes whenever something was committed, by any process: what is kept in memory may be old then."""
        with self._reading:
            found = self._reader.pragma("data_version")
        assert isinstance(found, int)
        return found

    def empty_log(self) -> None:
        """Within a transaction: have the file's log hold nothing of what it deletes, once it is durable.

        While another process is at the file that waits for a later write.
        """
        self._leftover = True

    def run_alone(self, patience_s: float = 0.0) -> None:
        """Be the one process that works with this file, until `close`. Raises UnusableFile where another is."""
        if self._alone is not None:
            return
        lock, end = self.path.with_suffix(".lock").open("w"), monotonic() + patience_s
        while not _locked(lock):
            if monotonic() >= end:
                lock.close()
                raise UnusableFile(f"{self.path.parent}: another process runs {self._whose} there")
            sleep(LOCK_LOOK_S)
        self._alone = lock

    def close(self) -> None:
        """Write what waits, and let go."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._thread.join()
        with self._reading:
            self._reader.close()
        self._db.close()
        if self._alone is not None:
            self._alone.close()

    def _run(self) -> None:
        while True:
            with self._wake:
                while not self._waiting and not self._closing:
                    self._wake.wait()
                jobs, self._waiting = self._waiting, []
            if not jobs:
                return
            self._commit(jobs)

    def _commit(self, jobs: list[_Job]) -> None:
        try:
            self._db.execute("BEGIN IMMEDIATE")
            for job in jobs:
                job.run(self._db)
            self._db.execute("COMMIT")
        except Exception as error:  # the outermost loop of a transaction: the thread goes on, whoever waits is told
            log.exception("the file of %s could not be written", self._whose)
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            for job in jobs:
                job.fail(NotKept(f"{type(error).__name__}: {error}"))
            return
        if self._leftover:
            self._truncate()
        for job in jobs:
            job.tell()

    def _truncate(self) -> None:
        """Copy the log into the file, which no longer has what was deleted, and empty it."""
        self._db.set_busy_timeout(TRUNCATED_MS)
        try:
            self._db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
        except apsw.Error as error:
            log.info("the log of the file of %s is emptied later: %s", self._whose, error)
        else:
            self._leftover = False
        finally:
            self._db.set_busy_timeout(BUSY_MS)


class _Job:
    """One piece of work, and who waits for it."""

    def __init__(self, work: Callable[[apsw.Connection], T], done: Future[T], then: Callable[[T], None] | None) -> None:
        self._work: Callable[[apsw.Connection], object] = work
        self._then: Callable[[Any], None] | None = then
        self._done: Future[object] = done  # type: ignore[assignment]  # what comes of the work is of its type
        self._result: object = None
        self._error: Exception | None = None

    def run(self, db: apsw.Connection) -> None:
        """Do it in a savepoint. Raises where the whole transaction is lost."""
        db.execute("SAVEPOINT job")
        try:
            self._result = self._work(db)
        except Exception as error:  # each job's own: the others go on
            if not db.in_transaction:
                raise
            db.execute("ROLLBACK TO job")
            self._error = error
        db.execute("RELEASE job")

    def tell(self) -> None:
        """It is durable, or it alone failed."""
        if self._error is not None:
            self._done.set_exception(self._error)
            return
        if self._then is not None:
            self._then(self._result)
        self._done.set_result(self._result)

    def fail(self, error: NotKept) -> None:
        """The transaction failed."""
        self._done.set_exception(error)


def _locked(lock: IO[str]) -> bool:
    try:
        flock(lock, LOCK_EX | LOCK_NB)
    except OSError:
        return False
    return True


def _opened(path: Path, *, writes: bool) -> apsw.Connection:
    db = apsw.Connection(str(path))
    try:
        db.set_busy_timeout(BUSY_MS)
        db.pragma("cache_size", -CACHE_KIB)
        if not writes:
            db.pragma("query_only", value=True)
            return db
        db.pragma("journal_mode", "wal")
        db.pragma("synchronous", "FULL")
        db.pragma("secure_delete", value=True)
        db.pragma("journal_size_limit", WAL_BYTES_KEPT)
        db.wal_autocheckpoint(WAL_PAGES)
        db.execute("CREATE TABLE IF NOT EXISTS owner (name TEXT PRIMARY KEY, steps INTEGER NOT NULL) STRICT")
    except apsw.Error as error:
        db.close()
        raise UnusableFile(f"{path}: {error}") from error
    return db
