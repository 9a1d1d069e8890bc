"""Going round to devices that are asked: who is to be asked where, seen anew each second, one task a place.

A place is what takes one request at a time: a socket address, a gateway.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from adapters.device import Device
from adapters.link import BadSettings, Ground

LOOK_S: Final = 1.0
"""How long a device that was added waits to be seen."""
PAUSE_S: Final = (1.0, 60.0)
"""Before one that did not answer is asked again: doubled from the one to the other."""
_LOG: Final = logging.getLogger(__name__)
Place = TypeVar("Place", bound=Hashable)
Target = TypeVar("Target")


@dataclass(slots=True)
class Turn:
    """When somebody is asked next; later each time that there is no answer."""

    due: float
    pause_s: float = 0.0

    def answered(self, now: float, every_s: float) -> None:
        """Ask again at this pace; turns that were missed are not made up for."""
        self.due = max(self.due + every_s, now)
        self.pause_s = 0.0

    def missed(self, now: float) -> None:
        """Ask again after a pause."""
        self.pause_s = min(max(self.pause_s * 2, PAUSE_S[0]), PAUSE_S[1])
        self.due = now + self.pause_s


class Rounds(Generic[Place, Target]):
    """The devices of an adapter as targets, by place; `read` makes place and target of a device, or BadSettings."""

    def __init__(self, ground: Ground, read: Callable[[Device], tuple[Place, Target]]) -> None:
        self._ground = ground
        self._read = read
        self._known: dict[str, tuple[Device, tuple[Place, Target] | None]] = {}
        self._places: dict[Place, list[Target]] = {}

    def at(self, place: Place) -> list[Target]:
        """Who is to be asked at a place now."""
        return self._places.get(place, [])

    async def run(self, serve: Callable[[Place], Awaitable[None]], left: Callable[[Place], Awaitable[None]]) -> None:
        """Serve each place until cancelled, and tell of those that are left."""
        tasks: dict[Place, asyncio.Task[None]] = {}
        async with asyncio.TaskGroup() as group:
            while True:
                self._look()
                for place in self._places.keys() - tasks.keys():
                    tasks[place] = group.create_task(_served(serve, place))
                for place in tasks.keys() - self._places.keys():
                    tasks.pop(place).cancel()
                    await left(place)
                await asyncio.sleep(LOOK_S)

    def _look(self) -> None:
        """Who there is now; of a device that cannot be asked as it is provisioned it is told once."""
        known: dict[str, tuple[Device, tuple[Place, Target] | None]] = {}
        places: defaultdict[Place, list[Target]] = defaultdict(list)
        for device in self._ground.registry.of_adapter(self._ground.adapter):
            before, placed = self._known.get(device.id, (None, None))
            if before != device:
                try:
                    placed = self._read(device)
                except BadSettings as fault:
                    placed = None
                    _LOG.warning("%s: %s", self._ground.adapter, fault)
            known[device.id] = (device, placed)
            if placed is not None:
                places[placed[0]].append(placed[1])
        self._known, self._places = known, dict(places)


async def _served(serve: Callable[[Place], Awaitable[None]], place: Place) -> None:
    await serve(place)
