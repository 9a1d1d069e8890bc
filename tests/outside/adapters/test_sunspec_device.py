"""SunSpec over Modbus TCP: npm `modbus-serial` serves what pysunspec2 laid out."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from adapters.codecs.sunspec import make_codec
from adapters.device import Device
from adapters.frame import Frame
from adapters.order import Delivered, NotReached
from adapters.readings import Reading
from tests.fakes.node_peer import Peer, node_peer
from tests.outside.adapters.asked import Asked, asking
from tests.outside.adapters.sunspec_image import hybrid, image, place_of, registers
from tests.outside.served import free_port

SCRIPT = Path(__file__).with_name("modbus_device.cjs")
LINK = {"every_s": 0.05, "timeout_s": 1.0}
CODEC: dict[str, Any] = {"kind": "sunspec"}
START = 40_000
DATA = image(hybrid())


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def peer(port: int) -> Iterator[Peer]:
    with node_peer(SCRIPT, str(port), "1") as device:
        device.tell(set={"holding": registers(DATA, START)})
        yield device


def device(port: int, **options: Any) -> Device:
    return Device("h1-hybrid", "asked", address=f"127.0.0.1:{port}", options=options)


def said(frame: Frame, **settings: Any) -> dict[tuple[str, str], Reading]:
    found = make_codec({**CODEC, **settings}).decode(frame)
    return {(one.part, reading.quantity): reading for one in found for reading in one.readings}


def told(peer: Peer) -> list[tuple[int, int]]:
    """What was written: place in the image, and register."""
    return [(address - START, value) for _, address, value, _ in peer.said("told")]


def places(*values: tuple[int, str, int | tuple[int, ...]]) -> list[tuple[int, int]]:
    """(model, point, registers) as places in the image."""
    return [
        (place_of(DATA, model, point) + index, value)
        for model, point, held in values
        for index, value in enumerate(held if isinstance(held, tuple) else (held,))
    ]


def test_models_are_found_and_read(peer: Peer, port: int, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with asking("modbus", tmp_path, LINK, CODEC, device(port)) as asked:
            frame = await asked.fresh()
        readings = said(frame)
        assert readings["103", "W"] == Reading("W", 2700, "WTT")
        assert readings["103", "WH"] == Reading("WH", 1_234_560, "WHR")
        assert readings["103", "Hz"] == Reading("Hz", 50.02, "HTZ")
        assert readings["103", "St"].value == "MPPT"
        assert ("103", "DCV") not in readings, "what the device does not have is left out"
        assert readings["701", "Alrm"].value == ["OVER_TEMP"]
        assert readings["701", "DERMode"].value == ["GRID_FOLLOWING"]
        assert readings["701", "TotWhInj"].value == 9_876_543_210
        assert readings["713", "SoC"] == Reading("SoC", 55.0, "P1")
        assert readings["713", "WHAvail"] == Reading("WHAvail", 6600, "WHR")
        assert readings["714.1", "PrtTyp"].value == "PV"
        assert readings["714.2", "IDStr"].value == "battery"
        assert readings["802", "ChaSt"].value == "CHARGING"
        assert readings["203", "TotVAhExp"] == Reading("TotVAhExp", 700, "C79")
        facts = make_codec(CODEC).decode(frame)[-1].facts
        assert facts == {"manufacturer": "Misono Works", "model": "Hybrid 5", "serial": "H5-000123", "version": "1.2"}

    asyncio.run(scenario())


def test_signs_are_sunspecs_own_and_into_the_asset_beside_them(peer: Peer, port: int, tmp_path: Path) -> None:
    """The battery charges, so power flows into it; the house gives 1,850 W to the grid, so none is taken from it."""

    async def scenario() -> None:
        async with asking("modbus", tmp_path, LINK, CODEC, device(port)) as asked:
            frame = await asked.fresh()
        readings = said(frame)
        both = {part: (readings[part, name].value, readings[part, f"{name}_in"].value)
                for part, name in (("103", "W"), ("701", "W"), ("714.1", "DCW"), ("714.2", "DCW"), ("714.2", "DCA"),
                                   ("802", "W"), ("203", "W"))}  # fmt: skip
        assert both == {"103": (2700, -2700), "701": (-1200, 1200), "714.1": (3900, -3900), "714.2": (-3.0, 3.0),
                        "802": (-1200, 1200), "203": (-1850, -1850)}  # fmt: skip
        turned = said(frame, into={"802": "+", "203": "-"})
        assert (turned["802", "W_in"].value, turned["203", "W_in"].value) == (-1200, 1850)

    asyncio.run(scenario())


def test_only_the_models_wanted_are_asked_for_and_the_scan_is_made_once(peer: Peer, port: int, tmp_path: Path) -> None:
    async def scenario() -> None:
        codec = {**CODEC, "models": [713]}
        async with asking("modbus", tmp_path, LINK, codec, device(port)) as asked:
            await asked.fresh()
            seen = len(peer.said("asked"))
            frame = await asked.fresh()
            again = {tuple(one[:3]) for one in peer.said("asked")[seen:]}
        assert again == {("holding", START + place_of(DATA, 713, "ID"), 9)}
        (readings,) = make_codec({"models": [713]}).decode(frame)
        assert (readings.part, readings.facts["serial"]) == ("713", "H5-000123"), "model 1 is kept from the scan"

    asyncio.run(scenario())


def test_a_device_whose_models_move_is_scanned_again(peer: Peer, port: int, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with asking("modbus", tmp_path, LINK, CODEC, device(port)) as asked:
            await asked.fresh()
            moved = image([one for one in hybrid() if one[0] != 103])
            peer.tell(set={"holding": registers(moved, START)})
            await asked.until(lambda: ("103", "W") not in said(asked.frames[-1]))
            assert said(asked.frames[-1])["713", "SoC"].value == 55.0

    asyncio.run(scenario())


@pytest.mark.parametrize("start", [0, 50_000, 7])
def test_models_are_looked_for_where_devices_have_them(port: int, tmp_path: Path, start: int) -> None:
    async def scenario(peer: Peer) -> None:
        peer.tell(set={"holding": registers(DATA, start)})
        options = {"start": start} if start == 7 else {}
        async with asking("modbus", tmp_path, LINK, CODEC, device(port, **options)) as asked:
            assert said(await asked.fresh())["713", "SoC"].value == 55.0

    with node_peer(SCRIPT, str(port), "1") as peer:
        asyncio.run(scenario(peer))


def test_a_device_without_models_is_said_to_have_none(port: int, tmp_path: Path) -> None:
    async def scenario(peer: Peer) -> None:
        peer.tell(set={"holding": registers(b"Moon" + DATA[4:], START)})
        async with asking("modbus", tmp_path, LINK, CODEC, device(port)) as asked:
            with pytest.raises(NotReached, match="no SunSpec models at 40000, 0, 50000"):
                await asked.order("WSet", 0)
            assert asked.frames == []

    with node_peer(SCRIPT, str(port), "1") as peer:
        asyncio.run(scenario(peer))


ENABLED = ((704, "WSetMod", 1), (704, "WSetEnaRvrt", 0), (704, "WSetRvrtTms", (0, 600)))


@pytest.mark.parametrize(
    ("order", "answer", "registers_of"),
    [
        (("WSet", 1.5, "KWT"), 1500, (*ENABLED, (704, "WSet", (0, 1500)), (704, "WSetEna", 1))),
        (("WSet", -3000, ""), -3000, (*ENABLED, (704, "WSet", (0xFFFF, 62536)), (704, "WSetEna", 1))),
        (("WSet_in", 3000, "WTT"), 3000, (*ENABLED, (704, "WSet", (0xFFFF, 62536)), (704, "WSetEna", 1))),
        (
            ("WMaxLimPct", 60, "P1"),
            60.0,
            (
                *((704, "WMaxLimPctEnaRvrt", 0), (704, "WMaxLimPctRvrtTms", (0, 600))),
                *((704, "WMaxLimPct", 600), (704, "WMaxLimPctEna", 1)),
            ),
        ),
        (("WSet_off", None, ""), None, ((704, "WSetEna", 0),)),
    ],
    ids=lambda value: str(value)[:20],
)
def test_power_is_set_with_a_timer_and_enabled_last(
    peer: Peer, tmp_path: Path, order: tuple[str, Any, str], answer: Any, registers_of: Any
) -> None:
    async def scenario() -> None:
        target = device(int(peer.words[0]), revert_s=600)
        async with asking("modbus", tmp_path, LINK, CODEC, target) as asked:
            assert await asked.order(*order) == Delivered("OK", answer)
        assert told(peer) == places(*registers_of)

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("order", "why"),
    [
        (("WSet", 4801, "WTT"), "from -3000 to 4800 would do, as the device is rated"),
        (("WSet", -3001, "WTT"), "from -3000 to 4800 would do"),
        (("WSet_in", 3001, "WTT"), "from -3000 to 4800 would do"),
        (("WSet_in", 2500, "WTT"), "WSet_in: from 0 to 2000 would do on this device"),
        (("WMaxLimPct", 101, "P1"), "WMaxLimPct: from 0 to 100 would do"),
        (("WSet", "full", ""), "a number would do"),
        (("WSet", 1, "VLT"), "VLT does not convert to WTT"),
        (("AntiIslEna", 0, ""), "'AntiIslEna' cannot be set; there are WSet, WSet_in, WMaxLimPct, WSet_off"),
    ],
    ids=str,
)
def test_power_outside_of_the_ratings_is_never_written(
    peer: Peer, port: int, tmp_path: Path, order: tuple[str, Any, str], why: str
) -> None:
    async def scenario() -> None:
        target = device(port, limits={"WSet_in": [0, 2000]} if order[1] == 2500 else {})
        async with asking("modbus", tmp_path, LINK, CODEC, target) as asked:
            delivered = await asked.order(*order)
        assert delivered.status == "ERROR"
        assert why in str(delivered.result)
        assert told(peer) == []

    asyncio.run(scenario())


async def refused(asked: Asked, why: str) -> None:
    delivered = await asked.order("WSet", 100, "WTT")
    assert delivered.status == "ERROR"
    assert why in str(delivered.result)


def test_a_device_that_tells_no_rating_or_has_no_control_is_not_set(port: int, tmp_path: Path) -> None:
    async def scenario(peer: Peer) -> None:
        async with asking("modbus", tmp_path, LINK, CODEC, device(port)) as asked:
            peer.tell(set={"holding": registers(image([one for one in hybrid() if one[0] != 702]), START)})
            await asked.fresh()
            await refused(asked, "the device tells no rating")
        async with asking("modbus", tmp_path, LINK, CODEC, device(port)) as asked:
            peer.tell(set={"holding": registers(image([one for one in hybrid() if one[0] != 704]), START)})
            await asked.fresh()
            await refused(asked, "the device has no model 704")
        assert told(peer) == []

    with node_peer(SCRIPT, str(port), "1") as peer:
        asyncio.run(scenario(peer))


def test_a_device_that_does_not_take_what_is_written_is_an_error(peer: Peer, port: int, tmp_path: Path) -> None:
    async def scenario() -> None:
        peer.tell(stuck=[START + place_of(DATA, 704, "WSetEna")])
        async with asking("modbus", tmp_path, LINK, CODEC, device(port)) as asked:
            await refused(asked, "read back: WSetEna is 0, not 1")

    asyncio.run(scenario())


def test_a_frame_is_a_whole_image_that_stands_by_itself(peer: Peer, port: int, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with asking("modbus", tmp_path, LINK, CODEC, device(port)) as asked:
            frame = await asked.fresh()
        assert frame.payload == image([one for one in hybrid() if one[0] != 64_999])
        assert struct.unpack(">HH", frame.payload[-4:]) == (0xFFFF, 0)

    asyncio.run(scenario())
