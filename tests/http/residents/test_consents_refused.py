"""What is no consent: not shown, wider than shown, special care not named, for whom it may not be."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from broker.admitting import BadAccess
from tests.fakes.consent_city import CITY, CLINIC, DEF, SHOP, ConsentCity, consent_city

HEART = "HeartRateObservation/heartRate"


@pytest.fixture
def city(tmp_path: Path) -> Iterator[ConsentCity]:
    with consent_city(tmp_path) as found:
        yield found


def test_nobody_consents_to_what_they_were_not_shown(city: ConsentCity) -> None:
    terms = city.terms()
    notice = city.notice("hana", terms)
    body: dict[str, Any] = {"notice": notice, "dataItems": [HEART], "specialCare": [HEART]}
    refused = city.ask("taro", "POST", "/records", body)
    assert (city.status, refused["pointer"]) == (400, "/notice")
    assert "notices" in refused["remedy"]
    city.ask("hana", "POST", "/records", {**body, "notice": "urn:ngsi-ld:ConsentNotice:none"})
    assert city.status == 400
    city.ask("hana", "POST", "/records", {"dataItems": [HEART]})
    assert city.status == 400
    city.clock.advance(25 * 3_600)
    city.ask("hana", "POST", "/records", body)
    assert city.status == 400, "shown too long ago"
    assert city.ask("hana", "GET", "/records")["records"] == []


def test_a_notice_shows_the_benefit_and_what_is_asked_in_both_languages(city: ConsentCity) -> None:
    shown = city.ask("hana", "POST", "/notices", {"terms": city.terms()})
    assert shown["benefit"] == {"ja": "助言が届く", "en": "Advice"}
    assert shown["language"] == "ja"
    assert shown["default"].keys() == {"ja", "en"}
    assert {"retention", "privacyNotice", "recipientName", "controller", "purposeLabel"} <= shown.keys()
    assert [one["specialCare"] for one in shown["dataItems"]] == [True, False]
    assert all(one["label"]["ja"] and one["label"]["en"] for one in shown["dataItems"])
    english = city.ask("hana", "POST", "/notices", {"terms": shown["terms"]}, Accept_Language="en-GB, ja;q=0.3")
    assert english["language"] == "en"


@pytest.mark.parametrize(
    ("more", "pointer"),
    [
        ({"dataItems": ["SleepObservation/deepSleep"], "specialCare": ["SleepObservation/deepSleep"]}, "/dataItems/0"),
        ({"dataItems": [HEART], "specialCare": []}, "/dataItems/0"),
        ({"dataItems": ["Nonsense/heartRate"]}, "/dataItems/0"),
        ({"dataItems": ["HeartRateObservation/nonsense"]}, "/dataItems/0"),
        ({"dataItems": [f"{HEART}@weekly"]}, "/dataItems/0"),
        ({"dataItems": []}, "/dataItems"),
        ({"validUntil": "2020-01-01T00:00:00Z"}, "/validUntil"),
        ({"validUntil": "2126-01-01T00:00:00Z"}, "/validUntil"),
        ({"validUntil": "tomorrow"}, "/validUntil"),
        ({"allowsProfiling": True}, "/allowsProfiling"),
        ({"allowsReprovision": True}, "/allowsReprovision"),
        ({"nonsense": True}, "/"),
    ],
)  # fmt: skip
def test_nothing_is_wider_than_what_was_shown(city: ConsentCity, more: dict[str, Any], pointer: str) -> None:
    refused = city.give("hana", city.terms(), **more)
    assert (city.status, refused["pointer"]) == (400, pointer), refused
    assert refused["remedy"]


def test_a_comprehensive_consent_never_covers_special_care(city: ConsentCity) -> None:
    city.pulse("hana")
    terms = city.terms(dataItems=["HeartRateObservation/*"])
    city.give("hana", terms, dataItems=["HeartRateObservation/*"], specialCare=[])
    assert city.status == 201
    assert city.sees("clinic", "hana") is None
    city.give("hana", terms)
    assert city.status == 400, "a special item is not among comprehensive terms either"


@pytest.mark.parametrize(
    "more",
    [
        {"recipientState": f"{DEF}recipientState/recipientSuspended"}, {"evidenceValidUntil": "2020-01-01T00:00:00Z"},
        {"contractUntil": "2020-01-01T00:00:00Z"}, {"purposes": f"{DEF}purpose/Marketing"},
    ],
)  # fmt: skip
def test_who_may_not_receive_cannot_be_consented_to(city: ConsentCity, more: dict[str, str]) -> None:
    city.organisation(SHOP)
    terms = city.terms("shop")
    city.organisation(SHOP, **more)
    city.ask("hana", "POST", "/notices", {"terms": terms})
    assert city.status == 409
    city.ask("shop", "POST", "/terms", {"purpose": "HealthAdvice"})
    assert city.status == 400


def test_an_unknown_organisation_publishes_nothing(city: ConsentCity) -> None:
    city.ask("shop", "POST", "/terms", {
        "purpose": "HealthAdvice", "dataItems": [HEART], "benefit": {"ja": "…", "en": "…"}, "retention": "P1Y",
        "privacyNotice": "https://shop.example",
    })  # fmt: skip
    assert city.status == 409
    city.ask("clinic", "POST", "/terms", {
        "purpose": "HealthAdvice", "dataItems": [HEART], "benefit": {"ja": "…", "en": "…"}, "retention": "P1Y",
        "privacyNotice": "https://shop.example", "recipient": SHOP,
    })  # fmt: skip
    assert city.status == 400, "for another organisation"


def test_terms_that_were_changed_or_ended_are_not_consented_to(city: ConsentCity) -> None:
    terms = city.terms()
    notice = city.notice("hana", terms)
    city.ask("clinic", "POST", f"/terms/{terms}/versions", {
        "purpose": "HealthAdvice", "dataItems": [HEART], "benefit": {"ja": "少し", "en": "Less"}, "retention": "P9Y",
        "privacyNotice": "https://clinic.example/notice",
    })  # fmt: skip
    assert city.status == 201
    city.ask("hana", "POST", "/records", {"notice": notice, "dataItems": [HEART], "specialCare": [HEART]})
    assert city.status == 409
    city.ask("clinic", "POST", f"/terms/{terms}/end", {})
    city.ask("hana", "POST", "/notices", {"terms": terms})
    assert city.status == 404
    assert city.ask("hana", "GET", "/terms")["terms"] == []


def test_where_the_board_must_decide_nothing_is_given_without_it(tmp_path: Path) -> None:
    with consent_city(tmp_path, city=CITY + "decision_needed = true\n") as city:
        decision = "urn:ngsi-ld:EthicsDecision:1"
        body = {
            "purpose": "HealthAdvice", "dataItems": [HEART], "benefit": {"ja": "…", "en": "…"}, "retention": "P1Y",
            "privacyNotice": "https://clinic.example", "ethicsDecision": decision,
        }  # fmt: skip
        city.ask("clinic", "POST", "/terms", body)
        assert city.status == 409
        allowed = {"ethicsOutcome": "approved", "validUntil": city.in_days(10)}
        city.put(decision, "EthicsDecision", {"ethicsOutcome": "notApproved", "validUntil": city.in_days(10)})
        city.ask("clinic", "POST", "/terms", body)
        assert city.status == 409
        city.put(decision, "EthicsDecision", allowed)
        terms = city.ask("clinic", "POST", "/terms", body)["id"]
        assert city.give("hana", terms)["holds"] is True
        city.clock.advance(11 * 86_400)
        city.ask("hana", "POST", "/notices", {"terms": terms})
        assert city.status == 409, "the decision has run out"


def test_terms_of_an_offer_hold_while_it_is_live(city: ConsentCity) -> None:
    offer = "urn:ngsi-ld:DataOffer:1"
    city.put(offer, "DataOffer", {"offerState": f"{DEF}offerState/offerLive"})
    terms = city.terms(offer=offer)
    city.put(offer, "DataOffer", {"offerState": f"{DEF}offerState/offerSuspended"})
    city.ask("hana", "POST", "/notices", {"terms": terms})
    assert city.status == 409


def test_the_file_of_access_says_what_is_wrong_with_it(tmp_path: Path) -> None:
    wrong = ("valid_days_max = 0", "nonsense = 1", "controller = {x = 'y'}", "decision_needed = 1")
    for text in (*(f"[consent]\n{one}" for one in wrong), "consent = 1"):
        with pytest.raises(BadAccess, match="consent"), consent_city(tmp_path, city=text):
            pass


def test_a_recipient_ends_what_it_no_longer_wants(city: ConsentCity) -> None:
    record = city.give("hana", city.terms())
    city.ask("shop", "POST", f"/granted/{record['id']}/end", {})
    assert city.status == 404
    assert city.ask("clinic", "POST", f"/granted/{record['id']}/end", {})["state"] == "ConsentRevoked"
    city.ask("clinic", "POST", f"/granted/{record['id']}/end", {})
    assert city.status == 409
    assert city.ask("hana", "GET", f"/records/{record['id']}")["recipient"] == CLINIC
