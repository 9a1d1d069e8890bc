"""What a simulated charging station says in either version of OCPP, and what it understands of what it is asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias, cast

from adapters.simulated.ocpp_unit import Charge, Unit
from broker.model.values import Json

Payload: TypeAlias = dict[str, Json]
Saying: TypeAlias = tuple[str, Payload]
MAKER: Final = "Misono"


@dataclass(frozen=True, slots=True)
class Wish:
    """What the station is asked to do: `Wish("limit", 2, 7000)`; unit 0 is all of them."""

    what: str
    unit: int = 0
    value: Json = None


class Speech(Protocol):
    """One version. `at` is the station's clock as text."""

    protocol: str

    def boot(self, model: str) -> Saying:
        """It is there."""

    def status(self, unit: Unit, at: str) -> Saying:
        """How a unit is."""

    def begins(self, unit: Unit, charge: Charge, token: str, at: str) -> Saying:
        """A transaction begins."""

    def named(self, answer: Mapping[str, Json], charge: Charge) -> None:
        """Take the transaction's number from the answer, where it comes from there."""

    def goes_on(self, unit: Unit, charge: Charge, at: str) -> Saying:
        """What the meter says meanwhile."""

    def ends(self, unit: Unit, charge: Charge, at: str) -> Saying:
        """A transaction ends."""

    def wish(self, action: str, payload: Mapping[str, Json]) -> Wish | None:
        """What a call asks for; None where it is not understood."""


class Speech16:
    """OCPP 1.6J."""

    protocol = "ocpp1.6"

    def boot(self, model: str) -> Saying:
        """As the port says."""
        return "BootNotification", {"chargePointVendor": MAKER, "chargePointModel": model[:20]}

    def status(self, unit: Unit, at: str) -> Saying:
        """As the port says."""
        told: Payload = {"connectorId": unit.number, "errorCode": "NoError", "status": unit.status, "timestamp": at}
        return "StatusNotification", told

    def begins(self, unit: Unit, charge: Charge, token: str, at: str) -> Saying:
        """As the port says."""
        told: Payload = {"connectorId": unit.number, "idTag": token[:20], "meterStart": round(charge.began_wh)}
        return "StartTransaction", {**told, "timestamp": at}

    def named(self, answer: Mapping[str, Json], charge: Charge) -> None:
        """As the port says."""
        charge.name = str(answer.get("transactionId", 0))

    def goes_on(self, unit: Unit, charge: Charge, at: str) -> Saying:
        """As the port says."""
        context = "Sample.Periodic" if charge.events else "Transaction.Begin"
        charge.events += 1
        said = (
            (f"{unit.register_wh:.0f}", "Wh", "Energy.Active.Import.Register"),
            (f"{unit.watts():.0f}", "W", "Power.Active.Import"),
            (f"{charge.soc * 100:.1f}", "Percent", "SoC"),
        )
        values: list[Json] = [
            {"value": value, "unit": code, "measurand": name, "context": context} for value, code, name in said
        ]
        told: Payload = {"connectorId": unit.number, "transactionId": int(charge.name)}
        return "MeterValues", {**told, "meterValue": [{"timestamp": at, "sampledValue": values}]}

    def ends(self, unit: Unit, charge: Charge, at: str) -> Saying:
        """As the port says."""
        told: Payload = {"transactionId": int(charge.name), "meterStop": round(unit.register_wh), "timestamp": at}
        return "StopTransaction", {**told, "reason": "Remote" if charge.remote else "EVDisconnected"}

    def wish(self, action: str, payload: Mapping[str, Json]) -> Wish | None:
        """As the port says."""
        return _understood(_WISHES_16, action, payload)


