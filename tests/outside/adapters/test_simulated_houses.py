"""Simulated houses speak real ECHONET Lite on loopback: the link finds, reads, hears and commands them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from adapters.device import Device
from adapters.link import BadSettings
from adapters.order import Delivered, Order
from adapters.readings import Reading
from adapters.simulated.day import Day
from adapters.simulated.echonet import read_houses, simulate
from adapters.table import make_codec
from tests.outside.adapters.asked import Asked, asking
from tests.outside.served import free_port

HOUSES = ("127.0.0.2", "127.0.0.3")
CODEC = make_codec("echonet", {})


class Clock:
    """Seconds that a test lets pass."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@asynccontextmanager
async def simulated(port: int, day: Day) -> AsyncIterator[None]:
    settings: dict[str, Any] = {
        "kind": "echonet",
        "houses": [{"address": f"{HOUSES[0]}:{port}"}, {"address": f"{HOUSES[1]}:{port}", "objects": ["meter"]}],
    }
    task = asyncio.create_task(simulate(settings, day))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def values(asked: Asked, device: str, part: str) -> dict[str, Reading]:
    said = [one for frame in list(asked.frames) if frame.device == device for one in CODEC.decode(frame)]
    return {reading.quantity: reading for one in said if one.part == part for reading in one.readings}


def test_houses_live_through_a_day(tmp_path: Path) -> None:
    port, clock = free_port(), Clock()
    day = Day(clock, length_s=240, starts_at=12)
    link = {"bind": "127.0.0.1", "port": port, "multicast": False, "poll": {"every_s": 0.1}, "timeout_s": 1}
    devices = [Device(f"h{nth}", "asked", address=address) for nth, address in enumerate(HOUSES, 1)]

    async def scenario() -> None:
        async with simulated(port, day), asking("echonet", tmp_path, link, {}, *devices) as asked:
            await asked.until(lambda: values(asked, "h1", "0279-1") and values(asked, "h2", "0288-1"))
            sun = values(asked, "h1", "0279-1")["instantaneousElectricPowerGeneration"]
            assert isinstance(sun.value, int)
            assert sun.value > 3_000, "noon"
            assert values(asked, "h1", "0007-1")["detection"].value is False
            assert not values(asked, "h2", "0279-1")
            sold = "reverseDirectionCumulativeElectricEnergy"
            clock.seconds = 10
            await asked.until(lambda: values(asked, "h1", "0288-1")[sold].value != 0)
            assert values(asked, "h1", "0288-1")[sold].quality == "good"
            clock.seconds = 85  # half past eight in the evening
            await asked.until(lambda: values(asked, "h1", "0007-1")["detection"].value is True)
            await asked.until(lambda: values(asked, "h1", "0279-1")["instantaneousElectricPowerGeneration"].value == 0)
            order = Order("cmd-1", devices[0], "operationMode", "charging", part="027D-1")
            assert await asked.link.send(order) == Delivered("OK", "charging")
            wrong = Order("cmd-2", devices[0], "operationMode", "test", part="027D-1")
            assert (await asked.link.send(wrong)).result == "027D-1 refused operationMode = test"

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("house", "refused"),
    [
        ({"address": "there"}, "simulated/houses/0/address: an address such as 127.0.0.2 would do"),
        ({"address": "127.0.0.2", "objects": ["pool"]}, "simulated/houses/0/objects: some of meter, solar"),
        ({"address": "127.0.0.2", "pool": 1}, "simulated/houses/0/pool: not known"),
    ],
)
def test_houses_that_cannot_be_are_refused(house: dict[str, Any], refused: str) -> None:
    with pytest.raises(BadSettings) as error:
        read_houses({"houses": [house]})
    assert str(error.value).startswith(refused)
