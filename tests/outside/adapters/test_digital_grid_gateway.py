"""Digital grid routers against a recorded session of the open APIS emulator: power moves from house to house."""

from __future__ import annotations

import asyncio
import copy
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from adapters.codecs.digital_grid import make_codec
from adapters.device import Device
from adapters.frame import Frame
from adapters.order import Delivered, NotReached
from adapters.readings import Reading
from adapters.recorded import read_golden, told
from tests.frames.golden import FRAMES
from tests.outside.adapters.asked import Asked, asking
from tests.outside.adapters.digital_grid_session import Session, read_session, session

CAPACITY_WH = 4800.0
"""Of each battery of the emulator."""
LEGS = ("interchange", "battery", "pv", "load", "utility")
CODEC: dict[str, Any] = {"kind": "digital-grid"}


def read(unit: Any, device: str = "h1") -> dict[tuple[str, str], Reading]:
    found = make_codec(CODEC).decode(Frame(json.dumps(unit).encode(), 0, device))
    return {(readings.part, reading.quantity): reading for readings in found for reading in readings.readings}


def units() -> list[tuple[int, str, Any]]:
    return [
        (step, name, unit) for step, one in enumerate(read_session()) for name, unit in one["gets"]["/get/log"].items()
    ]


def link(url: str, **settings: Any) -> dict[str, Any]:
    return {"url": url, "every_s": 0.05, "timeout_s": 1.0, **settings}


HOUSES = tuple(Device(f"h{number}", "asked", options={"unit": f"E00{number}"}) for number in (1, 2, 3))


@pytest.mark.parametrize(("step", "name", "unit"), units(), ids=lambda value: str(value)[:4])
def test_the_legs_of_a_router_add_up_to_what_it_loses(step: int, name: str, unit: Any) -> None:
    """Positive is into what is connected: what flows in at some legs flows out at others, but for the losses."""
    readings = read(unit)
    power = {part: readings[part, "activePower"].value for part in LEGS}
    assert all(reading.unit == "WTT" for (_, name), reading in readings.items() if name == "activePower")
    lost = -sum(float(str(watts)) for watts in power.values())
    assert 150 < lost < 350, power
    assert float(str(power["pv"])) < -2000, "the sun gives"
    assert float(str(power["load"])) > 0, "the house takes"


def test_the_seller_puts_into_the_line_what_the_buyer_takes_out() -> None:
    log = read_session()[2]["gets"]["/get/log"]
    seller, buyer = read(log["E001"]), read(log["E002"])
    assert seller["interchange", "activePower"] == Reading("activePower", 700.0, "WTT")
    assert buyer["interchange", "activePower"] == Reading("activePower", -700.0, "WTT")
    assert (seller["interchange", "current"].value, buyer["interchange", "current"].value) == (2.0, -2.0)
    assert seller["interchange", "voltage"] == Reading("voltage", 350.0, "VLT")
    assert buyer["interchange", "currentLimit"] == Reading("currentLimit", 2.0, "AMP")
    assert (seller["battery", "converterPower"].value, buyer["battery", "converterPower"].value) == (-755.0, 629.0)
    assert (seller["", "operationMode"].value, buyer["", "operationMode"].value) == ("Grid Autonomy", "Heteronomy CV")
    assert (seller["", "gridState"].value, seller["", "alarm"].value) == ("connected", ["4010", "0080"])


def test_a_battery_that_serves_the_house_at_night_gives() -> None:
    """APIS tells the power without a sign, and the current with one."""
    night = read_golden(FRAMES / "digital-grid/night.json")
    readings = {(one.part, each.quantity): each.value for one in night.readings for each in one.readings}
    assert (readings["battery", "activePower"], readings["battery", "current"]) == (-394.03, -8.21)
    assert (readings["load", "activePower"], readings["pv", "activePower"]) == (213.18, 0)
    assert told(make_codec(CODEC).decode(night.frame)) == told(night.readings)


