"""Commands of one process, at work: one thread that follows, judges, sends and lets expire, and one that tells.

commanding = Commanding(Parts(hub, store, clock, targets, models, send, devices), Ways(guard))
commanding.start()
commanding.answered(device, Answered("ping", "OK"))         from the pipeline
commanding.stop()
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from threading import Event, Thread
from typing import Final

from adapters.commands.book import CommandBook
from adapters.commands.claiming import Claimant, Known
from adapters.commands.delivering import Deliverer, Send, bounded
from adapters.commands.delivering import Parts as DeliveryParts
from adapters.commands.following import Follower
from adapters.commands.guarding import Guard
from adapters.commands.modelled import Models
from adapters.commands.streaming import StreamFollower
from adapters.commands.targets import Targets
from adapters.commands.telling import Teller
from adapters.device import Device
from adapters.readings import Answered
from adapters.store import AdapterStore, NotKept
from broker.ports import Clock
from broker.ports.hub import CommandHub, FollowedHub, Hub, HubAway

log = logging.getLogger("misono.adapters.commands")

LOOK_S: Final = 0.25
"""How often it is looked for what no bell tells: other processes, lifetimes, pauses that are over."""
TENANTS_S: Final = 5.0
FAILED_S: Final = 5.0
_SECOND: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Parts:
    """What commands are made of."""

    hub: Hub
    store: AdapterStore
    clock: Clock
    targets: Targets
    models: Models
    send: Send
    known: Known


@dataclass(frozen=True, slots=True)
class Ways:
    """How a change becomes a command.

    `guard` is that of this process's store. `claims` is the hub that is told what commands, which others write to as
    well. `followed` is a hub elsewhere, whose changes come from there. Without any, no write is a command.
    """

    guard: Guard | None = None
    claims: CommandHub | None = None
    followed: FollowedHub | None = None
    seconds: Callable[[], float] = time.monotonic


class Commanding:
    """All of it."""

    def __init__(self, parts: Parts, ways: Ways) -> None:
        self.parts: Final = parts
        self.book: Final = CommandBook(parts.store, parts.clock)
        self.wake: Final = _Waker()
        self._guard = ways.guard
        self.follower: Final = None if ways.guard is None else self._follower(ways.guard)
        self._streamed: Final = None if ways.followed is None else self._streaming(ways.followed, ways.seconds)
        self._claimant: Final = None if ways.claims is None else self._claiming(ways.claims, ways.seconds)
        delivery = DeliveryParts(parts.hub, self.book, parts.targets, parts.models, parts.send, parts.clock)
        self.deliverer: Final = Deliverer(delivery, self.wake.now)
        self.teller: Final = Teller(parts.hub, self.book, parts.targets)
        self._tenants: tuple[int, list[str]] = (0, [])
        self._stopped = Event()
        self._threads = (
            Thread(target=self._run, args=("following commands", self.wake, self.turn), name="commands", daemon=True),
            Thread(
                target=self._run, args=("telling of commands", _Waker(), self.tell), name="commands-teller", daemon=True
            ),
        )

    def start(self) -> None:
        """Begin; what was being sent when the process before ended is in doubt."""
        self.book.recover("the process ended while it was sent")
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Take no more; what a link has now is in doubt at the next start, unless it answers in time."""
        self._stopped.set()
        self.wake.now()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()
        self.deliverer.leave()

    def answered(self, device: Device, answer: Answered) -> Future[object]:
        """What a device said of a command; done when that is durable. What is said of no known command is logged."""
        said = Answered(answer.command, answer.status, bounded(answer.result))
        done: Future[object] = Future()
        pending = self.book.answer(device, said)

        def then(written: Future[object]) -> None:
            error = written.exception()
            if error is not None:
                done.set_exception(error)
                return
            if written.result() is None:
                log.info("device %r of %s answers a command that is not known", device.id, device.adapter)
            done.set_result(None)

        pending.add_done_callback(then)  # type: ignore[arg-type]  # a future of something is one of an object
        return done

    def metrics(self) -> str:
        """How many commands there are, for `/metrics`."""
        name = "misono_adapter_commands"
        rows = [f'{name}{{status="{status}"}} {number}' for status, number in self.book.counted().items()]
        head = [f"# HELP {name} Commands to devices that are kept, by what became of them", f"# TYPE {name} gauge"]
        return "\n".join([*head, *rows]) + "\n"

    def commands_by_writing(self, tenant: str, adapter: str) -> bool:
        """Whether a change of an attribute commands this adapter's devices now."""
        if self._claimant is None or self._streamed is None:
            return self.follower is not None
        return self._claimant.in_force(tenant, adapter)

    def turn(self) -> None:
        """Everything that is to be done now, once, but for telling. Raises HubAway, NotKept."""
        try:
            self._follow()
        finally:  # a hub that is away is no reason to let a command live longer, or not to hear of one that was sent
            self.book.expire(self.parts.clock.now())
            self.deliverer.turn()

    def _follow(self) -> None:
        if self.follower is not None and self._guard is not None:
            for tenant in sorted({*self._of_tenants(), *self._guard.began}):
                self.follower.turn(tenant)
        if self._claimant is None:
            return
        for tenant, attributes in sorted(self._claimant.attributes().items()):  # first: what is claimed is followed
            if self._streamed is not None:
                self._streamed.turn(tenant, attributes)
            elif self.follower is not None:
                self.follower.turn(tenant)
        self._claimant.turn()

    def tell(self) -> None:
        """Tell entities what became of their commands. Raises HubAway, NotKept."""
        while self.teller.turn():
            pass

    def _follower(self, guard: Guard) -> Follower:
        parts = self.parts
        guard.watch(parts.targets, self.book.key, parts.hub.newest)
        guard.bell.listen(self.wake.now)
        return Follower(parts.hub, self.book, parts.targets, parts.clock, guard)

    def _streaming(self, hub: FollowedHub, seconds: Callable[[], float]) -> StreamFollower:
        hub.listen(self.wake.now)
        return StreamFollower(hub, self.book, self.parts.targets, seconds)

    def _claiming(self, hub: CommandHub, seconds: Callable[[], float]) -> Claimant:
        parts = self.parts
        return Claimant(hub, parts.store, (parts.known, parts.targets, self.book.key), seconds)

    def _of_tenants(self) -> list[str]:
        now, (at, found) = self.parts.clock.now(), self._tenants
        if not at or abs(now - at) >= TENANTS_S * _SECOND:
            found = self.parts.targets.tenants()
            self._tenants = now, found
        return found

    def _run(self, doing: str, waker: _Waker, work: Callable[[], None]) -> None:
        away = ""
        while not self._stopped.is_set():
            try:
                work()
                away = ""
            except (HubAway, NotKept) as error:
                if not away:
                    log.warning("%s waits: %s", doing, error)
                away = str(error) or "away"
            except Exception:  # the outermost loop of the thread
                log.exception("%s failed", doing)
            waker.wait(LOOK_S)


class _Waker:
    """Wakes a thread before its time."""

    def __init__(self) -> None:
        self._event = Event()

    def now(self) -> None:
        """There is something to do."""
        self._event.set()

    def wait(self, seconds: float) -> None:
        """Until there is, or so long."""
        self._event.wait(seconds)
        self._event.clear()
