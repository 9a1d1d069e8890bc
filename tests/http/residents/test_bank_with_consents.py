"""The bank in a hub with the real policy, consents and audit: from an application to the data."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from broker.ports import Principal
from services.bank.room import BankRoom
from tests.fakes.bank_city import BOARD
from tests.fakes.consent_city import CITY, CLINIC, ConsentCity, consent_city
from tests.fakes.named import Named

PULSE_ITEM = "HeartRateObservation/heartRate"
BANK = """
[bank]
operator = {name = "みその信託", address = "緑区1", representative = "見本太郎", contact = "03"}
"""
TEXT = {"ja": "文", "en": "Text"}


@pytest.fixture(params=["memory", "sqlite"])
def city(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ConsentCity]:
    with consent_city(tmp_path, str(request.param), CITY + BANK) as found:
        identity = cast("Named", found.built.house.identity)
        identity.known.update({name: Principal(name, roles=frozenset({"board"})) for name in BOARD})
        yield found


def bank(city: ConsentCity, who: str, method: str, path: str, body: Any = None) -> Any:
    return city.ask(who, method, f"//services/bank{path}", body)


def live_offer(city: ConsentCity) -> str:
    """The clinic is examined, the board allows an offer of the pulse: its id."""
    period = {"validFrom": city.in_days(-1), "validUntil": city.in_days(300)}
    bank(city, "yamada", "POST", "/recipients", {
        "id": CLINIC, "name": TEXT, "recipientClass": "commercial", "country": "JP", "contact": "03",
        "purposes": ["HealthAdvice"], "evidence": [{"kind": "isms", "number": "1", **period}],
        "contract": {"number": "1", "auditRight": True, "breachNotice": True, **period},
    })  # fmt: skip
    assert city.status == 201
    bank(city, "yamada", "POST", f"/recipients/{CLINIC}/activation", {})
    for name, viewpoint in BOARD.items():
        bank(city, "yamada", "POST", "/board/members", {"name": TEXT, "viewpoints": [viewpoint], "principal": name})
    offer = str(bank(city, "yamada", "POST", "/offers", {
        "name": TEXT, "benefit": TEXT, "dataItems": [PULSE_ITEM], "purposes": ["HealthAdvice"],
        "recipientClasses": ["commercial"], "retention": "P1Y", **period,
    })["id"])  # fmt: skip
    review = bank(city, "yamada", "POST", "/board/reviews", {"about": offer, "question": TEXT})["id"]
    for name in BOARD:
        bank(city, name, "PUT", f"/board/reviews/{review}/vote", {"vote": "approve", "reason": "fine"})
    body = {"summary": TEXT, "validUntil": city.in_days(100)}
    bank(city, "lawyer", "POST", f"/board/reviews/{review}/decision", body)
    bank(city, "yamada", "POST", f"/offers/{offer}/publication", {})
    assert city.status == 200
    return offer


def agreement(city: ConsentCity, offer: str) -> str:
    request = bank(city, "clinic", "POST", "/requests", {
        "offer": offer, "purpose": "HealthAdvice", "dataItems": [PULSE_ITEM], "benefit": TEXT,
        "validFrom": city.in_days(0), "validUntil": city.in_days(50),
    })["id"]  # fmt: skip
    return str(bank(city, "yamada", "POST", f"/requests/{request}/acceptance", {})["id"])


def deliver(city: ConsentCity, agreed: str) -> list[str]:
    told = bank(city, "clinic", "POST", f"/agreements/{agreed}/deliveries", {})
    assert city.status == 201, told
    return [record["entity"]["id"] for record in told["records"]]


def test_a_recipient_gets_what_was_consented_to_until_it_is_withdrawn(city: ConsentCity) -> None:
    agreed = agreement(city, live_offer(city))
    pulse = city.pulse("hana")
    city.pulse("taro")
    assert deliver(city, agreed) == []
    record = city.give("hana", city.terms())
    assert deliver(city, agreed) == [pulse]
    (mine,) = bank(city, "hana", "GET", "/my/receipts")
    assert (mine["consents"], mine["dataItems"], mine["recordCount"]) == ([record["id"]], [PULSE_ITEM], 1)
    disclosed = bank(city, "hana", "GET", "/my/records")
    assert [(one["counterpart"], one["items"], one["consents"]) for one in disclosed] == [
        (CLINIC, [PULSE_ITEM], [record["id"]])
    ]
    assert "bank_deliver" in disclosed[0]["operations"]
    assert bank(city, "taro", "GET", "/my/records") == []
    city.withdraw("hana", record=record["id"])
    assert deliver(city, agreed) == []
    assert bank(city, "hana", "GET", "/my/receipts")[0]["recordCount"] == 1


def test_what_a_recipient_asked_the_broker_itself_is_in_the_records_too(city: ConsentCity) -> None:
    live_offer(city)
    city.pulse("hana")
    city.give("hana", city.terms())
    assert city.sees("clinic", "hana") == 62
    (record,) = bank(city, "hana", "GET", "/my/records")
    assert (record["counterpart"], record["items"]) == (CLINIC, [PULSE_ITEM])
    assert record["operations"] == ["retrieve_entity"]


def test_evidence_that_runs_out_hides_everything_at_once(city: ConsentCity) -> None:
    agreed = agreement(city, live_offer(city))
    city.pulse("hana")
    city.give("hana", city.terms())
    soon = {"validFrom": city.in_days(-1), "validUntil": city.in_days(5)}
    bank(city, "yamada", "PATCH", f"/recipients/{CLINIC}", {"evidence": [{"kind": "isms", "number": "2", **soon}]})
    assert city.sees("clinic", "hana") == 62
    city.clock.advance(5 * 86_400 - 1)
    assert city.sees("clinic", "hana") == 62
    city.clock.advance(1)
    assert city.sees("clinic", "hana") is None
    bank(city, "clinic", "POST", f"/agreements/{agreed}/deliveries", {})
    assert city.status == 403


def test_a_suspended_recipient_sees_nothing_more(city: ConsentCity) -> None:
    live_offer(city)
    city.pulse("hana")
    city.give("hana", city.terms())
    bank(city, "yamada", "POST", f"/recipients/{CLINIC}/suspension", {"reason": "a breach"})
    assert city.sees("clinic", "hana") is None


def test_the_operator_sees_agreements_and_no_person(city: ConsentCity) -> None:
    agreed = agreement(city, live_offer(city))
    city.pulse("hana")
    city.give("hana", city.terms())
    deliver(city, agreed)
    seen = [
        bank(city, "yamada", "GET", path)
        for path in ("/agreements", f"/agreements/{agreed}/deliveries", "/requests", "/offers", "/complaints")
    ]
    assert "subject:hana" not in str(seen)
    for path in ("/records", "/my/records", "/my/receipts"):
        bank(city, "yamada", "GET", path)
        assert city.status == 403


def test_what_the_bank_shows_is_read_only(city: ConsentCity) -> None:
    offer = live_offer(city)
    for method, path, body in (
        ("DELETE", f"//ngsi-ld/v1/entities/{offer}", None),
        ("PATCH", f"//ngsi-ld/v1/entities/{offer}/attrs", {"offerState": {"type": "VocabProperty", "vocab": "x"}}),
    ):
        city.ask("yamada", method, path, body)
        assert city.status in (403, 404)
    assert city.entity(offer)["offerState"].endswith("/offerLive")


def test_everybody_reads_the_summary_of_a_public_tenant_only(city: ConsentCity) -> None:
    bank(city, "", "GET", "/summary")
    assert city.status == 404
    city.tenant = ""
    assert bank(city, "", "GET", "/summary")["provider"]["name"] == "みその信託"
    bank(city, "", "GET", "/offers")
    assert city.status in (401, 403)


def test_every_act_is_in_the_room_s_state(city: ConsentCity) -> None:
    room = cast("BankRoom", city.served._rooms["bank"])
    assert room.state() == "ok"
    live_offer(city)
    room.look()
    assert room.book.ahead() == []
