"""How the change log on MongoDB is trimmed, and what a reader is told who begins before what is left."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from broker.errors import ResourceNotFound
from broker.model.entity import Entity
from broker.ports import Remove
from broker.stores.images import ERASED
from broker.stores.mongo import changelog
from broker.stores.mongo.changelog import AGE_MAX_US, MongoLog
from broker.stores.mongo.store import MongoStore, open_store
from tests.contract.engines import command, entity, put
from tests.engines.wires.running import fresh
from tests.fakes.clock import FakeClock

DAY_S = 24 * 3600


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def make(clock: FakeClock) -> Iterator[Callable[[], MongoStore]]:
    with ExitStack() as closing:
        url = closing.enter_context(fresh())

        def made() -> MongoStore:
            store = open_store(url, clock)
            closing.callback(store.close)
            return store

        yield made


def write(store: MongoStore, *held: Entity, tenant: str = "") -> None:
    store.apply(tenant, [put(one) for one in held]).result()


def log_of(store: MongoStore) -> MongoLog:
    return store._log


def sequences(store: MongoStore, after: int = 0) -> list[int]:
    return [row.sequence for row in store.since("", after, 1000)]


def test_rows_past_their_age_go_but_for_the_newest(make: Callable[[], MongoStore], clock: FakeClock) -> None:
    store = make()
    for speed in range(5):
        write(store, entity("a", speed=speed))
        clock.advance(DAY_S)
    before = sequences(store)
    clock.advance(AGE_MAX_US / 1e6 - 3.5 * DAY_S)
    log_of(store).tend()
    assert store.bounds("") == (before[2], before[4])
    assert sequences(store, before[1]) == before[2:]
    with pytest.raises(ResourceNotFound, match="trimmed"):
        store.since("", before[0], 10)
    with pytest.raises(ResourceNotFound, match="trimmed"):
        store.since("", 0, 10)
    clock.advance(30 * DAY_S)
    log_of(store).trim("")
    assert store.bounds("") == (before[4], before[4])


def test_what_is_too_much_goes_the_oldest_first(
    make: Callable[[], MongoStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changelog, "BYTES_MAX", 20_000)
    monkeypatch.setattr(changelog, "SLICE", 7)
    store = make()
    for number in range(40):
        write(store, entity(f"e{number}", text="x" * 1000))
    everything = sequences(store)
    log_of(store).tend()
    kept = sequences(store, store.bounds("")[0] - 1)
    assert kept == everything[-len(kept) :]
    assert 12 <= len(kept) <= 18
    write(store, entity("other", text="y" * 50_000))
    log_of(store).tend()
    assert len(sequences(store, store.bounds("")[0] - 1)) == 1
    for number in range(5):
        write(store, entity(f"e{number}"))
    log_of(store).tend()
    oldest, newest = store.bounds("")
    assert len(sequences(store, oldest - 1)) == 5
    assert newest > oldest


def test_who_reads_while_it_is_trimmed_gets_every_row_or_is_told(
    make: Callable[[], MongoStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = make()
    for number in range(10):
        write(store, entity(f"e{number}", text="x" * 1000))
    everything = sequences(store)
    monkeypatch.setattr(changelog, "BYTES_MAX", 5_000)
    trail = store._ground.trail
    deleted = []
    monkeypatch.setattr(type(trail), "delete_many", lambda *_arguments: deleted.append(1))
    log_of(store).trim("")  # it dies after the mark, before the rows go
    assert deleted
    monkeypatch.undo()
    with pytest.raises(ResourceNotFound, match="trimmed"):
        store.since("", everything[0], 10)
    monkeypatch.setattr(changelog, "BYTES_MAX", 5_000)
    write(store, entity("more"))
    log_of(store).trim("")
    assert store.bounds("")[0] > everything[4]


def test_one_process_at_a_time_trims(make: Callable[[], MongoStore], clock: FakeClock) -> None:
    store = make()
    write(store, entity("a"))
    clock.advance(30 * DAY_S)
    write(store, entity("b"))
    everything = sequences(store)
    assert store.leases.take("log", "another", 60) is not None
    log_of(store).tend()
    assert sequences(store) == everything
    store.leases.release("log", "another")
    log_of(store).tend()
    assert store.bounds("") == (everything[1], everything[1])


def test_what_is_erased_leaves_the_newest_place(make: Callable[[], MongoStore]) -> None:
    store = make()
    write(store, entity("b"), entity("a", speed=1))
    store.apply("", [command("urn:e:a", lambda _current, _now: Remove())]).result()
    _, newest = store.bounds("")
    assert log_of(store).erase("", "urn:e:a") == 2
    rows = store.since("", 0, 9)
    assert [row.entity_id for row in rows] == ["urn:e:b", ERASED]
    assert (rows[1].before, rows[1].after, rows[1].types) == ({}, None, ())
    assert store.bounds("")[1] == newest
    assert log_of(store).known_ids("") == {"urn:e:b"}
    assert log_of(store).erase("", "urn:e:a") == 0


def test_beside_others_the_youngest_rows_wait_for_lower_numbers(
    make: Callable[[], MongoStore], clock: FakeClock
) -> None:
    one, other = make(), make()
    until = time.monotonic() + 2
    while not one._hub.slots.others() and time.monotonic() < until:
        time.sleep(0.01)
    write(one, entity("a"))
    write(other, entity("b"))
    assert sequences(one) == sequences(other) == []
    clock.advance(0.6)
    assert sequences(one) == sequences(other)
    assert len(sequences(one)) == 2
    write(one, entity("c"))
    assert len(sequences(one)) == len(sequences(other)) == 2
    other.close()
    until = time.monotonic() + 2
    while one._hub.slots.others() and time.monotonic() < until:
        time.sleep(0.01)
    assert len(sequences(one)) == 3


def test_later_versions_have_higher_numbers_whoever_s_clock_is_behind(clock: FakeClock) -> None:
    behind = FakeClock()
    behind.advance(-5)
    with ExitStack() as closing:
        url = closing.enter_context(fresh())
        one, other = open_store(url, clock), open_store(url, behind)
        closing.callback(one.close)
        closing.callback(other.close)
        write(one, entity("a", speed=1))
        write(other, entity("a", speed=2))
        write(one, entity("a", speed=3))
        clock.advance(10)
        rows = one.since("", 0, 10)
        assert [row.version for row in rows] == [1, 2, 3]
        assert [row.at for row in rows] == sorted(row.at for row in rows)