@pytest.mark.parametrize("name", ["E001", "E002", "E003"])
def test_a_battery_fills_by_what_flows_into_it(name: str) -> None:
    """The power told at the end of each step, held for the step's time, is what the charge rose by."""
    codec = make_codec({**CODEC, "zone": "Asia/Tokyo"})
    states = []
    for step in read_session():
        found = codec.decode(Frame(json.dumps(step["gets"]["/get/log"][name]).encode(), 0, "h"))
        by_name = {(readings.part, one.quantity): one.value for readings in found for one in readings.readings}
        assert found[0].at is not None
        charge, power = by_name["", "stateOfCharge"], by_name["battery", "activePower"]
        states.append((found[0].at / 1e6, float(str(charge)), float(str(power))))
    for (before, charge_before, _), (after, charge, power) in pairwise(states):
        gained_wh = (charge - charge_before) / 100 * CAPACITY_WH
        assert gained_wh == pytest.approx(power * (after - before) / 3600, rel=0.15)


def test_a_units_clock_is_that_of_its_zone() -> None:
    unit = read_session()[0]["gets"]["/get/log"]["E001"]
    frame = Frame(json.dumps(unit).encode(), 0, "h1")
    assert {one.at for one in make_codec(CODEC).decode(frame)} == {1_577_840_430_000_000}, "10:00:30 in Tokyo"
    assert {one.at for one in make_codec({"zone": "UTC"}).decode(frame)} == {1_577_872_830_000_000}
    assert {one.at for one in make_codec({"time": "hub"}).decode(frame)} == {None}


@pytest.mark.parametrize(
    ("volts", "load", "state"), [(206.1, 300.0, "connected"), (3.0, 300.0, "islanded"), (0, 0, "isolated")]
)
def test_what_a_router_does_without_the_utility(volts: float, load: float, state: str) -> None:
    unit = copy.deepcopy(read_session()[0]["gets"]["/get/log"]["E001"])
    unit["dcdc"]["powermeter"]["v1"], unit["emu"]["ups_output_power"] = volts, load
    assert read(unit)["", "gridState"].value == state


def test_each_house_gives_a_frame_of_its_own(tmp_path: Path) -> None:
    async def scenario(gateway: Session) -> None:
        stranger = Device("h9", "asked", options={"unit": "E009"})
        async with asking("digital-grid", tmp_path, link(gateway.url), CODEC, *HOUSES[:2], stranger) as asked:
            await asked.fresh()
        assert {frame.device for frame in asked.frames} == {"h1", "h2"}, "E003 is nobody's, E009 is not there"
        for frame in asked.frames[:2]:
            assert {one.device for one in make_codec(CODEC).decode(frame)} == {frame.device}
        assert set(gateway.asked) == {"/get/log"}

    with session() as gateway:
        asyncio.run(scenario(gateway))


async def exchanged(asked: Asked) -> list[Delivered]:
    """An exchange as a service has it: one house holds the line, one takes, one gives; then they stop."""
    return [
        await asked.order("exchange", {"mode": "form", "voltage": 350, "current": 2.3}, device=0),
        await asked.order("exchange", {"mode": "charge", "voltage": 350, "current": 2}, device=1),
        await asked.order("power", 0.525, "KWT", device=2),
        await asked.order("stop", None, device=1),
        await asked.order("power", 0, "WTT", device=2),
        await asked.order("stop", value=True, device=0),
    ]


def test_converters_are_set_and_read_back(tmp_path: Path) -> None:
    steps = read_session()

    async def scenario(gateway: Session) -> None:
        async with asking("digital-grid", tmp_path, link(gateway.url), CODEC, *HOUSES) as asked:
            delivered = await exchanged(asked)
        assert [one.status for one in delivered] == ["OK"] * 6
        assert delivered[1].result == {"mode": "charge", "current": 2.0, "voltage": 350.0}
        assert delivered[2].result == {"mode": "discharge", "current": 1.5, "voltage": 350.0}, "the line's own voltage"
        assert gateway.settings() == [step["set"] for step in steps[1:]]

    with session(steps) as gateway:
        asyncio.run(scenario(gateway))


def test_a_converter_that_does_not_follow_is_an_error(tmp_path: Path) -> None:
    steps = read_session()
    steps[1]["gets"] = {**steps[1]["gets"], "/get/unit/E001": steps[0]["gets"]["/get/unit/E001"]}

    async def scenario(gateway: Session) -> None:
        async with asking("digital-grid", tmp_path, link(gateway.url), CODEC, *HOUSES) as asked:
            delivered = await asked.order("exchange", {"mode": "form", "voltage": 350, "current": 2.3})
        said = "read back: mode 0x0000, not 0x0014, 359.98 V, not 350, 2 A, not 2.3"
        assert delivered == Delivered("ERROR", said)

    with session(steps) as gateway:
        asyncio.run(scenario(gateway))


