"""Properties of ECHONET Lite to readings: units, coefficients, numbers that are no values, and what may be set."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.codecs.echonet import make_codec
from adapters.codecs.echonet.message import Message, Service, build_message
from adapters.codecs.echonet.tables import kinds, named, properties
from adapters.codecs.echonet.values import BadValue, write_value
from adapters.frame import Frame
from adapters.readings import Reading, Readings
from broker.model.values import to_instant
from datamodels.units import units

RECEIVED = 1_795_414_200_000_000  # 2026-11-23T06:10Z, ten past three in Japan
IMPORT, EXPORT = "normalDirectionCumulativeElectricEnergy", "reverseDirectionCumulativeElectricEnergy"
UNIT, NONE = {"E1": "01"}, "FFFFFFFE"


def decode(part: str, told: dict[str, str], about: dict[str, str] | None = None, **settings: Any) -> list[Readings]:
    pairs = tuple((int(code, 16), bytes.fromhex(edt)) for code, edt in told.items())
    payload = build_message(Message(1, part, "05FF-1", Service.GET_RES, pairs))
    return list(make_codec(settings).decode(Frame(payload, RECEIVED, "h1", part, about=about or {})))


def one(part: str, code: str, edt: str, about: dict[str, str] | None = None) -> Reading:
    (readings,) = decode(part, {code: edt}, about)
    return readings.readings[0]


@pytest.mark.parametrize(
    ("about", "value"),
    [
        ({"E1": "01"}, 1234.5),
        ({"E1": "04"}, 1.2345),
        ({"E1": "0A"}, 123_450),
        ({"E1": "01", "D3": "0000000A"}, 12_345),
        ({"E1": "00", "D3": "00000000"}, 0),
        ({"D3": "0000000A"}, None),
        ({"E1": "7F"}, None),
        ({}, None),
    ],
)
def test_a_counter_goes_by_unit_and_coefficient(about: dict[str, str], value: float | None) -> None:
    read = one("0288-1", "E0", "00003039", about)
    assert (read.value, read.unit, read.quality) == (value, "KWH", "good" if value is not None else "bad")


def test_units_in_the_same_frame_hold() -> None:
    (readings,) = decode("0288-1", {"E1": "02", "E0": "00003039"}, {"E1": "00"})
    assert Reading(IMPORT, 123.45, "KWH") in readings.readings


@pytest.mark.parametrize(
    ("part", "code", "edt", "value", "quality"),
    [
        ("0288-1", "E7", "FFFFFB1E", -1_250, "good"),
        ("0288-1", "E7", "7FFFFFFE", "noData", "bad"),
        ("0288-1", "E7", "7FFFFFFF", None, "bad"),
        ("0288-1", "E7", "80000000", None, "bad"),
        ("0288-1", "E0", "FFFFFFFE", "noData", "bad"),
        ("0288-1", "E0", "05F5E100", None, "bad"),
        ("0288-1", "E7", "0000", "0000", "bad"),
        ("0279-1", "E0", "FFFE", None, "bad"),
        ("0279-1", "E0", "FFFD", 65_533, "good"),
        ("0130-1", "BB", "7E", "unmeasurable", "bad"),
        ("0130-1", "BE", "FB", -5, "good"),
        ("0130-1", "B3", "FD", "undefined", "bad"),
        ("0130-1", "A0", "33", 3, "good"),
        ("0130-1", "A0", "41", "auto", "good"),
        ("0130-1", "80", "30", True, "good"),
        ("0130-1", "80", "99", None, "bad"),
        ("0011-1", "E0", "FFDD", -3.5, "good"),
        ("027D-1", "DA", "46", "auto", "good"),
        ("027D-1", "97", "0905", "09:05", "good"),
        ("027D-1", "98", "07EA0B17", "2026-11-23", "good"),
        ("027D-1", "F7", "0102", "0102", "good"),
        ("0399-1", "F7", "0102", "0102", "good"),
        ("0134-1", "D0", "15167E", [21, 22, None], "good"),
    ],
)
def test_a_property_is_read_as_its_table_says(part: str, code: str, edt: str, value: Any, quality: str) -> None:
    read = one(part, code, edt, UNIT)
    assert (read.value, read.quality) == (value, quality)


def test_the_number_of_a_b_route_is_never_handed_on() -> None:
    assert decode("0288-1", {"C0": "00" * 16}) == []


def test_a_dated_value_has_the_clock_of_its_device() -> None:
    dated = one("0288-1", "EA", "07EA0B170F0000" + "00003039", UNIT)
    assert dated == Reading(f"{IMPORT}AtEvery30Min", 1234.5, "KWH", to_instant("2026-11-23T06:00:00Z"))
    elsewhere = decode("0288-1", {"EA": "07EA0B170F0000" + "00003039"}, UNIT, zone="UTC")
    assert elsewhere[0].readings[0].at == to_instant("2026-11-23T15:00:00Z")


@pytest.mark.parametrize("date", ["07EA0D170F0000", "00000000000000", "07EA021E0F0000", "FF" * 7, "00010101000000"])
def test_a_value_of_a_day_that_there_is_not_is_bad(date: str) -> None:
    assert one("0288-1", "EA", date + "00003039", UNIT).quality == "bad"


def half_hours(told: dict[str, str], about: dict[str, str]) -> dict[str, dict[str, Any]]:
    return {
        one.facts["slot"]: {reading.quantity: (reading.value, reading.quality) for reading in one.readings[1:]}
        for one in decode("0288-1", told, about)
        if one.facts
    }


def stand(clock: str, counter: int) -> str:
    return f"07EA0B17{clock}{counter:08X}"


def test_what_flowed_is_the_difference_of_two_counters() -> None:
    three, half_past_two = stand("0F0000", 1_057), stand("0E1E00", 1_000)
    about = {**UNIT, "EA": half_past_two, "EB": stand("0E1E00", 7)}
    assert half_hours({"EA": three}, about) == {"20261123T0530Z": {"halfHourImport": (5.7, "good")}}
    assert half_hours({"EA": three, "EB": stand("0F0000", 7)}, about) == {
        "20261123T0530Z": {"halfHourImport": (5.7, "good"), "halfHourExport": (0, "good")}
    }
    assert half_hours({"EA": half_past_two}, about) == {}, "nothing new"
    assert half_hours({"EA": stand("0F1E00", 1_100)}, about) == {}, "an hour is no half hour"
    assert half_hours({"E7": "00000000"}, {**about, "E2": "0000" + "00000001" * 48}) == {}, "only remembered"


def test_a_counter_that_begins_again_went_round_and_one_that_went_back_is_bad() -> None:
    before = {**UNIT, "D7": "06", "EA": stand("0E1E00", 999_990)}
    assert half_hours({"EA": stand("0F0000", 10)}, before)["20261123T0530Z"] == {"halfHourImport": (2, "good")}
    assert half_hours({"EA": stand("0F0000", 500_000)}, before)["20261123T0530Z"] == {"halfHourImport": (None, "bad")}
    no_unit = {"EA": stand("0E1E00", 1)}
    assert half_hours({"EA": stand("0F0000", 2)}, no_unit)["20261123T0530Z"] == {"halfHourImport": (None, "bad")}


def test_a_day_of_counters_is_told_as_half_hours() -> None:
    day = "".join(f"{1_000 + 2 * nth:08X}" for nth in range(48))
    told = half_hours({"E2": "0001" + day}, UNIT)
    assert len(told) == 47
    assert min(told) == "20261121T1500Z"
    assert max(told) == "20261122T1400Z"
    assert set(map(str, told.values())) == {"{'halfHourImport': (0.2, 'good')}"}
    today = {**UNIT, "E2": "0000" + f"{1_096:08X}" + NONE * 47}
    assert half_hours({"E2": "0001" + day}, today)["20261122T1430Z"] == {"halfHourImport": (0.2, "good")}
    assert decode("0288-1", {"98": "07EA0B16", "E2": "0001" + day}, UNIT)[0].facts == {"slot": "20261120T1500Z"}, (
        "the meter's own day"
    )
    assert decode("0288-1", {"E2": "0001" + day}, UNIT, half_hours=False) == []


@pytest.mark.parametrize("edt", ["00FF" + "00000001" * 48, "0001" + "00000001" * 47, "0001", "", "0001" + NONE * 48])
def test_a_log_that_tells_nothing_is_nothing(edt: str) -> None:
    assert half_hours({"E2": edt}, UNIT) == {}


@pytest.mark.parametrize(
    ("kind", "name", "value", "unit", "edt"),
    [
        ("027D", "operationMode", "charging", "", "42"),
        ("027D", "chargingPower", 1_500, "", "000005DC"),
        ("027D", "chargingPower", 1.5, "KWT", "000005DC"),
        ("027D", "chargingCurrent", 12.3, "AMP", "007B"),
        ("027D", "chargingAndDischargingAmount1", -500, "WHR", "FFFFFE0C"),
        ("0130", "airFlowLevel", 3, "", "33"),
        ("0130", "airFlowLevel", "auto", "", "41"),
        ("0130", "operationStatus", True, "", "30"),
        ("0130", "relativeTemperature", -1.5, "CEL", "F1"),
        ("0130", "installationLocation", "08", "", "08"),
        ("027D", "acTargetChargingElectricEnergy", "noSetting", "", "00000000"),
    ],
)
def test_a_value_is_written_as_its_table_says(kind: str, name: str, value: Any, unit: str, edt: str) -> None:
    assert write_value(named(kind)[name], value, unit) == bytes.fromhex(edt)


@pytest.mark.parametrize(
    ("kind", "name", "value", "unit"),
    [
        ("027D", "operationMode", "flying", ""),
        ("027D", "operationMode", 0x42, ""),
        ("027D", "chargingPower", -1, ""),
        ("027D", "chargingPower", 1, "VLT"),
        ("027D", "chargingPower", "much", ""),
        ("027D", "chargingPower", True, ""),
        ("027D", "chargingPower", float("nan"), ""),
        ("027D", "chargingPower", float("inf"), ""),
        ("027D", "chargingPower", None, ""),
        ("0130", "airFlowLevel", True, ""),
        ("0130", "operationStatus", 1, ""),
        ("0130", "targetTemperature", 51, "CEL"),
        ("0130", "installationLocation", "kitchen", ""),
        ("027D", "minimumAndMaximumChargingElectricPowerMinValue", 1, ""),
    ],
)
def test_a_value_that_cannot_be_is_refused(kind: str, name: str, value: Any, unit: str) -> None:
    with pytest.raises(BadValue, match=r"would do|convert|several fields"):
        write_value(named(kind)[name], value, unit)


def test_the_tables_hold_together() -> None:
    assert {"0279", "027D", "027E", "027C", "0288", "0130", "0007", "0028", "0029", "02A1", "0287"} <= kinds().keys()
    for kind in kinds():
        for code, found in properties(kind).items():
            assert found.code == code
            assert set(found.access) <= set("gGsSiI-")
            assert found.fields
            for field in found.fields:
                assert field.kind in {"number", "code", "time", "date", "instant", "raw"}
                assert not field.unit or field.unit in units()
                assert field.kind == "raw" or field.size in {1, 2, 4, 6, 7}
                assert set(field.times) <= properties(kind).keys(), (kind, field)
                assert field.least <= field.most
