"""A link at work: what it received, in a registry of its own, without the pipeline behind it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from adapters.device import Device
from adapters.frame import BadFrame, Frame
from adapters.link import Ground, Link
from adapters.table import make_link
from tests.fakes.clock import FakeClock

KEY = "k7f3"
ADAPTER = "tried"


def device_of(name: str, **members: Any) -> Device:
    """A device with the key KEY."""
    return replace(Device(name, ADAPTER, key_digest=sha256(KEY.encode()).hexdigest()), **members)


class FakeRegistry:
    """The port Registry over a few devices."""

    def __init__(self, *devices: Device) -> None:
        self.devices = {device.id: device for device in devices}

    def find(self, adapter: str, device_id: str, key: str = "") -> Device:
        """As the port says."""
        found = self.devices.get(device_id)
        if found is None or adapter != ADAPTER:
            raise BadFrame("unknown_device", "no device of that name and key")
        if found.key_digest and sha256(key.encode()).hexdigest() != found.key_digest:
            raise BadFrame("wrong_key", "no device of that name and key")
        return found

    def of_adapter(self, adapter: str) -> tuple[Device, ...]:
        """As the port says."""
        return tuple(self.devices.values()) if adapter == ADAPTER else ()

    def of_entity(self, tenant: str, entity_id: str) -> Device | None:
        """As the port says."""
        return next((one for one in self.devices.values() if (one.tenant, one.entity_id) == (tenant, entity_id)), None)


@dataclass
class Linked:
    """`frames` are what came; while `goes_on` is cleared, what comes is not taken, and so not acknowledged."""

    link: Any
    frames: list[Frame] = field(default_factory=list)
    goes_on: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None

    async def receive(self, frames: Sequence[Frame]) -> None:
        """Take them."""
        await self.goes_on.wait()
        self.frames += frames

    async def wait(self, number: int, seconds: float = 10) -> list[Frame]:
        """The frames, once there are so many; fails as the link does."""
        ends = asyncio.get_running_loop().time() + seconds
        while len(self.frames) < number:
            assert self.task is not None
            if self.task.done():
                self.task.result()
            assert asyncio.get_running_loop().time() < ends, self.frames
            await asyncio.sleep(0.01)
        return self.frames


def ground(link: Mapping[str, Any], codec: Mapping[str, Any], home: Path, *devices: Device) -> Ground:
    """The ground of a link."""
    return Ground(ADAPTER, link, FakeRegistry(*devices), FakeClock(), home / "own", home, codec=codec)


@asynccontextmanager
async def linked(made_with: Ground) -> AsyncIterator[Linked]:
    """The link at work, until the end."""
    link: Link = make_link(str(made_with.settings["kind"]), made_with)
    working = Linked(link)
    working.goes_on.set()
    working.task = asyncio.create_task(link.run(working.receive))
    try:
        yield working
    finally:
        working.task.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await working.task
