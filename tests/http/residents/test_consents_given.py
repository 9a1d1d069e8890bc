"""Giving, changing and withdrawing over HTTP: what a recipient sees follows at once, and off is the default."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.consent_city import CLINIC, SHOP, ConsentCity, consent_city, for_

HEART = "HeartRateObservation/heartRate"


@pytest.fixture(params=["memory", "sqlite"])
def city(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ConsentCity]:
    with consent_city(tmp_path, str(request.param)) as found:
        yield found


def test_nothing_is_allowed_until_it_is_given_nor_after_it_was_withdrawn(city: ConsentCity) -> None:
    city.pulse("hana")
    assert city.sees("clinic", "hana") is None
    record = city.give("hana", city.terms())
    assert (city.status, record["state"], record["holds"]) == (201, "ConsentGiven", True)
    assert city.entity(record["id"])["consentState"] == "https://w3id.org/dpv#ConsentGiven"
    assert city.sees("clinic", "hana") == 62
    done = city.withdraw("hana", record=record["id"])
    assert (city.status, done["ended"], len(done["deletionRequests"])) == (200, [record["id"]], 1)
    assert city.sees("clinic", "hana") is None
    assert city.entity(record["id"])["consentState"] == "https://w3id.org/dpv#ConsentWithdrawn"
    assert city.entity(record["id"])["recipient"] == CLINIC


def test_a_consent_ends_by_the_clock_before_anybody_looks_after_it(city: ConsentCity) -> None:
    city.pulse("hana")
    record = city.give("hana", city.terms(), validUntil=city.in_days(10))
    city.clock.advance(10 * 86_400)
    assert city.sees("clinic", "hana") is None
    assert city.ask("hana", "GET", f"/records/{record['id']}")["holds"] is False
    city.room.tick()
    assert city.ask("hana", "GET", f"/records/{record['id']}")["state"] == "ConsentExpired"
    assert city.entity(record["id"])["consentState"] == "https://w3id.org/dpv#ConsentExpired"


def test_the_matrix_says_what_is_on(city: ConsentCity) -> None:
    assert city.ask("hana", "GET", "/matrix") == {"default": "off", "allowed": []}
    record = city.give("hana", city.terms(), dataItems=[f"{HEART}@daily"])
    (row,) = city.ask("hana", "GET", "/matrix")["allowed"]
    assert (row["recipient"], row["item"], row["granularity"]) == (CLINIC, f"{HEART}@daily", "daily")
    assert "心拍" in row["label"]["ja"]
    assert row["label"]["en"].isascii()
    assert row["purposeLabel"] == {"ja": "健康づくりの助言", "en": "Health advice"}
    assert row["record"] == record["id"]


def test_one_item_is_withdrawn_and_the_others_stay(city: ConsentCity) -> None:
    city.pulse("hana")
    record = city.give("hana", city.terms(), dataItems=[HEART, "FacilityBooking/*"])
    done = city.withdraw("hana", item=HEART)
    assert (done["ended"], len(done["narrowed"])) == ([], 1)
    assert city.sees("clinic", "hana") is None
    new = city.ask("hana", "GET", f"/records/{done['narrowed'][0]}")
    assert [one["item"] for one in new["dataItems"]] == ["FacilityBooking/*@raw"]
    assert new["supersedesConsent"] == record["id"]
    assert city.ask("hana", "GET", f"/records/{record['id']}")["state"] == "ConsentInvalidated"
    asked = city.ask("clinic", "GET", "/deletions")["deletions"]
    assert [(one["dataItems"], one["state"]) for one in asked] == [([f"{HEART}@raw"], "requested")]


def test_an_attribute_is_taken_out_of_a_comprehensive_consent(city: ConsentCity) -> None:
    city.give("hana", city.terms(), dataItems=["FacilityBooking/*"])
    done = city.withdraw("hana", item="FacilityBooking/bookingStart")
    items = city.ask("hana", "GET", f"/records/{done['narrowed'][0]}")["dataItems"]
    assert "FacilityBooking/bookingStart@raw" not in {one["item"] for one in items}
    assert len(items) > 2
    assert all(one["item"].startswith("FacilityBooking/") for one in items)


def test_all_or_one_recipient_in_one_act(city: ConsentCity) -> None:
    city.organisation(SHOP)
    first, second = city.give("hana", city.terms()), city.give("hana", city.terms("shop"))
    other = city.give("taro", city.terms())
    assert city.withdraw("hana", recipient=SHOP)["ended"] == [second["id"]]
    assert city.withdraw("hana", all=True)["ended"] == [first["id"]]
    assert city.withdraw("hana", all=True)["ended"] == []
    assert city.ask("taro", "GET", f"/records/{other['id']}")["holds"] is True
    city.withdraw("hana")
    assert city.status == 400


def test_giving_again_supersedes_what_was_given_by_the_same_terms(city: ConsentCity) -> None:
    city.pulse("hana")
    terms = city.terms()
    first, second = city.give("hana", terms), city.give("hana", terms, dataItems=[f"{HEART}@hourly"])
    assert second["supersedesConsent"] == first["id"]
    assert city.sees("clinic", "hana") is None, "hourly values are not what was measured"
    states = [one["state"] for one in city.ask("hana", "GET", "/records")["records"]]
    assert states == ["ConsentInvalidated", "ConsentGiven"]


def test_less_needs_no_notice_and_more_does(city: ConsentCity) -> None:
    city.pulse("hana")
    terms = city.terms()
    record = city.give("hana", terms, validUntil=city.in_days(100))
    path = f"/records/{record['id']}/change"
    for wider in (
        {"validUntil": city.in_days(101)}, {"dataItems": [HEART, "FacilityBooking/*"]}, {"validFrom": city.in_days(-1)},
    ):  # fmt: skip
        city.ask("hana", "POST", path, wider)
        assert city.status == 400, wider
    narrower = city.ask("hana", "POST", path, {"validUntil": city.in_days(50)})
    assert (city.status, narrower["supersedesConsent"]) == (201, record["id"])
    notice = city.notice("hana", terms)
    wider = city.ask("hana", "POST", f"/records/{narrower['id']}/change", {
        "notice": notice, "dataItems": [HEART, "FacilityBooking/*"], "specialCare": [HEART],
        "validUntil": city.in_days(200),
    })  # fmt: skip
    assert (city.status, len(wider["dataItems"]), wider["validUntil"]) == (201, 2, city.in_days(200))
    assert city.sees("clinic", "hana") == 62
    city.ask("hana", "POST", path, {"validUntil": city.in_days(1)})
    assert city.status == 409, "what was superseded is not changed any more"


def test_a_consent_is_renewed_when_it_was_shown_once_more(city: ConsentCity) -> None:
    terms = city.terms()
    record = city.give("hana", terms, validUntil=city.in_days(10))
    city.clock.advance(9 * 86_400)
    path = f"/records/{record['id']}/renew"
    city.ask("hana", "POST", path, {"notice": "urn:ngsi-ld:ConsentNotice:none"})
    assert city.status == 400
    renewed = city.ask("hana", "POST", path, {"notice": city.notice("hana", terms), "validUntil": city.in_days(30)})
    assert (city.status, renewed["state"], renewed["version"]) == (200, "RenewedConsentGiven", 2)
    city.clock.advance(10 * 86_400)
    city.room.tick()
    assert city.ask("hana", "GET", f"/records/{record['id']}")["holds"] is True


def test_what_was_observed_before_may_be_left_out(city: ConsentCity) -> None:
    city.pulse("hana")
    city.clock.advance(3_600)
    city.give("hana", city.terms(), coversObservationsFrom=city.in_days(0))
    assert city.sees("clinic", "hana") is None
    city.pulse("hana", 70)
    assert city.sees("clinic", "hana") == 70


def test_events_tell_every_act(city: ConsentCity) -> None:
    record = city.give("hana", city.terms())
    city.clock.advance(60)
    city.withdraw("hana", record=record["id"])
    events = city.ask("hana", "GET", f"/records/{record['id']}/events")["events"]
    assert [(one["act"], one["by"]) for one in events] == [
        ("give", "urn:misono:subject:hana"), ("withdraw", "urn:misono:subject:hana"),
    ]  # fmt: skip
    assert events[0]["at"] < events[1]["at"]


def test_another_persons_consent_is_as_absent_as_none(city: ConsentCity) -> None:
    record = city.give("hana", city.terms())
    absent = city.ask("taro", "GET", "/records/urn:ngsi-ld:ConsentRecord:none")
    assert city.ask("taro", "GET", f"/records/{record['id']}") == absent
    assert city.status == 404
    for act in ("accept", "refuse", "defer", "renew", "change"):
        body = {"notice": "urn:x:y"} if act in ("accept", "renew") else {}
        city.ask("taro", "POST", f"/records/{record['id']}/{act}", body)
        assert city.status in (400, 404), act
    city.withdraw("taro", record=record["id"])
    assert city.status == 404
    city.ask("taro", "GET", f"/records{for_('hana')}")
    assert city.status == 403
    assert city.ask("hana", "GET", f"/records/{record['id']}")["holds"] is True


def test_each_role_does_its_own(city: ConsentCity) -> None:
    terms = city.terms()
    refused = {
        ("yamada", "POST", "/records"), ("clinic", "POST", "/records"), ("kaneko", "POST", "/withdraw"),
        ("hana", "POST", "/terms"), ("hana", "GET", "/granted"), ("clinic", "GET", "/records"),
        ("kaneko", "POST", "/emergencies"), ("hana", "POST", "/emergencies"), ("clinic", "GET", "/matrix"),
        ("yamada", "GET", "/records"),
    }  # fmt: skip
    for who, method, path in sorted(refused):
        city.ask(who, method, path, None if method == "GET" else {})
        assert city.status == 403, (who, path)
    city.ask("", "GET", f"/terms/{terms}")
    assert city.status == 401
    city.ask("shop", "POST", f"/terms/{terms}/end", {})
    assert city.status == 404, "another organisation's"


def test_lists_go_by_pages(city: ConsentCity) -> None:
    for purpose in ("HealthAdvice", "AcademicResearch", "WatchOver"):
        city.give("hana", city.terms(purpose=purpose))
    first = city.ask("hana", "GET", "/records?limit=2")
    second = city.ask("hana", "GET", f"/records?limit=2&after={first['after']}")
    assert [len(one["records"]) for one in (first, second)] == [2, 1]
    assert "after" not in second
    city.ask("hana", "GET", "/records?limit=9999")
    assert city.status == 400
    assert len(city.ask("hana", "GET", "/terms?limit=2")["terms"]) == 2
