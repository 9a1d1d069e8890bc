"""Charging stations at the central system's door, their transactions, and what is made of what cannot be."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from adapters.frame import BadFrame
from adapters.order import NotReached
from broker.model.values import to_text
from tests.fakes.charging import (
    KEY,
    NOW,
    V16,
    V201,
    CentralSystem,
    HandStation,
    basic,
    central_system,
    run,
    start,
    station,
)
from tests.outside.served import free_port

KNOWN = {"known": [{"token": "04A1B2C3D4E5", "vehicle": "bus-1"}]}


async def refused(system: CentralSystem, name: str, headers: dict[str, str]) -> int:
    with pytest.raises(InvalidStatus) as denied:
        async with connect(system.url + name, subprotocols=[V16], additional_headers=headers):  # type: ignore[list-item]
            pass
    return denied.value.response.status_code


def reason(system: CentralSystem, place: int = -1) -> str:
    with pytest.raises(BadFrame) as bad:
        system.readings(place)
    return bad.value.reason


def test_only_registered_stations_with_their_password_come_in(tmp_path: Path) -> None:
    async def scenario(system: CentralSystem) -> None:
        assert await refused(system, "c1", {}) == 401
        assert await refused(system, "c1", basic("c1", "wrong")) == 401
        assert await refused(system, "c1", basic("c2", KEY)) == 401
        assert await refused(system, "c1", {"Authorization": "Basic !!!"}) == 401
        assert await refused(system, "c2", {}) == 401, "profile 1 wants a password, also where none is registered"
        assert await refused(system, "stranger", basic("stranger", KEY)) == 404
        assert await refused(system, "%2e%2e/c1", basic("c1", KEY)) == 404
        assert {reason(system, place) for place in range(4)} == {"wrong_key"}
        assert reason(system, 5) == "unknown_device"
        assert all(frame.key == "" and KEY not in str(frame) for frame in system.frames)
        async with station(system) as charger:
            assert (await charger.call("Heartbeat", {}))["currentTime"] == NOW

    run(tmp_path, scenario)


def test_refused_handshakes_do_not_flood_the_quarantine(tmp_path: Path) -> None:
    async def scenario(system: CentralSystem) -> None:
        for _ in range(40):
            assert await refused(system, "stranger", {}) == 404
        assert len(system.frames) == 30
        system.clock.advance(61)
        await refused(system, "stranger", {})
        assert len(system.frames) == 31

    run(tmp_path, scenario)


def test_a_password_of_any_bytes_is_registered_hexadecimal(tmp_path: Path) -> None:
    async def scenario(system: CentralSystem) -> None:
        system.register("c1", c3="FF00FE")
        assert await refused(system, "c3", basic("c3", b"\xff\x00\xff")) == 401
        async with station(system, "c3", password=b"\xff\x00\xfe") as charger:
            assert "currentTime" in await charger.call("Heartbeat", {})

    run(tmp_path, scenario)


def test_without_security_a_station_with_a_password_still_shows_it(tmp_path: Path) -> None:
    async def scenario(system: CentralSystem) -> None:
        assert await refused(system, "c1", {}) == 401
        async with station(system, "c2", password=None) as charger:
            assert "currentTime" in await charger.call("Heartbeat", {})

    run(tmp_path, scenario, security=0)


def test_a_browser_s_page_cannot_be_a_station(tmp_path: Path) -> None:
    async def scenario(system: CentralSystem) -> None:
        with pytest.raises(InvalidStatus) as denied:
            async with station(system, origin="https://evil.example"):
                pass
        assert denied.value.response.status_code == 403

    run(tmp_path, scenario)


def test_a_version_that_nobody_speaks_here_ends_the_connection(tmp_path: Path) -> None:
    async def scenario(system: CentralSystem) -> None:
        async with connect(system.url + "c1", additional_headers=basic("c1", KEY)) as socket:
            with pytest.raises(ConnectionClosed):
                await socket.recv()
            assert socket.close_code == 1002
        async with connect(
            system.url + "c1",
            subprotocols=["ocpp1.5", V16, V201],  # type: ignore[list-item]
            additional_headers=basic("c1", KEY),
        ) as socket:
            assert socket.subprotocol == V201, "the newest that both speak"

    run(tmp_path, scenario)


def test_a_station_that_connects_anew_takes_the_place_of_its_old_connection(tmp_path: Path) -> None:
    async def scenario(system: CentralSystem) -> None:
        async with station(system) as old, station(system) as new:
            with pytest.raises(ConnectionClosed):
                await old.hear()
            assert "currentTime" in await new.call("Heartbeat", {})
            asking = asyncio.create_task(system.order("Reset", "Soft"))
            asked = await new.hear()
            assert asked[2:] == ["Reset", {"type": "Soft"}]
            await new.say([3, asked[1], {"status": "Accepted"}])
            assert (await asking).status == "OK"
        await system.until(lambda: not system.link._stations)
        with pytest.raises(NotReached):
            await system.order("Reset", "Soft")

    run(tmp_path, scenario)


def test_a_transaction_keeps_its_number_however_often_it_is_told_and_over_restarts(tmp_path: Path) -> None:
    port, numbers = free_port(), []

    async def first(system: CentralSystem) -> None:
        async with station(system) as charger:
            begun = await charger.call("StartTransaction", start())
            again = await charger.call("StartTransaction", start())
            other = await charger.call("StartTransaction", start(connector=2))
            assert begun == again
            assert begun["idTagInfo"] == {"status": "Accepted"}
            assert other["transactionId"] != begun["transactionId"]
            numbers.extend([begun["transactionId"], other["transactionId"]])
            assert system.readings(0) == system.readings(1), "so that the pipeline knows it again"
            sample = {"value": "5000", "measurand": "Power.Active.Import"}
            metered = {"connectorId": 1, "transactionId": numbers[0]}
            told = [{"timestamp": NOW, "sampledValue": [sample]}]
            assert await charger.call("MeterValues", {**metered, "meterValue": told}) == {}

    async def second(system: CentralSystem) -> None:
        async with station(system) as charger:
            assert (await charger.call("StartTransaction", start()))["transactionId"] == numbers[0]
            ended = {"transactionId": numbers[0], "meterStop": 8500, "timestamp": NOW, "idTag": "04A1B2C3D4E5"}
            assert await charger.call("StopTransaction", ended) == {"idTagInfo": {"status": "Accepted"}}
            assert system.part("session")["energy"] == 7500
            assert system.part("session")["peak_power"] == 5000
            assert system.part("session")["vehicle"] == "bus-1"
            assert system.part("1")["session_energy"] == 7500
            assert (await charger.call("StartTransaction", start()))["transactionId"] not in numbers, "a new one"

    run(tmp_path, first, port=port, tokens=KNOWN)
    run(tmp_path, second, port=port, tokens=KNOWN)


def test_who_may_charge_is_who_is_known(tmp_path: Path) -> None:
    async def scenario(system: CentralSystem) -> None:
        async with station(system) as charger:
            for token, status in (("04a1b2c3d4e5", "Accepted"), ("OTHER", "Invalid"), ("MISONO", "Accepted")):
                assert await charger.call("Authorize", {"idTag": token}) == {"idTagInfo": {"status": status}}
            told = await charger.call("StartTransaction", start(tag="OTHER"))
            assert told["idTagInfo"] == {"status": "Invalid"}, "the station ends it; its number it gets all the same"
            assert told["transactionId"] > 0

    run(tmp_path, scenario, tokens=KNOWN)


def test_tokens_of_people_do_not_leave_the_link(tmp_path: Path) -> None:
    async def scenario(system: CentralSystem) -> None:
        async with station(system) as charger:
            await charger.call("StartTransaction", start())
            await charger.call("StartTransaction", start() | {"meterStart": "x"})
        async with station(system, version=V201) as charger:
            event = {"eventType": "Started", "timestamp": NOW, "triggerReason": "Authorized", "seqNo": 0,
                     "transactionInfo": {"transactionId": "t1"}, "evse": {"id": 1},
                     "idToken": {"idToken": "04A1B2C3D4E5", "type": "ISO14443",
                                 "additionalInfo": [{"additionalIdToken": "04A1B2C3D4E5", "type": "x"}]}}  # fmt: skip
            assert await charger.call("TransactionEvent", event) == {"idTokenInfo": {"status": "Accepted"}}
        assert len(system.frames) == 3
        assert all(b"04A1B2C3D4E5" not in frame.payload and b"****D4E5" in frame.payload for frame in system.frames)

    run(tmp_path, scenario, tokens=KNOWN)


def test_nothing_is_answered_before_it_is_kept(tmp_path: Path) -> None:
    async def scenario(system: CentralSystem) -> None:
        system.hold = asyncio.Event()
        async with station(system) as charger:
            asking = asyncio.create_task(charger.call("StartTransaction", start()))
            await asyncio.sleep(0.2)
            assert not asking.done()
            system.hold.set()
            assert (await asking)["transactionId"] == 1

    run(tmp_path, scenario)


BAD: dict[str, tuple[Any, str]] = {
    "no JSON": ("hello", "not_json"),
    "cut off": ('[2,"1","Heartbeat",{', "truncated"),
    "no message": ({"a": 1}, "wrong_type"),
    "another kind": ([9, "1", "Heartbeat", {}], "wrong_type"),
    "a name as a path": ([2, "1", "../../etc/passwd", {}], "wrong_type"),
    "a long id": ([2, "1" * 200, "Heartbeat", {}], "wrong_type"),
    "twice the same member": ('[2,"1","Heartbeat",{"a":1,"a":2}]', "not_json"),
    "deep": ("[" * 5000, "not_json"),
    "an answer to nothing": ([3, "77", {}], "wrong_type"),
    "no payload": ([2, "1", "StartTransaction", {}], "wrong_type"),
    "a wrong type": ([2, "1", "StartTransaction", {**start(), "meterStart": "many"}], "wrong_type"),
    "one member too many": ([2, "1", "Heartbeat", {"a": 1}], "wrong_type"),
    "a number beyond all": ([2, "1", "StartTransaction", {**start(), "meterStart": 10**40}], "wrong_type"),
    "a number of 64 bits": ([2, "1", "StartTransaction", {**start(), "meterStart": 2**63}], "wrong_type"),
    "a time that is none": ([2, "1", "StartTransaction", start(at="yesterday")], "wrong_type"),
    "a time long ago": ([2, "1", "StartTransaction", start(at="0001-01-01T00:00:00Z")], "clock"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_goes_to_the_quarantine_and_the_connection_lives(tmp_path: Path, case: str) -> None:
    async def scenario(system: CentralSystem) -> None:
        async with station(system) as charger:
            message, why = BAD[case]
            await charger.say(message)
            await system.until(lambda: system.frames)
            assert reason(system) == why
            await charger.say([2, "last", "Heartbeat", {}])
            while (await charger.hear())[1] != "last":
                pass

    run(tmp_path, scenario)


def test_a_message_beyond_all_measure_ends_the_connection_and_is_counted(tmp_path: Path) -> None:
    async def scenario(system: CentralSystem) -> None:
        async with station(system) as charger:
            await charger.say([2, "1", "DataTransfer", {"vendorId": "v", "data": "x" * 20_000}])
            with pytest.raises(ConnectionClosed):
                await charger.hear()
        await system.until(lambda: system.frames)
        assert reason(system) == "oversized"

    run(tmp_path, scenario, message_bytes=10_000)


@pytest.mark.parametrize(("version", "codes"), [(V16, 0), (V201, 1)])
def test_what_is_refused_is_refused_in_the_words_of_the_version(tmp_path: Path, version: str, codes: int) -> None:
    async def refusal(charger: HandStation, action: str, payload: Any) -> str:
        return str((await charger.call(action, payload))[0])

    async def scenario(system: CentralSystem) -> None:
        async with station(system, version=version) as charger:
            assert await refusal(charger, "Nonsense", {}) == "NotImplemented"
            assert await refusal(charger, "Reset", {"type": "Soft"}) == "NotSupported"
            missing = ("OccurenceConstraintViolation", "OccurrenceConstraintViolation")[codes]
            assert await refusal(charger, "BootNotification", {}) == missing
            assert await refusal(charger, "DataTransfer", {"vendorId": 1}) == "TypeConstraintViolation"
            if version == V201:
                await charger.say("nonsense")
                assert (await charger.hear())[:3] == [4, "-1", "RpcFramework"]

    run(tmp_path, scenario)


def test_the_station_as_a_whole_is_told_with_each_status(tmp_path: Path) -> None:
    async def scenario(system: CentralSystem) -> None:
        async with station(system) as charger:

            async def status(connector: int, status: str) -> dict[str, Any]:
                told = {"connectorId": connector, "errorCode": "NoError", "status": status, "timestamp": NOW}
                assert await charger.call("StatusNotification", told) == {}
                return system.part("")

            await status(0, "Available")
            assert await status(1, "Available") == {"free": 1, "of": 1, "status": "Available"}
            assert await status(2, "Charging") == {"free": 1, "of": 2, "status": "Available"}
            assert await status(1, "Preparing") == {"free": 0, "of": 2, "status": "Occupied"}
            assert await status(0, "Faulted") == {"free": 0, "of": 2, "status": "Faulted"}
            await status(1, "Faulted")
            await status(2, "Faulted")
            assert (await status(0, "Available"))["status"] == "Faulted"

    run(tmp_path, scenario)


UPGRADE = (
    "GET /ocpp/c1 HTTP/1.1\r\nHost: hub\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: ocpp1.6\r\n"
    f"Authorization: {basic('c1', KEY)['Authorization']}\r\n\r\n"
)


def test_the_end_waits_neither_for_a_full_queue_nor_for_a_silent_station(tmp_path: Path) -> None:
    async def whole() -> None:
        async with central_system(tmp_path, security=0) as system:
            system.hold = asyncio.Event()
            reader, writer = await asyncio.open_connection("127.0.0.1", int(system.url.split(":")[2].partition("/")[0]))
            writer.write(UPGRADE.encode())
            assert b"101 Switching" in await reader.readuntil(b"\r\n\r\n")
            waiting = HandStation(await connect(system.url + "c2", subprotocols=[V16]))  # type: ignore[list-item]
            await waiting.say([2, "1", "Heartbeat", {}])
            await asyncio.sleep(0.1)
            ends_at = asyncio.get_running_loop().time() + 6
        assert asyncio.get_running_loop().time() < ends_at
        writer.close()
        await waiting.socket.close()

    asyncio.run(whole())


@pytest.mark.parametrize("number", [0, -1])
def test_a_transaction_that_is_none_is_none(tmp_path: Path, number: int) -> None:
    async def scenario(system: CentralSystem) -> None:
        async with station(system) as charger:
            told = [{"timestamp": NOW, "sampledValue": [{"value": "7"}]}]
            metered = {"connectorId": 1, "transactionId": number, "meterValue": told}
            assert await charger.call("MeterValues", metered) == {}
            assert [one.part for one in system.readings()] == ["1"]
            assert (
                await charger.call("StopTransaction", {"transactionId": number, "meterStop": 1, "timestamp": NOW}) == {}
            )
            assert system.readings() == []

    run(tmp_path, scenario)


def test_no_more_stations_come_in_than_there_is_room_for(tmp_path: Path) -> None:
    async def scenario(system: CentralSystem) -> None:
        async with station(system):
            assert await refused(system, "c2", {}) == 503
            async with station(system) as again:
                assert "currentTime" in await again.call("Heartbeat", {}), "it has its place already"

    run(tmp_path, scenario, stations_max=1, security=0)


def test_a_station_that_is_no_longer_registered_is_sent_away(tmp_path: Path) -> None:
    async def scenario(system: CentralSystem) -> None:
        async with station(system) as charger:
            assert "currentTime" in await charger.call("Heartbeat", {})
            system.register("c2")
            with pytest.raises(ConnectionClosed):
                await charger.call("Heartbeat", {})
        assert len(system.frames) == 1

    run(tmp_path, scenario)


def test_the_clock_is_the_hub_s(tmp_path: Path) -> None:
    async def scenario(system: CentralSystem) -> None:
        async with station(system) as charger:
            boot = {"chargePointVendor": "V", "chargePointModel": "M", "firmwareVersion": "1.0"}
            answer = await charger.call("BootNotification", boot)
            assert answer == {"status": "Accepted", "currentTime": NOW, "interval": 60}
            told = {"vendor": "V", "model": "M", "firmware": "1.0", "seen": to_text(system.clock.now())}
            assert system.part("") == told

    run(tmp_path, scenario, heartbeat_s=60)
