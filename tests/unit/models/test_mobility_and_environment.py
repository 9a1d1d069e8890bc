"""Models of mobility, environment and services: known names, contexts that hold, people who stay private."""

from __future__ import annotations

from functools import cache, partial
from typing import Any

import pytest
from jsonschema_rs import Draft202012Validator
from pyld import jsonld

from broker.model.values import Json
from datamodels.contexts import context_of, terms_of
from datamodels.examples import full
from datamodels.library import Library, built_in, read_library
from datamodels.schemas import normalized
from datamodels.source import Attribute

SUBJECTS = {
    "sdm-transportation": "Transportation",
    "sdm-urban-mobility": "UrbanMobility",
    "sdm-parking": "Parking",
    "sdm-environment": "Environment",
    "sdm-weather": "Weather",
    "sdm-alert": "Alert",
    "sdm-poi": "PointOfInterest",
    "sdm-tourism": "TourismDestinations",
    "sdm-kpi": "KeyPerformanceIndicator",
    "sdm-cpsv": "CPSV-AP",
    "sdm-user": "User",
    "sdm-issue": "IssueTracking",
}


@cache
def library() -> Library:
    return read_library(built_in())


def attribute(path: str) -> Attribute:
    package, name, member = path.split("/")
    return library().packages[package].models[name].attributes[member]


def faults(package: str, name: str, member: str, told: dict[str, Json]) -> list[str]:
    """Where a whole example is refused whose attribute `member` has these members."""
    of = library().packages[package]
    words = partial(library().vocabulary, of)
    entity = full(of.models[name], words)
    held = entity[member]
    assert isinstance(held, dict)
    changed = {**entity, member: {**held, **told}}
    errors = Draft202012Validator(normalized(of.models[name], words)).iter_errors(changed)
    return ["".join(f"/{part}" for part in error.instance_path) for error in errors]


@pytest.mark.parametrize(("package", "subject"), SUBJECTS.items())
def test_types_keep_the_iris_that_vendors_know(package: str, subject: str) -> None:
    of = library().packages[package]
    assert of.namespace == f"https://smartdatamodels.org/dataModel.{subject}/"
    assert {one.iri for one in of.models.values()} == {of.namespace + name for name in of.models}


@pytest.mark.parametrize("package", [*SUBJECTS, "misono-logistics"])
def test_any_json_ld_processor_takes_the_context(package: str) -> None:
    of = library().packages[package]
    name = min(of.models)
    document: dict[str, Any] = {**context_of(of), "@type": name}
    assert jsonld.expand(document) == [{"@type": [of.models[name].iri]}]


def test_a_word_that_is_spelt_like_an_iri_is_no_term_and_still_a_value() -> None:
    assert "CCS/SAE" not in terms_of(library().packages["sdm-transportation"])
    assert "CHAdeMO" in terms_of(library().packages["sdm-transportation"])
    assert faults("sdm-transportation", "EVChargingStation", "socketType", {"value": ["CCS/SAE"]}) == []


def test_a_pantograph_is_another_socket_with_a_standard_of_its_own() -> None:
    own = attribute("sdm-transportation/EVChargingStation/connectorStandard")
    assert own.iri == "https://misono.example/def/connectorStandard"
    assert faults("sdm-transportation", "EVChargingStation", "connectorStandard", {"vocab": ["oppCharge"]}) == []
    assert faults("sdm-transportation", "EVChargingStation", "socketType", {"value": ["Other"]}) == []
    assert faults("sdm-transportation", "EVChargingStation", "socketType", {"value": ["oppCharge"]}) != []


def test_connector_standards_are_the_words_of_the_energy_models() -> None:
    here, there = (
        {word.name: word.iri for word in library().packages[package].vocabularies["connectorStandard"].words}
        for package in ("sdm-transportation", "misono-energy")
    )
    assert here == there


@pytest.mark.parametrize(
    ("path", "unit"),
    [
        ("sdm-transportation/Vehicle/speed", "KMH"),
        ("sdm-transportation/Vehicle/mileageFromOdometer", "KMT"),
        ("sdm-transportation/EVChargingStation/voltage", "VLT"),
        ("sdm-transportation/EVChargingStation/ratedPower", "WTT"),
        ("sdm-urban-mobility/ArrivalEstimation/remainingDistance", "MTR"),
        ("sdm-environment/IndoorEnvironmentObserved/co2", "59"),
        ("sdm-environment/AirQualityObserved/pm25", "GQ"),
        ("sdm-weather/WeatherObserved/windSpeed", "MTS"),
        ("sdm-weather/WeatherObserved/precipitation", "MMT"),
        ("sdm-weather/WeatherObserved/solarRadiation", "D54"),
        ("misono-logistics/ParcelDelivery/weight", "KGM"),
    ],
)
def test_a_measure_has_its_unit(path: str, unit: str) -> None:
    assert attribute(path).unit == unit


@pytest.mark.parametrize(
    "path",
    [
        "sdm-transportation/Vehicle/vehiclePlateIdentifier",
        "sdm-transportation/Vehicle/vehicleIdentificationNumber",
        "sdm-transportation/EVChargingStation/transactionId",
        "sdm-transportation/FleetVehicleStatus/currentOperative",
        "sdm-environment/IndoorEnvironmentObserved/peopleCount",
        "sdm-user/UserContext/location",
        "sdm-user/Activity/refAgent",
        "sdm-issue/service_requests/last_name",
        "misono-logistics/ParcelDelivery/recipient",
        "misono-logistics/LockerCompartment/heldDelivery",
    ],
)
def test_what_tells_of_a_person_says_so(path: str) -> None:
    assert attribute(path).personal == "personal"


def test_no_code_that_opens_a_door_is_kept() -> None:
    names = {name for _, model in library() for name in model.attributes if "locker" in model.name.lower()}
    assert not {name for name in names if any(word in name.lower() for word in ("pin", "password", "secret", "code"))}


@pytest.mark.parametrize(
    ("told", "where"),
    [
        ({"value": "2026-11-23T09:00:00Z"}, []),
        ({"value": "2026-11-23T09:00:00/2026-11-23T09:05:00"}, []),
        ({"value": {"@type": "DateTime", "@value": "2026-11-23T09:00:00Z"}}, []),
        ({"value": "this morning"}, ["/dateObserved/value"]),
    ],
)
def test_a_flow_is_observed_at_an_instant_or_over_a_period(told: dict[str, Json], where: list[str]) -> None:
    assert faults("sdm-transportation", "CrowdFlowObserved", "dateObserved", told) == where


def test_a_bus_after_midnight_keeps_its_time_of_the_day_before() -> None:
    assert faults("sdm-urban-mobility", "GtfsStopTime", "arrivalTime", {"value": "25:10:00"}) == []
    assert faults("sdm-urban-mobility", "GtfsStopTime", "arrivalTime", {"value": "48:00:00"}) != []
