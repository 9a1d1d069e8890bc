"""A link at work without pipeline: frames it gives are kept, commands are sent by hand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from adapters.device import Device
from adapters.frame import BadFrame, Frame
from adapters.link import Ground, Link
from adapters.order import Delivered, Order
from adapters.table import make_link
from tests.fakes.clock import FakeClock

PATIENCE_S = 10.0


@dataclass
class Provisioned:
    """A registry of devices that a test names, and may change."""

    devices: list[Device]

    def find(self, adapter: str, device_id: str, key: str = "") -> Device:  # noqa: ARG002
        """One of them."""
        for device in self.devices:
            if device.id == device_id:
                return device
        raise BadFrame("unknown_device", device_id)

    def of_adapter(self, adapter: str) -> tuple[Device, ...]:  # noqa: ARG002
        """All of them."""
        return tuple(self.devices)

    def of_entity(self, tenant: str, entity_id: str) -> Device | None:  # noqa: ARG002
        """The one with this entity."""
        return next((device for device in self.devices if device.entity_id == entity_id), None)


@dataclass
class Asked:
    """The link, and its frames so far."""

    link: Link
    registry: Provisioned
    frames: list[Frame] = field(default_factory=list)

    async def receive(self, frames: Sequence[Frame]) -> None:
        """Keep them."""
        self.frames += frames

    async def until(self, met: Callable[[], Any], again: Callable[[], Any] | None = None) -> None:
        """Wait for something, and do `again` until then: a datagram that comes before the link is up is lost."""
        async with asyncio.timeout(PATIENCE_S):
            while not met():
                if again is not None:
                    await asyncio.to_thread(again)
                await asyncio.sleep(0.01 if again is None else 0.05)

    async def fresh(self) -> Frame:
        """A frame that was asked for from now on."""
        seen = len(self.frames)
        await self.until(lambda: len(self.frames) > seen + 1)
        return self.frames[-1]

    async def order(self, name: str, value: Any, unit: str = "", device: int = 0) -> Delivered:
        """Send a command."""
        return await self.link.send(Order("cmd-1", self.registry.devices[device], name, value, unit))


@asynccontextmanager
async def asking(
    kind: str, folder: Path, settings: dict[str, Any], codec: dict[str, Any], *devices: Device
) -> AsyncIterator[Asked]:
    """A link that runs."""
    registry = Provisioned(list(devices))
    ground = Ground("asked", {"kind": kind, **settings}, registry, FakeClock(), folder, folder, codec=codec)
    asked = Asked(make_link(kind, ground), registry)
    task = asyncio.create_task(asked.link.run(asked.receive))
    try:
        yield asked
        assert not task.done(), task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
