"""Requests under offers, and how many people allow what they ask for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from broker.errors import BadRequestData, Conflict, Forbidden, ResourceNotFound
from broker.ports.consents import ANY, Grant, Item
from services.bank.items import DataItem
from services.bank.matching import Match, how
from tests.fakes.bank_city import BankCity, bank_city
from tests.fakes.consenting import START, TYPE, Allowed

COMPANY = "urn:ngsi-ld:RecipientOrganisation:company"
BOOKING_START = "FacilityBooking/bookingStart"


@pytest.fixture
def allowed() -> Allowed:
    return Allowed()


@pytest.fixture
def city(tmp_path: Path, allowed: Allowed) -> Iterator[BankCity]:
    with bank_city(tmp_path, allowed=allowed) as found:
        found.board()
        found.recipient()
        yield found


def ask_for(city: BankCity, under: str, who: str = "university", **more: Any) -> Any:
    return city.ask(who, "POST", "/requests", {
        "offer": under, "purpose": "HealthAdvice", "dataItems": [BOOKING_START], "peopleWanted": 100,
        "benefit": {"ja": "助言", "en": "Advice"}, "validFrom": city.in_days(0), "validUntil": city.in_days(9), **more,
    })  # fmt: skip


def test_a_request_becomes_an_agreement(city: BankCity) -> None:
    request = ask_for(city, city.live_offer())["id"]
    agreement = city.ask("operator", "POST", f"/requests/{request}/acceptance", {})
    assert (agreement["reprovision"], agreement["dataItems"]) == (False, [BOOKING_START])
    assert city.ask("university", "GET", f"/requests/{request}")["agreement"] == agreement["id"]
    assert city.shown(request)["https://misono.example/def/requestState"]["vocab"].endswith("/requestAccepted")
    with pytest.raises(Conflict):
        city.ask("operator", "POST", f"/requests/{request}/rejection", {"reason": "late"})


@pytest.mark.parametrize(
    ("more", "pointer"),
    [
        ({"purpose": "Marketing"}, "/purpose"), ({"dataItems": ["FacilityBooking/bookingEnd"]}, "/dataItems/0"),
        ({"dataItems": [BOOKING_START, "Resident/ageBand"]}, "/dataItems/1"), ({"offer": "urn:x:none"}, "/offer"),
        ({"validFrom": "2030-01-01T00:00:00Z", "validUntil": "2031-01-01T00:00:00Z"}, "/validFrom"),
        ({"peopleWanted": 0}, "/peopleWanted"), ({"benefit": None}, "/benefit"),
    ],
)  # fmt: skip
def test_what_is_not_offered_is_refused(city: BankCity, more: dict[str, Any], pointer: str) -> None:
    with pytest.raises(BadRequestData) as refused:
        ask_for(city, city.live_offer(), **more)
    assert refused.value.pointer == pointer
    assert city.ask("university", "GET", "/requests") == []


def test_what_is_finer_than_offered_is_refused_and_coarser_is_not(city: BankCity) -> None:
    offer = city.live_offer(dataItems=[f"{BOOKING_START}@daily"])
    with pytest.raises(BadRequestData, match="not offered"):
        ask_for(city, offer, dataItems=[f"{BOOKING_START}@hourly"])
    assert ask_for(city, offer, dataItems=[f"{BOOKING_START}@monthly"])["state"] == "requestSubmitted"


def test_it_is_offered_to_classes_and_to_those_named(city: BankCity) -> None:
    with pytest.raises(Forbidden, match="not registered"):
        ask_for(city, city.live_offer(), "company")
    city.recipient(COMPANY)
    with pytest.raises(BadRequestData, match="this organisation"):
        ask_for(city, city.live_offer(recipients=["urn:ngsi-ld:RecipientOrganisation:university"]), "company")
    with pytest.raises(BadRequestData, match="this organisation"):
        ask_for(city, city.live_offer(recipientClasses=["publicBody"]))
    for who in ("hana", "operator"):
        with pytest.raises(Forbidden):
            ask_for(city, city.live_offer(), who)


def test_a_draft_cannot_be_asked_for_and_what_was_suspended_since_is_not_accepted(city: BankCity) -> None:
    with pytest.raises(BadRequestData, match="no live offer"):
        ask_for(city, city.offer())
    offer = city.live_offer()
    request = ask_for(city, offer)["id"]
    city.ask("operator", "POST", f"/offers/{offer}/suspension", {"reason": "for now"})
    with pytest.raises(Conflict, match="not live"):
        city.ask("operator", "POST", f"/requests/{request}/acceptance", {})


def test_a_request_that_the_board_refused_is_not_accepted(city: BankCity) -> None:
    request = ask_for(city, city.live_offer())["id"]
    city.review(request, dict.fromkeys(("engineer", "guard", "lawyer", "thinker"), "reject"))
    assert city.ask("university", "GET", f"/requests/{request}")["state"] == "requestUnderReview"
    with pytest.raises(Conflict, match="did not approve"):
        city.ask("operator", "POST", f"/requests/{request}/acceptance", {})


def test_only_the_own_request_is_withdrawn(city: BankCity) -> None:
    request = ask_for(city, city.live_offer())["id"]
    with pytest.raises(ResourceNotFound):
        city.ask("company", "POST", f"/requests/{request}/withdrawal", {})
    assert city.ask("company", "GET", "/requests") == []
    assert city.ask("university", "POST", f"/requests/{request}/withdrawal", {})["state"] == "requestWithdrawn"
    with pytest.raises(Conflict):
        city.ask("operator", "POST", f"/requests/{request}/acceptance", {})


def test_matches_count_people_and_tell_nothing_of_few(city: BankCity, allowed: Allowed) -> None:
    request = ask_for(city, city.live_offer())["id"]
    for number in range(4):
        allowed.give(f"urn:misono:subject:{number}")
    told = city.ask("university", "GET", f"/requests/{request}/matches")
    assert told["people"] == {"fewerThan": 5}
    for number in range(4, 12):
        allowed.give(f"urn:misono:subject:{number}", ANY)
    told = city.ask("operator", "GET", f"/requests/{request}/matches")
    assert told["people"] == {"some": 12, "fewerThan": 5}  # 4 of 12 by name: the rest would tell it
    for number in range(12, 20):
        allowed.give(f"urn:misono:subject:{number}")
    told = city.ask("operator", "GET", f"/requests/{request}/matches")
    assert told["people"] == {"all": 20, "individual": 12, "comprehensive": 8, "some": 20}
    assert (told["wanted"], told["epoch"]) == (100, allowed.epoch(""))
    with pytest.raises(ResourceNotFound):
        city.ask("company", "GET", f"/requests/{request}/matches")


def test_a_resident_sees_live_offers_and_what_they_allowed(city: BankCity, allowed: Allowed) -> None:
    city.offer()
    offer = city.live_offer()
    allowed.give("urn:misono:subject:hana", ANY)
    (mine,) = city.ask("hana", "GET", "/my/offers")
    assert mine["id"] == offer
    assert [one["items"] for one in mine["allowed"]] == [{BOOKING_START: "comprehensive"}]
    assert [one["items"] for one in city.ask("taro", "GET", "/my/offers")[0]["allowed"]] == [{}]


def test_a_consent_counts_by_what_it_is_of() -> None:
    grants = Allowed()
    grants.given["hana"] = Grant("r", "hana", frozenset({Item(TYPE, START, "hourly")}), 10, 20)

    def way(granularity: str, now: int, *, special: bool = False) -> str:
        item = DataItem("x", frozenset({TYPE}), START, granularity, special)
        return how(grants.grants("", "university", frozenset({"p"})), "hana", item, now)

    assert [way(one, 15) for one in ("raw", "hourly", "daily")] == ["", "individual", "individual"]
    assert [way("hourly", now) for now in (9, 10, 19, 20)] == ["", "individual", "individual", ""]
    grants.given["hana"] = Grant("r", "hana", frozenset({Item(TYPE, ANY)}), 0)
    assert (way("raw", 1), way("raw", 1, special=True)) == ("comprehensive", "")


def test_counts_of_few_are_never_told() -> None:
    for individual in range(8):
        for comprehensive in range(8):
            for more in range(8):
                total = individual + comprehensive
                told = Match(total, individual, comprehensive, total + more).told(5)
                assert not [count for count in told.values() if isinstance(count, int) and 0 < count < 5]
