"""What happens without anybody waiting for it: expired entities are removed (clause 4.22), snapshots are filled."""

from __future__ import annotations

import logging
from collections.abc import Callable
from queue import SimpleQueue
from threading import Event, Thread

from broker.ports.outbox import Leases

log = logging.getLogger("misono.timers")


class Repeating:
    """Work done again and again in a thread of its own, `pause_s` after it ended last."""

    def __init__(self, name: str, pause_s: float, work: Callable[[], object]) -> None:
        self._pause_s = pause_s
        self._work = work
        self._stopped = Event()
        self._thread = Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stopped.wait(self._pause_s):
            try:
                self._work()
            except Exception:  # an outermost loop: what failed once is tried again
                log.exception("%s failed", self._thread.name)

    def stop(self) -> None:
        """Begin nothing more, and wait for what is under way."""
        self._stopped.set()
        self._thread.join()


class UnderLease:
    """Work that one of several processes does: the one that has, or can have, the lease of this name."""

    def __init__(self, leases: Leases, name: str, holder: str, seconds: float, work: Callable[[], object]) -> None:
        self._leases, self._name, self._holder = leases, name, holder
        self._seconds, self._work = seconds, work

    def __call__(self) -> None:
        """Do it, or leave it to who has the lease."""
        if self._leases.take(self._name, self._holder, self._seconds) is not None:
            self._work()

    def release(self) -> None:
        """Leave it to others from now on."""
        self._leases.release(self._name, self._holder)


class Background:
    """The port of that name: one thread, started when there is something to do."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._waiting: SimpleQueue[Callable[[], object] | None] = SimpleQueue()
        self._thread: Thread | None = None
        self.stopping = False

    def submit(self, work: Callable[[], object]) -> None:
        """Do this when what was submitted before is done."""
        if self._thread is None:
            self._thread = Thread(target=self._run, name=self._name, daemon=True)
            self._thread.start()
        self._waiting.put(work)

    def settle(self) -> None:
        """Return when all that was submitted is done."""
        settled = Event()
        self.submit(settled.set)
        settled.wait()

    def stop(self) -> None:
        """Let what is under way leave off, and what waits not begin."""
        self.stopping = True
        if self._thread is not None:
            self._waiting.put(None)
            self._thread.join()

    def _run(self) -> None:
        while (work := self._waiting.get()) is not None:
            if self.stopping:
                continue
            try:
                work()
            except Exception:  # an outermost loop: the next piece is no worse for it
                log.exception("%s failed", self._name)