class Speech201:
    """OCPP 2.0.1."""

    protocol = "ocpp2.0.1"

    def boot(self, model: str) -> Saying:
        """As the port says."""
        return "BootNotification", {"reason": "PowerUp", "chargingStation": {"vendorName": MAKER, "model": model[:20]}}

    def status(self, unit: Unit, at: str) -> Saying:
        """As the port says."""
        status = {"Charging": "Occupied"}.get(unit.status, unit.status)
        told: Payload = {"timestamp": at, "connectorStatus": status, "evseId": unit.number, "connectorId": 1}
        return "StatusNotification", told

    def begins(self, unit: Unit, charge: Charge, token: str, at: str) -> Saying:
        """As the port says."""
        told = self._event(unit, charge, at, ("Started", "RemoteStart" if charge.remote else "Authorized"))
        given: Payload = {"idToken": token[:36], "type": "Central" if charge.remote else "ISO14443"}
        return "TransactionEvent", {**told, "evse": {"id": unit.number, "connectorId": 1}, "idToken": given}

    def named(self, answer: Mapping[str, Json], charge: Charge) -> None:
        """As the port says: the station names its transactions itself."""

    def goes_on(self, unit: Unit, charge: Charge, at: str) -> Saying:
        """As the port says."""
        return "TransactionEvent", self._event(unit, charge, at, ("Updated", "MeterValuePeriodic"))

    def ends(self, unit: Unit, charge: Charge, at: str) -> Saying:
        """As the port says."""
        return "TransactionEvent", self._event(unit, charge, at, ("Ended", "EVDeparted"))

    def wish(self, action: str, payload: Mapping[str, Json]) -> Wish | None:
        """As the port says."""
        return _understood(_WISHES_201, action, payload)

    def _event(self, unit: Unit, charge: Charge, at: str, what: tuple[str, str]) -> Payload:
        context = {"Started": "Transaction.Begin", "Ended": "Transaction.End"}.get(what[0], "Sample.Periodic")
        values: list[Json] = [
            {"value": round(unit.register_wh), "measurand": "Energy.Active.Import.Register", "context": context},
            {"value": round(unit.watts()), "measurand": "Power.Active.Import", "unitOfMeasure": {"unit": "W"},
             "context": context},
            {"value": round(charge.soc * 100, 1), "measurand": "SoC", "unitOfMeasure": {"unit": "Percent"},
             "context": context, "location": "EV"},
        ]  # fmt: skip
        number, charge.events = charge.events, charge.events + 1
        state = "EVConnected" if what[0] == "Ended" else "Charging"
        return {
            "eventType": what[0], "timestamp": at, "triggerReason": what[1], "seqNo": number,
            "transactionInfo": {"transactionId": charge.name, "chargingState": state},
            "meterValue": [{"timestamp": at, "sampledValue": values}],
        }  # fmt: skip


def _understood(wishes: Mapping[str, _Reader], action: str, payload: Mapping[str, Json]) -> Wish | None:
    read = wishes.get(action)
    return None if read is None else read(payload)


def _below(payload: Json, *names: str | int) -> Json:
    """What lies within: `_below({"evse": {"id": 2}}, "evse", "id")` is 2; None where nothing does."""
    for name in names:
        if isinstance(payload, list) and isinstance(name, int) and name < len(payload):
            payload = payload[name]
        elif isinstance(payload, dict) and isinstance(name, str):
            payload = payload.get(name)
        else:
            return None
    return payload


def _unit(value: Json) -> int:
    return value if isinstance(value, int) else 0


def _limit(payload: Mapping[str, Json], unit: str, *profile: str | int) -> Wish:
    schedule = _below(cast("Json", payload), *profile, "chargingSchedule")
    schedule = schedule[0] if isinstance(schedule, list) else schedule
    value = _below(schedule, "chargingSchedulePeriod", 0, "limit")
    volts = (
        1
        if _below(schedule, "chargingRateUnit") == "W"
        else _VOLTS * int(cast("float", _below(schedule, "chargingSchedulePeriod", 0, "numberPhases") or 1))
    )
    return Wish("limit", _unit(payload.get(unit)), value * volts if isinstance(value, int | float) else None)


_Reader: TypeAlias = Callable[[Mapping[str, Json]], Wish]
_VOLTS: Final = 200
_WISHES_16: Final[Mapping[str, _Reader]] = {
    "RemoteStartTransaction": lambda one: Wish("start", _unit(one.get("connectorId")), one.get("idTag")),
    "RemoteStopTransaction": lambda one: Wish("stop", 0, str(one.get("transactionId"))),
    "SetChargingProfile": lambda one: _limit(one, "connectorId", "csChargingProfiles"),
    "ClearChargingProfile": lambda one: Wish("limit", _unit(one.get("connectorId"))),
    "ChangeAvailability": lambda one: Wish("operative", _unit(one.get("connectorId")), one.get("type") == "Operative"),
    "Reset": lambda _: Wish("reset"),
}
_WISHES_201: Final[Mapping[str, _Reader]] = {
    "RequestStartTransaction": lambda one: Wish(
        "start", _unit(one.get("evseId")), _below(one.get("idToken"), "idToken")
    ),
    "RequestStopTransaction": lambda one: Wish("stop", 0, one.get("transactionId")),
    "SetChargingProfile": lambda one: _limit(one, "evseId", "chargingProfile"),
    "ClearChargingProfile": lambda one: Wish("limit", _unit(_below(one.get("chargingProfileCriteria"), "evseId"))),
    "ChangeAvailability": lambda one: Wish(
        "operative", _unit(_below(one.get("evse"), "id")), one.get("operationalStatus") == "Operative"
    ),
    "Reset": lambda _: Wish("reset"),
}
SPEECHES: Final[Mapping[str, Speech]] = {"1.6": Speech16(), "2.0.1": Speech201()}
SAID: Final[Sequence[str]] = tuple(SPEECHES)
