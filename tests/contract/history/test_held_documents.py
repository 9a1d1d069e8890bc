"""What the ports HeldStore and Marks promise, on every engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from broker.errors import AlreadyExists, NonexistentTenant, ResourceNotFound
from broker.model.values import Instant, Json
from broker.ports.held import Drop, Held, HeldCommand, HeldDecision, Hold, Leave
from tests.contract.engines import ENGINES, Store, entity, opened, write
from tests.fakes.clock import START, FakeClock

KIND = "subscription"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(params=ENGINES)
def store(request: pytest.FixtureRequest, tmp_path: Path, clock: FakeClock) -> Iterator[Store]:
    with opened(request.param, tmp_path, clock) as held:
        yield held


def hold(store: Store, name: str, body: dict[str, Json], tenant: str = "", kind: str = KIND) -> list[object]:
    command = HeldCommand(kind, name, lambda _current, _now: Hold(body, name), creates=True)
    return store.held.apply_held(tenant, [command]).result()


def drop(store: Store, name: str, tenant: str = "", kind: str = KIND) -> list[object]:
    def decide(current: Held | None, _now: Instant) -> HeldDecision:
        if current is None:
            raise ResourceNotFound("gone", pointer="id")
        return Drop(current.version)

    return store.held.apply_held(tenant, [HeldCommand(kind, name, decide)]).result()


def test_a_document_is_found_as_it_was_held(store: Store, clock: FakeClock) -> None:
    body: dict[str, Json] = {"id": "s", "deep": [1, {"a": None}, 10**30, 0.1]}
    assert hold(store, "s", body) == ["s"]
    clock.advance()
    assert hold(store, "s", {"id": "s"}) == ["s"]
    assert store.held.find_held("", KIND, "s") == Held("s", {"id": "s"}, START, START + 1_000_000, 2)
    hold(store, "t", body)
    held = store.held.find_held("", KIND, "t")
    assert held is not None
    assert held.body == body
    assert store.held.find_held("", "registration", "s") is None
    assert store.held.find_held("", KIND, "u") is None


def test_a_document_is_not_the_callers_to_change(store: Store) -> None:
    inner: list[Json] = [1]
    hold(store, "s", {"list": inner})
    inner.append(2)
    held = store.held.find_held("", KIND, "s")
    assert held is not None
    assert held.body == {"list": [1]}


def test_documents_come_oldest_first(store: Store, clock: FakeClock) -> None:
    for name in "cab":
        hold(store, name, {})
        clock.advance()
    hold(store, "d", {})
    hold(store, "D", {})
    hold(store, "c", {"again": True})
    assert [one.id for one in store.held.all_held("", KIND)] == ["c", "a", "b", "D", "d"]


def test_a_window_is_a_part_of_all_oldest_first(store: Store, clock: FakeClock) -> None:
    for number in (3, 1, 2, 5, 4):
        hold(store, f"s{number}", {"n": number})
        clock.advance()
    hold(store, "other", {}, kind="else")
    ends = clock.now() + 10
    store.held.apply_held("", [HeldCommand(KIND, "s9", lambda _c, _n: Hold({}, expires_at=ends))]).result()
    clock.advance(1)
    everything = store.held.all_held("", KIND)
    assert [one.id for one in everything] == ["s3", "s1", "s2", "s5", "s4"]
    for offset, limit in ((0, 2), (2, 2), (4, 2), (5, 2), (0, 0), (0, 100)):
        assert store.held.page_held("", KIND, offset, limit) == (everything[offset : offset + limit], 5)
    assert store.held.page_held("", "nothing", 0, 10) == ([], 0)
    with pytest.raises(NonexistentTenant):
        store.held.page_held("nowhere", KIND, 0, 10)


def test_decisions_see_what_those_before_them_left(store: Store) -> None:
    seen: list[tuple[int, Instant]] = []

    def decide(current: Held | None, now: Instant) -> HeldDecision:
        seen.append((current.version if current else 0, now))
        return Hold({"n": len(seen)}, len(seen))

    commands = [HeldCommand(KIND, "s", decide)] * 3
    assert store.held.apply_held("", commands).result() == [1, 2, 3]
    assert seen == [(0, START), (1, START), (2, START)]


def test_a_refusal_is_its_commands_alone(store: Store) -> None:
    def refuse(_current: Held | None, _now: Instant) -> HeldDecision:
        raise AlreadyExists("no", pointer="id")

    kept = HeldCommand(KIND, "s", lambda _current, _now: Hold({}, "kept"))
    left = HeldCommand(KIND, "u", lambda _current, _now: Leave("left"))
    first, second, third = store.held.apply_held("", [HeldCommand(KIND, "t", refuse), kept, left]).result()
    assert isinstance(first, AlreadyExists)
    assert (second, third) == ("kept", "left")
    assert [one.id for one in store.held.all_held("", KIND)] == ["s"]


def test_a_fault_in_a_decision_reaches_its_caller(store: Store) -> None:
    def fail(_current: Held | None, _now: Instant) -> HeldDecision:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        store.held.apply_held("", [HeldCommand(KIND, "s", fail)]).result()
    assert hold(store, "s", {}) == ["s"]


def test_the_generation_rises_with_every_write_of_the_kind(store: Store) -> None:
    def generation() -> int:
        return store.held.held_generation("", KIND)

    seen = [generation()]
    hold(store, "s", {})
    seen.append(generation())
    hold(store, "s", {})
    seen.append(generation())
    drop(store, "s")
    seen.append(generation())
    assert seen == sorted(set(seen))
    hold(store, "r", {}, kind="registration")
    store.held.apply_held("", [HeldCommand(KIND, "s", lambda _current, _now: Leave())]).result()
    assert isinstance(drop(store, "s")[0], ResourceNotFound)
    assert generation() == seen[-1]


def test_a_dropped_document_is_gone(store: Store) -> None:
    hold(store, "s", {})
    hold(store, "s", {})
    assert drop(store, "s") == [2]
    assert store.held.find_held("", KIND, "s") is None
    hold(store, "s", {})
    held = store.held.find_held("", KIND, "s")
    assert held is not None
    assert held.version == 1


def test_a_document_that_has_expired_is_gone(store: Store, clock: FakeClock) -> None:
    due = START + 1_000_000
    decide = HeldCommand("entity_map", "m", lambda _current, _now: Hold({}, None, due))
    store.held.apply_held("", [decide]).result()
    hold(store, "stays", {}, kind="entity_map")
    held = store.held.find_held("", "entity_map", "m")
    assert held is not None
    assert held.expires_at == due
    generation = store.held.held_generation("", "entity_map")
    clock.advance(1)
    assert store.held.find_held("", "entity_map", "m") is None
    assert [one.id for one in store.held.all_held("", "entity_map")] == ["stays"]
    assert isinstance(drop(store, "m", kind="entity_map")[0], ResourceNotFound)
    assert store.sweep() == 1
    assert store.held.held_generation("", "entity_map") > generation
    clock.set(START)
    assert store.held.find_held("", "entity_map", "m") is None
    assert store.sweep() == 0


def test_one_that_had_expired_is_made_anew(store: Store, clock: FakeClock) -> None:
    decide = HeldCommand("entity_map", "m", lambda _current, _now: Hold({}, None, START + 1_000_000))
    store.held.apply_held("", [decide]).result()
    clock.advance(1)
    hold(store, "m", {}, kind="entity_map")
    held = store.held.find_held("", "entity_map", "m")
    assert held == Held("m", {}, clock.now(), clock.now())
    assert store.sweep() == 0


def test_tenants_are_apart_and_made_by_who_may(store: Store) -> None:
    with pytest.raises(NonexistentTenant):
        drop(store, "s", "city")
    with pytest.raises(NonexistentTenant):
        store.held.all_held("city", KIND)
    with pytest.raises(NonexistentTenant):
        store.held.find_held("city", KIND, "s")
    with pytest.raises(NonexistentTenant):
        store.held.held_generation("city", KIND)
    hold(store, "s", {}, "city")
    assert store.exists("city")
    assert store.held.find_held("", KIND, "s") is None
    write(store, entity("a"), tenant="city")
    assert len(store.held.all_held("city", KIND)) == 1


def test_a_refused_command_makes_no_tenant(store: Store) -> None:
    def refuse(_current: Held | None, _now: Instant) -> HeldDecision:
        raise AlreadyExists("no", pointer="id")

    store.held.apply_held("city", [HeldCommand(KIND, "s", refuse, creates=True)]).result()
    assert not store.exists("city")


def test_marks_are_kept_by_name(store: Store) -> None:
    store.held.mark("", "timer:a", 1).result()
    store.held.mark("", "timer:b", {"at": [1]}).result()
    store.held.mark("", "timer:a", 2).result()
    store.held.mark("", "timer%", 3).result()
    store.held.mark("", "other", None).result()
    assert store.held.marks("", "timer:") == {"timer:a": 2, "timer:b": {"at": [1]}}
    store.held.mark("", "timer:a", None).result()
    assert store.held.marks("", "") == {"timer%": 3, "timer:b": {"at": [1]}}
    assert store.held.marks("", "timer%") == {"timer%": 3}


def test_marks_need_a_tenant(store: Store) -> None:
    with pytest.raises(NonexistentTenant):
        store.held.mark("city", "a", 1).result()
    with pytest.raises(NonexistentTenant):
        store.held.marks("city", "")
