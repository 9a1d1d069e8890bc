"""Two brokers on one directory: each sees what the other wrote, and one of them does a job."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from broker.ports.held import Drop, HeldCommand, Hold
from broker.ports.outbox import SUBSCRIPTION, Closing, OutboxRow
from broker.stores.sqlite import SqliteStore, open_store
from broker.timers import UnderLease
from tests.contract.engines import entity, write
from tests.fakes.clock import FakeClock
from tests.fakes.watching import TypeWatches

Pair = tuple[SqliteStore, SqliteStore]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def pair(tmp_path: Path, clock: FakeClock) -> Iterator[Pair]:
    with ExitStack() as closing:
        stores = [open_store(tmp_path, clock, watches=TypeWatches()) for _ in range(2)]
        for store in stores:
            closing.callback(store.close)
        yield stores[0], stores[1]


def subscribe(store: SqliteStore, name: str, tenant: str = "") -> None:
    command = HeldCommand(SUBSCRIPTION, name, lambda _current, _now: Hold({"watches": "*"}), creates=True)
    store.held.apply_held(tenant, [command]).result()


def test_a_subscription_of_one_process_sees_the_next_change_of_the_other(pair: Pair) -> None:
    here, there = pair
    write(there, entity("a", speed=1))
    for name in ("s1", "s2", "s3"):
        subscribe(here, name)
        write(there, entity("a", speed=2))
    assert [row.subscription for row in here.outbox.waiting("", 0, 9)] == ["s1", "s1", "s2", "s1", "s2", "s3"]
    here.held.apply_held("", [HeldCommand(SUBSCRIPTION, "s1", lambda _current, _now: Drop())]).result()
    write(there, entity("a", speed=3))
    assert [row.subscription for row in there.outbox.waiting("", 0, 9)] == ["s2", "s2", "s3", "s2", "s3"]
    assert there.held.find_held("", SUBSCRIPTION, "s1") is None
    assert there.held.held_generation("", SUBSCRIPTION) == here.held.held_generation("", SUBSCRIPTION)


def test_a_tenant_that_the_other_process_made_is_known(pair: Pair) -> None:
    here, there = pair
    subscribe(here, "s1", "city")
    write(there, entity("a", speed=1), tenant="city")
    assert there.outbox.tenants() == ["city"]
    assert len(there.outbox.waiting("city", 0, 9)) == 1


def test_a_row_is_told_where_it_was_written_and_found_by_the_other(pair: Pair) -> None:
    here, there = pair
    told: list[OutboxRow] = []
    here.outbox.listen(lambda _tenant, rows: told.extend(rows))
    subscribe(here, "s1")
    write(there, entity("a", speed=1))
    assert told == []
    seen = here.outbox.waiting("", 0, 9)
    write(here, entity("b", speed=1))
    assert told == here.outbox.waiting("", seen[-1].number, 9) == there.outbox.waiting("", seen[-1].number, 9)
    assert told[0].number > seen[-1].number


def test_a_row_that_both_close_is_counted_once(pair: Pair) -> None:
    here, there = pair
    subscribe(here, "s1")
    write(here, entity("a", speed=1))
    (row,) = there.outbox.waiting("", 0, 9)
    here.outbox.close_rows("", [Closing(row, "delivered", 5)]).result()
    there.outbox.close_rows("", [Closing(row, "delivered", 6)]).result()
    assert there.outbox.deliveries("")["s1"].times_sent == 1


def test_a_lease_is_had_by_one_process(pair: Pair, clock: FakeClock) -> None:
    here, there = pair
    first = here.leases.take("timers", "here", 10)
    assert there.leases.take("timers", "there", 10) is None
    clock.advance(11)
    second = there.leases.take("timers", "there", 10)
    assert first is not None
    assert second == first + 1
    assert here.leases.take("timers", "here", 10) is None
    there.leases.release("timers", "there")
    assert here.leases.take("timers", "here", 10) == second + 1


def test_one_of_two_processes_works_and_the_other_takes_over(pair: Pair, clock: FakeClock) -> None:
    done: list[str] = []
    here, there = (
        UnderLease(store.leases, "sweep", name, 10, lambda name=name: done.append(name))  # type: ignore[misc]
        for store, name in zip(pair, ("here", "there"), strict=True)
    )
    for _ in range(3):
        here()
        there()
        clock.advance(5)
    assert done == ["here", "here", "here"]
    here.release()
    there()
    here()
    assert done[3:] == ["there"]
    clock.advance(11)
    here()
    assert done[4:] == ["here"]


def test_a_swept_tenant_is_not_forgotten_by_the_other_process(pair: Pair, clock: FakeClock) -> None:
    here, there = pair
    now = clock.now()
    write(here, entity("a", expires_at=now + 1_000_000, speed=1))
    clock.advance(2)
    assert there.sweep() == 1
    write(here, entity("b", expires_at=now + 5_000_000, speed=1))
    write(there, entity("c", expires_at=now + 4_000_000, speed=1))
    clock.advance(2)
    assert here.sweep() == 1
    clock.advance(1)
    assert there.sweep() == 1
