"""What stations say of themselves, in the corners where makers differ: units, phases, times, signs, what is missing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from adapters.codecs.ocpp import make_codec
from adapters.frame import BadFrame, Frame
from adapters.link import BadSettings
from adapters.readings import Readings
from adapters.table import make_codec as of_table
from tests.fakes.clock import START

NOW = "2026-01-01T00:00:00Z"


def read(action: str, payload: Any, version: str = "ocpp1.6", **about: str) -> list[Readings]:
    message = json.dumps([2, "1", action, payload]).encode()
    return list(make_codec(None).decode(Frame(message, START, "c1", about={"protocol": version, **about})))


def meter(*values: dict[str, Any], at: str = NOW) -> dict[str, tuple[Any, str, str]]:
    told = read("MeterValues", {"connectorId": 1, "meterValue": [{"timestamp": at, "sampledValue": list(values)}]})
    return {one.quantity: (one.value, one.unit, one.quality) for each in told for one in each.readings}


@pytest.mark.parametrize(
    ("sample", "quantity", "value", "unit", "quality"),
    [
        ({"value": "15"}, "Energy.Active.Import.Register", 15, "WHR", "good"),
        ({"value": " 15.5 ", "unit": "kWh"}, "Energy.Active.Import.Register", 15.5, "KWH", "good"),
        ({"value": "300", "unit": "varh", "measurand": "Energy.Reactive.Import.Register"},
         "Energy.Reactive.Import.Register", 0.3, "K3", "good"),
        ({"value": "21", "unit": "Celcius", "measurand": "Temperature"}, "Temperature", 21, "CEL", "good"),
        ({"value": "50.02", "measurand": "Frequency"}, "Frequency", 50.02, "HTZ", "good"),
        ({"value": "0.98", "measurand": "Power.Factor"}, "Power.Factor", 0.98, "", "good"),
        ({"value": "7", "unit": "furlong"}, "Energy.Active.Import.Register", 7, "", "uncertain"),
        ({"value": "60", "measurand": "SoC", "location": "EV"}, "SoC", 60, "P1", "good"),
        ({"value": "1,5"}, "Energy.Active.Import.Register", None, "", "bad"),
        ({"value": "NaN"}, "Energy.Active.Import.Register", None, "", "bad"),
        ({"value": "1_000"}, "Energy.Active.Import.Register", None, "", "bad"),
        ({"value": "\uff11\uff12"}, "Energy.Active.Import.Register", None, "", "bad"),
        ({"value": "1e99"}, "Energy.Active.Import.Register", None, "", "bad"),
        ({"value": ""}, "Energy.Active.Import.Register", None, "", "bad"),
    ],
)  # fmt: skip
def test_a_sample_of_1_6(sample: dict[str, Any], quantity: str, value: Any, unit: str, quality: str) -> None:
    assert meter(sample) == {quantity: (value, unit, quality)}


def test_signed_data_is_no_number_and_left_to_whoever_can_check_it() -> None:
    assert meter({"value": "OCMF|{}", "format": "SignedData"}) == {}


def test_power_of_three_phases_is_told_as_their_sum_too() -> None:
    phases = [{"value": "1000", "measurand": "Power.Active.Import", "phase": one} for one in ("L1", "L2", "L3")]
    assert meter(*phases)["Power.Active.Import"] == (3000, "WTT", "good")
    whole = {"value": "2990", "measurand": "Power.Active.Import"}
    assert meter(whole, *phases)["Power.Active.Import"] == (2990, "WTT", "good"), "what was measured stands"
    mixed = {"value": "1", "measurand": "Power.Active.Import", "phase": "L1", "unit": "kW"}
    assert "Power.Active.Import" not in meter(mixed, *phases[1:])


@pytest.mark.parametrize(
    "at", ["2026-01-01T09:00:00+09:00", "2026-01-01T00:00:00", "2026-01-01T00:00:00.000Z", "2026-01-01t00:00:00z"]
)
def test_times_of_any_offset_are_understood(at: str) -> None:
    told = read("MeterValues", {"connectorId": 1, "meterValue": [{"timestamp": at, "sampledValue": [{"value": "1"}]}]})
    assert told[0].at == START


@pytest.mark.parametrize("at", ["2026-01-01", "yesterday", "2026-13-01T00:00:00Z", "2026-01-01T24:61:00Z", ""])
def test_times_that_are_none_are_refused(at: str) -> None:
    with pytest.raises(BadFrame) as bad:
        read("StatusNotification", {"connectorId": 1, "status": "Available", "errorCode": "NoError", "timestamp": at})
    assert bad.value.reason == "wrong_type"


def test_a_vehicle_that_gives_back_makes_energy_negative() -> None:
    values = [{"value": 1000}, {"value": 4000, "measurand": "Energy.Active.Export.Register"}]
    told = read(
        "TransactionEvent",
        {"eventType": "Updated", "timestamp": NOW, "triggerReason": "MeterValuePeriodic", "seqNo": 3,
         "transactionInfo": {"transactionId": "t1"}, "meterValue": [{"timestamp": NOW, "sampledValue": values}]},
        "ocpp2.0.1", connector="1", begin_wh="0",
    )  # fmt: skip
    assert {one.quantity: one.value for one in told[1].readings}["energy"] == -3000


@pytest.mark.parametrize(
    ("value", "multiplier", "read_as"), [(5, 3, 5000), (5, -3, 0.005), (5, 13, None), (1e300, 12, None)]
)
def test_multipliers_of_2_0_1(value: float, multiplier: int, read_as: float | None) -> None:
    sample = {"value": value, "unitOfMeasure": {"unit": "Wh", "multiplier": multiplier}}
    told = read("MeterValues", {"evseId": 1, "meterValue": [{"timestamp": NOW, "sampledValue": [sample]}]}, "ocpp2.0.1")
    assert told[0].readings[0].value == read_as


def test_a_transaction_of_which_nothing_is_known_still_ends() -> None:
    told = read("StopTransaction", {"transactionId": 7, "meterStop": 10, "timestamp": NOW})
    assert [one.part for one in told] == ["session"], "where it was is not known"
    assert told[0].facts == {"transaction": "7"}
    assert "energy" not in {one.quantity for one in told[0].readings}


def test_more_samples_than_anybody_measures_are_refused() -> None:
    with pytest.raises(BadFrame) as bad:
        meter(*[{"value": "1"}] * 901)
    assert bad.value.reason == "oversized"


def test_a_version_that_nobody_speaks_is_refused() -> None:
    with pytest.raises(BadFrame):
        read("Heartbeat", {}, "ocpp1.5")


@pytest.mark.parametrize("name", ["ocpp", "ocpp-1.6", "ocpp-2.0.1"])
def test_codecs_have_no_settings(name: str) -> None:
    with pytest.raises(BadSettings, match="colour"):
        of_table(name, {"kind": name, "colour": "red"})
