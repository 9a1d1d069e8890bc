"""Counters of sources: they last, several processes share them, and they go with their registration (clause 5.2.9)."""

from __future__ import annotations

import pytest

from broker.model.registration import REGISTRATION
from broker.model.source_health import SourceHealth
from broker.model.values import Instant
from broker.ports.held import Drop, Held, HeldCommand, HeldDecision, Hold
from broker.stores.memory import MemoryStore
from federation.health import Book
from federation.metrics import metrics_text
from tests.fakes.clock import START, FakeClock

ONE, TWO = "urn:ngsi-ld:ContextSourceRegistration:1", "urn:ngsi-ld:ContextSourceRegistration:1/more"


def _decide(store: MemoryStore, registration: str, decision: HeldDecision) -> None:
    def decide(_: Held | None, __: Instant) -> HeldDecision:
        return decision

    store.held.apply_held("", [HeldCommand(REGISTRATION, registration, decide, creates=True)]).result()


@pytest.fixture
def store() -> MemoryStore:
    store = MemoryStore(FakeClock())
    for one in (ONE, TWO):
        _decide(store, one, Hold({"id": one}))
    return store


def test_counts_attempts_and_failures(store: MemoryStore) -> None:
    clock = FakeClock()
    book = Book(store.held, clock, "0")
    book.count("", ONE, 10.0, "")
    clock.advance(1)
    book.count("", ONE, 20.0, "timeout")
    health = book.healths("")[ONE]
    assert (health.sent, health.failed, health.last_error) == (2, 1, "timeout")
    assert (health.last_success, health.last_failure) == (START, START + 1_000_000)
    assert health.well is False
    assert health.total_ms == 30


def test_what_was_written_lasts(store: MemoryStore) -> None:
    book = Book(store.held, FakeClock(), "0")
    for _ in range(3):
        book.count("", ONE, 10.0, "")
    book.flush()
    again = Book(store.held, FakeClock(), "0")
    assert again.healths("")[ONE].sent == 3
    again.count("", ONE, 10.0, "")
    assert again.healths("")[ONE].sent == 4
    assert set(again.healths("")) == {ONE}


def test_processes_add_up_and_nothing_counts_twice(store: MemoryStore) -> None:
    books = [Book(store.held, FakeClock(), worker) for worker in ("0", "1")]
    for book in books:
        for _ in range(5):
            book.count("", ONE, 10.0, "")
            book.count("", TWO, 10.0, "gone")
            book.flush()
    for book in books:
        healths = book.healths("")
        assert (healths[ONE].sent, healths[TWO].sent, healths[TWO].failed) == (10, 10, 10)
        assert healths[ONE].latency_ms == pytest.approx(10)


def test_what_is_forgotten_begins_anew_in_all_processes(store: MemoryStore) -> None:
    first, second = (Book(store.held, FakeClock(), worker) for worker in ("0", "1"))
    for book in (first, second):
        book.count("", ONE, 10.0, "")
        book.flush()
    first.forget("", ONE)
    assert ONE not in first.healths("")
    second.count("", ONE, 10.0, "")
    second.flush()
    first.count("", ONE, 10.0, "")
    assert first.healths("")[ONE].sent == 2
    assert second.healths("")[ONE].sent == 1


def test_counters_of_a_registration_that_is_gone_go_too(store: MemoryStore) -> None:
    book = Book(store.held, FakeClock(), "0")
    book.count("", ONE, 10.0, "")
    book.flush()
    _decide(store, ONE, Drop())
    book.count("", ONE, 10.0, "")
    book.flush()
    assert book.healths("") == {}
    assert store.held.marks("", "source/") == {}


def test_health_is_unknown_until_a_source_was_asked() -> None:
    assert SourceHealth().well is None
    assert SourceHealth().after(5, 1.0, "").well is True
    assert SourceHealth().after(5, 1.0, "").after(6, 1.0, "500").well is False


def test_prometheus_reads_it() -> None:
    text = metrics_text({("t1", 'urn:"x'): SourceHealth().after(5, 1500.0, "")}, "0")
    assert 'misono_source_requests_total{process="0",tenant="t1",registration="urn:\\"x"} 1\n' in text
    assert 'misono_source_latency_seconds{process="0",tenant="t1",registration="urn:\\"x"} 1.5\n' in text
    assert 'misono_source_up{process="0",tenant="t1",registration="urn:\\"x"} 1\n' in text
