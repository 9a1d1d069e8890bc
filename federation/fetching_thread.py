"""The thread that waits for sources: one event loop for all of them, made with the first forward."""

from __future__ import annotations

import asyncio
import logging
from asyncio import AbstractEventLoop
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Event, Thread
from typing import Final, TypeAlias

from broker.model.values import Json
from federation.certificates import Certificates
from federation.fetched import Fetched
from federation.fetching import Fetcher
from federation.outgoing import Outgoing

log = logging.getLogger("misono.federation")

SLACK_S: Final = 5.0  # past the time of all requests, the loop itself is not waited for any longer
STOP_S: Final = 5.0

Wanted: TypeAlias = tuple[Outgoing, Json, float]
"""A request, the credentials of its registration, and its seconds."""


class FetchingThread:
    """Fetches for threads that wait."""

    def __init__(
        self,
        new_loop: Callable[[], AbstractEventLoop],
        certificates: Path | None,
        answer_bytes: int,
        *,
        allow_private: bool,
    ) -> None:
        self._loop = new_loop()
        self._stopping = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._certificates, self._answer_bytes, self._allow_private = certificates, answer_bytes, allow_private
        self._fetcher: Fetcher | None = None
        self._thread = Thread(target=self._run, name="sources", daemon=True)
        self._thread.start()

    def fetch(self, wanted: Sequence[Wanted]) -> list[Fetched]:
        """What each gave, in order; all at once. Blocks until the last one is there or its time is up."""
        got: list[Fetched] = [Fetched(0, trouble="unreachable", detail="this hub is stopping")] * len(wanted)
        done = Event()
        self._loop.call_soon_threadsafe(self._begin, wanted, got, done)
        done.wait(max(seconds for _, _, seconds in wanted) + SLACK_S)
        return got

    def stop(self) -> None:
        """End what is under way, and the thread."""
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(STOP_S)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._live())
        finally:
            self._loop.close()

    async def _live(self) -> None:
        certificates = Certificates(self._certificates)
        self._fetcher = Fetcher(certificates, self._answer_bytes, allow_private=self._allow_private)
        await self._stopping.wait()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._fetcher.close()

    def _begin(self, wanted: Sequence[Wanted], got: list[Fetched], done: Event) -> None:
        left = len(wanted)

        async def one(at: int, request: Wanted) -> None:
            nonlocal left
            try:
                assert self._fetcher is not None
                got[at] = await self._fetcher.fetch(*request)
            except Exception:  # an outermost loop: whoever waits must not wait for ever
                log.exception("a source could not be asked")
            finally:
                left -= 1
                if not left:
                    done.set()

        for at, request in enumerate(wanted):
            task = self._loop.create_task(one(at, request))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
