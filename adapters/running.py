"""The adapters of one process: their links on one event loop in one thread, one sender behind them.

running = Running(Parts(hub, store, clock, files, mappings, registry))
running.start()
running.send(order)          # a command, on its way to a device
running.stop()
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import Any, Final

from adapters.configuring import AdapterFile
from adapters.counting import Counts, metrics
from adapters.dedupe import Dedupe
from adapters.device import Device, Registry
from adapters.frame import BadFrame
from adapters.intake import Adapter, Answers, Intake, Shared, to_nobody, unlearnt
from adapters.link import BadSettings, Ground, Link
from adapters.mapping.plan import DeviceMapping
from adapters.order import Delivered, NotReached, Order
from adapters.quarantine import Quarantine
from adapters.queue import Queue
from adapters.sending import Sender, Way
from adapters.store import AdapterStore
from adapters.table import make_codec, make_link
from adapters.watching import LastSeen
from broker.model.values import Json
from broker.ports import Clock
from broker.ports.hub import Hub

log = logging.getLogger("misono.adapters")

PAUSE_S, PAUSE_MAX_S = 0.5, 30.0
SETTLED_S: Final = 3.0
"""A link that has worked for so long is well again."""
STOP_S: Final = 10.0
TEND_S: Final = 10.0
"""What is done now and then waits no longer for the disk or the queue: it is tried again."""
REPLAYED_MAX: Final = 100
WATCH_S: Final = 5.0
"""How often it is looked who has fallen silent."""
PRUNE_S: Final = 60.0
_SECOND: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Parts:
    """What the adapters of a process are made of.

    `mappings` gives one by its name, None where there is none. `answered` takes what devices say of commands,
    `learn` which entities they write.
    """

    hub: Hub
    store: AdapterStore
    clock: Clock
    files: Sequence[AdapterFile]
    mappings: Callable[[str], DeviceMapping | None]
    registry: Registry
    answered: Answers = to_nobody
    learn: Callable[[Device, Iterable[str]], None] = unlearnt
    new_loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop
    folder: Path | None = None
    watch_s: float = WATCH_S
    make_link: Callable[[str, Ground], Link] = make_link


@dataclass(slots=True)
class One:
    """One adapter that runs; `failure` is why its link stands still, empty where it works."""

    file: AdapterFile
    link: Link
    intake: Intake
    counts: Counts
    failure: str = ""
    task: asyncio.Task[None] | None = field(default=None)


class Running:
    """All of them. Raises BadSettings where a file cannot be."""

    def __init__(self, parts: Parts) -> None:
        now = parts.clock.now()
        self.parts = parts
        self.quarantine = Quarantine(parts.store)
        self.queue = Queue(parts.store)
        self.seen = LastSeen(parts.store, secrets.token_bytes)
        self._shared = Shared(
            parts.store, self.queue, self.quarantine, Dedupe(parts.store, now), self.seen, parts.clock
        )
        self.adapters: Mapping[str, One] = {file.name: self._make(file) for file in parts.files}
        way = Way(parts.hub, parts.store, self.queue, self.quarantine, parts.clock)
        self.sender = Sender(way, {name: one.counts for name, one in self.adapters.items()})
        self._started_at = self._watched_at = now
        self._pruned_at = 0
        self._loop = parts.new_loop()
        self._thread = Thread(target=self._run, name="adapters", daemon=True)

    def start(self) -> None:
        """Begin to take frames."""
        self.sender.start()
        self._thread.start()

    def stop(self) -> None:
        """Take no more; what was taken is in the file."""
        if self._thread.ident is not None:
            try:
                self.call(self._stop()).result(STOP_S)
            except TimeoutError:
                log.warning("a link did not end within %g s", STOP_S)
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
        self._loop.close()
        self.sender.stop()
        self.parts.store.write(self.seen.flush).result()

    def send(self, order: Order) -> Future[Delivered]:
        """Hand a command to the link of its device; the future fails with NotReached."""
        return self.call(self._send(order))

    def call(self, work: Coroutine[Any, Any, Any]) -> Future[Any]:
        """Do something on the loop of the links."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def tend(self) -> None:
        """What is done now and then: replays that somebody asked for, and what is too old goes."""
        now = self.parts.clock.now()
        if abs(now - self._watched_at) >= self.parts.watch_s * _SECOND:
            self._watched_at = now
            self.parts.store.write(self.seen.flush).result()
            for one in self.adapters.values():
                self._wait(one.intake.watch(self._started_at))
        if abs(now - self._pruned_at) >= PRUNE_S * _SECOND:
            self._pruned_at = now
            self.quarantine.prune(now)
            self.queue.measure()
            self.parts.store.write(lambda db: self._shared.dedupe.prune(db, now)).result()
        for name, one in self.adapters.items():
            rows = [] if self.queue.full else self.quarantine.to_replay(name, REPLAYED_MAX)
            if rows:
                self._wait(one.intake.replay(rows))

    def _wait(self, work: Coroutine[Any, Any, None]) -> None:
        pending = self.call(work)
        try:
            pending.result(TEND_S)
        except TimeoutError:
            pending.cancel()
            raise

    def erased(self, tenant: str, entity_id: str, erase: Callable[[], None]) -> None:
        """Erase an entity from the file while nothing is on its way to the hub, and from memory."""

        def work() -> None:
            erase()
            self.queue.measure()
            self.seen.forget(tenant, entity_id)

        self.sender.between(work)

    def states(self) -> dict[str, Json]:
        """How each adapter is: `ok`, or why its link stands still."""
        return {name: one.failure or "ok" for name, one in self.adapters.items()}

    def metrics(self) -> str:
        """The counters, for `/metrics`."""
        oldest = self.queue.oldest()
        lag = 0 if oldest is None else max(0, self.parts.clock.now() - oldest)
        counts = [(name, one.counts) for name, one in self.adapters.items()]
        return metrics(counts, self.queue.depth, lag / _SECOND)

    def _make(self, file: AdapterFile) -> One:
        parts, counts = self.parts, Counts()

        def mapping_of(name: str) -> DeviceMapping:
            found = parts.mappings(name)
            if found is None:
                raise BadFrame("no_mapping", f"there is no mapping {name!r}" if name else "no mapping is named")
            return found

        try:
            codec = make_codec(str(file.codec["kind"]), file.codec)
            folder = (parts.folder or parts.store.path.parent / "adapters") / file.name
            ground = Ground(
                file.name, file.link, parts.registry, parts.clock, folder, file.path.parent, codec=file.codec
            )
            link = parts.make_link(str(file.link["kind"]), ground)
        except BadSettings as error:
            raise BadSettings(f"{file.path.name}: {error}") from error
        adapter = Adapter(
            file.name, codec, parts.registry, mapping_of, file.mapping, file.leeway, counts, parts.answered, parts.learn
        )
        return One(file, link, Intake(adapter, self._shared), counts)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        for one in self.adapters.values():
            one.task = self._loop.create_task(self._work(one), name=f"adapter {one.file.name}")
        self._loop.run_forever()

    async def _work(self, one: One) -> None:
        """Keep a link working, whatever happens to it."""
        pause = PAUSE_S
        while True:
            began = self._loop.time()
            settled = self._loop.call_later(SETTLED_S, setattr, one, "failure", "")
            try:
                await one.link.run(one.intake.take)
                one.failure = "the link ended by itself"
            except OSError as error:  # what it speaks to is not there: every network has that
                one.failure = f"{type(error).__name__}: {error}"
                log.warning("the link of %s is cut off: %s", one.file.name, one.failure)
            except Exception as error:  # the outermost loop of a link
                log.exception("the link of %s failed", one.file.name)
                one.failure = f"{type(error).__name__}: {error}"
            finally:
                settled.cancel()
            one.counts.link_failures += 1
            pause = PAUSE_S if self._loop.time() - began > PAUSE_MAX_S else min(2 * pause, PAUSE_MAX_S)
            await asyncio.sleep(pause)

    async def _send(self, order: Order) -> Delivered:
        one = self.adapters.get(order.device.adapter)
        if one is None:
            raise NotReached(f"adapter {order.device.adapter!r} does not run here")
        return await one.link.send(order)

    async def _stop(self) -> None:
        tasks = [one.task for one in self.adapters.values() if one.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
