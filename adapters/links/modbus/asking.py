"""Asks the devices of each address in turn, whoever is provisioned at the time."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from dataclasses import dataclass
from typing import Final, Protocol

from adapters.device import Device
from adapters.frame import Frame
from adapters.link import BadSettings, Ground, Receive
from adapters.links.modbus.connection import Connection
from adapters.links.modbus.target import Target, read_target
from adapters.order import Delivered, NotReached, Order
from broker.model.values import Instant

LOOK_S: Final = 1.0
"""How long a device that was added waits to be seen."""
PAUSE_S: Final = (1.0, 60.0)
"""Before a device that did not answer is asked again: doubled from the one to the other."""
_LOG: Final = logging.getLogger(__name__)


class Manner(Protocol):
    """How a kind of device is asked and set."""

    def check(self, target: Target) -> None:
        """Raises BadSettings where the target's options do not go with the codec's settings."""

    def forget(self, device_id: str) -> None:
        """Take nothing for known of a device."""

    async def poll(self, connection: Connection, target: Target, now: Instant) -> Frame | None:
        """What it says. Raises NotReached."""

    async def set(self, connection: Connection, target: Target, order: Order) -> Delivered:
        """Carry out a command and read back. Raises NotReached."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How often devices are asked where they say nothing else, and how long an answer may take."""

    every_s: float
    timeout_s: float


@dataclass(slots=True)
class Turn:
    """When a device is asked next; it waits longer each time that it does not answer."""

    due: float
    pause_s: float = 0.0

    def answered(self, now: float, every_s: float) -> None:
        """Ask again at its pace; turns that were missed are not made up for."""
        self.due = max(self.due + every_s, now)
        self.pause_s = 0.0

    def missed(self, now: float) -> None:
        """Ask again after a pause."""
        self.pause_s = min(max(self.pause_s * 2, PAUSE_S[0]), PAUSE_S[1])
        self.due = now + self.pause_s


class ModbusLink:
    """The link: one task an address, one connection each."""

    def __init__(self, ground: Ground, pace: Pace, manner: Manner) -> None:
        self._ground = ground
        self._pace = pace
        self._manner = manner
        self._connections: dict[tuple[str, int], Connection] = {}
        self._read: dict[str, tuple[Device, Target | None]] = {}
        self._targets: dict[tuple[str, int], list[Target]] = {}

    async def run(self, receive: Receive) -> None:
        """Ask until cancelled; devices that come or go are seen within a second."""
        tasks: dict[tuple[str, int], asyncio.Task[None]] = {}
        try:
            async with asyncio.TaskGroup() as group:
                while True:
                    self._look()
                    for place in self._targets.keys() - tasks.keys():
                        tasks[place] = group.create_task(self._serve(place, receive))
                    for place in tasks.keys() - self._targets.keys():
                        tasks.pop(place).cancel()
                        self._close(place)
                    await asyncio.sleep(LOOK_S)
        finally:
            for place in list(self._connections):
                self._close(place)

    async def send(self, order: Order) -> Delivered:
        """Write a set-point and read it back. Raises NotReached."""
        try:
            target = self._target(order.device)
        except BadSettings as fault:
            return Delivered("ERROR", str(fault))
        return await self._manner.set(self._connection(target.place), target, order)

    def _connection(self, place: tuple[str, int]) -> Connection:
        if place not in self._connections:
            self._connections[place] = Connection(*place, self._pace.timeout_s)
        return self._connections[place]

    def _close(self, place: tuple[str, int]) -> None:
        connection = self._connections.pop(place, None)
        if connection is not None:
            connection.close()

    def _target(self, device: Device) -> Target:
        target = read_target(device, self._pace.every_s)
        self._manner.check(target)
        return target

    def _look(self) -> None:
        """Who is to be asked now, by address; a device that cannot be asked as it is provisioned is told of once."""
        read, targets = {}, defaultdict(list)
        for device in self._ground.registry.of_adapter(self._ground.adapter):
            known, target = self._read.get(device.id, (None, None))
            if known != device:
                try:
                    target = self._target(device)
                except BadSettings as fault:
                    target = None
                    _LOG.warning("%s: %s", self._ground.adapter, fault)
            read[device.id] = (device, target)
            if target is not None:
                targets[target.place].append(target)
        self._read, self._targets = read, dict(targets)

    async def _serve(self, place: tuple[str, int], receive: Receive) -> None:
        """Ask the devices of one address, each when it is due."""
        now = asyncio.get_running_loop().time
        turns: dict[str, Turn] = {}
        while True:
            targets = self._targets.get(place, [])
            turns = {target.device.id: turns.get(target.device.id) or Turn(now()) for target in targets}
            for target in targets:
                turn = turns[target.device.id]
                if turn.due <= now():
                    await self._ask(target, turn, receive)
            next_due = min((turn.due for turn in turns.values()), default=now() + LOOK_S)
            await asyncio.sleep(min(max(next_due - now(), 0.0), LOOK_S))

    async def _ask(self, target: Target, turn: Turn, receive: Receive) -> None:
        now = asyncio.get_running_loop().time
        device_id = target.device.id
        try:
            frame = await self._manner.poll(self._connection(target.place), target, self._ground.clock.now())
        except NotReached as fault:
            if not turn.pause_s:
                _LOG.warning("%s: %s does not answer: %s", self._ground.adapter, device_id, fault)
            self._manner.forget(device_id)
            turn.missed(now())
            return
        if turn.pause_s:
            _LOG.warning("%s: %s answers again", self._ground.adapter, device_id)
        turn.answered(now(), target.every_s)
        if frame is not None:
            await receive([frame])
