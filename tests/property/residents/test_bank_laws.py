"""Laws of the bank over random acts: an item is the fold of them; an offer is live only while the board allows it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import apsw
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, rule

from broker.errors import NgsiError
from broker.model.values import to_text
from services.bank import board, offers, recipients
from services.bank.board import Verdict
from services.bank.book import STEPS, Desk, fold
from services.bank.moments import DAY_US, after_years, city_day, day_start
from services.bank.reading import MEDICAL, VIEWPOINTS
from tests.fakes.clock import START

NAMES = ("a", "b", "c", "d", "e")
TEXT = {"ja": "文", "en": "Text"}
VOTES = st.one_of(
    st.just(["approve"] * 5), st.just(["reject"] * 5),
    st.lists(st.sampled_from(["approve", "conditional", "reject", "abstain"]), min_size=5, max_size=5),
)  # fmt: skip


def opened() -> apsw.Connection:
    db = apsw.Connection(":memory:")
    for step in STEPS:
        db.execute(step)
    return db


class Board(RuleBasedStateMachine):
    """Offers drafted, changed, reviewed, published, suspended, and decisions taken back, while time goes by."""

    made: Bundle[str] = Bundle("offers")
    decided: Bundle[str] = Bundle("decisions")

    def __init__(self) -> None:
        super().__init__()
        self.db, self.now, self.count = opened(), START, 0
        self.terms: dict[str, int] = {}
        self.until: dict[str, int] = {}
        self.decisions: dict[str, tuple[str, int, bool, int]] = {}
        self.published: dict[str, str] = {}

    def desk(self, by: str = "operator") -> Desk:
        return Desk(self.db, "", by, self.now)

    def new(self, kind: str) -> str:
        self.count += 1
        return f"urn:{kind}:{self.count}"

    @initialize()
    def appoint(self) -> None:
        for name, viewpoint in zip(NAMES, VIEWPOINTS, strict=True):
            body = {"name": TEXT, "principal": name, "viewpoints": [viewpoint, MEDICAL]}
            board.appoint(self.desk(), self.new("member"), body)

    @rule(target=made, days=st.integers(1, 60))
    def draft(self, days: int) -> str:
        offer, until = self.new("offer"), self.now + days * DAY_US
        body = {
            "name": TEXT, "benefit": TEXT, "dataItems": ["A/b"], "purposes": ["p"], "recipientClasses": ["commercial"],
            "validFrom": to_text(self.now), "validUntil": to_text(until), "retention": "P0D",
        }  # fmt: skip
        offers.draft(self.desk(), offer, body)
        self.terms[offer], self.until[offer] = 0, until
        return offer

    @rule(offer=made, days=st.integers(1, 9))
    def change(self, offer: str, days: int) -> None:
        desk = self.desk()
        if self.tried(lambda: offers.change(desk, desk.item(offers.KIND, offer), {"retention": f"P{days}D"})):
            self.terms[offer] = days
            self.published.pop(offer, None)

    @rule(target=decided, offer=made, votes=VOTES, days=st.integers(1, 30))
    def review(self, offer: str, votes: list[str], days: int) -> str:
        review, decision, desk = self.new("review"), self.new("decision"), self.desk()
        if not self.tried(lambda: board.propose(desk, review, desk.item(offers.KIND, offer), TEXT, special=False)):
            return ""
        for name, vote in zip(NAMES, votes, strict=True):
            more = {"conditions": ["x"]} if vote == "conditional" else {}
            board.vote(self.desk(name), review, name, {"vote": vote, "reason": "r", **more})
        until = self.now + days * DAY_US
        verdict = Verdict(decision, TEXT, to_text(until), 30)
        if not self.tried(lambda: board.decide(self.desk("a"), review, "a", verdict)):
            return ""
        assert "abstain" not in votes  # every viewpoint was heard
        yes = sum(vote in ("approve", "conditional") for vote in votes)
        self.decisions[decision] = (offer, self.terms[offer], yes * 2 > len(votes), until)
        return decision

    @rule(offer=made)
    def publish(self, offer: str) -> None:
        desk = self.desk()
        if self.tried(lambda: offers.publish(desk, offer, accepts_conditions=True)):
            allowing = [one for one, (about, terms, *_) in self.decisions.items()
                        if about == offer and terms == self.terms[offer]]  # fmt: skip
            assert allowing, "nobody decided about these terms"
            self.published[offer] = allowing[-1]

    @rule(decision=consumes(decided))
    def revoke(self, decision: str) -> None:
        if decision:
            desk = self.desk("a")
            offers.follow_decision(desk, board.revoke(desk, decision, "a", "why"))
            about, terms, _, until = self.decisions[decision]
            self.decisions[decision] = (about, terms, False, until)
            self.published = {offer: by for offer, by in self.published.items() if by != decision}

    @rule(offer=made)
    def suspend(self, offer: str) -> None:
        desk = self.desk()
        if self.tried(lambda: offers.suspend(desk, desk.item(offers.KIND, offer), "why")):
            del self.published[offer]

    @rule(days=st.integers(1, 20), looks=st.booleans())
    def go_on(self, days: int, looks: bool) -> None:
        self.now += days * DAY_US
        if not looks:
            return
        for (offer,) in [*self.db.execute("SELECT id FROM bank_item WHERE due <= ?", (self.now,))]:
            if offers.lapse(self.desk("bank"), str(offer)) is not None:
                self.published.pop(str(offer), None)

    @invariant()
    def live_means_allowed(self) -> None:
        desk = self.desk()
        for item in desk.items(offers.KIND):
            decision = desk.find(board.DECISION, str(item.body.get("ethicsDecision", "")))
            assert offers.is_live(item.body, decision, self.now) == self.ought_to_be_live(item.id), item

    @invariant()
    def an_item_is_the_fold_of_its_acts(self) -> None:
        for kind, item_id, body in [*self.db.execute("SELECT kind, id, body FROM bank_item")]:
            folded: Mapping[str, Any] = {}
            sql = "SELECT changed FROM bank_event WHERE kind = ? AND id = ? ORDER BY version"
            for (changed,) in self.db.execute(sql, (kind, item_id)):
                folded = fold(folded, json.loads(str(changed)))
            assert folded == json.loads(str(body))

    def ought_to_be_live(self, offer: str) -> bool:
        by = self.published.get(offer)
        if by is None:
            return False
        about, terms, approved, until = self.decisions[by]
        same = (about, terms) == (offer, self.terms[offer])
        return same and approved and self.now < min(until, self.until[offer])

    def tried(self, work: Any) -> bool:
        try:
            work()
        except NgsiError:
            return False
        return True


TestBoard = Board.TestCase
TestBoard.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)


@pytest.mark.parametrize("sql", ["UPDATE bank_event SET act = 'other'", "DELETE FROM bank_event"])
def test_an_act_is_never_changed_nor_removed(sql: str) -> None:
    db = opened()
    offers.draft(Desk(db, "", "operator", START), "urn:x:1", {"name": TEXT})
    with pytest.raises(apsw.ConstraintError, match="never"):
        db.execute(sql)


@given(
    state=st.sampled_from(["recipientApplied", "recipientActive", "recipientSuspended", "recipientEnded"]),
    spans=st.lists(st.tuples(st.integers(-9, 9), st.integers(-9, 9)), max_size=3),
    contract=st.tuples(st.integers(-9, 9), st.integers(-9, 9)),
)
def test_a_recipient_receives_only_while_all_of_it_holds(
    state: str, spans: list[tuple[int, int]], contract: tuple[int, int]
) -> None:
    def period(span: tuple[int, int]) -> dict[str, str]:
        first, last = (to_text(START + days * DAY_US) for days in span)
        return {"validFrom": first, "validUntil": last}

    body = {"state": state, "evidence": [period(one) for one in spans], "contract": period(contract)}
    held = [first <= 0 < last for first, last in spans]
    expected = state == "recipientActive" and any(held) and contract[0] <= 0 < contract[1]
    assert (recipients.blocked(body, START) == "") == expected


@given(st.integers(0, 4_000_000_000_000_000), st.integers(1, 5))
def test_days_are_of_the_city_and_years_of_its_calendar(instant: int, years: int) -> None:
    begun = day_start(instant)
    assert begun <= instant < begun + DAY_US
    assert city_day(begun) == city_day(instant) != city_day(begun - 1)
    later = city_day(after_years(instant, years))
    assert int(later[:4]) == int(city_day(instant)[:4]) + years
    assert years * 365 <= (after_years(instant, years) - instant) / DAY_US <= years * 366
