"""BACnet/IP against npm `@bacnet-js/client`: what is read, at once or one by one, and what may be set."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

from adapters.device import Device
from adapters.link import BadSettings
from adapters.order import NotReached
from adapters.readings import Reading
from adapters.table import make_codec
from tests.fakes.node_peer import Peer, node_peer
from tests.outside.adapters.asked import Asked, asking
from tests.outside.served import free_port

SCRIPT = Path(__file__).with_name("bacnet_controller.cjs")
THERE = "127.0.0.2"
VALUE, FLAGS, UNITS = "85", "111", "117"
CELSIUS, FAULT, OVERRIDDEN = 62, 2, 4
OBJECTS: dict[str, Any] = {
    "0,1": {VALUE: 6.75, FLAGS: 0, UNITS: CELSIUS},
    "2,3": {VALUE: 22, FLAGS: OVERRIDDEN, UNITS: CELSIUS},
    "5,2": {VALUE: 1, FLAGS: 0},
    "19,4": {VALUE: 2, FLAGS: 0},
}
POINTS: dict[str, Any] = {
    "supply": "analog-input,1",
    "setpoint": "analog-value,3",
    "pump": "binary-value,2",
    "mode": "multi-state-value,4",
}
WRITE: dict[str, Any] = {
    "setpoint": {"least": 18, "most": 28, "unit": "CEL"},
    "pump": {},
    "mode": {"least": 1, "most": 3},
}
LINK: dict[str, Any] = {"every_s": 0.1, "timeout_s": 0.5, "priority": 12}


@pytest.fixture(name="port")
def free_place() -> int:
    return free_port()


@pytest.fixture(name="controller")
def npm_controller(port: int) -> Iterator[Peer]:
    with node_peer(SCRIPT, str(port), THERE) as found:
        found.tell(set=OBJECTS)
        yield found


def air(port: int, **options: Any) -> Device:
    return Device("air", "asked", address=f"{THERE}:{port}", options={"points": POINTS, "write": WRITE, **options})


def follow(tmp_path: Path, device: Device, work: Callable[[Asked], Coroutine[Any, Any, None]], **settings: Any) -> None:
    address = f"127.0.0.1:{free_port()}"

    async def working() -> None:
        async with asking(
            "bacnet", tmp_path, {"address": address, **LINK, **settings}, {"kind": "bacnet"}, device
        ) as one:
            await work(one)

    asyncio.run(working())


def read(asked: Asked) -> dict[str, Reading]:
    codec = make_codec("bacnet", {"kind": "bacnet"})
    return {reading.quantity: reading for one in codec.decode(asked.frames[-1]) for reading in one.readings}


@pytest.mark.parametrize("single", [False, True])
def test_points_are_read_with_their_units_and_flags(
    controller: Peer, port: int, tmp_path: Path, *, single: bool
) -> None:
    controller.tell(single=single)

    async def work(asked: Asked) -> None:
        await asked.until(lambda: len(asked.frames) > 1)
        found = read(asked)
        assert {name: one.value for name, one in found.items()} == {
            "supply": 6.75,
            "setpoint": 22,
            "pump": True,
            "mode": 2,
        }
        assert (found["supply"].unit, found["supply"].quality) == ("CEL", "good")
        assert found["setpoint"].quality == "uncertain"
        assert found["pump"].unit == ""
        await asyncio.to_thread(controller.tell, set={"0,1": {VALUE: 7.5, FLAGS: FAULT}})
        await asked.until(lambda: read(asked)["supply"].value == 7.5)
        assert read(asked)["supply"].quality == "bad"

    follow(tmp_path, air(port), work)
    asked = controller.said("asked")
    first = next(one for one in asked if one[0] == "0,1")
    assert first[1] == ([int(VALUE)] if single else [int(VALUE), int(FLAGS), int(UNITS)])
    assert sum(int(UNITS) in one[1] for one in asked if one[0] == "0,1") == 1, "units are asked for once"


def test_what_may_be_set_is_set_at_its_priority(controller: Peer, port: int, tmp_path: Path) -> None:
    async def work(asked: Asked) -> None:
        await asked.until(lambda: asked.frames)
        assert (await asked.order("setpoint", 24.5)).result == 24.5
        assert (await asked.order("setpoint", 68, "FAH")).status == "OK"
        assert (await asked.order("pump", value=False)).result is False
        assert (await asked.order("mode", 3)).result == 3
        wanted = [["2,3", 85, 24.5, 12], ["2,3", 85, 20, 12], ["5,2", 85, 0, 12], ["19,4", 85, 3, 12]]
        assert controller.said("told") == wanted
        for name, value in (("setpoint", 30), ("setpoint", "hot"), ("pump", 1), ("mode", 1.5), ("supply", 1)):
            refused = await asked.order(name, value)
            assert refused.status == "ERROR", (name, value)
        assert controller.said("told") == wanted
        await asyncio.to_thread(controller.tell, set={"2,3": {"stuck": True}})
        denied = await asked.order("setpoint", 19)
        assert denied.status == "ERROR"
        assert "write-access-denied" in str(denied.result)

    follow(tmp_path, air(port), work)


def test_one_that_does_not_answer_is_asked_again(controller: Peer, port: int, tmp_path: Path) -> None:
    async def work(asked: Asked) -> None:
        await asked.until(lambda: asked.frames)
        await asyncio.to_thread(controller.tell, deaf=True)
        with pytest.raises(NotReached):
            await asked.order("setpoint", 20)
        await asyncio.sleep(1.0)
        before = len(asked.frames)
        await asyncio.to_thread(controller.tell, deaf=False)
        await asked.until(lambda: len(asked.frames) > before)

    follow(tmp_path, air(port), work)


@pytest.mark.parametrize(
    ("settings", "said"),
    [({"address": "somewhere"}, "link/address"), ({"priority": 0}, "link/priority"), ({"prio": 1}, "link/prio")],
)
def test_settings_that_cannot_be_are_named(tmp_path: Path, settings: dict[str, Any], said: str) -> None:
    async def work(_asked: Asked) -> None:
        """It is not made."""

    with pytest.raises(BadSettings, match=said):
        follow(tmp_path, air(1), work, **settings)
