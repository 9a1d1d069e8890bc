"""Whatever people and recipients do: what a consent is, is the fold of its events; what decides is what holds.

Random acts of two residents and two recipients, on the book and through the hub: after each of them the records equal
the fold of the history, and the index of consents, which decides, grants what holds and nothing else.
"""

from __future__ import annotations

import atexit
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from functools import cache
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from broker.errors import BadRequestData, Conflict, ResourceNotFound
from broker.ports.consents import GRANULARITIES
from services.consents.book import Who
from services.consents.giving import Acting
from services.consents.states import HOLDING, NEXT, OPEN, Act, Event, Impossible, Record, State, apply, fold
from tests.fakes.consent_city import ADVICE, CITY, CLINIC, SHOP, ConsentCity, consent_city

HEART, BOOKING = "HeartRateObservation/heartRate", "FacilityBooking/bookingStart"
PEOPLE = tuple(f"urn:misono:subject:{name}" for name in ("hana", "taro"))
RECIPIENTS = (CLINIC, SHOP)
TENANTS = count(1)
ACTS: Counter[str] = Counter()
REFUSED = (BadRequestData, Conflict, ResourceNotFound)
DAY_S = 86_400


@cache
def city() -> ConsentCity:
    """One hub for all examples; each has a tenant of its own."""
    closing = ExitStack()
    atexit.register(closing.close)
    directory = closing.enter_context(TemporaryDirectory())
    return closing.enter_context(consent_city(Path(directory), city=CITY + "reconsent_days = 3\n"))


class Consenting(RuleBasedStateMachine):
    """Two people, two recipients, time."""

    @initialize(changed=st.booleans())
    def begin(self, *, changed: bool) -> None:
        self.city, self.tenant = city(), f"t{next(TENANTS)}"
        self.city.tenant = self.tenant
        self.room = self.city.room
        self.terms = {}
        for recipient in RECIPIENTS:
            self.city.organisation(recipient, evidenceValidUntil="2999-01-01T00:00:00Z")
            self.terms[recipient] = self._publish(recipient)
        hana, taro = PEOPLE
        given = {"dataItems": [HEART, BOOKING], "specialCare": [HEART], "validUntil": self.city.in_days(30)}
        self.room.giving.give(self.tenant, _acting(hana), {**given, "notice": self._notice(hana, CLINIC)})
        self.room.asking.ask(self.tenant, Who("x"), SHOP, {"terms": self.terms[SHOP], "subjects": [hana, taro]})
        if changed:
            self._publish(CLINIC, self.terms[CLINIC])

    @rule(
        who=st.sampled_from(PEOPLE), recipient=st.sampled_from(RECIPIENTS), days=st.integers(1, 40),
        items=st.lists(st.sampled_from([HEART, BOOKING, "FacilityBooking/*"]), min_size=1, unique=True),
        granularity=st.sampled_from(GRANULARITIES), together=st.booleans(),
    )  # fmt: skip
    def give(self, who: str, recipient: str, days: int, items: list[str], granularity: str, *, together: bool) -> None:
        given: dict[str, Any] = {
            "notice": self._notice(who, recipient), "dataItems": [f"{one}@{granularity}" for one in items],
            "specialCare": [HEART], "validUntil": self.city.in_days(days),
        }  # fmt: skip
        if together:
            given["household"] = [one for one in PEOPLE if one != who]
        self._do("give", lambda: self.room.giving.give(self.tenant, _acting(who), given))

    @rule(recipient=st.sampled_from(RECIPIENTS), people=st.lists(st.sampled_from(PEOPLE), min_size=1, unique=True))
    def ask(self, recipient: str, people: list[str]) -> None:
        given = {"terms": self.terms[recipient], "subjects": people}
        self._do("ask", lambda: self.room.asking.ask(self.tenant, Who("x"), recipient, given))

    @precondition(lambda self: self._live(OPEN))
    @rule(data=st.data(), act=st.sampled_from(["accept", "accept", "refuse", "defer"]))
    def answer(self, data: st.DataObject, act: str) -> None:
        record = data.draw(st.sampled_from(self._live(OPEN)))
        given = () if act != "accept" else ({
            "notice": self._notice(record.subject, record.recipient), "validUntil": self.city.in_days(20),
            "specialCare": [HEART], "dataItems": list(record.items),
        },)  # fmt: skip
        method = getattr(self.room.giving, act)
        self._do(act, lambda: method(self.tenant, _acting(record.subject), record.id, *given))

    @precondition(lambda self: self._live(HOLDING))
    @rule(data=st.data(), act=st.sampled_from(["renew", "change", "revoke"]))
    def alter(self, data: st.DataObject, act: str) -> None:
        record = data.draw(st.sampled_from(self._live(HOLDING)))
        if act == "revoke":
            self._do(act, lambda: self.room.closing.revoke(self.tenant, Who("x"), record.recipient, record.id))
            return
        given: dict[str, Any] = {"dataItems": list(record.items)[:1]}
        if act == "renew":
            given = {"notice": self._notice(record.subject, record.recipient), "validUntil": self.city.in_days(20)}
        method = getattr(self.room.giving, act)
        self._do(act, lambda: method(self.tenant, _acting(record.subject), record.id, given))

    @rule(who=st.sampled_from(PEOPLE), what=st.sampled_from(["all", "recipient", "item"]), data=st.data())
    def withdraw(self, who: str, what: str, data: st.DataObject) -> None:
        values: dict[str, Any] = {"recipient": RECIPIENTS, "item": (HEART, BOOKING, "FacilityBooking/*")}
        value: Any = True if what == "all" else data.draw(st.sampled_from(values[what]))
        self._do(
            f"withdraw {what}", lambda: self.room.closing.withdraw(self.tenant, Who(subject=who), who, {what: value})
        )
        left = [one for one in self.room.records(self.tenant, who) if one.state in HOLDING | OPEN]
        if what == "all":
            assert left == []
        elif what == "recipient":
            assert value not in {one.recipient for one in left}
        else:
            type_ = value.partition("/")[0]
            whole = {one for record in left for one in record.items if one.partition("/")[0] == type_}
            assert not [one for one in whole if value.endswith("/*") or one.partition("@")[0] in (value, f"{type_}/*")]

    @rule(recipient=st.sampled_from(RECIPIENTS))
    def change_terms(self, recipient: str) -> None:
        self._do("change terms", lambda: self._publish(recipient, self.terms[recipient]))
        ACTS["lapses then"] += len([one for one in self._live(HOLDING) if "reconsentBy" in one.body])

    @rule(days=st.integers(1, 20), looked_after=st.booleans())
    def wait(self, days: int, *, looked_after: bool) -> None:
        self.city.clock.advance(days * DAY_S)
        now = self.city.clock.now()
        ACTS["lapsed"] += len([one for one in self._live(HOLDING) if (one.instant("reconsentBy") or now + 1) <= now])
        if looked_after:
            self.room.tick()

    @invariant()
    def a_record_is_the_fold_of_its_events(self) -> None:
        folded = fold(event for _, event in self.room.book.events(self.tenant, "1 = 1"))
        kept = {one.id: one for who in PEOPLE for one in self.room.records(self.tenant, who)}
        assert folded.keys() == kept.keys()
        for record_id, one in kept.items():
            other = folded[record_id]
            assert (one.state, one.version, one.at, one.body) == (other.state, other.version, other.at, other.body)

    @invariant()
    def what_decides_is_what_holds(self) -> None:
        now, admitted = self.city.clock.now(), self.city.built.admitted
        assert admitted is not None
        holding = [one for who in PEOPLE for one in self.room.records(self.tenant, who) if one.holds(now)]
        for recipient in RECIPIENTS:
            grants = admitted.consents.grants(self.tenant, recipient, frozenset({ADVICE}))
            for who in PEOPLE:
                granted = {
                    grant.record
                    for type_, name in (("HeartRateObservation", "heartRate"), ("FacilityBooking", "bookingStart"))
                    for grant in grants.of(
                        who, f"https://misono.example/def/{type_}", f"https://misono.example/def/{name}"
                    )
                    if grant.since <= now and (grant.until is None or now < grant.until)
                }
                named = (HEART, BOOKING, "FacilityBooking/*")
                due = {
                    one.id
                    for one in holding
                    if (one.subject, one.recipient) == (who, recipient)
                    and any(item.partition("@")[0] in named for item in one.items)
                }
                assert granted == due

    def _do(self, act: str, work: Any) -> None:
        try:
            work()
        except REFUSED:
            ACTS[f"{act}, refused"] += 1
        else:
            ACTS[act] += 1

    def _live(self, states: frozenset[State]) -> list[Record]:
        return [one for who in PEOPLE for one in self.room.records(self.tenant, who) if one.state in states]

    def _notice(self, who: str, recipient: str) -> str:
        shown = self.room.terms.notify(self.tenant, Who(subject=who), who, self.terms[recipient], "ja")
        return str(shown["id"])

    def _publish(self, recipient: str, terms: str = "") -> str:
        given = {
            "purpose": "HealthAdvice", "dataItems": [HEART, "FacilityBooking/*"], "benefit": {"ja": "…", "en": "…"},
            "retention": "P1Y", "privacyNotice": "https://clinic.example",
        }  # fmt: skip
        return self.room.terms.publish(self.tenant, Who("x"), recipient, given, terms).id


