"""The simulated inverters, seen by pysunspec2's own client and by the link."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from sunspec2.modbus.client import SunSpecModbusClientDeviceTCP

from adapters.codecs.sunspec import make_codec
from adapters.device import Device
from adapters.frame import Frame
from adapters.link import BadSettings
from adapters.order import Delivered
from adapters.simulated.day import HOURS, Day
from adapters.simulated.hybrid import Hybrid
from adapters.simulated.sunspec import simulate
from tests.outside.adapters.asked import asking
from tests.outside.served import free_port

NOON = Day(time.monotonic, length_s=1e9, starts_at=11.5)
"""It is always half past eleven."""


@asynccontextmanager
async def simulated(port: int, *units: dict[str, Any], day: Day = NOON) -> AsyncIterator[None]:
    task = asyncio.create_task(simulate({"port": port, "units": list(units)}, day))
    try:
        for _ in range(500):
            await asyncio.sleep(0.01)
            with suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                break
        yield
        assert not task.done(), task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def said(frame: Frame) -> dict[tuple[str, str], Any]:
    found = make_codec({}).decode(frame)
    return {(one.part, reading.quantity): reading.value for one in found for reading in one.readings}


def test_pysunspec2_finds_the_models_of_each_unit() -> None:
    def look(port: int, unit: int) -> tuple[list[int], Any]:
        client = SunSpecModbusClientDeviceTCP(slave_id=unit, ipaddr="127.0.0.1", ipport=port, timeout=5)
        client.scan()
        client.close()
        assert [model.error_info for model in client.model_list] == [""] * len(client.model_list)
        return [model.model_id for model in client.model_list], client

    async def scenario() -> None:
        port = free_port()
        async with simulated(port, {"serial": "H1"}, {"unit": 9, "serial": "H9", "solar_w": 0}):
            models, first = await asyncio.to_thread(look, port, 1)
            _, other = await asyncio.to_thread(look, port, 9)
        assert models == [1, 101, 201, 701, 702, 704, 713, 714, 802]
        assert (first.common[0].SN.value, other.common[0].SN.value) == ("H1", "H9")
        assert first.models[101][0].W.cvalue == 1000, "the sun gives 4,000, the battery takes 3,000"
        assert first.models[714][0].Prt[1].DCW.cvalue == -3000
        assert other.models[701][0].W.cvalue == 315, "the battery serves the house"

    asyncio.run(scenario())


def test_the_link_reads_the_units_of_one_server_and_sets_their_power(tmp_path: Path) -> None:
    async def scenario() -> None:
        port = free_port()
        devices = [Device(f"h{unit}", "asked", address=f"127.0.0.1:{port}", options={"unit": unit}) for unit in (1, 2)]
        link = {"every_s": 0.05}
        async with simulated(port, {}, {}), asking("modbus", tmp_path, link, {"kind": "sunspec"}, *devices) as asked:
            await asked.until(lambda: {frame.device for frame in asked.frames} == {"h1", "h2"})
            before = said(asked.frames[-1])
            assert (before["701", "W"], before["714.2", "DCW_in"], before["201", "W_in"]) == (1000, 3000, -685)
            assert await asked.order("WSet_in", 1000, "WTT") == Delivered("OK", 1000)
            await asyncio.sleep(0.2)
            await asked.until(lambda: said(latest(asked.frames, "h1"))["701", "W"] == -1000)
            assert said(latest(asked.frames, "h2"))["701", "W"] == 1000, "the other one goes on"
            refused = await asked.order("WSet_in", 4000, "WTT")
            assert refused.status == "ERROR"
            assert (await asked.order("WSet_off", None)).status == "OK"
            await asked.until(lambda: said(latest(asked.frames, "h1"))["701", "W"] == 1000)

    asyncio.run(scenario())


def latest(frames: list[Frame], device: str) -> Frame:
    return next(frame for frame in reversed(frames) if frame.device == device)


def test_a_set_point_that_is_not_renewed_runs_out(tmp_path: Path) -> None:
    async def scenario() -> None:
        port = free_port()
        device = Device("h1", "asked", address=f"127.0.0.1:{port}", options={"revert_s": 1})
        async with (
            simulated(port),
            asking("modbus", tmp_path, {"every_s": 0.05}, {"kind": "sunspec"}, device) as asked,
        ):
            assert (await asked.order("WSet", 0)).status == "OK"
            await asked.until(lambda: asked.frames and said(asked.frames[-1])["701", "W"] == 0)
            await asked.until(lambda: said(asked.frames[-1])["701", "W"] == 1000)
            assert said(asked.frames[-1])["704", "WSetEna"] == "DISABLED"

    asyncio.run(scenario())


def test_a_day_of_a_house_balances() -> None:
    """What the sun gave and was bought is what the house took, was sold, is in the battery, or was lost in it."""
    now = 0.0
    day = Day(lambda: now, length_s=HOURS, starts_at=0.0)
    plant = Hybrid(load_w=2500.0)
    before = plant.soc * plant.battery_wh
    load = charged = 0.0
    for _ in range(24 * 20):
        now += 0.05
        plant.go_on(day)
        load += (plant.grid_w_in + plant.ac_w) * 0.05
        charged += max(plant.battery_w_in, 0.0) * 0.05
    stored = plant.soc * plant.battery_wh - before
    lost = plant.pv_wh + plant.bought_wh - plant.sold_wh - load - stored
    assert plant.pv_wh > 15_000
    assert plant.bought_wh > 0
    assert plant.sold_wh > 0
    assert lost == pytest.approx(0.04 * charged, abs=1)


@pytest.mark.parametrize(
    ("settings", "member"),
    [
        ({"units": [{}, {"unit": 1}]}, "simulated/units"),
        ({"units": [{"soc": 55}]}, "simulated/units/1/soc"),
        ({"units": 2}, "simulated/units"),
        ({"port": 0}, "simulated/port"),
        ({"ports": 1}, "simulated/ports"),
    ],
)
def test_settings_that_cannot_be_name_their_member(settings: dict[str, Any], member: str) -> None:
    with pytest.raises(BadSettings, match=member):
        asyncio.run(simulate(settings, NOON))
