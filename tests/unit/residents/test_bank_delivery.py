"""Data are handed over under an agreement: what is consented to, written down before it leaves, not to be passed on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from broker.errors import BadRequestData, Conflict, Forbidden, ResourceNotFound, ServiceUnavailable
from broker.ports import Principal
from services.bank.delivering import TYP
from tests.fakes.bank_city import PEOPLE, BankCity, bank_city
from tests.fakes.consenting import BOOKING, END, START, Allowed, book_room

HANA, TARO = "urn:misono:subject:hana", "urn:misono:subject:taro"


@pytest.fixture
def allowed() -> Allowed:
    return Allowed()


@pytest.fixture
def city(tmp_path: Path, allowed: Allowed) -> Iterator[BankCity]:
    with bank_city(tmp_path, allowed=allowed) as found:
        found.board()
        found.recipient()
        book_room(found.hub, "1", HANA)
        book_room(found.hub, "2", TARO)
        yield found


def deliver(city: BankCity, agreement: str, **body: Any) -> Any:
    return city.ask("university", "POST", f"/agreements/{agreement}/deliveries", body)


def test_what_is_consented_to_is_handed_over_and_nothing_else(city: BankCity, allowed: Allowed) -> None:
    agreement = city.agreement(city.live_offer())["id"]
    allowed.give(HANA)
    told = deliver(city, agreement)
    assert [record["entity"]["id"] for record in told["records"]] == [f"{BOOKING}:1"]
    assert told["records"][0]["entity"].keys() == {"id", "type", START}
    assert told["reprovision"] == "prohibited"
    assert "distribute" in [one["action"] for one in told["policy"]["prohibition"]]
    receipt = told["records"][0]["receipts"][0]
    shown = city.shown(receipt)
    assert shown["https://misono.example/def/dataSubject"]["value"] == HANA
    assert shown["https://misono.example/def/consent"]["object"] == allowed.record(HANA)
    assert city.ground.signer.verify(told["signature"], TYP)["contentHash"] == told["contentHash"]
    (entry,) = city.audit.entries
    assert [(one.subject, one.values, *one.records) for one in entry.told] == [(HANA, 1, allowed.record(HANA))]


def test_nothing_is_handed_over_that_nobody_consented_to(city: BankCity) -> None:
    told = deliver(city, city.agreement(city.live_offer())["id"])
    assert told["records"] == []
    assert city.audit.entries == []
    assert city.ask("hana", "GET", "/my/receipts") == []


def test_after_a_withdrawal_nothing_more_is_handed_over(city: BankCity, allowed: Allowed) -> None:
    agreement = city.agreement(city.live_offer())["id"]
    allowed.give(HANA)
    deliver(city, agreement)
    allowed.withdraw(HANA)
    assert deliver(city, agreement)["records"] == []
    assert len(city.audit.entries) == 1


def test_what_the_agreement_is_not_of_stays(city: BankCity, allowed: Allowed) -> None:
    allowed.give(HANA)
    allowed.give(TARO, END)
    told = deliver(city, city.agreement(city.live_offer())["id"])
    assert [record["entity"]["id"] for record in told["records"]] == [f"{BOOKING}:1"]
    assert {one.subject for entry in city.audit.entries for one in entry.told} == {HANA}


def test_a_receipt_is_one_for_a_person_and_an_agreement(city: BankCity, allowed: Allowed) -> None:
    agreement = city.agreement(city.live_offer())["id"]
    allowed.give(HANA)
    first = deliver(city, agreement)["records"][0]["receipts"]
    city.clock.advance(86_400)
    assert deliver(city, agreement)["records"][0]["receipts"] == first
    (mine,) = city.ask("hana", "GET", "/my/receipts")
    assert (mine["id"], mine["recordCount"]) == (first[0], 2)
    assert (mine["disclosedAt"], mine["disclosedUntil"]) == (city.in_days(-1), city.in_days(0))
    assert (mine["dataItems"], mine["benefit"]["en"]) == (["FacilityBooking/bookingStart"], "Advice")
    assert city.ask("taro", "GET", "/my/receipts") == []


def test_the_purpose_has_to_be_stated(city: BankCity, allowed: Allowed, monkeypatch: pytest.MonkeyPatch) -> None:
    agreement = city.agreement(city.live_offer())["id"]
    allowed.give(HANA)
    silent = Principal("uni", roles=frozenset({"recipient"}), recipient=PEOPLE["university"].recipient)
    monkeypatch.setitem(PEOPLE, "university", silent)
    with pytest.raises(Forbidden, match="purpose"):
        deliver(city, agreement)
    assert city.audit.entries == []


def test_another_organisation_s_agreement_does_not_exist(city: BankCity) -> None:
    agreement = city.agreement(city.live_offer())["id"]
    for method, path, body in (("POST", "/deliveries", {}), ("GET", "", None), ("GET", "/policy", None)):
        with pytest.raises(ResourceNotFound) as another:
            city.ask("company", method, f"/agreements/{agreement}{path}", body)
        with pytest.raises(ResourceNotFound) as absent:
            city.ask("company", method, f"/agreements/urn:x:none{path}", body)
        assert another.value.detail == absent.value.detail


@pytest.mark.parametrize(
    ("block", "why"),
    [("recipient", "recipient is blocked"), ("decision", "offer is not live"), ("agreement", "does not hold")],
)
def test_nothing_is_handed_over_where_one_of_them_holds_no_longer(
    city: BankCity, allowed: Allowed, block: str, why: str
) -> None:
    agreement = city.agreement(city.live_offer())
    allowed.give(HANA)
    reason = {"reason": "for a reason"}
    acts = {
        "recipient": ("operator", f"/recipients/{agreement['recipient']}/suspension"),
        "decision": ("lawyer", f"/board/decisions/{agreement['ethicsDecision']}/revocation"),
        "agreement": ("operator", f"/agreements/{agreement['id']}/end"),
    }
    who, path = acts[block]
    city.ask(who, "POST", path, reason)
    with pytest.raises(Forbidden, match=why):
        deliver(city, agreement["id"])
    assert city.audit.entries == []


def test_an_agreement_ends_with_the_terms_that_it_was_made_under(city: BankCity, allowed: Allowed) -> None:
    offer = city.live_offer(dataItems=["FacilityBooking/bookingStart", "FacilityBooking/bookingEnd"])
    agreement = city.agreement(offer)["id"]
    allowed.give(HANA)
    city.ask("operator", "PATCH", f"/offers/{offer}", {"dataItems": ["FacilityBooking/bookingEnd"]})
    city.review(offer)
    city.ask("operator", "POST", f"/offers/{offer}/publication", {})
    with pytest.raises(Forbidden, match="other terms"):
        deliver(city, agreement)
    assert city.audit.entries == []


def test_evidence_that_has_run_out_stops_it_before_any_timer(city: BankCity, allowed: Allowed) -> None:
    agreement = city.agreement(city.live_offer())["id"]
    allowed.give(HANA)
    city.clock.advance(90 * 86_400)
    with pytest.raises(Forbidden, match="does not hold"):
        deliver(city, agreement)
    city.room.look()
    assert city.ask("university", "GET", f"/agreements/{agreement}")["state"] == "ended"


def test_what_is_coarser_than_measured_is_had_as_aggregates(city: BankCity, allowed: Allowed) -> None:
    allowed.give(HANA)
    agreement = city.agreement(city.live_offer(), ["FacilityBooking/bookingStart@daily"])["id"]
    with pytest.raises(Conflict, match="aggregates"):
        deliver(city, agreement)
    assert city.audit.entries == []


def test_of_several_types_one_is_named(city: BankCity, allowed: Allowed) -> None:
    items = ["FacilityBooking/bookingStart", "Resident/ageBand"]
    allowed.give(HANA)
    agreement = city.agreement(city.live_offer(dataItems=items), items)["id"]
    with pytest.raises(BadRequestData) as refused:
        deliver(city, agreement)
    assert (refused.value.pointer, refused.value.remedy) == ("/type", "FacilityBooking, Resident")
    assert len(deliver(city, agreement, type="FacilityBooking")["records"]) == 1


def test_many_records_come_in_parts(tmp_path: Path) -> None:
    allowed = Allowed()
    with bank_city(tmp_path, allowed=allowed, city={"bank": {"page_entities": 2}}) as city:
        city.board()
        city.recipient()
        for number in range(5):
            book_room(city.hub, str(number), HANA)
        allowed.give(HANA)
        agreement, found, after = city.agreement(city.live_offer())["id"], list[str](), dict[str, str]()
        told: dict[str, Any] = {}
        for _ in range(3):
            told = deliver(city, agreement, **after)
            found += [record["entity"]["id"] for record in told["records"]]
            after = {"after": told.get("next", "")}
        assert found == [f"{BOOKING}:{number}" for number in range(5)]
        assert "next" not in told
        deliveries = city.ask("auditor", "GET", f"/agreements/{agreement}/deliveries")
        assert [(one["people"], one["records"]) for one in deliveries] == [(1, 2), (1, 2), (1, 1)]
        assert HANA not in str(deliveries)
        city.hub.delete("", [f"{BOOKING}:1"])
        with pytest.raises(Conflict, match="no longer"):  # and not as if there were nothing more
            deliver(city, agreement, after=f"{BOOKING}:1")


def test_consents_that_change_meanwhile_are_looked_at_again(city: BankCity, allowed: Allowed) -> None:
    agreement = city.agreement(city.live_offer())["id"]
    allowed.give(HANA)
    allowed.meanwhile = lambda: allowed.withdraw(HANA)
    assert deliver(city, agreement)["records"] == []
    assert city.audit.entries == []


def test_nothing_is_answered_that_could_not_be_written_down(city: BankCity, allowed: Allowed) -> None:
    agreement = city.agreement(city.live_offer())["id"]
    allowed.give(HANA)
    city.audit.fails = True
    with pytest.raises(ServiceUnavailable, match="audit"):
        deliver(city, agreement)
    assert city.ask("hana", "GET", "/my/receipts") == []


def test_receipts_go_three_years_after_the_last_delivery_and_their_entities_too(
    city: BankCity, allowed: Allowed
) -> None:
    agreement = city.agreement(city.live_offer())["id"]
    allowed.give(HANA)
    receipt = deliver(city, agreement)["records"][0]["receipts"][0]
    city.clock.advance(30 * 86_400)
    deliver(city, agreement)
    city.clock.advance(1_096 * 86_400 - 1)
    city.room.tidy()
    assert city.shown(receipt) is not None
    city.clock.advance(1)
    city.room.tidy()
    assert city.shown(receipt) is None
    assert city.ask("hana", "GET", "/my/receipts") == []


def test_acts_name_no_person(city: BankCity, allowed: Allowed) -> None:
    agreement = city.agreement(city.live_offer())["id"]
    allowed.give(HANA)
    deliver(city, agreement)
    city.ask("hana", "POST", "/complaints", {"text": f"I am {HANA}"})
    acts = city.ground.file.read("SELECT id, by, changed FROM bank_event")
    assert len(acts) > 20
    assert "hana" not in str(acts)
