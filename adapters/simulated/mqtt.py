"""Rooms that are not there: sensors that speak IoT Agent JSON to a real MQTT server, and do what they are told.

    simulated:
      kind: mqtt
      url: mqtt://127.0.0.1:1883
      key: try-out-rooms-0123456789
      every_s: 5
      rooms: [{id: h1-living}, {id: h2-living, people: 3}]

Where nothing listens at a loopback address, Debian's mosquitto is started there and ended with the rooms.
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
import shutil
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from adapters.link import BadSettings
from adapters.links.mqtt_connection import Connection, Message, Server, read_address
from adapters.settings import Members
from adapters.simulated.day import Day
from broker.encode.text import dump
from broker.model.values import Json

log = logging.getLogger(__name__)

LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
STARTS_S: Final = 5.0
AT_HOME: Final = ((0.0, 8.0), (17.5, 24.0))
"""Hours at which people are in the room."""
AT_ONCE: Final = 100
CLIENT: Final = "misono-simulated-rooms"


class NoServer(Exception):
    """There is no MQTT server, and none can be started; the text says why."""


@dataclass(slots=True)
class Room:
    """A room with so many people; `heats_to_c` is what its heating was last told."""

    id: str
    people: int = 2
    heats_to_c: float = 20.0

    def measures(self, day: Day) -> dict[str, Json]:
        """What its sensor says now: °C, a share, lux, ppm, people."""
        hour, sun = day.hour(), day.sun()
        here = self.people if any(first <= hour < last for first, last in AT_HOME) else 0
        drift = math.sin(day.seconds() / 7 + len(self.id))
        return {
            "t": round(self.heats_to_c + 3 * sun + 0.3 * here + 0.2 * drift, 1),
            "h": round(0.45 + 0.03 * here - 0.08 * sun + 0.01 * drift, 3),
            "l": round(20 + 600 * sun + (150 if here and not sun else 0)),
            "co2": round(430 + 210 * here + 15 * drift),
            "people": here,
        }

    def command(self, payload: bytes) -> dict[str, Json]:
        """Do what a command says; what is answered on `cmdexe`."""
        try:
            told = json.loads(payload)
        except ValueError:
            return {}
        if not isinstance(told, dict):
            return {}
        answers: dict[str, Json] = {}
        for name, value in told.items():
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            if name == "heatTo" and is_number and math.isfinite(value):
                self.heats_to_c = float(value)
                answers[name] = self.heats_to_c
            else:
                answers[name] = "not understood"
        return answers


@dataclass(frozen=True, slots=True)
class Plan:
    """What the settings say."""

    server: Server
    key: str
    every_s: float
    rooms: Mapping[str, Room] = field(default_factory=dict)


async def simulate(settings: Mapping[str, Json], day: Day) -> None:
    """Speak for all rooms until cancelled. Raises BadSettings, NoServer, ConnectionLost."""
    plan = read_plan(settings)
    async with _served(plan.server):
        connection = Connection(plan.server)
        try:
            await connection.open([f"/{plan.key}/{one}/cmd" for one in plan.rooms], 1)
            async with asyncio.TaskGroup() as group:
                group.create_task(_measure(connection, plan, day))
                group.create_task(_obey(connection, plan))
        finally:
            await connection.close()


def read_plan(settings: Mapping[str, Json]) -> Plan:
    """The settings. Raises BadSettings."""
    members = Members(settings, "simulated")
    host, port, tls = read_address(members)
    server = Server(host, port, tls, 5, CLIENT, clean=True)
    key, every_s = members.text("key"), members.number("every_s", 5, 0.05, 3600)
    rooms = [_room(Members(one, f"simulated/rooms/{at}")) for at, one in enumerate(members.objects("rooms"))]
    members.done()
    if not rooms:
        raise BadSettings("simulated/rooms: a list such as [{id: h1-living}] would do")
    return Plan(server, key, every_s, {one.id: one for one in rooms})


def _room(members: Members) -> Room:
    room = Room(members.text("id"), members.whole("people", 2, 0, 100))
    members.done()
    return room


async def _measure(connection: Connection, plan: Plan, day: Day) -> None:
    while True:
        for room in plan.rooms.values():
            await connection.publish(f"/json/{plan.key}/{room.id}/attrs", dump(room.measures(day)))
        await asyncio.sleep(plan.every_s)


async def _obey(connection: Connection, plan: Plan) -> None:
    while True:
        messages = await connection.messages(AT_ONCE)
        for room, answer in _answers(messages, plan):
            await connection.publish(f"/json/{plan.key}/{room.id}/cmdexe", dump(answer))
        connection.acknowledge(messages)


def _answers(messages: Sequence[Message], plan: Plan) -> list[tuple[Room, dict[str, Json]]]:
    found = []
    for one in messages:
        room = plan.rooms[one.topic.split("/")[2]]
        if answer := room.command(one.payload):
            found.append((room, answer))
    return found


@asynccontextmanager
async def _served(server: Server) -> AsyncIterator[None]:
    """A server at that address: the one that is there, or a mosquitto of our own."""
    if await _listens(server):
        yield
        return
    program = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
    if server.host not in LOOPBACK or server.tls or program is None:
        raise NoServer(f"nothing listens at {server.name}; apt-get install mosquitto brings a server")
    with TemporaryDirectory(prefix="misono-mqtt-") as directory:
        config = Path(directory) / "mosquitto.conf"
        config.write_text(f"listener {server.port} {server.host}\nallow_anonymous true\n")
        process = await asyncio.create_subprocess_exec(
            program, "-c", str(config), stdin=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
        )
        try:
            await _until_it_listens(server)
            yield
        finally:
            with suppress(ProcessLookupError):
                process.terminate()
            await process.wait()


async def _until_it_listens(server: Server) -> None:
    for _ in range(round(STARTS_S / 0.05)):
        if await _listens(server):
            return
        await asyncio.sleep(0.05)
    raise NoServer(f"mosquitto does not listen at {server.name}")


async def _listens(server: Server) -> bool:
    try:
        _, writer = await asyncio.open_connection(server.host, server.port)
    except OSError:
        return False
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return True
