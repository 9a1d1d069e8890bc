"""Models of energy and buildings: names and units that vendors know, signs that are said, homes that stay private."""

from __future__ import annotations

from functools import cache, partial

import pytest
from jsonschema_rs import Draft202012Validator

from broker.model.values import Json
from datamodels.examples import full
from datamodels.library import Library, built_in, read_library
from datamodels.schemas import normalized
from datamodels.source import Attribute, Model, Package

CORE = "https://uri.etsi.org/ngsi-ld/"
SDM = "https://smartdatamodels.org/"
SUBJECTS = {
    "sdm-building": "Building",
    "sdm-energy": "Energy",
    "sdm-green-energy": "GreenEnergy",
    "sdm-battery": "Battery",
    "sdm-energy-community": "EnergyCommunity",
    "sdm-energy-storage": "EnergyStorage",
    "sdm-zeb": "ZEB",
    "sdm-device": "Device",
}
FLOWS = {"WTT", "KWT", "MAW", "WHR", "KWH", "MWH"}


@cache
def library() -> Library:
    return read_library(built_in())


def model(package: str, name: str) -> Model:
    return library().packages[package].models[name]


def attribute(path: str) -> Attribute:
    package, name, member = path.split("/")
    return model(package, name).attributes[member]


def validator(package: str, name: str) -> Draft202012Validator:
    of: Package = library().packages[package]
    return Draft202012Validator(normalized(of.models[name], partial(library().vocabulary, of)))


def with_value(package: str, name: str, member: str, value: Json) -> dict[str, Json]:
    of = library().packages[package]
    entity = full(of.models[name], partial(library().vocabulary, of))
    told = entity[member]
    assert isinstance(told, dict)
    return {**entity, member: {**told, "value": value}}


@pytest.mark.parametrize(("package", "subject"), SUBJECTS.items())
def test_types_keep_the_iris_that_vendors_know(package: str, subject: str) -> None:
    of = library().packages[package]
    assert of.namespace == f"{SDM}dataModel.{subject}/"
    assert {one.iri for one in of.models.values()} == {of.namespace + name for name in of.models}


@pytest.mark.parametrize("package", SUBJECTS)
def test_attributes_are_of_the_subject_or_shared_by_all(package: str) -> None:
    of = library().packages[package]
    foreign = {
        f"{name}.{one.name}": one.iri
        for name, told in of.models.items()
        for one in told.attributes.values()
        if one.iri not in (of.namespace + one.name, SDM + one.name, CORE + one.name)
    }
    assert {where for where in foreign if not where.endswith(".description")} == set()


@pytest.mark.parametrize(
    ("path", "unit"),
    [
        ("sdm-energy/ACMeasurement/totalActivePower", "WTT"),
        ("sdm-energy/ACMeasurement/totalActiveEnergyImport", "KWH"),
        ("sdm-energy/InverterDevice/nominalPowerAC", "WTT"),
        ("sdm-green-energy/PhotovoltaicMeasurement/activePower", "KWT"),
        ("sdm-battery/StorageBatteryMeasurement/activePower", "KWT"),
        ("sdm-battery/StorageBatteryDevice/usableEnergy", "KWH"),
        ("sdm-energy-community/EnergyProsumer/contractedPower", "KWT"),
        ("sdm-energy-storage/FuelCell/maxPowerGenerated", "WTT"),
        ("sdm-zeb/Window/thermalTransmission", "D55"),
        ("misono-housing/HousePerformance/uaValue", "D55"),
    ],
)
def test_a_measure_has_the_unit_of_its_model(path: str, unit: str) -> None:
    assert attribute(path).unit == unit


@pytest.mark.parametrize(
    ("package", "name", "member"),
    [
        ("sdm-battery", "StorageBatteryMeasurement", "stateOfCharge"),
        ("sdm-battery", "StorageBatteryMeasurement", "stateOfHealth"),
        ("sdm-battery", "BatteryStatus", "statusPercent"),
        ("sdm-device", "Device", "batteryLevel"),
    ],
)
def test_a_share_is_0_to_1_and_no_percentage(package: str, name: str, member: str) -> None:
    valid = validator(package, name)
    assert valid.is_valid(with_value(package, name, member, 0.55))
    assert not valid.is_valid(with_value(package, name, member, 55))


