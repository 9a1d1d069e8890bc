"""A central system at work without pipeline, and a charging station that says whatever a test wants, right or wrong."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from websockets.asyncio.client import ClientConnection, connect

from adapters.device import Device
from adapters.frame import Frame
from adapters.link import Ground
from adapters.links.ocpp.link import OcppLink, make_link
from adapters.order import Delivered, Order
from adapters.provisioning.keys import digest_of
from adapters.provisioning.provision import Provision, Provisions
from adapters.provisioning.registry import Devices
from adapters.readings import Readings
from adapters.table import make_codec
from tests.fakes.clock import FakeClock
from tests.outside.served import free_port

KEY = "0123456789ABCDEF"
PATIENCE_S = 10.0
V16, V201 = "ocpp1.6", "ocpp2.0.1"
NOW = "2026-01-01T00:00:00.000Z"
"""Where the clock stands."""


@dataclass
class CentralSystem:
    """The link that runs, the frames that it gave, and what its codec makes of them.

    `hold` stops it taking frames, `fault` is what it raises then.
    """

    link: OcppLink
    url: str
    clock: FakeClock
    registry: Devices
    frames: list[Frame] = field(default_factory=list)
    hold: asyncio.Event | None = None
    fault: Exception | None = None

    async def receive(self, frames: Sequence[Frame]) -> None:
        """Keep them."""
        if self.hold is not None:
            await self.hold.wait()
        if self.fault is not None:
            raise self.fault
        self.frames += frames

    def readings(self, place: int = -1) -> list[Readings]:
        """What one of the frames says, the last one as a rule."""
        return list(make_codec("ocpp", {"kind": "ocpp"}).decode(self.frames[place]))

    def part(self, name: str) -> dict[str, Any]:
        """The values of one part in the last frame."""
        return {one.quantity: one.value for each in self.readings() if each.part == name for one in each.readings}

    async def order(self, name: str, value: Any, *, part: str = "", unit: str = "", for_s: float = 0) -> Delivered:
        """Send a command to `c1`."""
        until = self.clock.now() + round(for_s * 1_000_000) if for_s else 0
        return await self.link.send(Order("cmd-1", Device("c1", "chargers"), name, value, unit, until, part))

    def register(self, *names: str, **keys: str) -> None:
        """Have only these stations registered: `c1` with the password, others without, and those of `keys`."""
        keys = {name: KEY if name == "c1" else "" for name in names} | keys
        own = [Device(name, "chargers", key_digest=digest_of(key)) for name, key in keys.items()]
        self.registry.of_file("chargers", Provisions(tuple(map(Provision, own))))

    async def until(self, met: Callable[[], Any]) -> None:
        """Wait for something."""
        async with asyncio.timeout(PATIENCE_S):
            while not met():  # noqa: ASYNC110 - what it waits for tells nobody
                await asyncio.sleep(0.01)


@asynccontextmanager
async def central_system(folder: Path, **settings: Any) -> AsyncIterator[CentralSystem]:
    """The link on a free port; `c1` has the password, `c2` has none."""
    port = settings.pop("port", None) or free_port()
    registry, clock = Devices(), FakeClock()
    given = {"kind": "ocpp", "port": port, "answer_s": 10, **settings}
    link = make_link(Ground("chargers", given, registry, clock, folder / "kept", folder))
    scheme = "wss" if given.get("security") == 2 else "ws"
    system = CentralSystem(link, f"{scheme}://127.0.0.1:{port}/ocpp/", clock, registry)
    system.register("c1", "c2")
    task = asyncio.create_task(link.run(system.receive))
    try:
        await _listening(port, task)
        yield system
        assert not task.done(), task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _listening(port: int, task: asyncio.Task[None]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not task.done():
            with suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                return
            await asyncio.sleep(0.01)
    await task


@dataclass
class HandStation:
    """A station: `call` asks and gives the answer's parts after its id; `say` sends anything."""

    socket: ClientConnection
    number: int = 0

    async def say(self, message: Any) -> None:
        """Send a message, or text as it stands."""
        await self.socket.send(message if isinstance(message, str) else json.dumps(message))

    async def hear(self) -> Any:
        """The next message."""
        async with asyncio.timeout(PATIENCE_S):
            return json.loads(await self.socket.recv())

    async def call(self, action: str, payload: Any) -> Any:
        """The result's payload, or `[code, description, details]` of an error."""
        self.number += 1
        await self.say([2, str(self.number), action, payload])
        kind, id_, *rest = await self.hear()
        assert id_ == str(self.number)
        return rest[0] if kind == 3 else rest


def basic(user: str, password: bytes | str) -> dict[str, str]:
    """The header of HTTP Basic."""
    given = password.encode() if isinstance(password, str) else password
    return {"Authorization": "Basic " + base64.b64encode(user.encode() + b":" + given).decode()}


@asynccontextmanager
async def station(
    system: CentralSystem, name: str = "c1", password: bytes | str | None = KEY, version: str = V16, **more: Any
) -> AsyncIterator[HandStation]:
    """A connected station."""
    headers = more.pop("additional_headers", {}) | ({} if password is None else basic(name, password))
    async with connect(system.url + name, subprotocols=[version], additional_headers=headers, **more) as socket:  # type: ignore[list-item]
        yield HandStation(socket)


Scenario: TypeAlias = Callable[[CentralSystem], Coroutine[Any, Any, None]]


def run(folder: Path, scenario: Scenario, **settings: Any) -> None:
    """A test with a central system of its own."""

    async def whole() -> None:
        async with central_system(folder, **settings) as system:
            await scenario(system)

    asyncio.run(whole())


def start(connector: int = 1, meter: int = 1000, tag: str = "04A1B2C3D4E5", at: str = NOW) -> dict[str, Any]:
    """The payload of a StartTransaction."""
    return {"connectorId": connector, "idTag": tag, "meterStart": meter, "timestamp": at}
