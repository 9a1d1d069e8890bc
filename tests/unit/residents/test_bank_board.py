"""The ethics board: every viewpoint is heard, who asks does not vote, a decision holds for a while."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from broker.errors import BadRequestData, Conflict, Forbidden
from broker.keeping import NotKept
from broker.ports import Principal
from services.bank.telling import digest_of
from tests.fakes.bank_city import BOARD, PEOPLE, BankCity, bank_city

SUMMARY = {"ja": "概要", "en": "Summary"}


@pytest.fixture
def city(tmp_path: Path) -> Iterator[BankCity]:
    with bank_city(tmp_path) as found:
        found.board()
        yield found


def on_the_agenda(city: BankCity, **terms: object) -> str:
    question = {"about": city.offer(**terms), "question": {"ja": "よいか", "en": "May it be?"}}
    return str(city.ask("operator", "POST", "/board/reviews", question)["id"])


def vote(city: BankCity, review: str, *names: str, **body: object) -> None:
    for name in names:
        city.ask(name, "PUT", f"/board/reviews/{review}/vote", {"vote": "approve", "reason": "fine", **body})


def decide(city: BankCity, review: str, days: float = 30) -> str:
    body = {"summary": SUMMARY, "validUntil": city.in_days(days)}
    return str(city.ask("lawyer", "POST", f"/board/reviews/{review}/decision", body)["ethicsOutcome"])


def test_nothing_is_decided_before_more_than_half_voted(city: BankCity) -> None:
    review = on_the_agenda(city)
    vote(city, review, "engineer", "guard", "lawyer")
    with pytest.raises(Conflict, match="3 of 6 members"):
        decide(city, review)


def test_nothing_is_decided_before_every_viewpoint_is_heard(city: BankCity) -> None:
    review = on_the_agenda(city)
    vote(city, review, "engineer", "guard", "lawyer", "thinker")
    vote(city, review, "neighbour", vote="abstain", conflictOfInterest=True)
    with pytest.raises(Conflict, match="consumer"):
        decide(city, review)
    vote(city, review, "neighbour")
    assert decide(city, review) == "approved"


def test_what_needs_special_care_is_not_decided_without_a_medical_adviser(city: BankCity) -> None:
    review = on_the_agenda(city, dataItems=["ActivityObservation/steps"])
    vote(city, review, "engineer", "guard", "lawyer", "thinker", "neighbour")
    with pytest.raises(Conflict, match="medicalAdviser"):
        decide(city, review)
    vote(city, review, "doctor")
    assert decide(city, review) == "approved"


def test_half_in_favour_is_not_enough(city: BankCity) -> None:
    review = on_the_agenda(city)
    vote(city, review, "engineer", "guard", "lawyer")
    vote(city, review, "thinker", "neighbour", "doctor", vote="reject")
    assert decide(city, review) == "notApproved"


def test_a_vote_may_be_changed_until_it_is_decided(city: BankCity) -> None:
    review = on_the_agenda(city)
    vote(city, review, *BOARD, vote="reject")
    vote(city, review, *BOARD)
    assert decide(city, review) == "approved"
    with pytest.raises(Conflict, match="decided"):
        vote(city, review, "lawyer")
    with pytest.raises(Conflict, match="decided"):
        decide(city, review)


def test_who_has_an_interest_abstains(city: BankCity) -> None:
    with pytest.raises(Conflict, match="abstains"):
        vote(city, on_the_agenda(city), "lawyer", conflictOfInterest=True)


def test_a_condition_is_named(city: BankCity) -> None:
    with pytest.raises(BadRequestData, match="which conditions"):
        vote(city, on_the_agenda(city), "lawyer", vote="conditional")


def test_only_members_vote_and_decide(city: BankCity, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PEOPLE, "stranger", Principal("stranger", roles=frozenset({"board"})))
    review = on_the_agenda(city)
    with pytest.raises(Forbidden, match="does not sit"):
        vote(city, review, "stranger")
    members = city.ask("operator", "GET", "/board/members")
    lawyer = next(one["id"] for one in members if one["principal"] == "lawyer")
    city.ask("operator", "POST", f"/board/members/{lawyer}/end", {"reason": "moved away"})
    with pytest.raises(Forbidden, match="does not sit"):
        vote(city, review, "lawyer")
    with pytest.raises(Forbidden, match="this is for board"):
        vote(city, review, "operator")


def test_who_asked_for_a_review_does_not_vote_on_it(city: BankCity, monkeypatch: pytest.MonkeyPatch) -> None:
    review = on_the_agenda(city)
    monkeypatch.setitem(PEOPLE, "again", Principal("yamada", roles=frozenset({"board"})))
    city.ask("operator", "POST", "/board/members", {
        "name": SUMMARY, "viewpoints": ["ethics"], "principal": "yamada",
    })  # fmt: skip
    with pytest.raises(Forbidden, match="asked for a review"):
        vote(city, review, "again")


def test_an_account_sits_on_the_board_once(city: BankCity) -> None:
    with pytest.raises(Conflict, match="sits on the board"):
        city.board()


def test_a_decision_holds_so_long_at_most(city: BankCity) -> None:
    review = on_the_agenda(city)
    vote(city, review, *BOARD)
    for days in (-1, 366):
        with pytest.raises(BadRequestData, match="365 days at most"):
            decide(city, review, days)
    assert decide(city, review, 365) == "approved"


def test_the_same_terms_stand_on_the_agenda_once(city: BankCity) -> None:
    offer = city.offer()
    body = {"about": offer, "question": {"ja": "よいか", "en": "May it be?"}}
    city.ask("operator", "POST", "/board/reviews", body)
    with pytest.raises(Conflict, match="agenda already"):
        city.ask("operator", "POST", "/board/reviews", body)


def test_the_hub_shows_what_was_decided_and_not_who_voted_how(city: BankCity) -> None:
    offer = city.offer()
    decision = city.review(offer, {"lawyer": "conditional"})
    shown = city.shown(decision["id"])
    named = {name.rpartition("/")[2]: part for name, part in shown.items() if isinstance(part, dict)}
    assert named["ethicsOutcome"]["vocab"].endswith("/conditional")
    assert named["reviewOf"]["object"] == offer
    assert "lawyer" in named["viewpoints"]["value"]
    assert "votes" not in named
    assert "reject" not in str(shown)


def test_the_audit_is_told_every_act_once_and_in_order(city: BankCity) -> None:
    city.review(city.offer())
    city.room.look()
    city.room.look()
    sql = "SELECT tenant, kind, id, version, at, act, by, changed FROM bank_event ORDER BY number"
    acts = city.ground.file.read(sql)
    assert [one.more["digest"] for one in city.audit.every] == [digest_of(row) for row in acts]
    assert {one.kind for one in city.audit.every} == {"bank"}
    told = [(one.operation, one.principal) for one in city.audit.every]
    assert told[-2:] == [("bank_decision_decide", "lawyer"), ("bank_review_close", "lawyer")]
    assert "because" not in str(city.audit.every)  # what somebody said stays in the book


def test_what_the_audit_did_not_take_is_told_later(city: BankCity) -> None:
    city.audit.fails = True
    with pytest.raises(NotKept):
        city.room.look()
    assert city.audit.every == []
    city.audit.fails = False
    city.room.look()
    assert len(city.audit.every) == 6  # the members
