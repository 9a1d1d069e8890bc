"""Commands as calls of OCPP: limits never rounded up, the two versions alike, and what cannot be asked."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.device import Device
from adapters.links.ocpp.charging import Transaction
from adapters.links.ocpp.orders import CannotAsk, Request, requests
from adapters.links.ocpp.schemas import check_call
from adapters.order import Order
from tests.fakes.clock import START

V16, V201 = "ocpp1.6", "ocpp2.0.1"
RUNNING = [Transaction("17", "1"), Transaction("18", "2")]


def asked(version: str, name: str, value: Any, part: str = "", unit: str = "") -> list[Request]:
    order = Order("cmd-1", Device("c1", "chargers"), name, value, unit, part=part)
    made = requests(order, version, RUNNING, START)
    for one in made:
        check_call(version, one.action, one.payload)
    return made


def limit(request: Request) -> Any:
    payload: Any = request.payload
    if "chargingProfile" in payload:
        return payload["chargingProfile"]["chargingSchedule"][0]["chargingSchedulePeriod"][0]["limit"]
    return payload["csChargingProfiles"]["chargingSchedule"]["chargingSchedulePeriod"][0]["limit"]


@pytest.mark.parametrize("version", [V16, V201])
@pytest.mark.parametrize(
    ("value", "unit", "sent"),
    [(7000, "WTT", 7000), (7.36, "KWT", 7360), (7.3699, "KWT", 7369.9), (0.29, "AMP", 0.2), (16, "AMP", 16),
     (0, "WTT", 0), ("1500", "WTT", 1500), (0.1 + 0.2, "AMP", 0.3)],
)  # fmt: skip
def test_a_limit_is_sent_in_its_unit_and_never_rounded_up(version: str, value: Any, unit: str, sent: float) -> None:
    assert [limit(one) for one in asked(version, "SetChargingProfile", value, "3", unit)] == [sent]


@pytest.mark.parametrize("version", [V16, V201])
def test_a_limit_of_a_unit_that_charges_is_its_transaction_s_too(version: str) -> None:
    purposes = [str(one.payload) for one in asked(version, "SetChargingProfile", 3000, "2", "WTT")]
    assert "TxDefaultProfile" in purposes[0]
    assert "TxProfile" in purposes[1]
    assert "18" in purposes[1]
    assert len(asked(version, "SetChargingProfile", 3000, "3", "WTT")) == 1


@pytest.mark.parametrize("version", [V16, V201])
@pytest.mark.parametrize(
    ("name", "value"), [("RemoteStop", True), ("Charging", False), ("RemoteStopTransaction", "18")]
)
def test_stopping_finds_the_transaction(version: str, name: str, value: Any) -> None:
    (made,) = asked(version, name, value, "2")
    assert str(made.payload["transactionId"]) == "18"


@pytest.mark.parametrize(
    ("value", "name_16", "name_201"), [("Soft", "Soft", "OnIdle"), ("Immediate", "Hard", "Immediate")]
)
def test_a_reset_has_the_words_of_its_version(value: str, name_16: str, name_201: str) -> None:
    assert asked(V16, "Reset", value)[0].payload == {"type": name_16}
    assert asked(V201, "Reset", value)[0].payload == {"type": name_201}


def test_the_connector_is_the_part_or_what_the_value_says() -> None:
    assert asked(V16, "ChangeAvailability", True, "session")[0].payload["connectorId"] == 0
    assert asked(V16, "ChangeAvailability", True, "2")[0].payload["connectorId"] == 2
    assert asked(V16, "ChangeAvailability", {"value": True, "connector": 3}, "2")[0].payload["connectorId"] == 3


CANNOT: list[tuple[str, str, Any, str, str]] = [
    (V16, "Explode", True, "", ""),
    (V16, "SetChargingProfile", -1, "1", "WTT"),
    (V16, "SetChargingProfile", "much", "1", "WTT"),
    (V16, "SetChargingProfile", float("inf"), "1", "WTT"),
    (V16, "SetChargingProfile", True, "1", "WTT"),
    (V16, "SetChargingProfile", 7, "1", "CEL"),
    (V16, "SetChargingProfile", 1e9, "1", "WTT"),
    (V201, "SetChargingProfile", {"limit": 7, "phases": 4}, "1", "WTT"),
    (V201, "SetChargingProfile", {"limit": 7, "for_s": 0}, "1", "WTT"),
    (V16, "RemoteStart", "T" * 21, "1", ""),
    (V16, "RemoteStart", False, "1", ""),
    (V16, "RemoteStop", True, "3", ""),
    (V16, "RemoteStop", "tx-1", "1", ""),
    (V16, "Reset", "Twice", "", ""),
    (V16, "ChangeAvailability", "Perhaps", "1", ""),
    (V16, "UnlockConnector", True, "", ""),
    (V16, "Charging", "yes", "1", ""),
    (V16, "TriggerMessage", 1, "1", ""),
    (V16, "ChangeAvailability", {"value": True, "connector": -1}, "", ""),
]


@pytest.mark.parametrize(("version", "name", "value", "part", "unit"), CANNOT)
def test_what_cannot_be_asked_is_refused_with_what_would_do(
    version: str, name: str, value: Any, part: str, unit: str
) -> None:
    with pytest.raises(CannotAsk):
        asked(version, name, value, part, unit)
