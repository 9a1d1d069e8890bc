"""Asks the devices of each address in turn, whoever is provisioned at the time."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias

from adapters.device import Device
from adapters.frame import Frame
from adapters.link import BadSettings, Ground, Receive
from adapters.links.modbus.connection import Connection
from adapters.links.modbus.target import Target, read_target
from adapters.links.rounds import LOOK_S, Rounds, Turn
from adapters.order import Delivered, NotReached, Order
from broker.model.values import Instant

Address: TypeAlias = tuple[str, int]
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


class ModbusLink:
    """The link: one task an address, one connection each."""

    def __init__(self, ground: Ground, pace: Pace, manner: Manner) -> None:
        self._ground = ground
        self._pace = pace
        self._manner = manner
        self._connections: dict[Address, Connection] = {}
        self._rounds: Rounds[Address, Target] = Rounds(ground, self._placed)

    async def run(self, receive: Receive) -> None:
        """Ask until cancelled; devices that come or go are seen within a second."""

        async def serve(place: Address) -> None:
            await self._serve(place, receive)

        try:
            await self._rounds.run(serve, self._left)
        finally:
            for place in list(self._connections):
                await self._left(place)

    async def send(self, order: Order) -> Delivered:
        """Write a set-point and read it back. Raises NotReached."""
        try:
            place, target = self._placed(order.device)
        except BadSettings as fault:
            return Delivered("ERROR", str(fault))
        return await self._manner.set(self._connection(place), target, order)

    def _connection(self, place: Address) -> Connection:
        if place not in self._connections:
            self._connections[place] = Connection(*place, self._pace.timeout_s)
        return self._connections[place]

    async def _left(self, place: Address) -> None:
        connection = self._connections.pop(place, None)
        if connection is not None:
            connection.close()

    def _placed(self, device: Device) -> tuple[Address, Target]:
        target = read_target(device, self._pace.every_s)
        self._manner.check(target)
        return target.place, target

    async def _serve(self, place: Address, receive: Receive) -> None:
        """Ask the devices of one address, each when it is due."""
        now = asyncio.get_running_loop().time
        turns: dict[str, Turn] = {}
        while True:
            targets = self._rounds.at(place)
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
