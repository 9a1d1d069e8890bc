"""The newest changes of a tenant, read once for all who follow it; who is further behind reads for themselves.

A feed lives on the event loop while somebody follows. It reads when this process has committed, and every POLL_S for
what other processes have; between two reads it waits longer the more follow, so that what they cost stays bounded.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from broker.errors import Gone
from broker.ldcontext.active import ActiveContext
from broker.ports import LoggedChange

log = logging.getLogger("misono.events")

WINDOW_CHANGES = 256
READ_MAX = 256
BATCH_MAX = 64
"""Changes one follower is given at once: some 64 KiB, a millisecond or two of encoding."""
POLL_S = 0.5
GATHER_S = 0.02
GATHER_EACH_S = 0.0005
GATHER_MAX_S = 0.5


@dataclass(slots=True)
class Recent:
    """A change, and its text in the @contexts it was asked for in (kept with it, so that an `id()` stays its own)."""

    change: LoggedChange
    texts: dict[int, tuple[ActiveContext, bytes]] = field(default_factory=dict)


Read = Callable[[int, int], Awaitable[Sequence[LoggedChange]]]
"""`read(position, limit)`: the changes after a position."""


class Feed:
    """One tenant's newest changes; all of its methods are called on the event loop."""

    def __init__(self, read: Read, newest: int) -> None:
        self._read = read
        self._newest = self._floor = newest  # the window holds the changes after the floor
        self._window: deque[Recent] = deque()
        self._moved = asyncio.Event()
        self._woken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.followers = 0

    def after(self, position: int) -> list[Recent] | None:
        """The next changes after a position, none where there are no more; None where it is before the window."""
        if position < self._floor:
            return None
        found = [recent for recent in self._window if recent.change.sequence > position]
        return found[:BATCH_MAX]

    async def moved(self, seconds: float) -> bool:
        """Whether new changes came within these seconds."""
        try:
            async with asyncio.timeout(seconds):
                await self._moved.wait()
        except TimeoutError:
            return False
        return True

    @property
    def awake(self) -> bool:
        """Whether it knows already that there is something to read."""
        return self._woken.is_set()

    def wake(self) -> None:
        """Something was committed."""
        self._woken.set()

    def start(self) -> None:
        """Begin to read, at once: who comes with a position may be behind."""
        self._woken.set()
        self._task = asyncio.get_running_loop().create_task(self._run())

    def stop(self) -> None:
        """Read no more."""
        if self._task is not None:
            self._task.cancel()

    async def _run(self) -> None:
        while True:
            try:
                await self._wait()
                await self._look()
            except Exception:  # an outermost loop: what failed once is tried again
                log.exception("reading the change log failed")
                await asyncio.sleep(POLL_S)

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(POLL_S):
                await self._woken.wait()
        except TimeoutError:
            pass
        self._woken.clear()

    async def _look(self) -> None:
        try:
            found = await self._read(self._newest, READ_MAX)
        except Gone as lost:  # each follower reads for itself now, and finds out
            self._floor = self._newest = max(lost.oldest - 1, self._newest + 1)
            self._window.clear()
            self._tell()
            return
        if found:
            self._take(found)
            if len(found) == READ_MAX:
                self._woken.set()
            await asyncio.sleep(min(GATHER_S + GATHER_EACH_S * self.followers, GATHER_MAX_S))

    def _take(self, found: Sequence[LoggedChange]) -> None:
        self._window.extend(map(Recent, found))
        self._newest = found[-1].sequence
        while len(self._window) > WINDOW_CHANGES:
            self._floor = self._window.popleft().change.sequence
        self._tell()

    def _tell(self) -> None:
        self._moved.set()
        self._moved = asyncio.Event()
