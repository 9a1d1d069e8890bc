"""Models of people and services: what tells of a person says so, nobody is named, states are those of DPV."""

from __future__ import annotations

from functools import cache, partial

import pytest
from jsonschema_rs import Draft202012Validator

from broker.model.values import Json
from datamodels.contexts import terms_of
from datamodels.examples import full
from datamodels.library import Library, built_in, read_library
from datamodels.schemas import normalized
from datamodels.source import Model, Package
from datamodels.trying import pointer_of

OURS = ("misono-consent", "misono-care", "misono-currency", "misono-finance", "misono-city")
HEALTH = (
    "HeartRateObservation",
    "BloodPressureObservation",
    "BodyCompositionObservation",
    "ActivityObservation",
    "SleepObservation",
    "ToothbrushingObservation",
)
DPV = "https://w3id.org/dpv#"


@cache
def library() -> Library:
    return read_library(built_in())


def package(name: str) -> Package:
    return library().packages[name]


def model(name: str) -> Model:
    (found,) = [one for of, one in library().named(name) if of.name in OURS]
    return found


def faults(of: str, name: str, **told: Json) -> list[str]:
    """Where the full example with these members instead breaks its schema."""
    words = partial(library().vocabulary, package(of))
    entity = full(package(of).models[name], words) | told
    return [pointer_of(error) for error in Draft202012Validator(normalized(model(name), words)).iter_errors(entity)]


@pytest.mark.parametrize("name", HEALTH)
def test_what_is_measured_of_a_body_needs_special_care(name: str) -> None:
    attributes = model(name).attributes
    told = {one.name: one.personal for one in attributes.values() if one.iri.startswith("https://misono.example/def/")}
    about = ("dataSubject", "refDevice", "sampleCount", "consent")
    assert {kind for of, kind in told.items() if of not in about} == {"special-care"}
    assert attributes["dataSubject"].personal == "personal"


@pytest.mark.parametrize(
    ("name", "member", "kind"),
    [
        ("ConsentRecord", "dataSubject", "personal"),
        ("DataDisclosure", "dataSubject", "personal"),
        ("DataOffer", "reservePrice", "personal"),
        ("Resident", "refBuilding", "personal"),
        ("WatchOverEvent", "watchRule", "special-care"),
        ("WatchOverEvent", "detectedAt", "personal"),
        ("ChildcareShareRequest", "allergyNote", "special-care"),
        ("LocalCurrencyAccount", "balance", "personal"),
        ("LoanEligibility", "eligibilityOutcome", "personal"),
        ("FacilityBooking", "bookingStart", "personal"),
        ("EvacuationShelter", "evacuees", "none"),
    ],
)
def test_what_tells_of_a_person_has_its_class(name: str, member: str, kind: str) -> None:
    assert model(name).attributes[member].personal == kind


@pytest.mark.parametrize(
    "name",
    [one.name for of in OURS for one in package(of).models.values() if "dataSubject" in one.attributes],
)
def test_who_is_meant_stands_there_by_a_pseudonym_alone(name: str) -> None:
    named = {"name", "familyName", "givenName", "telephone", "email", "dateOfBirth"} & model(name).attributes.keys()
    assert named <= ({"name"} if name == "LocalCurrencyAccount" else set())


def test_states_of_a_consent_are_those_of_dpv() -> None:
    words = package("misono-consent").vocabularies["consentState"].words
    assert {word.iri for word in words} == {DPV + word.name for word in words}
    assert {"ConsentGiven", "RenewedConsentGiven", "ConsentWithdrawn"} <= {word.name for word in words}


def test_our_packages_can_be_used_together() -> None:
    """No term of one means something else in another, or in the energy exchange, or in municipal data sets."""
    meant: dict[str, dict[str, str]] = {}
    for name in (*OURS, "common", "misono-energy", "gif"):
        for term, iri in terms_of(package(name)).items():
            meant.setdefault(term, {})[iri] = name
    clashes = {term: iris for term, iris in meant.items() if len(iris) > 1}
    assert clashes.keys() <= {"legalEntityNumber"}  # of a recipient, and of whoever runs a place


@pytest.mark.parametrize(
    ("items", "where"),
    [
        (["HeartRateObservation/heartRate@hourly", "IndoorEnvironmentObserved/temperature"], []),
        (["heartRate"], ["/dataItems/valueList/0"]),
        (["HeartRateObservation/heartRate at any time"], ["/dataItems/valueList/0"]),
    ],
)
def test_data_items_name_type_attribute_and_granularity(items: list[Json], where: list[str]) -> None:
    told: Json = {"type": "ListProperty", "valueList": items}
    assert faults("misono-consent", "ConsentRecord", dataItems=told) == where


def test_a_transaction_moves_something() -> None:
    nothing: Json = {"type": "Property", "value": 0}
    found = faults("misono-currency", "LocalCurrencyTransaction", transferredAmount=nothing)
    assert found == ["/transferredAmount/value"]


def test_an_item_of_the_government_is_labelled_as_there() -> None:
    labels = {one.label.ja for one in model("EvacuationShelter").attributes.values()}
    assert {"想定収容人数", "非常用電源：太陽光発電設備等", "避難者数（総数）", "開設状況"} <= labels
