"""What the port Outbox promises, on every engine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from broker.errors import NonexistentTenant
from broker.ports import Remove, outbox
from broker.ports.held import Drop, HeldCommand, Hold
from broker.ports.outbox import SUBSCRIPTION, Closing, Delivery, EntityChange, OutboxRow, notification_id
from tests.contract.engines import ENGINES, NS, Store, command, entity, opened, put, write
from tests.fakes.clock import START, FakeClock
from tests.fakes.watching import TypeWatches

CAR = f"{NS}Car"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def watches() -> TypeWatches:
    return TypeWatches()


@pytest.fixture(params=ENGINES)
def store(request: pytest.FixtureRequest, tmp_path: Path, clock: FakeClock, watches: TypeWatches) -> Iterator[Store]:
    with opened(request.param, tmp_path, clock, watches=watches) as held:
        yield held


def subscribe(store: Store, name: str, watched: str = CAR, tenant: str = "") -> None:
    decide = HeldCommand(SUBSCRIPTION, name, lambda _current, _now: Hold({"watches": watched}), creates=True)
    store.held.apply_held(tenant, [decide]).result()


def unsubscribe(store: Store, name: str) -> None:
    store.held.apply_held("", [HeldCommand(SUBSCRIPTION, name, lambda _current, _now: Drop())]).result()


def waiting(store: Store, tenant: str = "") -> list[OutboxRow]:
    return store.outbox.waiting(tenant, 0, 1_000)


def images(rows: Sequence[OutboxRow]) -> list[tuple[object, object]]:
    def speed(change: EntityChange) -> tuple[object, object]:
        held = (change.before, change.after)
        before, after = (None if one is None else one.instances(f"{NS}speed")[0]["value"] for one in held)
        return before, after

    return [speed(row.change) for row in rows]


def test_each_change_makes_a_row_for_each_subscription_it_matches(store: Store) -> None:
    write(store, entity("a", speed=0))
    subscribe(store, "s1")
    subscribe(store, "s2", "*")
    subscribe(store, "s3", f"{NS}Bus")
    write(store, entity("a", speed=1), entity("b", speed=2))
    store.apply("", [command("urn:e:a", lambda _current, _now: Remove())]).result()
    rows = waiting(store)
    assert [(row.subscription, row.change.entity.id) for row in rows] == [
        ("s1", "urn:e:a"), ("s2", "urn:e:a"), ("s1", "urn:e:b"), ("s2", "urn:e:b"), ("s1", "urn:e:a"), ("s2", "urn:e:a")
    ]  # fmt: skip
    assert images(rows)[::2] == [(0, 1), (None, 2), (1, None)]
    logged = [row.sequence for row in store.since("", 0, 9)]
    assert [row.change.sequence for row in rows] == [number for number in logged[1:] for _ in range(2)]
    assert [row.number for row in rows] == sorted({row.number for row in rows})
    assert {(row.due, row.attempts, row.redelivered, row.reason) for row in rows} == {(START, 0, False, "")}


def test_a_rows_id_is_made_of_tenant_subscription_and_change(store: Store) -> None:
    subscribe(store, "s1")
    write(store, entity("a", speed=1))
    (row,) = waiting(store)
    assert row.id == notification_id("", "s1", str(row.change.sequence))
    assert row.id != notification_id("city", "s1", str(row.change.sequence))


def test_two_quick_changes_keep_their_own_values(store: Store) -> None:
    subscribe(store, "s1")
    store.apply("", [put(entity("a", speed=1)), put(entity("a", speed=2)), put(entity("a", speed=10**30))]).result()
    rows = waiting(store)
    assert images(rows) == [(None, 1), (1, 2), (2, 10**30)]
    held = [(row.change.at, row.change.entity.created_at, row.change.entity.version) for row in rows]
    assert held == [(START, START, 1), (START, START, 2), (START, START, 3)]


def test_images_are_the_entities_as_they_were(store: Store, clock: FakeClock) -> None:
    write(store, entity("a", speed=1))
    subscribe(store, "s1")
    before = store.get("", "urn:e:a")
    clock.advance()
    write(store, entity("a", speed=2, expires_at=START + 10**9))
    (row,) = waiting(store)
    sequence = store.since("", 0, 9)[-1].sequence
    assert row.change == EntityChange(sequence, clock.now(), before, store.get("", "urn:e:a"))


def test_listeners_get_the_rows_themselves_after_the_commit(store: Store) -> None:
    told: list[tuple[str, list[OutboxRow]]] = []
    subscribe(store, "s1")
    subscribe(store, "s1", tenant="city")
    store.outbox.listen(lambda tenant, rows: told.append((tenant, list(rows))))
    write(store, entity("a", speed=1), entity("b", speed=1))
    write(store, entity("a", speed=1), tenant="city")
    assert told == [("", waiting(store)), ("city", waiting(store, "city"))]


def test_what_was_not_written_is_not_told(store: Store) -> None:
    told: list[OutboxRow] = []
    subscribe(store, "s1")
    store.outbox.listen(lambda _tenant, rows: told.extend(rows))

    def fail(_current: object, _now: object) -> Remove:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        store.apply("", [put(entity("a", speed=1)), command("urn:e:b", fail)]).result()
    assert told == []
    assert waiting(store) == []


def test_the_watch_is_compiled_when_a_subscription_changed(store: Store, watches: TypeWatches) -> None:
    write(store, entity("a", speed=1))
    assert watches.compiled == 0
    subscribe(store, "s1")
    for speed in range(3):
        write(store, entity("a", speed=speed))
    assert watches.compiled == 1
    subscribe(store, "s1", f"{NS}Bus")
    write(store, entity("a", speed=7))
    assert watches.compiled == 2
    assert len(waiting(store)) == 3


def test_a_watch_sees_linked_entities_as_they_are_in_the_transaction(store: Store) -> None:
    subscribe(store, "s1", "->urn:e:b")
    write(store, entity("a", speed=1))
    assert waiting(store) == []
    write(store, entity("b", speed=1), entity("a", speed=2))
    assert len(waiting(store)) == 2
    store.apply("", [command("urn:e:b", lambda _current, _now: Remove()), put(entity("a", speed=3))]).result()
    assert len(waiting(store)) == 2


def test_rows_are_read_in_pages(store: Store) -> None:
    subscribe(store, "s1")
    write(store, *(entity(name, speed=1) for name in "abcde"))
    rows = waiting(store)
    assert store.outbox.waiting("", rows[1].number, 2) == rows[2:4]
    assert store.outbox.waiting("", rows[-1].number, 2) == []


def test_the_rows_of_one_subscription_and_the_newest_number(store: Store) -> None:
    assert store.outbox.newest("") == 0
    subscribe(store, "s1")
    subscribe(store, "s2", "*")
    write(store, entity("a", speed=1), entity("b", speed=1))
    rows = waiting(store)
    assert store.outbox.waiting("", 0, 10, "s2") == rows[1::2]
    assert store.outbox.waiting("", rows[1].number, 10, "s2") == rows[3:]
    store.outbox.close_rows("", [Closing(row, "delivered", 1) for row in rows]).result()
    assert store.outbox.newest("") == rows[-1].number


def test_a_delivered_row_is_gone_and_counted(store: Store) -> None:
    subscribe(store, "s1")
    write(store, entity("a", speed=1), entity("b", speed=1))
    first, second = waiting(store)
    store.outbox.close_rows("", [Closing(first, "delivered", 5)]).result()
    assert waiting(store) == [second]
    assert store.outbox.deliveries("") == {"s1": Delivery(1, 0, 5, 5, None)}
    store.outbox.close_rows("", [Closing(first, "delivered", 6), Closing(second, "delivered", 7)]).result()
    assert waiting(store) == []
    assert store.outbox.deliveries("") == {"s1": Delivery(2, 0, 7, 7, None)}


def test_a_row_is_put_off_and_dies(store: Store) -> None:
    subscribe(store, "s1")
    write(store, entity("a", speed=1))
    (row,) = waiting(store)
    store.outbox.close_rows("", [Closing(row, "retry", 5, due=50, reason="500")]).result()
    (again,) = waiting(store)
    assert (again.number, again.id, again.due, again.attempts, again.reason) == (row.number, row.id, 50, 1, "500")
    assert store.outbox.dead("", 0, 10) == []
    store.outbox.close_rows("", [Closing(again, "dead", 51, reason="timeout")]).result()
    assert waiting(store) == []
    (dead,) = store.outbox.dead("", 0, 10)
    assert (dead.id, dead.attempts, dead.reason, dead.change) == (row.id, 2, "timeout", row.change)
    assert store.outbox.deliveries("") == {"s1": Delivery(2, 2, 51, None, 51)}
    assert store.outbox.dead("", dead.number, 10) == []


def test_a_dropped_row_is_not_counted(store: Store) -> None:
    subscribe(store, "s1")
    write(store, entity("a", speed=1))
    store.outbox.close_rows("", [Closing(waiting(store)[0], "dropped", 5)]).result()
    assert waiting(store) == []
    assert store.outbox.deliveries("") == {}


def test_dead_rows_wait_again_at_the_end(store: Store, clock: FakeClock) -> None:
    told: list[OutboxRow] = []
    subscribe(store, "s1")
    write(store, entity("a", speed=1), entity("b", speed=2))
    first, second = waiting(store)
    store.outbox.close_rows("", [Closing(first, "dead", 5, reason="no")]).result()
    store.outbox.listen(lambda _tenant, rows: told.extend(rows))
    clock.advance()
    (dead,) = store.outbox.dead("", 0, 10)
    assert store.outbox.revive("", [dead.number, second.number, 999]).result() == 1
    kept, revived = waiting(store)
    assert kept == second
    assert told == [revived]
    assert revived == OutboxRow(revived.number, first.id, "s1", first.change, clock.now(), 0, redelivered=True)
    assert revived.number > second.number
    assert store.outbox.dead("", 0, 10) == []
    assert store.outbox.revive("", [dead.number]).result() == 0


def test_dead_rows_are_discarded(store: Store) -> None:
    subscribe(store, "s1")
    write(store, entity("a", speed=1), entity("b", speed=2))
    first, second = waiting(store)
    store.outbox.close_rows("", [Closing(first, "dead", 5)]).result()
    assert store.outbox.discard("", [first.number, second.number]).result() == 1
    assert store.outbox.dead("", 0, 10) == []
    assert waiting(store) == [second]


def test_no_more_dead_rows_are_kept_than_there_is_room_for(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "DEAD_MAX", 3)
    monkeypatch.setattr(outbox, "DEAD_SLICE", 4)
    subscribe(store, "s1")
    write(store, *(entity(f"{number}", speed=number) for number in range(9)))
    rows = waiting(store)
    for row in rows[:7]:
        store.outbox.close_rows("", [Closing(row, "dead", 5)]).result()
    numbers = [row.number for row in rows]
    assert [row.number for row in store.outbox.dead("", 0, 99)] == numbers[1:7]
    store.outbox.close_rows("", [Closing(rows[7], "dead", 5)]).result()
    kept = store.outbox.dead("", 0, 99)
    assert [row.number for row in kept] == numbers[5:8]
    assert images(kept) == [(None, 5), (None, 6), (None, 7)]


def test_attempts_without_a_row_are_counted(store: Store) -> None:
    subscribe(store, "s1")
    store.outbox.count_sent("", "s1", 5, failed=False).result()
    store.outbox.count_sent("", "s1", 6, failed=True).result()
    store.outbox.count_sent("", "gone", 6, failed=True).result()
    assert store.outbox.deliveries("") == {"s1": Delivery(2, 1, 6, 5, 6)}


def test_a_subscription_takes_its_rows_and_counters_with_it(store: Store) -> None:
    subscribe(store, "s1")
    subscribe(store, "s2")
    write(store, entity("a", speed=1), entity("b", speed=1))
    rows = [row for row in waiting(store) if row.subscription == "s1"]
    store.outbox.close_rows("", [Closing(rows[0], "dead", 5)]).result()
    unsubscribe(store, "s1")
    assert {row.subscription for row in waiting(store)} == {"s2"}
    assert store.outbox.dead("", 0, 10) == []
    store.outbox.close_rows("", [Closing(rows[1], "delivered", 6)]).result()
    assert store.outbox.deliveries("") == {}
    write(store, entity("a", speed=2))
    assert [row.subscription for row in waiting(store)] == ["s2", "s2", "s2"]


def test_what_expires_is_a_change_as_any_other(store: Store, clock: FakeClock) -> None:
    write(store, entity("a", expires_at=START + 1_000_000, speed=1))
    subscribe(store, "s1")
    clock.advance(2)
    assert store.sweep() == 1
    (row,) = waiting(store)
    assert row.change.after is None
    assert row.change.entity.id == "urn:e:a"


def test_tenants_with_subscriptions_are_known(store: Store) -> None:
    write(store, entity("a"), tenant="idle")
    assert store.outbox.tenants() == []
    subscribe(store, "s1", tenant="city")
    subscribe(store, "s1")
    unsubscribe(store, "s1")
    assert store.outbox.tenants() == ["", "city"]


def test_tenants_with_rows_waiting_are_among_the_busy_ones(store: Store) -> None:
    subscribe(store, "s1")
    subscribe(store, "s1", tenant="city")
    write(store, entity("a", speed=1), tenant="city")
    assert "city" in store.outbox.busy()
    assert set(store.outbox.busy()) <= set(store.outbox.tenants())


def test_no_row_comes_below_a_number_that_is_settled(store: Store) -> None:
    subscribe(store, "s1")
    write(store, entity("a", speed=1))
    settled = store.outbox.settled(store.outbox.newest(""))
    seen = {row.id for row in store.outbox.waiting("", settled, 9)}
    write(store, entity("a", speed=2))
    new = [row for row in store.outbox.waiting("", settled, 9) if row.id not in seen]
    assert settled <= store.outbox.newest("")
    assert "urn:e:a" in {row.change.entity.id for row in new}


def test_a_tenant_must_be_there(store: Store) -> None:
    for ask in (
        lambda: store.outbox.waiting("city", 0, 1),
        lambda: store.outbox.dead("city", 0, 1),
        lambda: store.outbox.deliveries("city"),
        lambda: store.outbox.revive("city", [1]).result(),
        lambda: store.outbox.discard("city", [1]).result(),
        lambda: store.outbox.count_sent("city", "s", 1, failed=True).result(),
        lambda: store.outbox.close_rows("city", []).result(),
    ):
        with pytest.raises(NonexistentTenant):
            ask()
