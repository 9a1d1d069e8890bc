"""One node of a house: which objects it has, what can be read and set of them, and what of them is remembered."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from adapters.codecs.echonet.message import NODE, NODE_KIND, TELLING, Message, Service, read_map, read_objects
from adapters.device import Device
from adapters.links.echonet.asking import Asker, Heard
from adapters.links.echonet.plan import TODAY, Logs, Plan
from adapters.order import NotReached

log = logging.getLogger(__name__)
OBJECTS_MAX: Final = 84
"""How many objects an instance list can have."""
INSTANCE_LIST: Final = 0xD6
INSTANCES: Final = frozenset({0xD5, INSTANCE_LIST})
SET_MAP, GET_MAP = 0x9E, 0x9F
LATEST: Final = frozenset({0xEA, 0xEB})
"""The counters of a meter at the last full or half hour: with the next ones they tell what flowed between."""


@dataclass(slots=True)
class Thing:
    """One object: the codes that can be read and set, and the bytes that later frames are understood with."""

    name: str
    readable: frozenset[int] = frozenset()
    settable: frozenset[int] = frozenset()
    keeps: frozenset[int] = frozenset()
    remembered: dict[int, bytes] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """Its class: `0288`."""
        return self.name.partition("-")[0]


class Node:
    """A node at an address. Its questions go one after the other: small devices lose what comes meanwhile."""

    def __init__(self, address: str, asker: Asker, plan: Plan) -> None:
        self.address = address
        self.things: dict[str, Thing] = {}
        self._asker = asker
        self._plan = plan
        self._turn = asyncio.Lock()

    async def learn(self, wanted: Sequence[str] = ()) -> None:
        """Ask which objects there are, and what those have that are wanted (none named: all). Raises NotReached.

        An object that does not answer while its node does is left out until the next time.
        """
        answer = await self.get(NODE, (INSTANCE_LIST,))
        there = read_objects(dict(answer.message.properties).get(INSTANCE_LIST, b""))
        learned: dict[str, Thing] = {}
        for name in there[:OBJECTS_MAX]:
            if not wanted or name in wanted:
                try:
                    learned[name] = await self._learn(name)
                except NotReached as silent:
                    log.info("%s", silent)
        if not learned:
            raise NotReached(f"{self.address}: none of {', '.join(wanted) or 'its objects'} is there")
        self.things = learned

    async def _learn(self, name: str) -> Thing:
        maps = dict((await self.get(name, (SET_MAP, GET_MAP))).message.properties)
        readable = read_map(maps.get(GET_MAP, b""))
        thing = Thing(name, readable, read_map(maps.get(SET_MAP, b"")))
        once = self._plan.once(thing.kind, readable)
        thing.keeps = frozenset(once) | LATEST & readable if once else frozenset()
        if name in self.things:
            thing.remembered.update(self.things[name].remembered)
        if once:
            self.remember(thing, (await self.get(name, once)).message)
        return thing

    async def read(self, thing: Thing) -> AsyncIterator[Heard]:
        """What an object says when its turn comes. Raises NotReached."""
        for codes in self._plan.requests(thing.kind, thing.readable):
            yield await self.get(thing.name, codes)

    async def half_hours(self, thing: Thing) -> AsyncIterator[tuple[Heard, dict[int, bytes]]]:
        """The half hours of past days, each with what has to be known of the day after it. Raises NotReached."""
        after: dict[int, bytes] = {}
        logs = self._plan.logs(thing.kind, thing.readable)
        for day in range(logs.days if logs else 0):
            assert logs is not None
            heard = await self._day(thing, logs, day)
            told = dict(heard.message.properties) if heard else {}
            if heard is None or told.get(TODAY) != after.get(TODAY, told.get(TODAY)):
                return  # no such day; or midnight passed, and days are counted from another one now
            yield heard, after
            after = told if told.get(TODAY) else {}

    async def _day(self, thing: Thing, logs: Logs, day: int) -> Heard | None:
        codes = [TODAY, *logs.kept] if logs.dated else logs.kept
        asked = tuple((code, b"") for code in codes)
        async with self._turn:
            chosen = await self._asker.ask(self.address, thing.name, Service.SET_C, ((logs.day, bytes([day])),))
            if chosen.message.service is not Service.SET_RES:
                return None
            heard = await self._asker.ask(self.address, thing.name, Service.GET, asked)
        told = dict(heard.message.properties)
        return heard if told.get(logs.kept[0], b"")[:2] == day.to_bytes(2, "big") else None

    async def get(self, name: str, codes: Sequence[int]) -> Heard:
        """The answer to a question for some properties. Raises NotReached."""
        async with self._turn:
            return await self._asker.ask(self.address, name, Service.GET, tuple((code, b"") for code in codes))

    async def set(self, name: str, code: int, edt: bytes) -> bool:
        """Whether an object takes a value. Raises NotReached."""
        async with self._turn:
            answer = await self._asker.ask(self.address, name, Service.SET_C, ((code, edt),))
        return answer.message.service is Service.SET_RES

    async def set_unanswered(self, message: Message) -> None:
        """Set something of which the device does not say whether it took it. Raises NotReached."""
        async with self._turn:
            await self._asker.tell(self.address, message)

    def remember(self, thing: Thing, message: Message) -> None:
        """Keep of a message what later ones are understood with."""
        if message.service in TELLING:
            thing.remembered.update({code: edt for code, edt in message.properties if edt and code in thing.keeps})


def about(remembered: dict[int, bytes]) -> dict[str, str]:
    """What is remembered, as a frame carries it."""
    return {f"{code:02X}": edt.hex().upper() for code, edt in remembered.items()}


def instances(message: Message) -> Iterator[str]:
    """The objects that a node tells of when it starts or is looked for."""
    if message.source.startswith(NODE_KIND):
        for code, edt in message.properties:
            if code in INSTANCES:
                yield from read_objects(edt)


def objects_of(device: Device) -> tuple[str, ...]:
    """The objects that a device's options name: `{objects: ["0288-1"]}`; none: all that its node has."""
    named = device.options.get("objects")
    return tuple(str(one).upper() for one in named) if isinstance(named, list) else ()