@pytest.mark.parametrize(("package", "name"), [("sdm-device", "Device"), ("sdm-battery", "StorageBatteryMeasurement")])
def test_a_battery_level_that_is_not_known_is_minus_one(package: str, name: str) -> None:
    valid = validator(package, name)
    assert valid.is_valid(with_value(package, name, "batteryLevel", -1))
    assert not valid.is_valid(with_value(package, name, "batteryLevel", -0.5))


def test_what_can_flow_both_ways_says_which_way_is_positive() -> None:
    unsaid = [
        f"{one.name}.{told.name}"
        for package in (*SUBJECTS, "misono-energy")
        for one in library().packages[package].models.values()
        for told in one.attributes.values()
        if told.unit in FLOWS and told.form.least is None and told.form.above is None and told.sign is None
    ]
    assert unsaid == []


@pytest.mark.parametrize(
    "path",
    [
        "sdm-building/Building/occupier",
        "sdm-building/Building/peopleOccupancy",
        "sdm-energy/ACMeasurement/totalActivePower",
        "sdm-energy/ACMeasurement/totalActiveEnergyImport",
        "sdm-energy-community/EnergyProsumer/address",
        "sdm-energy-community/EnergyProsumer/represents",
        "sdm-battery/StorageBatteryMeasurement/stateOfCharge",
        "sdm-device/SmartMeteringObservation/totalConsumption",
        "misono-housing/ResidentialMaintenanceRecord/houseCommonId",
        "misono-housing/ResidentialMaintenanceRecord/cost",
    ],
)
def test_what_tells_of_a_household_is_personal(path: str) -> None:
    assert attribute(path).personal == "personal"


def test_health_of_people_in_a_building_needs_special_care() -> None:
    found = [
        one.personal
        for told in library().packages["sdm-zeb"].models.values()
        for one in told.attributes.values()
        if one.name == "refActorHealthMeasurement"
    ]
    assert found
    assert set(found) == {"special-care"}


def test_a_house_of_heat20_g2_in_saitama_is_taken() -> None:
    house: dict[str, Json] = {
        "id": "urn:ngsi-ld:HousePerformance:misono:H1",
        "type": "HousePerformance",
        "refBuilding": {"type": "Relationship", "object": "urn:ngsi-ld:Building:misono:H1"},
        "assessedAt": {"type": "Property", "value": "2021-03-01"},
        "climateRegion": {"type": "Property", "value": 6},
        "uaValue": {"type": "Property", "value": 0.46, "unitCode": "D55"},
        "cValue": {"type": "Property", "value": 0.7},
        "heat20Grade": {"type": "VocabProperty", "vocab": "g2"},
        "insulationGrade": {"type": "Property", "value": 6},
        "seismicGrade": {"type": "Property", "value": 3},
    }
    valid = validator("misono-housing", "HousePerformance")
    assert valid.is_valid(house)
    assert not valid.is_valid({**house, "climateRegion": {"type": "Property", "value": 9}})
    assert not valid.is_valid({**house, "heat20Grade": {"type": "VocabProperty", "vocab": "G2"}})
    assert not valid.is_valid({**house, "uaValue": {"type": "Property", "value": 0.46, "unitCode": "WTT"}})


def test_a_maintenance_record_keeps_the_fingerprints_of_its_documents() -> None:
    valid = validator("misono-housing", "ResidentialMaintenanceRecord")
    record: dict[str, Json] = {
        "id": "urn:ngsi-ld:ResidentialMaintenanceRecord:misono:H1:2026-1",
        "type": "ResidentialMaintenanceRecord",
        "refBuilding": {"type": "Relationship", "object": "urn:ngsi-ld:Building:misono:H1"},
        "recordPhase": {"type": "VocabProperty", "vocab": "upkeep"},
        "recordCategory": {"type": "VocabProperty", "vocab": "inspection"},
        "performedAt": {"type": "Property", "value": {"@type": "Date", "@value": "2026-10-02"}},
        "refEvidence": {"type": "JsonProperty", "json": [{"title": "点検報告書", "sha256": "0" * 64}]},
    }
    assert valid.is_valid(record)
    assert not valid.is_valid({**record, "refEvidence": {"type": "JsonProperty", "json": [{"sha256": "0" * 64}]}})
    assert not valid.is_valid(
        {**record, "refEvidence": {"type": "JsonProperty", "json": [{"title": "x", "sha256": "0"}]}}
    )
