"""The simulated routers through the adapter's own link and codec: an exchange is seen in telemetry, with its losses."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from adapters.codecs.digital_grid import make_codec
from adapters.device import Device
from adapters.frame import Frame
from adapters.link import BadSettings
from adapters.simulated.day import Day
from adapters.simulated.digital_grid import Routers, listen, read_routers
from tests.outside.adapters.asked import asking

CODEC: dict[str, Any] = {"kind": "digital-grid"}
HOUSES = tuple(Device(name, "asked") for name in ("h1", "h5"))


class Seconds:
    """A clock that goes on when it is told."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def minutes(self, many: float) -> None:
        """Simulated ones, of a day of 86,400 s."""
        self.now += many * 60


def read(routers: Routers, name: str) -> dict[tuple[str, str], Any]:
    frame = Frame(json.dumps(routers.answer(("get", "unit", name), {})).encode(), 0, name)
    found = make_codec(CODEC).decode(frame)
    return {(one.part, reading.quantity): reading.value for one in found for reading in one.readings}


def simulated(**settings: Any) -> tuple[Routers, Seconds]:
    clock = Seconds()
    return read_routers({"kind": "digital-grid", **settings}, Day(clock, 86_400.0, 19.0))[0], clock


def test_an_exchange_by_the_adapter_is_seen_with_its_losses(tmp_path: Path) -> None:
    async def scenario() -> None:
        routers, clock = simulated()
        async with AsyncExitStack() as closing:
            port = await listen(routers, 0, closing)
            link = {"url": f"http://127.0.0.1:{port}", "every_s": 0.05, "timeout_s": 2.0}
            async with asking("digital-grid", tmp_path, link, CODEC, *HOUSES) as asked:
                clock.minutes(2)
                assert (await asked.order("power", 700, "WTT", device=0)).status == "OK"
                assert (await asked.order("power", -700, "WTT", device=1)).status == "OK"
                clock.minutes(3)
                await asked.fresh()
                assert {one.device for one in asked.frames} == {"h1", "h5"}
        seller, buyer = read(routers, "h1"), read(routers, "h5")
        assert seller["interchange", "activePower"] == 700
        assert -700 < buyer["interchange", "activePower"] < -640, "some is lost on the line"
        legs = ("interchange", "battery", "pv", "load", "utility")
        assert sum(seller[leg, "activePower"] for leg in legs) == pytest.approx(0, abs=1)

    asyncio.run(scenario())


def test_a_blackout_is_told_as_routers_tell_it() -> None:
    routers, clock = simulated(blackouts=[5, 10])
    clock.minutes(4)
    assert read(routers, "h1")["", "gridState"] == "connected"
    clock.minutes(4)
    told = read(routers, "h1")
    assert (told["", "gridState"], told["utility", "voltage"]) == ("islanded", 0)
    assert told["load", "activePower"] > 0, "priority loads are on"


@pytest.mark.parametrize("settings", [{"blackouts": [5]}, {"blackouts": [-1, 5]}, {"port": -1}, {"sed": 1}])
def test_settings_that_are_none(settings: dict[str, Any]) -> None:
    with pytest.raises(BadSettings):
        simulated(**settings)


@pytest.mark.parametrize(
    ("path", "query"),
    [
        (("get", "nothing"), {}),
        (("set", "dcdc", "h9"), {"mode": "0x0002"}),
        (("set", "dcdc", "h1"), {"mode": "0x9999"}),
        (("set", "dcdc", "h1"), {"mode": "0x0002", "dig": "much"}),
        (("set", "dcdc", "h1"), {"mode": "0x0002", "dvg": "12", "dig": "1"}),
    ],
)
def test_what_a_gateway_does_not_know(path: tuple[str, ...], query: dict[str, str]) -> None:
    assert simulated()[0].answer(path, query) is None
