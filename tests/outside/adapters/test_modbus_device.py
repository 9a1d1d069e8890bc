"""Modbus TCP against npm `modbus-serial`: what is asked, what comes of it, and what may be set."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from adapters.device import Device
from adapters.links.modbus.asking import ModbusLink
from adapters.order import Delivered, NotReached
from adapters.readings import Reading
from adapters.table import make_codec
from tests.fakes.node_peer import Peer, node_peer
from tests.outside.adapters.asked import Asked, asking
from tests.outside.served import free_port

SCRIPT = Path(__file__).with_name("modbus_device.cjs")
LINK = {"every_s": 0.05, "timeout_s": 0.5, "gap": 4}
CODEC: dict[str, Any] = {
    "kind": "modbus",
    "maps": {
        "chiller": {
            "points": {
                "power": {"holding": 0, "type": "int32", "scale": 0.1, "unit": "WTT"},
                "supply": {"holding": 3, "type": "float32", "order": "CDAB", "unit": "CEL"},
                "mode": {"holding": 20, "words": {"0": "off", "1": "cooling"}, "write": {"least": 0, "most": 1}},
                "limit": {
                    "holding": 30,
                    "type": "int16",
                    "scale": 10,
                    "unit": "WTT",
                    "write": {"least": 0, "most": 5000},
                },
                "energy": {"input": 100, "type": "uint32", "unit": "KWH", "invalid": [0xFFFFFFFF]},
                "pump": {"coil": 9, "write": True},
                "alarm": {"discrete": 5, "part": "alarms"},
            }
        }
    },
}
LOW_WORD_FIRST = struct.pack(">f", 6.7)[2:] + struct.pack(">f", 6.7)[:2]
TABLES = {
    "holding": {
        **dict(enumerate(struct.unpack(">5H", struct.pack(">iH", -1234, 0) + LOW_WORD_FIRST))),
        20: 1,
        30: 250,
    },
    "input": {100: 0, 101: 4711},
    "coil": dict.fromkeys(range(16), False) | {9: True},
    "discrete": {5: True},
}


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def peer(port: int) -> Iterator[Peer]:
    with node_peer(SCRIPT, str(port), "7") as device:
        device.tell(set=TABLES)
        yield device


def device(port: int, **options: Any) -> Device:
    return Device("chiller-1", "asked", address=f"127.0.0.1:{port}", options={"unit": 7, **options})


def said(asked: Asked) -> dict[str, Reading]:
    found = make_codec("modbus", CODEC).decode(asked.frames[-1])
    return {reading.quantity: reading for readings in found for reading in readings.readings}


def test_what_registers_hold_becomes_readings(peer: Peer, port: int, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with asking("modbus", tmp_path, LINK, CODEC, device(port)) as asked:
            await asked.fresh()
            assert said(asked) == {
                "power": Reading("power", -123.4, "WTT"),
                "supply": Reading("supply", 6.7, "CEL"),
                "mode": Reading("mode", "cooling"),
                "limit": Reading("limit", 2500, "WTT"),
                "energy": Reading("energy", 4711, "KWH"),
                "pump": Reading("pump", value=True),
                "alarm": Reading("alarm", value=True),
            }

    asyncio.run(scenario())


def test_points_that_lie_together_are_asked_for_at_once_and_no_others(peer: Peer, port: int, tmp_path: Path) -> None:
    async def scenario() -> None:
        peer.tell(set={"holding": {2: 0}})
        async with asking("modbus", tmp_path, LINK, CODEC, device(port)) as asked:
            await asked.fresh()
        several = {tuple(one) for one in peer.said("asked")}
        assert several == {("holding", 0, 5, 7), ("input", 100, 2, 7)}, "one register alone is not told of"
        assert asked.frames[-1].about["blocks"] == (
            "coil:9+1,discrete:5+1,holding:0+5,holding:20+1,holding:30+1,input:100+2"
        )

    asyncio.run(scenario())


def test_a_joined_block_that_is_refused_is_asked_for_in_its_points(port: int, tmp_path: Path) -> None:
    """The device does not have register 2, which lies between two points, nor 30, which is one."""

    async def scenario() -> None:
        with node_peer(SCRIPT, str(port), "7") as peer:
            holding = {address: value for address, value in TABLES["holding"].items() if address not in (2, 30)}
            peer.tell(set={**TABLES, "holding": holding})
            async with asking("modbus", tmp_path, LINK, CODEC, device(port)) as asked:
                await asked.fresh()
                found = said(asked)
                asked_for = len(peer.said("asked"))
                await asked.fresh()
                again = {tuple(one) for one in peer.said("asked")[asked_for:]}
        assert found["power"].value == -123.4
        assert found["supply"].value == 6.7
        assert "limit" not in found, "what it refuses is left out"
        assert again == {("holding", 0, 2, 7), ("holding", 3, 2, 7), ("input", 100, 2, 7)}, "the joined one not again"

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("name", "value", "unit", "answer", "register"),
    [
        ("limit", 3.2, "KWT", Delivered("OK", 3200), ("holding", 30, 320, 7)),
        ("limit", 0, "", Delivered("OK", 0), ("holding", 30, 0, 7)),
        ("mode", "off", "", Delivered("OK", "off"), ("holding", 20, 0, 7)),
        ("pump", False, "", Delivered("OK", result=False), ("coil", 9, False, 7)),
    ],
)
def test_a_set_point_is_written_and_read_back(  # noqa: PLR0917
    peer: Peer,
    port: int,
    tmp_path: Path,
    name: str,
    value: Any,
    unit: str,
    answer: Delivered,
    register: tuple[Any, ...],
) -> None:
    async def scenario() -> None:
        async with asking("modbus", tmp_path, LINK, CODEC, device(port)) as asked:
            assert await asked.order(name, value, unit) == answer
            assert [tuple(one) for one in peer.said("told")] == [register]
            await asked.fresh()
            assert said(asked)[name].value == answer.result

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("order", "why"),
    [
        (("limit", 5010, "WTT"), "from 0 to 5000 WTT would do"),
        (("limit", -10, "WTT"), "from 0 to 5000 WTT would do"),
        (("limit", 4000, "WTT"), "from 0 to 3000 would do on this device"),
        (("limit", 3, "CEL"), "CEL does not convert to WTT"),
        (("limit", "much", ""), "a number would do"),
        (("limit", True, ""), "a number would do"),
        (("mode", "heating", ""), "one of cooling, off would do"),
        (("mode", 2, ""), "from 0 to 1 would do"),
        (("pump", 1, ""), "true or false would do"),
        (("power", 1, ""), "'power' cannot be set; there are limit, mode, pump"),
        (("nothing", 1, ""), "'nothing' cannot be set"),
    ],
)
def test_what_is_outside_of_the_limits_is_never_written(
    peer: Peer, port: int, tmp_path: Path, order: tuple[str, Any, str], why: str
) -> None:
    async def scenario() -> None:
        limited = device(port, limits={"limit": [0, 3000]})
        async with asking("modbus", tmp_path, LINK, CODEC, limited) as asked:
            delivered = await asked.order(*order)
        assert delivered.status == "ERROR"
        assert why in str(delivered.result)
        assert peer.said("told") == []

    asyncio.run(scenario())


def test_a_device_that_keeps_its_old_value_is_an_error(peer: Peer, port: int, tmp_path: Path) -> None:
    async def scenario() -> None:
        peer.tell(stuck=[30])
        async with asking("modbus", tmp_path, LINK, CODEC, device(port)) as asked:
            delivered = await asked.order("limit", 1000)
        assert delivered == Delivered("ERROR", "limit: 1000 was written, 2500 is read back")

    asyncio.run(scenario())


def test_a_device_that_is_away_is_asked_again_when_it_is_back(port: int, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with asking("modbus", tmp_path, LINK, CODEC, device(port)) as asked:
            with pytest.raises(NotReached):
                await asked.order("limit", 1000)
            with node_peer(SCRIPT, str(port), "7") as peer:
                peer.tell(set=TABLES)
                await asked.fresh()
                peer.tell(deaf=True)
                with pytest.raises(NotReached):
                    await asked.order("limit", 1000)
            with node_peer(SCRIPT, str(port), "7") as peer:
                peer.tell(set=TABLES)
                await asked.fresh()
        assert said(asked)["power"].value == -123.4

    asyncio.run(scenario())


def test_devices_come_and_go_while_the_link_runs(peer: Peer, port: int, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with asking("modbus", tmp_path, LINK, CODEC) as asked:
            await asyncio.sleep(0.1)
            assert asked.frames == []
            asked.registry.devices.append(device(port))
            await asked.fresh()
            asked.registry.devices[:] = [Device("lost", "asked", address="no address"), device(port, map="unknown")]
            await asyncio.sleep(1.2)
            asked.frames.clear()
            await asyncio.sleep(0.3)
            assert asked.frames == [], "neither can be asked; both are passed over"
            assert isinstance(asked.link, ModbusLink)
            assert asked.link._connections == {}, "and no connection is kept"
            assert (await asked.order("limit", 1, device=1)).status == "ERROR"

    asyncio.run(scenario())
