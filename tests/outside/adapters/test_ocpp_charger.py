"""The central system against npm `ocpp-rpc` in strict mode: what either side says is held to the standard's schemas."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from adapters.readings import Reading
from tests.fakes.charging import CentralSystem, central_system
from tests.fakes.node_peer import Peer, node_peer
from tests.outside.adapters.charging_sessions import TAG, Charger, session_16, session_201

SCRIPT = Path(__file__).with_name("ocpp_charger.cjs")
TOKENS = {"known": [{"token": TAG, "vehicle": "bus-1"}]}


def run(
    folder: Path, version: str, scenario: Callable[[CentralSystem, Charger], Coroutine[Any, Any, None]], **settings: Any
) -> None:
    async def whole(peer: Peer) -> None:
        async with central_system(folder, tokens=TOKENS, **settings) as system:
            await scenario(system, Charger(peer, system.url, version))

    with node_peer(SCRIPT) as peer:
        asyncio.run(whole(peer))


def test_a_session_of_1_6_in_strict_mode(tmp_path: Path) -> None:
    async def scenario(system: CentralSystem, charger: Charger) -> None:
        await session_16(charger)
        meter, stopped = system.readings(-3), system.readings(-2)
        assert [one.part for one in meter] == ["1", "session"]
        by_name = {one.quantity: one for one in meter[0].readings}
        assert by_name["Current.Import@L1"] == Reading("Current.Import@L1", 71.5, "AMP", by_name["Voltage@L1-N"].at)
        assert (by_name["Temperature/Body"].value, by_name["Temperature/Body"].unit) == (38, "CEL")
        session = {one.quantity: one.value for one in meter[1].readings}
        assert (session["energy"], session["peak_power"], session["soc_start"], session["soc"]) == (8250, 49500, 21, 35)
        ended = {one.quantity: one.value for one in stopped[1].readings}
        assert (ended["energy"], ended["peak_power"], ended["soc_start"], ended["soc_end"]) == (13_000, 49500, 21, 62)
        assert (ended["started_at"], ended["ended_at"]) == (
            "2026-01-01T00:00:00.000000Z",
            "2026-01-01T00:20:00.000000Z",
        )
        assert (ended["vehicle"], ended["stopped_because"]) == ("bus-1", "EVDisconnected")
        assert system.part("") == {"free": 1, "of": 2, "status": "Available"}
        assert charger.in_order()

    run(tmp_path, "ocpp1.6", scenario)


def test_a_session_of_2_0_1_in_strict_mode(tmp_path: Path) -> None:
    async def scenario(system: CentralSystem, charger: Charger) -> None:
        await session_201(charger)
        updated, ended, main = system.readings(-3), system.readings(-2), system.readings(-1)
        session = {one.quantity: one.value for one in updated[1].readings}
        assert (session["energy"], session["peak_power"], session["soc"]) == (20_750, 298_500, 55.5)
        assert {one.sequence for one in updated} == {"tx-0001/1"}, "an event told again is known by its number"
        assert updated[0].part == ended[0].part == "1", "only its first event says where a transaction is"
        last = {one.quantity: one.value for one in ended[1].readings}
        assert (last["energy"], last["peak_power"], last["stopped_because"]) == (42_500, 298_500, "EVDisconnected")
        assert [one.part for one in main] == ["0"]
        assert charger.in_order()

    run(tmp_path, "ocpp2.0.1", scenario)


ORDERS: list[tuple[str, Any, str, dict[str, Any], dict[str, Any]]] = [
    ("RemoteStart", True, "RemoteStartTransaction", {"connectorId": 1, "idTag": "MISONO"},
     {"RequestStartTransaction": {"evseId": 1, "idToken": {"idToken": "MISONO", "type": "Central"}}}),
    ("ChangeAvailability", False, "ChangeAvailability", {"connectorId": 1, "type": "Inoperative"},
     {"ChangeAvailability": {"operationalStatus": "Inoperative", "evse": {"id": 1}}}),
    ("ClearChargingProfile", True, "ClearChargingProfile", {"connectorId": 1},
     {"ClearChargingProfile": {"chargingProfileCriteria": {"evseId": 1}}}),
    ("Reset", "Hard", "Reset", {"type": "Hard"}, {"Reset": {"type": "Immediate"}}),
    ("UnlockConnector", True, "UnlockConnector", {"connectorId": 1},
     {"UnlockConnector": {"evseId": 1, "connectorId": 1}}),
    ("TriggerMessage", "StatusNotification", "TriggerMessage",
     {"requestedMessage": "StatusNotification", "connectorId": 1},
     {"TriggerMessage": {"requestedMessage": "StatusNotification", "evse": {"id": 1}}}),
]  # fmt: skip
REPLIES = {
    "ClearChargingProfile": {"status": "Unknown"},
    "UnlockConnector": {"status": "Unlocked"},
    "RemoteStopTransaction": {"error": "GenericError"},
    "RequestStopTransaction": {"error": "GenericError"},
}


@pytest.mark.parametrize("version", ["ocpp1.6", "ocpp2.0.1"])
def test_commands_are_calls_that_the_standard_knows(tmp_path: Path, version: str) -> None:
    async def scenario(system: CentralSystem, charger: Charger) -> None:
        await charger.connect()
        names = [name for _, _, name_16, _, later in ORDERS for name in (name_16, *later)]
        replies = {name: {"status": "Accepted"} for name in (*names, "SetChargingProfile")} | REPLIES
        await charger.do(replies=replies)
        for name, value, name_16, payload, later in ORDERS:
            delivered = await system.order(name, value, part="1")
            assert delivered.status == ("ERROR" if name == "ClearChargingProfile" else "OK"), (name, delivered)
            action, params = (await charger.asked())[-1]
            wanted = [name_16, payload] if version == "ocpp1.6" else list(next(iter(later.items())))
            params.pop("remoteStartId", None)
            assert [action, params] == wanted
        limited = await system.order("SetChargingProfile", 7.36, part="2", unit="KWT")
        assert limited.status == "OK"
        assert "'limit': 7360" in str((await charger.asked())[-1])
        stopped = await system.order("RemoteStop", "17")
        assert (stopped.status, stopped.result) == ("ERROR", "GenericError not here")
        assert charger.in_order()

    run(tmp_path, version, scenario)


@pytest.mark.parametrize("version", ["ocpp1.6", "ocpp2.0.1"])
def test_a_limit_holds_for_what_charges_now_too(tmp_path: Path, version: str) -> None:
    async def scenario(system: CentralSystem, charger: Charger) -> None:
        await charger.connect()
        await charger.do(replies={"SetChargingProfile": {"status": "Accepted"}})
        if version == "ocpp1.6":
            started = await charger.call(
                "StartTransaction", connectorId=1, idTag=TAG, meterStart=0, timestamp="2026-01-01T00:00:00Z"
            )
            transaction: Any = started["transactionId"]
        else:
            transaction = "tx-9"
            await charger.call("TransactionEvent", eventType="Started", timestamp="2026-01-01T00:00:00Z", seqNo=0,
                               triggerReason="Authorized", evse={"id": 1},
                               transactionInfo={"transactionId": "tx-9"})  # fmt: skip
        assert (
            await system.order("SetChargingProfile", {"limit": 16, "phases": 3, "for_s": 600}, part="1", unit="AMP")
        ).status == "OK"
        assert (await system.order("SetChargingProfile", 100_000)).status == "OK"
        member = "csChargingProfiles" if version == "ocpp1.6" else "chargingProfile"
        profiles = [params[member] for _, params in await charger.asked()]
        whole = "ChargePointMaxProfile" if version == "ocpp1.6" else "ChargingStationMaxProfile"
        assert [one["chargingProfilePurpose"] for one in profiles] == ["TxDefaultProfile", "TxProfile", whole]
        assert profiles[1]["transactionId"] == transaction
        schedule = profiles[0]["chargingSchedule"] if version == "ocpp1.6" else profiles[0]["chargingSchedule"][0]
        assert schedule["duration"] == 600
        assert schedule["chargingSchedulePeriod"] == [{"startPeriod": 0, "limit": 16, "numberPhases": 3}]
        assert charger.in_order()

    run(tmp_path, version, scenario)


def test_a_wrong_password_is_refused_and_an_unknown_station(tmp_path: Path) -> None:
    async def scenario(_system: CentralSystem, charger: Charger) -> None:
        assert (await charger.connect(password="wrong"))["failed"]["code"] == 401  # noqa: S106 - that it is wrong is the point
        assert (await charger.connect("stranger"))["failed"]["code"] == 404

    run(tmp_path, "ocpp1.6", scenario)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tls")
    words = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
             "-subj", "/CN=central", "-addext", "subjectAltName=IP:127.0.0.1",
             "-keyout", str(folder / "key.pem"), "-out", str(folder / "crt.pem")]  # fmt: skip
    subprocess.run(["openssl", *words], check=True, capture_output=True)
    return folder


def test_profile_2_asks_for_tls_and_the_password(tmp_path: Path, certificate: Path) -> None:
    async def scenario(system: CentralSystem, charger: Charger) -> None:
        crt = str(certificate / "crt.pem")
        assert (await charger.connect(password="wrong", ca=crt))["failed"]["code"] == 401  # noqa: S106 - as above
        assert "failed" in await charger.connect(), "a station that trusts nobody does not give its password away"
        assert (await charger.connect(ca=crt))["connected"] == "ocpp1.6"
        assert "currentTime" in await charger.call("Heartbeat")
        charger._url = system.url.replace("wss:", "ws:")
        assert "failed" in await charger.connect()

    files = {"certificate": str(certificate / "crt.pem"), "private_key": str(certificate / "key.pem")}
    run(tmp_path, "ocpp1.6", scenario, security=2, **files)
