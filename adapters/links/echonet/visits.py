"""The rounds of a link: each device is learned, asked in its turns, and listened to; what it says becomes frames."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass

from adapters.codecs.echonet.half_hours import HALF_HOURS_OF_A_DAY
from adapters.codecs.echonet.message import CONTROLLER, Message, Service
from adapters.device import Device
from adapters.frame import Frame
from adapters.link import Receive
from adapters.links.echonet.asking import Asker, Heard
from adapters.links.echonet.node import Node, Thing, about, instances, objects_of
from adapters.links.echonet.plan import CODES, Plan
from adapters.order import NotReached
from broker.ports import Clock

log = logging.getLogger(__name__)
PAUSE_S, PAUSE_MAX_S = 1.0, 60.0
"""How long a device that does not answer is left alone, at first and at most."""
LEARNED_FOR_S = 3600.0
"""After so long a device is learned anew, and its past half hours are asked for: what was missed is filled in."""


@dataclass(frozen=True, slots=True)
class Rounds:
    """What the visits of one link have in common."""

    asker: Asker
    plan: Plan
    clock: Clock
    receive: Receive


class Visit:
    """One device: its node, and what is done with what it says."""

    def __init__(self, device: Device, address: str, rounds: Rounds) -> None:
        self.device = device
        self.node = Node(address, rounds.asker, rounds.plan)
        self._rounds = rounds
        self._again = asyncio.Event()
        self._away = False

    async def run(self) -> None:
        """Learn, ask in turns, and begin anew where the device went away. Works until cancelled."""
        pause = PAUSE_S
        while True:
            self._again.clear()
            try:
                await self.node.learn(objects_of(self.device))
                pause, self._away = PAUSE_S, False
                await self._ask()
            except NotReached as away:
                self._away = True
                log.info("%s: %s; asked again in %.0f s", self.device.id, away, pause)
                await self._sleep(pause)
                pause = min(2 * pause, PAUSE_MAX_S)

    async def hear(self, heard: Heard) -> None:
        """Take what the device said without being asked; acknowledge it, where it wants that, when it is kept."""
        message = heard.message
        new = frozenset(instances(message)) - frozenset(self.node.things)
        if self._away or (new and not objects_of(self.device)):
            self._again.set()
        kind = message.source.partition("-")[0]
        if message.source not in self.node.things and self._rounds.plan.once(kind, CODES):
            return  # a counter without its unit says nothing; it is asked for as soon as that is learned
        await self._give(heard)
        if message.service is Service.INFC:
            done = tuple((code, b"") for code, _ in message.properties)
            answer = Message(message.tid, CONTROLLER, message.source, Service.INFC_RES, done)
            await self._rounds.asker.tell(self.node.address, answer)

    async def _ask(self) -> None:
        """Take turns, and ask for the past meanwhile. Raises NotReached."""
        past = asyncio.create_task(self._past())
        try:
            await self._turns()
        finally:
            past.cancel()
            await asyncio.gather(past, return_exceptions=True)

    async def _turns(self) -> None:
        now = asyncio.get_running_loop().time
        until = now() + LEARNED_FOR_S
        due = dict.fromkeys(self.node.things, now())
        while now() < until and not self._again.is_set():
            name = min(due, key=lambda one: due[one])
            await self._sleep(due[name] - now())
            if self._again.is_set():
                return
            thing = self.node.things[name]
            async for heard in self.node.read(thing):
                await self._give(heard)
            due[name] = max(due[name] + self._rounds.plan.turn(thing.kind).every_s, now())

    async def _past(self) -> None:
        for thing in list(self.node.things.values()):
            async for heard, after in self.node.half_hours(thing):
                await self._rounds.receive([self._frame(heard, {**thing.remembered, **after})])
                await asyncio.sleep(HALF_HOURS_OF_A_DAY / self.device.rate_per_s)

    async def _give(self, heard: Heard) -> None:
        if not heard.message.measures:
            return
        thing = self.node.things.get(heard.message.source, Thing(heard.message.source))
        await self._rounds.receive([self._frame(heard, thing.remembered)])
        self.node.remember(thing, heard.message)

    def _frame(self, heard: Heard, remembered: Mapping[int, bytes]) -> Frame:
        now = self._rounds.clock.now()
        return Frame(heard.payload, now, self.device.id, heard.message.source, about=about(dict(remembered)))

    async def _sleep(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(max(seconds, 0)):
                await self._again.wait()
        except TimeoutError:
            pass
