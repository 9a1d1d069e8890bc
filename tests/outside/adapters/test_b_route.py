"""The B route: npm `echonet-lite` is the meter, a dongle on a pseudo terminal carries its frames."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from adapters.device import Device
from adapters.link import BadSettings
from adapters.links import b_route
from adapters.order import Delivered, NotReached, Order
from adapters.readings import Reading
from adapters.table import make_codec
from tests.fakes.networks import HERE, THERE
from tests.fakes.node_peer import Peer
from tests.fakes.wisun_dongle import ID, METER, PASSWORD, WisunDongle, wisun_dongle
from tests.outside.adapters.asked import Asked, asking
from tests.outside.adapters.echonet_house import HOUSE as DEVICES
from tests.outside.adapters.echonet_house import METER as METER_OBJECT
from tests.outside.adapters.echonet_house import echonet_house, moment, number

DEVICE = Device("h1-meter", "asked")
POWER = "instantaneousElectricPower"
CODEC = make_codec("echonet", {})


@pytest.fixture
def peer() -> Iterator[Peer]:
    with echonet_house({METER_OBJECT: DEVICES[METER_OBJECT]}) as (house, _):
        yield house


def link(dongle: WisunDongle, **more: Any) -> dict[str, Any]:
    secrets = {"id": ID, "password": PASSWORD}
    return {"port": dongle.path, **secrets, "timeout_s": 1.5, "poll": {"every_s": 0.3}, **more}


def values(asked: Asked) -> dict[str, Reading]:
    found = [readings for frame in list(asked.frames) for readings in CODEC.decode(frame)]
    return {one.quantity: one for readings in found for one in readings.readings}


@pytest.mark.parametrize(("plain", "side"), [(True, False), (False, False), (False, True)])
def test_a_meter_is_joined_read_and_heard(peer: Peer, tmp_path: Path, plain: bool, side: bool) -> None:
    async def scenario(dongle: WisunDongle) -> None:
        async with asking("b-route", tmp_path, link(dongle, side=side), {}, DEVICE) as asked:
            await asked.until(lambda: POWER in values(asked))
            assert {frame.device for frame in asked.frames} == {"h1-meter"}
            assert values(asked)[POWER] == Reading(POWER, -1_250, "WTT")
            assert values(asked)["normalDirectionCumulativeElectricEnergy"].value == 24_691.2
            half_past = [*moment(2026, 1, 1, 9, 30, 0), *number(123_457)]
            await asyncio.to_thread(peer.tell, inf=[METER_OBJECT, "ea", half_past])
            await asked.until(lambda: "halfHourImport" in values(asked))
            assert values(asked)["halfHourImport"].value == 11.4
        assert dongle.scans == 2, "the first one heard nobody"
        assert not any(command.startswith("SKSENDTO") and METER not in command for command in dongle.commands)

    with wisun_dongle(THERE, HERE, plain=plain, side=side) as dongle:
        asyncio.run(scenario(dongle))


def test_a_session_that_ends_is_joined_again(peer: Peer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(b_route, "PAUSE_S", 0.05)

    async def scenario(dongle: WisunDongle) -> None:
        async with asking("b-route", tmp_path, link(dongle), {}, DEVICE) as asked:
            await asked.until(lambda: POWER in values(asked))
            dongle.end()
            await asked.until(lambda: dongle.commands.count("SKRESET") == 2)
            await asked.until(lambda: dongle.joined)
            seen = len(asked.frames)
            await asked.until(lambda: len(asked.frames) > seen)

    with wisun_dongle(THERE, HERE) as dongle:
        asyncio.run(scenario(dongle))


def test_nothing_is_sent_while_the_air_is_full(peer: Peer, tmp_path: Path) -> None:
    async def scenario(dongle: WisunDongle) -> None:
        async with asking("b-route", tmp_path, link(dongle), {}, DEVICE) as asked:
            await asked.until(lambda: POWER in values(asked))
            dongle.say(f"EVENT 32 {METER}")
            await asyncio.sleep(0.2)
            sent = len(dongle.commands)
            await asyncio.sleep(0.8)
            assert len(dongle.commands) - sent <= 1, "one may have been under way"
            dongle.say(f"EVENT 33 {METER}")
            await asked.until(lambda: len(dongle.commands) > sent + 1)

    with wisun_dongle(THERE, HERE) as dongle:
        asyncio.run(scenario(dongle))


def test_a_wrong_password_is_told_and_never_shown(peer: Peer, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    wrong = "BA9876543210"

    async def scenario(dongle: WisunDongle) -> None:
        async with asking("b-route", tmp_path, link(dongle, password=wrong), {}, DEVICE) as asked:
            await asked.until(lambda: "the meter does not let us in" in caplog.text)
            with pytest.raises(NotReached):
                await asked.link.send(Order("cmd-1", DEVICE, "E5", 1))
            assert asked.frames == []

    with caplog.at_level(logging.DEBUG), wisun_dongle(THERE, HERE) as dongle:
        asyncio.run(scenario(dongle))
    assert wrong not in caplog.text
    assert ID not in caplog.text


def test_a_meter_takes_what_may_be_set(peer: Peer, tmp_path: Path) -> None:
    async def scenario(dongle: WisunDongle) -> None:
        async with asking("b-route", tmp_path, link(dongle), {}, DEVICE) as asked:
            await asked.until(lambda: POWER in values(asked))
            assert await asked.link.send(Order("cmd-1", DEVICE, "E5", 3)) == Delivered("OK", 3)
            assert (await asked.link.send(Order("cmd-2", DEVICE, "E0", 3))).status == "ERROR"

    with wisun_dongle(THERE, HERE) as dongle:
        asyncio.run(scenario(dongle))


@pytest.mark.parametrize(
    ("settings", "refused"),
    [
        ({"id": "1234"}, "link/id: the 32 letters and digits of the B route's id would do"),
        (
            {"password": "12345678\r\nSKX"},
            "link/password: the 12 letters and digits of the B route's password would do",
        ),
        ({"id_file": "nowhere", "id": ""}, "link/id_file: a file whose first line is the id"),
        ({"speed": 1200}, "link/speed: one of 9600, 57600, 115200 would do"),
        ({"port": ""}, "link/port: a text would do"),
        ({"colour": "red"}, "link/colour: not known"),
    ],
)
def test_settings_that_cannot_be_are_refused(tmp_path: Path, settings: dict[str, Any], refused: str) -> None:
    async def scenario() -> None:
        given = {"port": "/dev/ttyUSB0", "id": ID, "password": PASSWORD, **settings}
        async with asking("b-route", tmp_path, given, {}, DEVICE):
            raise AssertionError("it was taken")

    with pytest.raises(BadSettings) as error:
        asyncio.run(scenario())
    assert str(error.value).startswith(refused)
    assert ID not in str(error.value)
