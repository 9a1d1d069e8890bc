"""A charging station of npm `ocpp-rpc`, and whole sessions of either version as it tells them."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.fakes.charging import KEY, V16, V201
from tests.fakes.node_peer import Peer

TAG = "04A1B2C3D4E5"
BEGIN, MIDDLE, END = "2026-01-01T00:00:00Z", "2026-01-01T00:10:00Z", "2026-01-01T00:20:00Z"


class Charger:
    """The station in its own process; a step of it does not hold up the central system in this one."""

    def __init__(self, peer: Peer, url: str, version: str) -> None:
        self._peer = peer
        self._url = url
        self._version = version

    async def do(self, **what: Any) -> dict[str, Any]:
        """A step, and what it came to."""
        await asyncio.to_thread(self._peer.tell, **what)
        return next(one for one in reversed(self._peer.heard) if "done" in one)

    async def connect(self, name: str = "c1", password: str | None = KEY, ca: str = "") -> dict[str, Any]:
        """Come to the door."""
        to = {"endpoint": self._url.rstrip("/"), "identity": name, "password": password, "protocols": [self._version]}
        return await self.do(connect={**to, "ca": ca} if ca else to)

    async def call(self, action: str, **payload: Any) -> dict[str, Any]:
        """Call the central system."""
        came = await self.do(call=[action, payload])
        assert "answer" in came, came
        answer: dict[str, Any] = came["answer"]
        return answer

    async def asked(self) -> list[Any]:
        """What it was asked so far; it says so before it says that an empty step is done."""
        await self.do()
        return self._peer.said("asked")

    def in_order(self) -> bool:
        """Nothing that either side said broke a schema."""
        return not self._peer.said("violated")


async def session_16(charger: Charger) -> None:
    """A charger with two connectors boots, and charges a vehicle at one of them."""
    assert (await charger.connect())["connected"] == V16
    about = {"chargePointVendor": "ocpp-rpc", "chargePointModel": "Two", "firmwareVersion": "1.4"}
    assert (await charger.call("BootNotification", **about))["status"] == "Accepted"
    await charger.call("Heartbeat")
    for connector in (0, 1, 2):
        told = {"connectorId": connector, "errorCode": "NoError", "status": "Available", "timestamp": BEGIN}
        await charger.call("StatusNotification", **told)
    assert await charger.call("Authorize", idTag=TAG) == {"idTagInfo": {"status": "Accepted"}}
    begun = await charger.call("StartTransaction", connectorId=1, idTag=TAG, meterStart=1_000,
                               timestamp="2026-01-01T09:00:00+09:00")  # fmt: skip
    number = begun["transactionId"]
    await charger.call("MeterValues", connectorId=1, transactionId=number, meterValue=METERED_16)
    await charger.call("StopTransaction", transactionId=number, meterStop=14_000, timestamp=END, idTag=TAG,
                       reason="EVDisconnected", transactionData=ENDED_16)  # fmt: skip
    fault = {"connectorId": 2, "errorCode": "GroundFailure", "status": "Faulted", "info": "leak", "timestamp": END}
    await charger.call("StatusNotification", **fault)


METERED_16 = [
    {"timestamp": BEGIN, "sampledValue": [
        {"value": "1.0", "unit": "kWh", "context": "Transaction.Begin"},
        {"value": "21", "measurand": "SoC", "unit": "Percent", "context": "Transaction.Begin", "location": "EV"}]},
    {"timestamp": MIDDLE, "sampledValue": [
        {"value": "9.25", "unit": "kWh", "measurand": "Energy.Active.Import.Register"},
        {"value": "49500", "unit": "W", "measurand": "Power.Active.Import"},
        {"value": "71.5", "unit": "A", "measurand": "Current.Import", "phase": "L1"},
        {"value": "228.9", "unit": "V", "measurand": "Voltage", "phase": "L1-N"},
        {"value": "38", "unit": "Celsius", "measurand": "Temperature", "location": "Body"},
        {"value": "35", "measurand": "SoC", "unit": "Percent"}]},
]  # fmt: skip
ENDED_16 = [
    {"timestamp": END, "sampledValue": [
        {"value": "14000", "context": "Transaction.End"},
        {"value": "62", "measurand": "SoC", "unit": "Percent", "context": "Transaction.End"}]},
]  # fmt: skip


async def session_201(charger: Charger) -> None:
    """A pantograph charger boots, and charges a bus."""
    assert (await charger.connect())["connected"] == V201
    station = {"model": "Pantograph", "vendorName": "ocpp-rpc", "firmwareVersion": "2.0"}
    assert (await charger.call("BootNotification", reason="PowerUp", chargingStation=station))["status"] == "Accepted"
    await charger.call("Heartbeat")
    told = {"timestamp": BEGIN, "connectorStatus": "Available", "evseId": 1, "connectorId": 1}
    await charger.call("StatusNotification", **told)
    await charger.call("SecurityEventNotification", type="StartupOfTheDevice", timestamp=BEGIN)
    token = {"idToken": {"idToken": TAG, "type": "ISO14443"}, "evse": {"id": 1, "connectorId": 1}}
    started = event(0, "Started", "Authorized", BEGIN, register(120.5, "Transaction.Begin"))
    assert await charger.call("TransactionEvent", **started, **token) == {"idTokenInfo": {"status": "Accepted"}}
    powers = [{"value": 99.5, "measurand": "Power.Active.Import", "phase": phase, "unitOfMeasure": {"unit": "kW"}}
              for phase in ("L1", "L2", "L3")]  # fmt: skip
    soc = {"value": 55.5, "measurand": "SoC", "unitOfMeasure": {"unit": "Percent"}, "location": "EV"}
    meter = (register(141.25, "Sample.Periodic"), *powers, soc)
    assert await charger.call("TransactionEvent", **event(1, "Updated", "MeterValuePeriodic", MIDDLE, *meter)) == {}
    ended = event(2, "Ended", "EVDeparted", END, register(163, "Transaction.End"))
    ended["transactionInfo"] |= {"stoppedReason": "EVDisconnected", "chargingState": "Idle"}
    await charger.call("TransactionEvent", **ended)
    volts = {"value": 400.2, "measurand": "Voltage", "phase": "L1-L2"}
    await charger.call("MeterValues", evseId=0, meterValue=[{"timestamp": END, "sampledValue": [volts]}])


def register(kwh: float, context: str) -> dict[str, Any]:
    """A register in thousands of watt hours."""
    unit = {"unit": "Wh", "multiplier": 3}
    return {"value": kwh, "context": context, "measurand": "Energy.Active.Import.Register", "unitOfMeasure": unit}


def event(number: int, kind: str, why: str, at: str, *samples: dict[str, Any]) -> dict[str, Any]:
    """A TransactionEvent of the transaction tx-0001."""
    info = {"transactionId": "tx-0001", "chargingState": "Charging"}
    return {"eventType": kind, "timestamp": at, "seqNo": number, "triggerReason": why, "transactionInfo": info,
            "meterValue": [{"timestamp": at, "sampledValue": list(samples)}]}  # fmt: skip