REFUSED = [
    ("exchange", {"mode": "charge", "voltage": 390, "current": 2}, "", "390 V: from 300 to 380 would do"),
    ("exchange", {"mode": "charge", "voltage": 350, "current": 2.4}, "", "2.4 A: from 0 to 2.3 would do"),
    ("exchange", {"mode": "charge", "voltage": 350, "current": -1}, "", "-1 A: from 0 to 2.3 would do"),
    ("exchange", {"mode": "burn"}, "", "modes are wait, discharge, form, charge"),
    ("exchange", {"mode": "charge", "force": True}, "", "mode, current and voltage are all there is to say"),
    ("exchange", "charge", "", "would do"),
    ("power", 2000, "WTT", "A: from 0 to 2.3 would do"),
    ("power", "all", "WTT", "a number would do"),
    ("power", 10**400, "WTT", "a number would do"),
    ("current", 2, "VLT", "VLT does not convert to AMP"),
    ("mode", "0x0014", "", "'mode' cannot be set; there are exchange, power, current, voltage, stop"),
]


@pytest.mark.parametrize(("name", "value", "unit", "why"), REFUSED, ids=str)
def test_a_command_out_of_bounds_is_never_sent(tmp_path: Path, name: str, value: Any, unit: str, why: str) -> None:
    async def scenario(gateway: Session) -> None:
        house = Device("h1", "asked", options={"unit": "E001", "amperes": 2.3})
        async with asking("digital-grid", tmp_path, link(gateway.url), CODEC, house) as asked:
            delivered = await asked.order(name, value, unit)
        assert delivered.status == "ERROR"
        assert why in str(delivered.result)
        assert gateway.settings() == []

    with session() as gateway:
        asyncio.run(scenario(gateway))


@pytest.mark.parametrize(
    ("charge", "mode", "why"),
    [
        (19.9, "discharge", "below 20 % it gives nothing"),
        (19.9, "form", "below 20 % it gives nothing"),
        (95.1, "charge", "above 95 % it takes nothing"),
        (50.0, "form", "another unit holds the line's voltage"),
    ],
)
def test_an_empty_battery_gives_nothing_a_full_one_takes_nothing_and_one_holds_the_line(
    tmp_path: Path, charge: float, mode: str, why: str
) -> None:
    steps = copy.deepcopy(read_session()[1:])
    steps[0]["gets"]["/get/log"]["E002"]["emu"]["rsoc"] = charge

    async def scenario(gateway: Session) -> None:
        async with asking("digital-grid", tmp_path, link(gateway.url), CODEC, *HOUSES) as asked:
            delivered = await asked.order("exchange", {"mode": mode, "voltage": 350, "current": 2}, device=1)
        assert delivered.status == "ERROR"
        assert why in str(delivered.result)
        assert gateway.settings() == []

    with session(steps) as gateway:
        asyncio.run(scenario(gateway))


def test_a_gateway_that_is_away_or_talks_nonsense_is_asked_again(tmp_path: Path) -> None:
    steps = read_session()
    steps[0]["gets"] = {"/get/log": "<html>no log</html>"}

    async def scenario(gateway: Session) -> None:
        gone = Device("h4", "asked", address="http://127.0.0.1:9", options={"unit": "E001"})
        async with asking("digital-grid", tmp_path, link(gateway.url), CODEC, HOUSES[0], gone) as asked:
            await asked.fresh()
            assert asked.frames[-1] == Frame(b"<html>no log</html>", asked.frames[-1].received_at, "h1", "get/log")
            with pytest.raises(NotReached):
                await asked.order("stop", None, device=0)
            with pytest.raises(NotReached):
                await asked.order("stop", None, device=1)
            gateway.steps[0]["gets"] = read_session()[0]["gets"]
            await asked.until(lambda: asked.frames[-1].payload.startswith(b'{"emu"'))

    with session(steps) as gateway:
        asyncio.run(scenario(gateway))
