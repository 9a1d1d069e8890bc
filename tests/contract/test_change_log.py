"""The port ChangeLog, held against every engine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from broker.errors import NonexistentTenant, ResourceNotFound
from broker.model.entity import Entity
from broker.model.values import to_text
from broker.ports import Labels, Put, Remove
from tests.contract.engines import ENGINES, NS, Store, command, entity, opened, write
from tests.fakes.clock import START, FakeClock


def label(held: Entity) -> Labels:
    """`owner` concerns subject 7, and is personal; the entity itself concerns subject 1."""
    return Labels({None: (1, "none"), NS + "owner": (7, "personal")} if NS + "owner" in held.document else {})


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(params=ENGINES)
def store(request: pytest.FixtureRequest, tmp_path: Path, clock: FakeClock) -> Iterator[Store]:
    with opened(request.param, tmp_path, clock, label) as made:
        yield made


def test_a_log_without_rows_has_no_bounds(store: Store) -> None:
    assert store.bounds("") == (0, 0)
    assert store.since("", 0, 10) == []


def test_a_row_holds_the_changed_members_only(store: Store, clock: FakeClock) -> None:
    write(store, entity("a", speed=1, brand="x", old=True))
    clock.advance(1)
    write(store, entity("a", speed=2, brand="x", new=[1]))
    clock.advance(1)
    store.apply("", [command("urn:e:a", lambda _c, _n: Remove())]).result()
    made, changed, removed = store.since("", 0, 10)
    assert 0 < made.sequence < changed.sequence < removed.sequence
    assert [row.version for row in (made, changed, removed)] == [1, 2, 3]
    assert [row.at - START for row in (made, changed, removed)] == [0, 1_000_000, 2_000_000]
    assert (made.before, made.after) == (None, entity("a", speed=1, brand="x", old=True).document)
    assert changed.before == {NS + "speed": _value(1), NS + "old": _value(True)}
    assert changed.after == {NS + "speed": _value(2), NS + "new": _value([1])}
    assert (removed.before, removed.after) == (entity("a", speed=2, brand="x", new=[1]).document, None)


def test_type_scope_and_expiry_are_members_too(store: Store) -> None:
    write(store, entity("a", scope="/x"))
    after = replace(entity("a", scope="/y"), expires_at=START + 10**9)
    after.document["type"] = NS + "Bus"
    write(store, after)
    made, row = store.since("", 0, 10)
    assert store.since("", made.sequence, 10) == [row]
    assert row.before == {"type": NS + "Car", "scope": "/x"}
    assert row.after == {"type": NS + "Bus", "scope": "/y", "expiresAt": to_text(START + 10**9)}


def test_true_is_not_one_and_one_is_not_a_float(store: Store) -> None:
    for value in (1, True, 1.0, 0.0, -0.0):
        write(store, entity("a", speed=value))
    seen = [row.after[NS + "speed"]["value"] for row in store.since("", 0, 10) if row.after]  # type: ignore[call-overload,index]
    assert repr(seen) == "[1, True, 1.0, 0.0, -0.0]"


def test_rows_carry_the_subjects_and_classes_they_touched(store: Store) -> None:
    write(store, entity("a", owner="someone", speed=1))
    write(store, entity("a", owner="someone", speed=2))
    write(store, entity("a", owner="another", speed=2))
    rows = store.since("", 0, 10)
    assert [(row.subjects, row.data_classes) for row in rows] == [
        (frozenset({1, 7}), frozenset({"personal"})),
        (frozenset({1}), frozenset()),
        (frozenset({1, 7}), frozenset({"personal"})),
    ]


def test_since_reads_on_from_a_place(store: Store) -> None:
    for number in range(7):
        write(store, entity("a", speed=number))
    rows = store.since("", 0, 10)
    assert [row.after for row in rows][1:] == [{NS + "speed": _value(number)} for number in range(1, 7)]
    assert store.since("", rows[1].sequence, 3) == rows[2:5]
    assert store.since("", rows[6].sequence, 3) == []
    assert store.bounds("") == (rows[0].sequence, rows[6].sequence)


def test_a_command_that_is_refused_logs_nothing(store: Store) -> None:
    def refuse(_current: Entity | None, _now: int) -> Put:
        raise ResourceNotFound("no")

    store.apply("", [command("urn:e:a", refuse)]).result()
    assert store.bounds("") == (0, 0)


def test_each_tenant_has_a_log_of_its_own(store: Store) -> None:
    write(store, entity("a"), tenant="one")
    write(store, entity("a"), entity("b"), tenant="two")
    (one,), (first, second) = (store.since(tenant, 0, 9) for tenant in ("one", "two"))
    assert store.bounds("one") == (one.sequence, one.sequence)
    assert store.bounds("two") == (first.sequence, second.sequence)
    assert store.bounds("") == (0, 0)
    with pytest.raises(NonexistentTenant):
        store.since("three", 0, 1)


@pytest.mark.parametrize("engine", ["memory", "sqlite"])
def test_one_process_counts_from_one(engine: str, tmp_path: Path, clock: FakeClock) -> None:
    with opened(engine, tmp_path, clock) as store:
        write(store, entity("a"), entity("b"))
        write(store, entity("a"), tenant="city")
        assert [[row.sequence for row in store.since(tenant, 0, 9)] for tenant in ("", "city")] == [[1, 2], [1]]


def _value(value: object) -> dict[str, object]:
    return {"type": "Property", "value": value}
