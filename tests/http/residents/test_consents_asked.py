"""Requests of recipients, terms that change, households, who acts for whom, who looks in an emergency."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from services.consents import giving
from tests.fakes.consent_city import ConsentCity, consent_city, for_

HEART = "HeartRateObservation/heartRate"
DAY_S = 86_400
TERMS = {
    "purpose": "HealthAdvice", "dataItems": [HEART], "benefit": {"ja": "助言", "en": "Advice"}, "retention": "P1M",
    "privacyNotice": "https://clinic.example/notice",
}  # fmt: skip


@pytest.fixture
def city(tmp_path: Path) -> Iterator[ConsentCity]:
    with consent_city(tmp_path) as found:
        yield found


def asked(city: ConsentCity, terms: str, *names: str) -> Any:
    subjects = [f"urn:misono:subject:{name}" for name in names]
    return city.ask("clinic", "POST", "/requests", {"terms": terms, "subjects": subjects})


def waiting(city: ConsentCity, who: str, path: str = "") -> list[Any]:
    return list(city.ask(who, "GET", f"/requests{path}")["requests"])


def answer(city: ConsentCity, who: str, record: str, act: str, **body: Any) -> Any:
    return city.ask(who, "POST", f"/records/{record}/{act}", body)


def accept(city: ConsentCity, who: str, record: str, terms: str, path: str = "") -> Any:
    body = {"notice": city.notice(who, terms, path), "specialCare": [HEART], "dataItems": [HEART]}
    return city.ask(who, "POST", f"/records/{record}/accept{path}", body)


def test_a_request_waits_for_its_answer_and_allows_nothing(city: ConsentCity) -> None:
    city.pulse("hana")
    terms = city.terms()
    assert asked(city, terms, "hana", "nobody") == {"named": 2}
    assert city.status == 202
    (request,) = waiting(city, "hana")
    assert (request["state"], request["benefit"]["ja"]) == ("ConsentRequested", "助言が届く")
    assert city.sees("clinic", "hana") is None
    assert answer(city, "hana", request["id"], "defer")["state"] == "ConsentRequestDeferred"
    assert accept(city, "hana", request["id"], terms)["state"] == "ConsentGiven"
    assert city.sees("clinic", "hana") == 62
    assert waiting(city, "hana") == []
    accept(city, "hana", request["id"], terms)
    assert city.status == 409


def test_who_refused_is_left_alone_and_the_recipient_does_not_learn_it(city: ConsentCity) -> None:
    terms = city.terms()
    asked(city, terms, "hana")
    (request,) = waiting(city, "hana")
    assert answer(city, "hana", request["id"], "refuse")["state"] == "ConsentRefused"
    assert asked(city, terms, "hana") == {"named": 1}
    assert waiting(city, "hana") == []
    assert city.ask("clinic", "GET", "/changes")["changes"] == []
    city.clock.advance(91 * DAY_S)
    asked(city, terms, "hana")
    assert len(waiting(city, "hana")) == 1
    asked(city, terms, "hana")
    assert len(waiting(city, "hana")) == 1, "once is enough"


def test_an_unanswered_request_runs_out(city: ConsentCity) -> None:
    asked(city, city.terms(), "hana")
    city.clock.advance(31 * DAY_S)
    city.room.tick()
    assert waiting(city, "hana") == []
    assert city.ask("hana", "GET", "/records")["records"][0]["state"] == "ConsentExpired"


def test_consents_lapse_where_changed_terms_are_not_agreed_to(city: ConsentCity) -> None:
    city.pulse("hana")
    city.pulse("taro", 70)
    terms = city.terms()
    hana, taro = city.give("hana", terms), city.give("taro", terms)
    city.ask("clinic", "POST", f"/terms/{terms}/versions", {**TERMS, "retention": "P5Y"})
    (told,) = waiting(city, "hana")
    assert (told["id"], told["retention"]) == (hana["id"], "P1Y"), "what was agreed to holds meanwhile"
    assert city.sees("clinic", "hana") == 62
    notice = city.notice("hana", terms)
    city.ask("hana", "POST", f"/records/{hana['id']}/renew", {"notice": notice})
    assert city.status == 409, "these are other terms"
    new = answer(city, "hana", hana["id"], "change", notice=notice, specialCare=[HEART], dataItems=[HEART])
    assert (new["termsVersion"], new["retention"]) == ("2", "P5Y")
    city.clock.advance(30 * DAY_S)
    assert (city.sees("clinic", "hana"), city.sees("clinic", "taro")) == (62, None)
    city.room.tick()
    assert city.ask("taro", "GET", f"/records/{taro['id']}")["state"] == "ConsentInvalidated"
    assert city.ask("hana", "GET", f"/records/{new['id']}")["holds"] is True


def conditions(city: ConsentCity, version: str = "2026-01") -> Any:
    text = {"ja": "約款", "en": "Conditions of use"}
    return city.ask("yamada", "POST", "/conditions", {"version": version, "text": text, "lapseDays": 20})


def test_consents_lapse_where_new_conditions_of_use_are_not_agreed_to(city: ConsentCity) -> None:
    city.pulse("hana")
    city.pulse("taro", 70)
    terms = city.terms()
    hana, taro = city.give("hana", terms), city.give("taro", terms)
    city.ask("hana", "GET", "/conditions")
    assert city.status == 404
    assert conditions(city)["lapses"] == city.in_days(20)
    assert city.ask("hana", "GET", "/conditions")["agreedAt"] is None
    assert [one["id"] for one in waiting(city, "hana")] == [hana["id"]]
    assert (city.sees("clinic", "hana"), city.sees("clinic", "taro")) == (62, 70)
    city.ask("hana", "POST", "/conditions/agree", {"version": "2025-12"})
    assert city.status == 409
    assert city.ask("hana", "POST", "/conditions/agree", {"version": "2026-01"})["agreedAt"]
    assert waiting(city, "hana") == []
    city.clock.advance(20 * DAY_S)
    assert (city.sees("clinic", "hana"), city.sees("clinic", "taro")) == (62, None)
    city.room.tick()
    assert city.ask("taro", "GET", f"/records/{taro['id']}")["state"] == "ConsentInvalidated"


def test_nobody_consents_before_they_agreed_to_the_conditions_of_use(city: ConsentCity) -> None:
    terms = city.terms()
    conditions(city)
    city.give("hana", terms)
    assert city.status == 409
    city.ask("hana", "POST", "/conditions/agree", {"version": "2026-01"})
    city.give("hana", terms)
    assert city.status == 201
    conditions(city)
    assert city.status == 409, "there is such a version"
    city.ask("hana", "POST", "/conditions", {"version": "2", "text": {"ja": "…", "en": "…"}})
    assert city.status == 403


def test_what_a_household_shares_needs_every_member(city: ConsentCity) -> None:
    city.pulse("hana", 55, ("taro", "ken"))
    terms = city.terms()
    members = ["urn:misono:subject:taro", "urn:misono:subject:ken"]
    own = city.give("hana", terms, household=members)
    assert (own["state"], own["household"]) == ("ConsentRequested", True)
    taro, ken = (waiting(city, name)[0]["id"] for name in ("taro", "ken"))
    assert accept(city, "taro", taro, terms)["state"] == "ConsentRequested"
    assert city.sees("clinic", "hana") is None
    assert accept(city, "ken", ken, terms)["state"] == "ConsentGiven"
    assert city.sees("clinic", "hana") == 55
    assert city.entity(own["id"])["householdMembers"] == sorted(members)
    city.withdraw("taro", record=taro)
    assert city.sees("clinic", "hana") is None
    states = [city.ask(who, "GET", f"/records/{one}")["state"] for who, one in (("hana", own["id"]), ("ken", ken))]
    assert states == ["ConsentInvalidated"] * 2
    assert len(city.ask("clinic", "GET", "/deletions")["deletions"]) == 3


def test_one_members_no_is_the_households(city: ConsentCity) -> None:
    terms = city.terms()
    own = city.give("hana", terms, household=["urn:misono:subject:taro"])
    (request,) = waiting(city, "taro")
    answer(city, "taro", request["id"], "refuse")
    assert city.ask("hana", "GET", f"/records/{own['id']}")["state"] == "ConsentInvalidated"


def test_a_household_gives_less_together_and_never_more(city: ConsentCity) -> None:
    terms = city.terms()
    own = city.give("hana", terms, household=["urn:misono:subject:taro"], dataItems=[HEART, "FacilityBooking/*"])
    (request,) = waiting(city, "taro")
    body = {"notice": city.notice("taro", terms), "specialCare": [HEART]}
    city.ask("taro", "POST", f"/records/{request['id']}/accept", body)
    answer(city, "hana", own["id"], "change", notice=city.notice("hana", terms), dataItems=["FacilityBooking/*"])
    assert city.status == 409
    city.withdraw("taro", item=HEART)
    assert len(city.ask("clinic", "GET", "/deletions")["deletions"]) == 2
    for who in ("hana", "taro"):
        (row,) = city.ask(who, "GET", "/matrix")["allowed"]
        assert row["item"] == "FacilityBooking/*@raw"


def test_nobody_is_asked_more_than_they_can_answer(city: ConsentCity, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(giving, "ASKED_MAX", 1)
    terms = city.terms()
    taro = ["urn:misono:subject:taro"]
    assert city.give("hana", terms, household=taro)["state"] == "ConsentRequested"
    city.give("ken", terms, household=taro)
    assert city.status == 409
    assert len(waiting(city, "taro")) == 1
    assert city.ask("ken", "GET", "/records")["records"] == []


def guardian(city: ConsentCity, **more: Any) -> Any:
    return city.ask("yamada", "POST", "/delegations", {
        "subject": "urn:misono:subject:ken", "delegate": "urn:misono:subject:hana", "kind": "parentalAuthority",
        "scope": ["maySee", "mayDecide"], "validUntil": city.in_days(400), "evidence": "戸籍謄本 確認済み", **more,
    })  # fmt: skip


def test_a_guardian_decides_for_a_child_and_both_stand_in_the_events(city: ConsentCity) -> None:
    city.pulse("ken", 90)
    terms = city.terms()
    city.ask("hana", "POST", f"/notices{for_('ken')}", {"terms": terms})
    assert city.status == 403
    relation = guardian(city)
    assert (city.status, relation["evidence"]) == (201, "戸籍謄本 確認済み")
    assert city.sees("hana", "ken") == 90
    record = city.give("hana", terms, for_("ken"))
    assert (record["subject"], record["consentMethod"]) == ("urn:misono:subject:ken", "guardianConsent")
    assert city.sees("clinic", "ken") == 90
    (event,) = city.ask("ken", "GET", f"/records/{record['id']}/events")["events"]
    assert event["by"] == "urn:misono:subject:hana"
    assert city.entity(record["id"])["consentGivenBy"] == "urn:misono:subject:hana"
    assert city.entity(record["id"])["dataSubject"] == "urn:misono:subject:ken"
    city.withdraw("ken", record=record["id"])
    assert city.sees("clinic", "ken") is None, "whom it is about may always withdraw"
    city.ask("ken", "POST", f"/delegations/{relation['id']}/end", {})
    assert city.status == 403, "the law gave it"
    city.ask("yamada", "POST", f"/delegations/{relation['id']}/end", {})
    assert city.sees("hana", "ken") is None
    city.ask("hana", "GET", f"/records{for_('ken')}")
    assert city.status == 403


def test_a_delegation_has_a_scope_and_a_period(city: ConsentCity) -> None:
    city.pulse("mei", 50)
    terms = city.terms()
    relation = city.ask("mei", "POST", "/delegations", {
        "delegate": "urn:misono:subject:taro", "kind": "chosenDelegate", "scope": ["maySee"],
        "validUntil": city.in_days(10),
    })  # fmt: skip
    assert city.status == 201, relation
    assert city.sees("taro", "mei") == 50
    city.ask("taro", "POST", f"/notices{for_('mei')}", {"terms": terms})
    assert city.status == 403, "seeing is not deciding"
    assert city.ask("taro", "GET", f"/records{for_('mei')}")["records"] == []
    assert [one["id"] for one in city.ask("taro", "GET", "/delegations")["delegations"]] == [relation["id"]]
    city.clock.advance(10 * DAY_S)
    assert city.sees("taro", "mei") is None
    city.room.tick()
    assert city.ask("mei", "GET", "/delegations")["delegations"][0]["state"] == "delegationEnded"


@pytest.mark.parametrize(
    ("who", "more"),
    [
        ("hana", {"kind": "parentalAuthority"}), ("hana", {"subject": "urn:misono:subject:ken"}),
        ("yamada", {"kind": "chosenDelegate"}), ("yamada", {"evidence": None}),
        ("yamada", {"delegate": "urn:misono:subject:ken"}),
        ("hana", {"delegate": "urn:misono:subject:hana"}), ("hana", {"validUntil": "2126-01-01T00:00:00Z"}),
        ("hana", {"scope": []}), ("hana", {"delegate": "花子"}),
    ],
)  # fmt: skip
def test_what_is_no_delegation(city: ConsentCity, who: str, more: dict[str, Any]) -> None:
    body: dict[str, Any] = {"delegate": "urn:misono:subject:taro", "scope": ["maySee"], "validUntil": city.in_days(10)}
    body |= {"kind": "chosenDelegate"} if who == "hana" else {
        "kind": "legalGuardian", "subject": "urn:misono:subject:ken", "evidence": "登記事項証明書",
    }  # fmt: skip
    given = {name: value for name, value in {**body, **more}.items() if value is not None}
    city.ask(who, "POST", "/delegations", given)
    assert city.status == 400


def emergency(city: ConsentCity, **more: Any) -> Any:
    return city.ask("yamada", "POST", "/emergencies", {
        "reason": "地震のあと、連絡が取れない方の安否を確かめる", "hours": 2,
        "subjects": ["urn:misono:subject:hana"], **more,
    })  # fmt: skip


def test_an_operator_breaks_the_glass_for_a_while_and_the_person_is_told_after(city: ConsentCity) -> None:
    city.pulse("hana")
    city.pulse("taro", 70)
    assert city.sees("yamada", "hana") is None
    begun = emergency(city)
    assert (city.status, begun["people"]) == (201, 1)
    assert (city.sees("yamada", "hana"), city.sees("yamada", "taro")) == (62, None)
    assert city.ask("hana", "GET", "/requests")["emergencies"] == []
    city.clock.advance(2 * 3_600)
    assert city.sees("yamada", "hana") is None
    city.room.tick()
    (told,) = city.ask("hana", "GET", "/requests")["emergencies"]
    assert (told["id"], told["accessedBy"], told["state"]) == (begun["id"], "yamada", "emergencyEnded")
    assert "安否" in told["reason"]
    assert city.ask("taro", "GET", "/requests")["emergencies"] == []
    assert city.entity(begun["id"])["subjectNotifiedAt"]
    (listed,) = city.ask("kaneko", "GET", "/emergencies")["emergencies"]
    assert "urn:misono:subject" not in str(listed)


def test_everybody_is_told_of_what_covered_everybody(city: ConsentCity) -> None:
    city.pulse("taro", 70)
    begun = city.ask(
        "yamada", "POST", "/emergencies", {"reason": "水害の避難の確認のため", "hours": 24, "everybody": True}
    )
    assert city.sees("yamada", "taro") == 70
    city.ask("yamada", "POST", f"/emergencies/{begun['id']}/end", {})
    assert city.sees("yamada", "taro") is None
    assert len(city.ask("mei", "GET", "/requests")["emergencies"]) == 1


@pytest.mark.parametrize(
    "more",
    [{"hours": 25}, {"hours": 0}, {"reason": "short"}, {"everybody": True}, {"subjects": []}, {"subjects": ["hana"]}],
)
def test_what_is_no_emergency(city: ConsentCity, more: dict[str, Any]) -> None:
    emergency(city, **more)
    assert city.status == 400
    assert city.ask("kaneko", "GET", "/emergencies")["emergencies"] == []


def test_recipients_follow_what_they_may_have_and_confirm_what_they_deleted(city: ConsentCity) -> None:
    record = city.give("hana", city.terms())
    assert [one["consent"] for one in city.ask("clinic", "GET", "/granted")["granted"]] == [record["id"]]
    assert city.ask("shop", "GET", "/granted")["granted"] == []
    city.withdraw("hana", all=True)
    assert city.ask("clinic", "GET", "/granted")["granted"] == []
    assert [one["act"] for one in city.ask("clinic", "GET", "/changes")["changes"]] == ["give", "withdraw"]
    (deletion,) = city.ask("clinic", "GET", "/deletions")["deletions"]
    assert deletion["deadline"] == city.in_days(14)
    city.clock.advance(15 * DAY_S)
    assert city.ask("hana", "GET", "/deletions")["deletions"][0]["state"] == "overdue"
    (seen,) = city.ask("kaneko", "GET", "/deletions")["deletions"]
    assert "subject" not in seen
    city.ask("shop", "POST", f"/deletions/{deletion['id']}/confirm", {})
    assert city.status == 404
    assert city.ask("clinic", "POST", f"/deletions/{deletion['id']}/confirm", {})["state"] == "confirmed"
    city.ask("clinic", "POST", f"/deletions/{deletion['id']}/confirm", {})
    assert city.status == 409
    assert city.ask("hana", "GET", "/deletions")["deletions"][0]["state"] == "confirmed"
