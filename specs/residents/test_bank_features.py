"""The feature of the bank as tests, and its words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pytest_bdd import given, parsers, scenarios, then, when

from broker.ports import Principal
from tests.fakes.bank_city import BOARD
from tests.fakes.consent_city import CLINIC
from tests.fakes.consented_bank import PULSE_ITEM, TEXT, ConsentedBank, consented_bank

scenarios("bank.feature")

DAY_S = 86_400


@dataclass
class Story:
    """What was made so far; `told` is the last answer, `seen` what is asked about it."""

    bank: ConsentedBank
    told: Any = None
    offer: str = ""
    decision: str = ""
    agreement: str = ""
    made: dict[str, str] = field(default_factory=dict)

    @property
    def status(self) -> int:
        """That of the last answer."""
        return self.bank.city.status


@pytest.fixture
def story(store: str, tmp_path: Path) -> Iterator[Story]:
    with consented_bank(tmp_path, store) as bank:
        yield Story(bank)


@given("an ethics board of every viewpoint")
def a_board(story: Story) -> None:
    story.bank.appoint()


@given(parsers.parse("the clinic has applied with a certificate for {days:d} days"))
def has_applied(story: Story, days: int) -> None:
    story.bank.apply(days)


@given("the clinic was examined")
@when("the operator examines the clinic")
def examined(story: Story) -> None:
    story.bank.examine()
    assert story.status == 200


@given("a draft of an offer of the pulse")
def a_draft(story: Story) -> None:
    story.offer = story.bank.draft()


@given(parsers.parse("an offer of the pulse that the board allowed for {days:d} days"))
def a_live_offer(story: Story, days: int) -> None:
    story.offer = story.bank.live_offer(days)


@given("the clinic has an agreement about the pulse")
def an_agreement(story: Story) -> None:
    story.offer = story.bank.live_offer()
    story.agreement = story.bank.agree(story.offer)


@given(parsers.parse('the pulse of "{one}" and of "{other}" was measured'))
def was_measured(story: Story, one: str, other: str) -> None:
    story.made = {name: story.bank.city.pulse(name) for name in (one, other)}


@given(parsers.parse('"{name}" consents'))
def consents(story: Story, name: str) -> None:
    record = story.bank.city.give(name, story.bank.city.terms())
    story.made[f"consent of {name}"] = record["id"]


@when("the clinic asks for data under the offer")
def asks(story: Story) -> None:
    story.told = story.bank.ask("clinic", "POST", "/requests", {
        "offer": story.offer, "purpose": "HealthAdvice", "dataItems": [PULSE_ITEM], "benefit": TEXT,
        "validFrom": story.bank.city.in_days(0), "validUntil": story.bank.city.in_days(50),
    })  # fmt: skip


@when("the operator publishes the offer")
def publishes(story: Story) -> None:
    story.told = story.bank.publish(story.offer)


@when(parsers.parse("the board allows the offer for {days:d} days"))
def allows(story: Story, days: int) -> None:
    review = story.bank.propose(story.offer)
    story.bank.vote(review, "approve", *BOARD)
    story.told = story.bank.decide(review, days)
    assert story.status == 201


@when("everybody on the board but the medical adviser is in favour")
def nearly_everybody(story: Story) -> None:
    story.made["review"] = story.bank.propose(story.offer)
    story.bank.vote(story.made["review"], "approve", *(name for name in BOARD if name != "doctor"))


@when("the board decides")
def decides(story: Story) -> None:
    story.told = story.bank.decide(story.made["review"])


@when("the clinic fetches what it agreed on")
def fetches(story: Story) -> None:
    story.told = story.bank.deliver(story.agreement)


@when(parsers.parse('"{name}" withdraws'))
def withdraws(story: Story, name: str) -> None:
    story.bank.city.withdraw(name, record=story.made[f"consent of {name}"])
    assert story.status == 200


@when(parsers.parse("{days:d} days go by"))
def go_by(story: Story, days: int) -> None:
    story.bank.city.clock.advance(days * DAY_S)


@when("the board takes its decision back")
def takes_back(story: Story) -> None:
    (decision,) = story.bank.done("lawyer", "GET", "/board/decisions")
    story.bank.done("lawyer", "POST", f"/board/decisions/{decision['id']}/revocation", {"reason": "new facts"})


@when("the operator votes on the offer")
def operator_votes(story: Story) -> None:
    review = story.bank.propose(story.offer)
    body = {"vote": "approve", "reason": "mine"}
    story.told = story.bank.ask("yamada", "PUT", f"/board/reviews/{review}/vote", body)


@when("somebody who is operator and board drafts an offer")
def drafts_as_both(story: Story) -> None:
    identity: Any = story.bank.city.built.house.identity
    identity.known["both"] = Principal("both", roles=frozenset({"operator", "board"}))
    offer = story.bank.done("yamada", "GET", f"/offers/{story.offer}")
    terms = ("name", "benefit", "dataItems", "purposes", "recipientClasses", "validFrom", "validUntil")
    story.told = story.bank.ask("both", "POST", "/offers", {name: offer[name] for name in terms})


@when(parsers.parse('"{name}" complains'))
def complains(story: Story, name: str) -> None:
    story.made["complaint"] = story.bank.done(name, "POST", "/complaints", {"text": "too many letters"})["id"]


@when("the operator answers the complaint")
def answers(story: Story) -> None:
    path = f"/complaints/{story.made['complaint']}/answer"
    story.told = story.bank.done("yamada", "POST", path, {"answer": "fewer from now on"})


@when(parsers.parse("the operator finds that health data of {people:d} people were lost"))
def finds(story: Story, people: int) -> None:
    story.told = story.bank.done("yamada", "POST", "/incidents", {
        "what": "a lost disk", "foundAt": story.bank.city.in_days(0), "dataItems": [PULSE_ITEM], "people": people,
        "specialCare": True,
    })  # fmt: skip


@when("the operator closes the incident")
def closes(story: Story) -> None:
    story.told = story.bank.ask("yamada", "POST", f"/incidents/{story.told['id']}/end", {"note": "done"})


@then(parsers.parse("it is refused as {kind}"))
def is_refused(story: Story, kind: str) -> None:
    assert story.status == {"Forbidden": 403, "Conflict": 409}[kind], story.told
    assert story.told["type"].endswith(f":{kind}") or story.told["type"].endswith(f"/{kind}")
    assert story.told["remedy"]


@then("the request is taken, and nothing is handed over for it yet")
def is_taken(story: Story) -> None:
    assert (story.status, story.told["state"]) == (201, "requestSubmitted")
    assert story.bank.done("clinic", "GET", "/agreements") == []


@then("the clinic sees no offer")
def sees_no_offer(story: Story) -> None:
    assert story.bank.done("clinic", "GET", "/offers") == []


@then("the clinic sees the offer and no other")
def sees_the_offer(story: Story) -> None:
    assert [one["id"] for one in story.bank.done("clinic", "GET", "/offers")] == [story.offer]


@then("no decision is written down")
def no_decision(story: Story) -> None:
    assert story.bank.done("lawyer", "GET", "/board/decisions") == []


@then(parsers.parse('it gets the pulse of "{name}" and not that of "{other}"'))
def gets(story: Story, name: str, other: str) -> None:
    found = [record["entity"]["id"] for record in story.told["records"]]
    assert found == [story.made[name]]
    assert story.made[other] not in found


@then("it gets nothing")
def gets_nothing(story: Story) -> None:
    assert story.told["records"] == []


@then("passing it on is prohibited, and nothing in it is without a receipt")
def may_not_be_passed_on(story: Story) -> None:
    assert story.told["reprovision"] == "prohibited"
    assert "distribute" in [one["action"] for one in story.told["policy"]["prohibition"]]
    assert all(record["receipts"] for record in story.told["records"])


@then(parsers.parse('"{name}" reads that the clinic got her pulse'))
def reads(story: Story, name: str) -> None:
    (record,) = story.bank.done(name, "GET", "/my/records")
    assert (record["counterpart"], record["items"]) == (CLINIC, [PULSE_ITEM])


@then(parsers.parse('"{name}" reads that nobody got anything'))
def reads_nothing(story: Story, name: str) -> None:
    assert story.bank.done(name, "GET", "/my/records") == []


@then("the clinic sees no pulse at the broker either, which is not told why")
def sees_no_pulse(story: Story) -> None:
    assert story.bank.city.sees("clinic", "hana") is None
    assert story.status == 404


@then("there is no second offer")
def no_second_offer(story: Story) -> None:
    assert len(story.bank.done("yamada", "GET", "/offers")) == 1


@then(parsers.parse('"{name}" sees no complaint'))
def sees_no_complaint(story: Story, name: str) -> None:
    assert story.bank.done(name, "GET", "/complaints") == []


@then("the complaint is overdue, and its words are not told to the auditor")
def is_overdue(story: Story) -> None:
    room: Any = story.bank.city.served._rooms["bank"]
    room.look()
    (seen,) = story.bank.done("kaneko", "GET", "/complaints")
    assert seen["overdue"] == ["acknowledge", "answer"]
    assert "letters" not in str(seen)


@then(parsers.parse('"{name}" reads the answer, which nobody else does but the operator'))
def reads_the_answer(story: Story, name: str) -> None:
    path = f"/complaints/{story.made['complaint']}"
    assert story.bank.done(name, "GET", path)["answer"] == "fewer from now on"
    assert "answer" not in story.bank.done("kaneko", "GET", path)
    story.bank.ask("taro", "GET", path)
    assert story.status == 404


@then(parsers.parse("the commission is to be told within {days:d} days, and not later than in {most:d} days finally"))
def is_to_be_told(story: Story, days: int, most: int) -> None:
    city = story.bank.city
    assert (story.told["promptLatest"], story.told["finalBy"]) == (city.in_days(days), city.in_days(most))
