"""Recipients are examined before they may receive, and blocked as soon as what they showed has run out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from broker.access.grants import recipient_in
from broker.errors import BadRequestData, Conflict, Forbidden
from tests.fakes.bank_city import UNIVERSITY, BankCity, bank_city

STATE = "https://misono.example/def/recipientState"


@pytest.fixture
def city(tmp_path: Path) -> Iterator[BankCity]:
    with bank_city(tmp_path) as found:
        yield found


def told(city: BankCity, who: str = "operator") -> dict[str, object]:
    found = city.ask(who, "GET", f"/recipients/{UNIVERSITY}")
    assert isinstance(found, dict)
    return found


def state(city: BankCity) -> str:
    return str(city.shown(UNIVERSITY)[STATE]["vocab"]).rpartition("/")[2]


def register(city: BankCity, **more: object) -> None:
    city.ask("operator", "POST", "/recipients", {
        "id": UNIVERSITY, "name": {"ja": "大学", "en": "University"}, "recipientClass": "researchBody",
        "country": "JP", "contact": "data@university.example", **more,
    })  # fmt: skip


def evidence(city: BankCity, first: float, last: float, kind: str = "isms") -> dict[str, str]:
    return {"kind": kind, "number": "1", "validFrom": city.in_days(first), "validUntil": city.in_days(last)}


def contract(city: BankCity, last: float = 100, **more: bool) -> dict[str, object]:
    period = {"validFrom": city.in_days(-1), "validUntil": city.in_days(last)}
    return {"number": "C-1", "auditRight": True, "breachNotice": True, **period, **more}


def activate(city: BankCity) -> None:
    city.ask("operator", "POST", f"/recipients/{UNIVERSITY}/activation", {})


def test_it_receives_nothing_before_it_is_examined(city: BankCity) -> None:
    register(city, evidence=[evidence(city, -1, 10)], contract=contract(city))
    assert (told(city)["mayReceive"], state(city)) == (False, "recipientApplied")
    assert recipient_in(city.shown(UNIVERSITY)) is None
    activate(city)
    assert (told(city)["mayReceive"], state(city)) == (True, "recipientActive")
    assert recipient_in(city.shown(UNIVERSITY)) is not None


@pytest.mark.parametrize(
    ("lacks", "why"), [("evidence", "evidenceExpired"), ("contract", "contractExpired"), ("", "no right to audit")]
)
def test_it_is_not_active_without_what_it_has_to_show(city: BankCity, lacks: str, why: str) -> None:
    parts = {"evidence": [evidence(city, -1, 10)], "contract": contract(city, auditRight=bool(lacks))}
    parts.pop(lacks, None)
    register(city, **parts)
    with pytest.raises(Conflict, match=why):
        activate(city)
    assert state(city) == "recipientApplied"


def test_evidence_that_runs_out_blocks_at_once_and_is_told_by_the_timer(city: BankCity) -> None:
    city.recipient(days=10)
    shown = recipient_in(city.shown(UNIVERSITY))
    assert shown is not None
    assert shown.until == city.clock.now() + 10 * 86_400_000_000  # the index of consents blocks then by itself
    city.clock.advance(10 * 86_400 - 1)
    assert told(city)["mayReceive"] is True
    city.clock.advance(1)
    assert (told(city)["mayReceive"], told(city)["blockedBy"]) == (False, "evidenceExpired")
    assert city.ask("hana", "GET", "/recipients")[0]["mayReceive"] is False
    city.room.look()
    assert state(city) == "recipientSuspended"
    assert recipient_in(city.shown(UNIVERSITY)) is None


def test_a_newer_certificate_opens_it_again_once_it_is_examined(city: BankCity) -> None:
    city.recipient(days=10)
    city.clock.advance(11 * 86_400)
    city.room.look()
    with pytest.raises(Conflict):
        activate(city)
    new = {"evidence": [evidence(city, -1, 50, "privacyMark")], "contract": contract(city)}
    city.ask("operator", "PATCH", f"/recipients/{UNIVERSITY}", new)
    assert told(city)["mayReceive"] is False
    activate(city)
    assert told(city)["mayReceive"] is True


def test_one_certificate_of_two_is_enough(city: BankCity) -> None:
    register(city, evidence=[evidence(city, -9, -1), evidence(city, -1, 20, "privacyMark")], contract=contract(city))
    activate(city)
    city.clock.advance(15 * 86_400)
    city.room.look()
    assert told(city)["mayReceive"] is True


def test_suspended_and_ended_ones_receive_nothing(city: BankCity) -> None:
    city.recipient()
    city.ask("operator", "POST", f"/recipients/{UNIVERSITY}/suspension", {"reason": "a breach"})
    assert (told(city)["blockedBy"], state(city)) == ("a breach", "recipientSuspended")
    city.ask("operator", "POST", f"/recipients/{UNIVERSITY}/end", {"reason": "it closed"})
    assert state(city) == "recipientEnded"
    with pytest.raises(Conflict, match="ended"):
        activate(city)


def test_one_the_board_did_not_approve_is_not_active(city: BankCity) -> None:
    city.board()
    register(city, evidence=[evidence(city, -1, 10)], contract=contract(city))
    city.review(UNIVERSITY, dict.fromkeys(("engineer", "guard", "lawyer", "thinker"), "reject"))
    with pytest.raises(Conflict, match="did not approve"):
        activate(city)


@pytest.mark.parametrize(
    ("more", "pointer"),
    [({"id": "urn:ngsi-ld:Room:1"}, "/id"), ({"country": "Japan"}, "/country"), ({"purposes": ["Fun"]}, "/purposes/0"),
     ({"evidence": [{"kind": "isms"}]}, "/evidence/0"), ({"legalEntityNumber": "12"}, "/legalEntityNumber")],
)  # fmt: skip
def test_what_is_no_recipient_is_refused(city: BankCity, more: dict[str, object], pointer: str) -> None:
    with pytest.raises(BadRequestData) as refused:
        register(city, **more)
    assert refused.value.pointer == pointer
    assert city.ask("operator", "GET", "/recipients") == []


def test_others_than_staff_see_what_is_public_of_it(city: BankCity) -> None:
    city.recipient()
    assert "evidence" in told(city)
    assert "evidence" in told(city, "university")
    public = told(city, "hana")
    assert not public.keys() & {"evidence", "contract", "activatedAt"}
    with pytest.raises(Forbidden):
        city.ask("hana", "POST", f"/recipients/{UNIVERSITY}/end", {"reason": "no"})
    with pytest.raises(Conflict):
        city.recipient()


def test_a_contract_without_a_right_to_audit_does_not_replace_one_that_has_it(city: BankCity) -> None:
    city.recipient()
    with pytest.raises(Conflict, match="right to audit"):
        city.ask("operator", "PATCH", f"/recipients/{UNIVERSITY}", {"contract": contract(city, auditRight=False)})
    assert told(city)["mayReceive"] is True
