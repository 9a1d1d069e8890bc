"""ECHONET Lite against npm `echonet-lite`, each in a network of its own: found, asked, announced to, commanded."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from adapters.device import Device
from adapters.order import Delivered, NotReached, Order
from adapters.readings import Reading, Readings
from adapters.table import make_codec
from tests.fakes.networks import HERE, THERE
from tests.fakes.node_peer import Peer
from tests.outside.adapters.asked import Asked, asking
from tests.outside.adapters.echonet_house import BATTERY, METER, PRESENCE, echonet_house, moment, number

LINK = {"interface": HERE, "poll": {"every_s": 0.3}, "timeout_s": 1.5, "tries": 2}
HOUSE = Device("h1", "asked", address=THERE)
POWER = "instantaneousElectricPower"
CODEC = make_codec("echonet", {})


@pytest.fixture
def peer() -> Iterator[Peer]:
    with echonet_house() as (house, _):
        yield house


def said(asked: Asked) -> dict[str, list[Readings]]:
    """What came so far, by part."""
    found: dict[str, list[Readings]] = {}
    for frame in list(asked.frames):
        for readings in CODEC.decode(frame):
            found.setdefault(readings.part, []).append(readings)
    return found


def values(asked: Asked, part: str) -> dict[str, Reading]:
    """The last of each quantity that a part said."""
    return {one.quantity: one for readings in said(asked).get(part, []) for one in readings.readings}


async def order(asked: Asked, part: str, name: str, value: Any, unit: str = "", **options: Any) -> Delivered:
    device = Device("h1", "asked", address=THERE, options=options)
    return await asked.link.send(Order("cmd-1", device, name, value, unit, part=part))


def test_all_objects_of_a_house_are_found_and_read(peer: Peer, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with asking("echonet", tmp_path, LINK, {}, HOUSE) as asked:
            await asked.until(lambda: len(said(asked)) == 7)
            assert {frame.device for frame in asked.frames} == {"h1"}
            meter, battery = values(asked, "0288-1"), values(asked, "027D-1")
            assert meter["normalDirectionCumulativeElectricEnergy"] == Reading(
                "normalDirectionCumulativeElectricEnergy", 24_691.2, "KWH"
            ), "123456 by the coefficient 2 and the unit 0.1"
            assert meter["reverseDirectionCumulativeElectricEnergy"].value == 864.2
            assert meter[POWER] == Reading(POWER, -1_250, "WTT")
            assert meter["instantaneousCurrentRPhase"] == Reading("instantaneousCurrentRPhase", 5.2, "AMP")
            assert meter["instantaneousCurrentTPhase"].quality == "bad", "this phase is not measured"
            fixed = meter["normalDirectionCumulativeElectricEnergyAtEvery30Min"]
            assert (fixed.value, fixed.at) == (24_680, 1_767_225_600_000_000), (
                "nine o'clock in Japan is midnight of UTC"
            )
            assert battery["instantaneousChargingAndDischargingElectricPower"].value == -700
            assert (battery["remainingCapacity3"].value, battery["remainingCapacity3"].unit) == (55, "P1")
            assert battery["acCumulativeChargingElectricEnergy"].value == 1_234.567
            assert battery["operationMode"].value == "auto"
            assert battery["minimumAndMaximumChargingElectricPowerMaxValue"].value == 3_000
            assert values(asked, "0279-1")["instantaneousElectricPowerGeneration"].value == 2_345
            assert values(asked, "0279-1")["cumulativeElectricEnergyOfGeneration"].value == 7_654.321
            assert values(asked, "027E-1")["chargeDischargeStatus"].value == "chargeableDischargeable"
            assert values(asked, "027C-1")["instantaneousElectricPowerOfGeneration"].value == 500
            air = values(asked, "0130-1")
            assert (air["operationMode"].value, air["targetTemperature"].value) == ("cooling", 26)
            assert (air["roomTemperature"].quality, air["outdoorTemperature"].value) == ("bad", -5)
            assert values(asked, "0007-1")["detection"].value is True

    asyncio.run(scenario())


def test_what_a_device_announces_comes_at_once_and_tells_what_flowed(peer: Peer, tmp_path: Path) -> None:
    async def scenario() -> None:
        slow = {**LINK, "poll": {"every_s": 600}}
        async with asking("echonet", tmp_path, slow, {}, HOUSE) as asked:
            await asked.until(lambda: len(said(asked)) == 7)
            await asyncio.to_thread(peer.tell, inf=[PRESENCE, "b1", [0x42]])
            await asked.until(lambda: values(asked, "0007-1")["detection"].value is False)
            half_past = [*moment(2026, 1, 1, 9, 30, 0), *number(123_457)]
            await asyncio.to_thread(peer.tell, inf=[METER, "ea", half_past])
            await asked.until(lambda: "halfHourImport" in values(asked, "0288-1"))
            told = said(asked)["0288-1"][-1]
            assert told.readings == (
                Reading("halfHourStart", "2026-01-01T00:00:00Z"),
                Reading("halfHourImport", 11.4, "KWH", 1_767_227_400_000_000),
            ), "57 by the coefficient 2 and the unit 0.1"
            assert told.at == 1_767_227_400_000_000
            assert told.facts == {"slot": "20260101T0000Z"}

    asyncio.run(scenario())


def test_an_announcement_that_wants_it_is_acknowledged_when_it_is_kept(peer: Peer, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with asking("echonet", tmp_path, LINK, {}, HOUSE) as asked:
            await asked.until(lambda: "027D-1" in said(asked))
            before = len(peer.said("acknowledged"))
            await asyncio.to_thread(peer.tell, infc=[BATTERY, "cf", [0x43], HERE])
            await asked.until(lambda: len(peer.said("acknowledged")) > before)
            seoj, deoj, _, details = peer.said("acknowledged")[-1]
            assert (seoj, deoj, details) == ("05ff01", BATTERY, {"cf": ""})
            assert values(asked, "027D-1")["actualOperationMode"].value in ("discharging", "charging")

    asyncio.run(scenario())


def test_the_half_hours_of_past_days_are_asked_for(peer: Peer, tmp_path: Path) -> None:
    none = 0xFFFFFFFE
    today = [1_000, 1_003, *[none] * 46]
    yesterday = [*[none] * 46, 990, 995]
    peer.tell(days={METER: {"e2": {"0": today, "1": yesterday}, "e4": {"0": [7, 7, *[none] * 46], "1": [none] * 48}}})

    async def scenario() -> None:
        async with asking("echonet", tmp_path, {**LINK, "history_days": 2}, {}, HOUSE) as asked:
            await asked.until(lambda: len([one for one in said(asked).get("0288-1", ()) if one.facts]) == 3)
            slots = {
                readings.facts["slot"]: {one.quantity: one.value for one in readings.readings[1:]}
                for readings in said(asked)["0288-1"]
                if readings.facts
            }
            assert slots == {
                "20251231T1500Z": {"halfHourImport": 0.6, "halfHourExport": 0},
                "20251231T1430Z": {"halfHourImport": 1},
                "20251231T1400Z": {"halfHourImport": 1},
            }, "the last half hour of yesterday ends with the first counter of today"

    asyncio.run(scenario())


def test_what_is_set_is_read_back(peer: Peer, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with asking("echonet", tmp_path, LINK, {}, HOUSE) as asked:
            await asked.until(lambda: "0130-1" in said(asked))
            assert await order(asked, "027D-1", "operationMode", "discharging") == Delivered("OK", "discharging")
            assert await order(asked, "027D-1", "chargingPower", 1.5, "KWT") == Delivered("OK", 1_500)
            assert await order(asked, "", "EB", 1_000) == Delivered("OK", 1_000), "one object alone has this property"
            assert await order(asked, "", "027E/operationMode", "standby") == Delivered("OK", "standby")
            assert await order(asked, "0130-1", "targetTemperature", 24, set="SET_I") == Delivered("OK", 24)
            assert [one[1] for one in peer.said("told")[-5:]] == ["61", "61", "61", "61", "60"]
            await asked.until(lambda: values(asked, "027D-1")["operationMode"].value == "discharging")

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        (("027D-1", "operationMode", "flying"), "operationMode: one of auto, capacityRecalculation, charging, "),
        (("027D-1", "acChargeUpperLimit", 101), "acChargeUpperLimit: from 0 to 100 P1 would do"),
        (("027D-1", "remainingCapacity1", 1), "027D-1 does not let remainingCapacity1 be set"),
        (("0279-1", "operationMode", "charging"), "0279-1 has no property 'operationMode'"),
        (("", "operationStatus", True), "2 objects have operationStatus: say which one, as the part"),
        (("027D-9", "operationMode", "charging"), "027D-9 has no property 'operationMode'"),
    ],
)
def test_what_cannot_be_set_is_never_sent(peer: Peer, tmp_path: Path, wanted: tuple[str, str, Any], why: str) -> None:
    async def scenario() -> None:
        async with asking("echonet", tmp_path, LINK, {}, HOUSE) as asked:
            await asked.until(lambda: "0007-1" in said(asked))
            before = len(peer.said("told"))
            refused = await order(asked, *wanted)
            assert refused.status == "ERROR"
            assert str(refused.result).startswith(why)
            assert len(peer.said("told")) == before

    asyncio.run(scenario())


def test_a_device_that_refuses_or_does_otherwise_is_told_of(peer: Peer, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with asking("echonet", tmp_path, LINK, {}, HOUSE) as asked:
            await asked.until(lambda: "0130-1" in said(asked))
            await asyncio.to_thread(peer.tell, stubborn=[BATTERY, "da"])
            refused = await order(asked, "027D-1", "operationMode", "standby")
            await asyncio.to_thread(peer.tell, stubborn=None)
            assert refused == Delivered("ERROR", "027D-1 says 'auto' afterwards")
            await asyncio.to_thread(peer.tell, refusing=[BATTERY, "da"])
            refused = await order(asked, "027D-1", "operationMode", "standby")
            await asyncio.to_thread(peer.tell, refusing=None)
            assert refused == Delivered("ERROR", "027D-1 refused operationMode = standby")

    asyncio.run(scenario())


def test_a_device_that_goes_away_is_asked_again_and_gets_no_command_meanwhile(peer: Peer, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with asking("echonet", tmp_path, {**LINK, "timeout_s": 0.5}, {}, HOUSE) as asked:
            await asked.until(lambda: POWER in values(asked, "0288-1"))
            await asyncio.to_thread(peer.tell, quiet=True)
            with pytest.raises(NotReached):
                await order(asked, "027D-1", "operationMode", "standby")
            await asyncio.sleep(1)
            seen = len(asked.frames)
            await asyncio.to_thread(peer.tell, quiet=False)
            await asked.until(lambda: len(asked.frames) > seen)

    asyncio.run(scenario())


def test_who_is_not_provisioned_is_a_stranger(peer: Peer, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with asking("echonet", tmp_path, LINK, {}) as asked:
            await asked.until(
                lambda: [frame for frame in asked.frames if frame.channel == "0007-1"],
                lambda: peer.tell(inf=[PRESENCE, "b1", [0x41]]),
            )
            assert {frame.device for frame in asked.frames} == {THERE}
            asked.registry.devices.append(Device("presence", "asked", address=THERE, options={"objects": ["0007-1"]}))
            await asked.until(lambda: [frame for frame in asked.frames if frame.device == "presence"])
            assert {frame.channel for frame in asked.frames if frame.device == "presence"} == {"0007-1"}

    asyncio.run(scenario())


def test_a_counter_is_not_taken_before_its_unit_is_known(peer: Peer, tmp_path: Path) -> None:
    peer.tell(deaf=METER)

    async def scenario() -> None:
        async with asking("echonet", tmp_path, {**LINK, "timeout_s": 0.3}, {}, HOUSE) as asked:
            await asked.until(lambda: len(said(asked)) == 6)
            await asyncio.to_thread(peer.tell, inf=[METER, "e0", number(123_456)])
            await asyncio.to_thread(peer.tell, inf=[PRESENCE, "b1", [0x42]])
            await asked.until(lambda: values(asked, "0007-1")["detection"].value is False)
            assert "0288-1" not in said(asked)

    asyncio.run(scenario())


def test_an_object_that_does_not_answer_does_not_hold_up_the_others(peer: Peer, tmp_path: Path) -> None:
    some = Device("h1", "asked", address=THERE, options={"objects": ["0288-1", "0279-1", "0279-7"]})

    async def scenario() -> None:
        async with asking("echonet", tmp_path, {**LINK, "timeout_s": 0.3}, {}, some) as asked:
            await asked.until(lambda: POWER in values(asked, "0288-1"))
            assert set(said(asked)) == {"0288-1"}

    peer.tell(deaf="027901")
    asyncio.run(scenario())


def test_what_is_no_frame_is_handed_on_with_whose_it_was(peer: Peer, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with asking("echonet", tmp_path, LINK, {}, HOUSE) as asked:
            await asked.until(lambda: said(asked))
            await asyncio.to_thread(peer.tell, send=[HERE, "108100010288"])
            await asked.until(
                lambda: [frame for frame in asked.frames if frame.payload == bytes.fromhex("108100010288")]
            )
            assert next(frame for frame in asked.frames if len(frame.payload) == 6).device == "h1"

    asyncio.run(scenario())


def test_others_find_us_as_a_controller(peer: Peer, tmp_path: Path) -> None:
    def met() -> list[dict[str, str]]:
        """What we said of ourselves."""
        return [details for address, _, details in peer.said("met") if address == HERE]

    async def scenario() -> None:
        async with asking("echonet", tmp_path, LINK, {}, HOUSE) as asked:
            await asked.until(met, lambda: peer.tell(search=True))
            assert met()[0]["d6"] == "0105ff01"

    asyncio.run(scenario())
