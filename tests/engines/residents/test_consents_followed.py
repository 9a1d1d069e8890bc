"""Consents are known as soon as they are written: at once in the process that writes, within a second in every other.

Two stores on one place, each with an index of its own, are two processes of one hub.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from broker.access.consent_index import DECIDES, ConsentIndex
from broker.access.kept import Kept
from broker.access.labels import Profiles
from broker.access.writing import WriteRules
from broker.model.entity import Document, Entity
from broker.model.values import to_text
from broker.ports import INLINE, SYSTEM, Clock, Command, Decision, Keep, OverBudget, Principal, Put, Remove
from broker.ports.consents import Grants, Item
from broker.wiring import SystemClock
from tests.contract.engines import Store, kept
from tests.fakes.clock import START, FakeClock
from tests.strategies.cities import HEART, WATCH, Tags

DEF = "https://misono.example/def/"
ORG, PURPOSE, HANA, KEN = "urn:org:1", "urn:purpose:1", "urn:misono:subject:hana", "urn:misono:subject:ken"
CONSENT = "urn:ngsi-ld:ConsentRecord:1"
SERVICE = Principal("services", roles=frozenset({SYSTEM}))
HOUR = 3_600_000_000
PURPOSES = frozenset({PURPOSE})


class Process:
    """One process of a hub: an engine, writes that keep the rules, the index."""

    def __init__(self, make: Callable[..., Store], clock: Clock) -> None:
        self.store = make(clock)
        self.version = 1
        self.index = ConsentIndex(self._item, clock, lambda: self.version)
        self.index.begin(self.store, self.store, self.store)
        self.kept = Kept(self.store, WriteRules(Profiles(Tags()), frozenset()), DECIDES, self.index)

    def _item(self, text: str, granularity: str) -> Item | None:
        """From the second version of the packages on there are no watches."""
        return Tags().item(text, granularity) if self.version == 1 else None

    def put(self, *documents: Document) -> None:
        self._run(*((str(one["id"]), Put(Entity(one, 0, 0))) for one in documents))

    def remove(self, entity_id: str) -> None:
        self._run((entity_id, Remove()))

    def _run(self, *decided: tuple[str, Decision]) -> None:
        commands = [Command(one, lambda _c, _n, d=decision: d, True, by=SERVICE) for one, decision in decided]  # type: ignore[misc]
        assert not any(self.kept.apply("", commands).result())

    def granted(self) -> tuple[Any, ...]:
        return self.grants().of(HANA, WATCH, HEART)

    def grants(self) -> Grants:
        return self.index.grants("", ORG, PURPOSES)

    def close(self) -> None:
        self.index.stop()
        self.store.close()


@contextmanager
def hub(engine: str, directory: Path, given: Clock | None = None) -> Iterator[Callable[[], Process]]:
    """What starts processes of one hub."""
    clock = given or FakeClock()
    with ExitStack() as closing, kept(engine, directory) as make:

        def start() -> Process:
            process = Process(make, clock)
            closing.callback(process.close)
            return process

        yield start


def prop(value: Any) -> dict[str, Any]:
    return {"type": "Property", "value": value}


def word(text: str) -> dict[str, Any]:
    return {"type": "VocabProperty", "vocab": text}


def organisation(**more: Any) -> Document:
    return {"id": ORG, "type": DEF + "RecipientOrganisation", **{DEF + name: value for name, value in more.items()}}


def consent(state: str = "ConsentGiven", items: str = "Watch/heart", **more: Any) -> Document:
    members = {
        "dataSubject": prop(HANA), "purpose": word(PURPOSE), "recipient": {"type": "Relationship", "object": ORG},
        "consentState": word("https://w3id.org/dpv#" + state), "validFrom": prop(to_text(START)),
        "dataItems": {"type": "ListProperty", "valueList": [items]}, **more,
    }  # fmt: skip
    return {"id": CONSENT, "type": DEF + "ConsentRecord", **{DEF + name: value for name, value in members.items()}}


@pytest.mark.parametrize("engine", ["memory", "sqlite", "mongo"])
def test_the_process_that_writes_knows_it_at_once(engine: str, tmp_path: Path) -> None:
    with hub(engine, tmp_path) as start:
        one = start()
        told: list[str] = []
        one.index.listen(told.append)
        assert one.granted() == ()
        one.put(organisation(), consent())
        assert [grant.record for grant in one.granted()] == [CONSENT]
        epoch = one.index.epoch("")
        for number in range(20):
            one.put(consent("ConsentWithdrawn" if number % 2 == 0 else "RenewedConsentGiven"))
            assert bool(one.granted()) is (number % 2 == 1)
            epoch, before = one.index.epoch(""), epoch
            assert epoch > before
        assert len(told) >= 20
        one.put({"id": "urn:e:1", "type": WATCH, HEART: prop(1)})
        assert one.index.epoch("") == epoch, "what decides nothing raises no epoch"
        one.remove(CONSENT)
        assert one.granted() == ()
        assert one.index.epoch("") > epoch


@pytest.mark.parametrize("engine", ["sqlite", "mongo"])
def test_every_other_process_knows_it_within_a_second(engine: str, tmp_path: Path) -> None:
    with hub(engine, tmp_path, SystemClock()) as start:  # servers tell the time between processes
        one = start()
        one.put(organisation(), consent())
        other = start()
        assert other.granted(), "a process reads first what there is"
        epoch = other.index.epoch("")
        one.put(consent("ConsentWithdrawn"))
        assert_within_a_second(lambda: not other.granted() and other.index.epoch("") > epoch)
        one.put(consent())
        assert_within_a_second(lambda: bool(other.granted()))
        one.remove(ORG)
        assert_within_a_second(lambda: not other.granted())


def assert_within_a_second(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + 1
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_consents_are_read_anew_when_packages_change(tmp_path: Path) -> None:
    with hub("memory", tmp_path) as start:
        one = start()
        one.put(organisation(), consent())
        assert one.granted()
        epoch = one.index.epoch("")
        one.version = 2
        assert not one.granted()
        assert one.index.epoch("") > epoch


def test_what_was_lent_stays_as_it_was(tmp_path: Path) -> None:
    with hub("memory", tmp_path) as start:
        one = start()
        one.put(organisation(), consent())
        before = one.grants()
        one.put(consent("ConsentWithdrawn"))
        assert before.of(HANA, WATCH, HEART)
        assert before.subjects() == {HANA}
        assert not one.grants().subjects()


@pytest.mark.parametrize(
    ("state", "until", "hours", "receives"),
    [
        ("recipientActive", 2, 1, True), ("recipientActive", 2, 2, False), ("recipientActive", None, 99, True),
        ("recipientSuspended", 2, 1, False), ("recipientApplied", None, 0, False), ("recipientEnded", 2, 1, False),
    ],
)  # fmt: skip
def test_a_recipient_receives_while_it_may(
    tmp_path: Path, state: str, until: int | None, hours: int, *, receives: bool
) -> None:
    evidence = {} if until is None else {"evidenceValidUntil": prop(to_text(START + until * HOUR))}
    clock = FakeClock()
    with hub("memory", tmp_path, clock) as start:
        one = start()
        one.put(organisation(recipientState=word(DEF + state), **evidence), consent())
        clock.advance(hours * 3600)
        assert bool(one.granted()) is receives


def test_an_organisation_that_may_for_other_purposes_gets_nothing(tmp_path: Path) -> None:
    with hub("memory", tmp_path) as start:
        one = start()
        one.put(organisation(purposes=word("urn:purpose:2")), consent())
        assert not one.granted()
        one.put(organisation(purposes={"type": "VocabProperty", "vocab": ["urn:purpose:2", PURPOSE]}))
        assert one.granted()


@pytest.mark.parametrize(
    "document",
    [
        consent("ConsentRequested"), consent("ConsentExpired"), consent("ConsentUnknown"), consent(items="nonsense"),
        consent(validUntil=prop("some day")), consent(validFrom=prop("today")), consent(dataSubject=prop([HANA, KEN])),
        {name: value for name, value in consent().items() if not name.endswith("validFrom")},
    ],
)  # fmt: skip
def test_what_is_no_consent_or_not_understood_grants_nothing(tmp_path: Path, document: Document) -> None:
    with hub("memory", tmp_path) as start:
        one = start()
        one.put(organisation(), document)
        assert not one.grants().of(HANA, WATCH, HEART)


def test_the_event_loop_is_not_held_up_by_the_first_reading(tmp_path: Path) -> None:
    with hub("sqlite", tmp_path) as start:
        start().put(organisation(), consent())
        other = start()
        token = INLINE.set(True)
        try:
            with pytest.raises(OverBudget):
                other.granted()
        finally:
            INLINE.reset(token)
        assert other.granted()


def test_a_tenant_that_nobody_made_has_no_consents(tmp_path: Path) -> None:
    with hub("sqlite", tmp_path) as start:
        index = start().index
        assert index.epoch("nowhere") == 0
        assert not index.grants("nowhere", ORG, PURPOSES).subjects()
        assert index.acting_for("nowhere", HANA) == {HANA}
        assert index.emergencies("nowhere", SERVICE) == ()


def test_a_write_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    with hub("memory", tmp_path) as start:
        one = start()
        one.put(organisation(), consent())
        epoch = one.index.epoch("")
        kept_as_it_is = Command(CONSENT, lambda _c, _n: Keep(), by=SERVICE)
        assert one.kept.apply("", [kept_as_it_is]).result() == [None]
        refused = Command(CONSENT, lambda _c, _n: Remove(), by=Principal("op", roles=frozenset({"operator"})))
        assert str(type(one.kept.apply("", [refused]).result()[0]).__name__) == "Forbidden"
        assert one.index.epoch("") == epoch
        assert one.granted()


@pytest.mark.parametrize("engine", ["memory", "sqlite"])
def test_who_writes_and_who_asks_do_not_wait_for_each_other(engine: str, tmp_path: Path) -> None:
    with hub(engine, tmp_path) as start:
        one = start()
        one.put(organisation(), consent())
        written = Event()

        def write() -> None:
            for number in range(150):
                one.put(consent("ConsentWithdrawn" if number % 2 else "ConsentGiven"))
            written.set()

        def ask() -> None:
            while not written.is_set():
                one.granted()
                one.index.epoch("")

        threads = [Thread(target=work, daemon=True) for work in (write, ask, ask)]
        for thread in threads:
            thread.start()
        assert written.wait(20)
        for thread in threads:
            thread.join(5)
        assert not one.granted()
