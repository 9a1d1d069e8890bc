"""OPC UA against npm `node-opcua-server`: what it tells, what may be set, and that it may go away."""

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

SCRIPT = Path(__file__).with_name("opc_ua_building.cjs")
KEPT_IN = "bems.secret"
LINK = {"publish_s": 0.1, "timeout_s": 2}
CODEC = {"kind": "opc-ua", "units": {"power": "KWT", "setpoint": "CEL"}}
NODES = {name: f"ns=1;s={name}" for name in ("power", "setpoint", "lit", "visitors", "name")}
WRITE: dict[str, Any] = {"setpoint": {"least": 18, "most": 28, "unit": "CEL"}, "lit": {}, "visitors": {}, "name": {}}
pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> tuple[int, str]:
    """A port, and a folder of keys: making them takes long."""
    return free_port(), str(tmp_path_factory.mktemp("pki"))


@pytest.fixture(name="building")
def npm_building(place: tuple[int, str]) -> Iterator[Peer]:
    with node_peer(SCRIPT, str(place[0]), place[1]) as found:
        yield found


def bems(port: int, **options: Any) -> Device:
    given = {"points": NODES, "write": WRITE, **options}
    return Device("bems", "asked", address=f"opc.tcp://127.0.0.1:{port}", options=given)


def follow(tmp_path: Path, device: Device, work: Callable[[Asked], Coroutine[Any, Any, None]], **settings: Any) -> None:
    async def working() -> None:
        async with asking("opc-ua", tmp_path, {**LINK, **settings}, CODEC, device) as asked:
            await work(asked)

    asyncio.run(working())


def read(asked: Asked) -> list[Reading]:
    codec = make_codec("opc-ua", CODEC)
    return [reading for frame in asked.frames for one in codec.decode(frame) for reading in one.readings]


def last(asked: Asked) -> dict[str, Any]:
    return {reading.quantity: reading.value for reading in read(asked)}


def test_what_changes_is_told(building: Peer, place: tuple[int, str], tmp_path: Path) -> None:
    async def work(asked: Asked) -> None:
        await asked.until(lambda: len(last(asked)) == len(NODES))
        assert last(asked) == {"power": 10.5, "setpoint": 22.0, "lit": True, "visitors": 7, "name": "hall"}
        power = next(one for one in read(asked) if one.quantity == "power")
        assert (power.unit, power.quality) == ("KWT", "good")
        assert power.at is not None
        await asyncio.to_thread(building.tell, set={"power": 12.25})
        await asked.until(lambda: last(asked)["power"] == 12.25)
        await asyncio.to_thread(building.tell, bad="power")
        await asked.until(lambda: read(asked)[-1].quality == "bad")

    follow(tmp_path, bems(place[0]), work)


def test_what_may_be_set_is_set_and_read_back(building: Peer, place: tuple[int, str], tmp_path: Path) -> None:
    async def work(asked: Asked) -> None:
        await asked.until(lambda: last(asked))
        assert (await asked.order("setpoint", 24.5)).status == "OK"
        assert (await asked.order("setpoint", 68, "FAH")).result == pytest.approx(20, abs=0.01)
        assert (await asked.order("lit", value=False)).status == "OK"
        assert (await asked.order("visitors", 8.0)).status == "OK"
        assert ["visitors", 8] in building.said("told")
        for name, value in (("setpoint", 30), ("setpoint", "hot"), ("lit", 1), ("visitors", 1.5), ("power", 1)):
            before = len(building.said("told"))
            refused = await asked.order(name, value)
            assert refused.status == "ERROR", (name, value)
            assert "would do" in str(refused.result) or "no " in str(refused.result) or "cannot" in str(refused.result)
            assert len(building.said("told")) == before
        denied = await asked.order("name", "other")
        assert denied.status == "ERROR"
        assert "refuses" in str(denied.result)

    follow(tmp_path, bems(place[0]), work)


def test_it_may_go_away_and_come_back(place: tuple[int, str], tmp_path: Path) -> None:
    async def work(asked: Asked) -> None:
        with node_peer(SCRIPT, str(place[0]), place[1]):
            await asked.until(lambda: last(asked))
        for _ in range(100):
            try:
                await asked.order("setpoint", 20)
            except NotReached:
                break
            await asyncio.sleep(0.1)
        else:
            raise AssertionError("nobody noticed")
        before = len(asked.frames)
        with node_peer(SCRIPT, str(place[0]), place[1]):
            await asked.until(lambda: len(asked.frames) > before)

    follow(tmp_path, bems(place[0]), work)


def test_a_password_is_asked_for_by_file(building: Peer, place: tuple[int, str], tmp_path: Path) -> None:
    assert building.heard
    for secret, there in (("s3cret", True), ("wrong", False)):
        (tmp_path / KEPT_IN).write_text(f"{secret}\n")

        async def work(asked: Asked, there: bool = there) -> None:
            await asyncio.sleep(1.5)
            assert bool(asked.frames) is there

        follow(tmp_path, bems(place[0]), work, user="bems", password_file=KEPT_IN)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"security": {"policy": "Basic128"}}, "link/security/policy"),
        ({"security": {"policy": "Basic256Sha256"}}, "link/security/certificate"),
        ({"publish": 1}, "link/publish"),
    ],
)
def test_settings_that_cannot_be_are_named(tmp_path: Path, settings: dict[str, Any], said: str) -> None:
    async def work(_asked: Asked) -> None:
        """It is not made."""

    with pytest.raises(BadSettings, match=said):
        follow(tmp_path, bems(1), work, **settings)