def _acting(who: str) -> Acting:
    return Acting(Who(subject=who), who)


def test_what_decides_is_the_fold_of_what_happened() -> None:
    run_state_machine_as_test(
        Consenting,
        settings=settings(
            max_examples=45,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=[*HealthCheck],
            derandomize=True,
        ),
    )
    print({name: ACTS[name] for name in sorted(ACTS)})
    assert min(ACTS[name] for name in ("give", "ask", "accept", "change", "withdraw all", "withdraw item")) >= 5
    assert ACTS["lapsed"] >= 1


@pytest.mark.parametrize("state", [None, *State])
@pytest.mark.parametrize("act", [*Act])
def test_every_act_has_one_meaning_in_every_state_or_none(state: State | None, act: Act) -> None:
    record = None if state is None else _in_state(state)
    event = Event("r", 1 if record is None else record.version + 1, 5, act, changed=_HEAD if record is None else {})
    if (state, act) in NEXT:
        assert apply(record, event).state is NEXT[state, act]
    else:
        with pytest.raises(Impossible):
            apply(record, event)


def test_what_has_ended_stays_so() -> None:
    ended = set(State) - HOLDING - OPEN
    assert not [one for one in NEXT if one[0] in ended]
    assert {state for state in NEXT.values() if state in ended} == ended


_HEAD = {"person": 1, "recipient": CLINIC, "purpose": ADVICE}


def _in_state(state: State) -> Any:
    """A record that got there by acts."""
    for acts in _ways():
        record = None
        for version, act in enumerate(acts, 1):
            record = apply(record, Event("r", version, version, act, changed=_HEAD if record is None else {}))
        assert record is not None
        if record.state is state:
            return record
    raise AssertionError(f"nothing leads to {state}")


def _ways() -> Iterator[tuple[Act, ...]]:
    for first in (Act.REQUEST, Act.GIVE):
        yield (first,)
        for second in Act:
            if (NEXT[None, first], second) in NEXT:
                yield (first, second)
