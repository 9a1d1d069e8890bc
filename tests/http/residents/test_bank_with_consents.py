"""The bank in a hub with the real policy, consents and audit: from an application to the data."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from services.bank.room import BankRoom
from tests.fakes.consent_city import CLINIC
from tests.fakes.consented_bank import PULSE_ITEM, TEXT, ConsentedBank, consented_bank


@pytest.fixture(params=["memory", "sqlite"])
def bank(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ConsentedBank]:
    with consented_bank(tmp_path, str(request.param)) as found:
        found.apply()
        found.examine()
        found.appoint()
        yield found


def test_a_recipient_gets_what_was_consented_to_until_it_is_withdrawn(bank: ConsentedBank) -> None:
    city = bank.city
    agreed = bank.agree(bank.live_offer())
    pulse = city.pulse("hana")
    city.pulse("taro")
    assert bank.delivered(agreed) == []
    record = city.give("hana", city.terms())
    assert bank.delivered(agreed) == [pulse]
    (mine,) = bank.ask("hana", "GET", "/my/receipts")
    assert (mine["consents"], mine["dataItems"], mine["recordCount"]) == ([record["id"]], [PULSE_ITEM], 1)
    disclosed = bank.ask("hana", "GET", "/my/records")
    assert [(one["counterpart"], one["items"], one["consents"]) for one in disclosed] == [
        (CLINIC, [PULSE_ITEM], [record["id"]])
    ]
    assert "bank_deliver" in disclosed[0]["operations"]
    assert bank.ask("taro", "GET", "/my/records") == []
    city.withdraw("hana", record=record["id"])
    assert bank.delivered(agreed) == []
    assert bank.ask("hana", "GET", "/my/receipts")[0]["recordCount"] == 1


def test_what_a_recipient_asked_the_broker_itself_is_in_the_records_too(bank: ConsentedBank) -> None:
    city = bank.city
    bank.live_offer()
    city.pulse("hana")
    city.give("hana", city.terms())
    assert city.sees("clinic", "hana") == 62
    (record,) = bank.ask("hana", "GET", "/my/records")
    assert (record["counterpart"], record["items"]) == (CLINIC, [PULSE_ITEM])
    assert record["operations"] == ["retrieve_entity"]


def test_evidence_that_runs_out_hides_everything_at_once(bank: ConsentedBank) -> None:
    city = bank.city
    agreed = bank.agree(bank.live_offer())
    city.pulse("hana")
    city.give("hana", city.terms())
    soon = {"validFrom": city.in_days(-1), "validUntil": city.in_days(5)}
    bank.ask("yamada", "PATCH", f"/recipients/{CLINIC}", {"evidence": [{"kind": "isms", "number": "2", **soon}]})
    assert city.sees("clinic", "hana") == 62
    city.clock.advance(5 * 86_400 - 1)
    assert city.sees("clinic", "hana") == 62
    city.clock.advance(1)
    assert city.sees("clinic", "hana") is None
    bank.ask("clinic", "POST", f"/agreements/{agreed}/deliveries", {})
    assert city.status == 403


def test_a_suspended_recipient_sees_nothing_more(bank: ConsentedBank) -> None:
    city = bank.city
    bank.live_offer()
    city.pulse("hana")
    city.give("hana", city.terms())
    bank.ask("yamada", "POST", f"/recipients/{CLINIC}/suspension", {"reason": "a breach"})
    assert city.sees("clinic", "hana") is None


def test_the_operator_sees_agreements_and_no_person(bank: ConsentedBank) -> None:
    city = bank.city
    agreed = bank.agree(bank.live_offer())
    city.pulse("hana")
    city.give("hana", city.terms())
    bank.delivered(agreed)
    seen = [
        bank.ask("yamada", "GET", path)
        for path in ("/agreements", f"/agreements/{agreed}/deliveries", "/requests", "/offers", "/complaints")
    ]
    assert "subject:hana" not in str(seen)
    for path in ("/records", "/my/records", "/my/receipts"):
        bank.ask("yamada", "GET", path)
        assert city.status == 403


def test_what_the_bank_shows_is_read_only(bank: ConsentedBank) -> None:
    city = bank.city
    offer = bank.live_offer()
    for method, path, body in (
        ("DELETE", f"//ngsi-ld/v1/entities/{offer}", None),
        ("PATCH", f"//ngsi-ld/v1/entities/{offer}/attrs", {"offerState": {"type": "VocabProperty", "vocab": "x"}}),
    ):
        city.ask("yamada", method, path, body)
        assert city.status in (403, 404)
    assert city.entity(offer)["offerState"].endswith("/offerLive")


def test_everybody_reads_the_summary_of_a_public_tenant_only(bank: ConsentedBank) -> None:
    city = bank.city
    bank.ask("", "GET", "/summary")
    assert city.status == 404
    city.tenant = ""
    assert bank.ask("", "GET", "/summary")["provider"]["name"] == "みその信託"
    bank.ask("", "GET", "/offers")
    assert city.status in (401, 403)


def test_an_auditor_finds_every_act_in_the_audit(bank: ConsentedBank) -> None:
    city, room = bank.city, cast("BankRoom", bank.city.served._rooms["bank"])
    offer = bank.live_offer()
    room.look()
    assert (room.state(), room.book.ahead()) == ("ok", [])
    found = city.ask("kaneko", "GET", "//admin/audit?kind=bank&limit=1000")
    told = [one["operation"] for one in found if one["more"]["item"] == offer]
    assert told == ["bank_offer_draft", "bank_offer_publish"]
    city.ask("clinic", "GET", "//admin/audit?kind=bank")
    assert city.status == 403


def test_people_are_asked_under_live_offers_that_the_board_allows(bank: ConsentedBank) -> None:
    city, draft, offer = bank.city, bank.draft(), bank.live_offer()
    (decision,) = bank.done("clinic", "GET", "/board/decisions")
    terms = city.terms(offer=offer, ethicsDecision=decision["id"])
    assert city.give("hana", terms)["holds"] is True
    body = {
        "purpose": "HealthAdvice", "dataItems": [PULSE_ITEM], "benefit": TEXT, "retention": "P1Y",
        "privacyNotice": "https://clinic.example/notice", "offer": draft,
    }  # fmt: skip
    city.ask("clinic", "POST", "/terms", body)
    assert city.status == 409
