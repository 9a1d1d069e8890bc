"""Erasing leaves nothing of an entity; retention takes, or thins, what is old."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from broker.model.values import to_text
from broker.ports import UNRESTRICTED, Remove
from broker.ports.evolution import (
    AddInstances,
    Begin,
    EvolutionCommand,
    EvolutionStep,
    ReplaceInstance,
    Retention,
)
from broker.query.temporal import TemporalQuery
from broker.stores.thinning import COUNT, GREATEST, LEAST
from tests.contract.engines import ENGINES, NS, Store, command, entity, opened, write
from tests.fakes.clock import START, FakeClock

A, B = "urn:e:a", "urn:e:b"
SPEED, NAME = f"{NS}speed", f"{NS}name"
HOUR = 3_600_000_000
EVERY = frozenset[str]()


@pytest.fixture(name="held", params=ENGINES)
def one_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Store, FakeClock]]:
    clock = FakeClock()
    with opened(request.param, tmp_path, clock) as store:
        yield store, clock


def seen(value: Any, hours: float, **more: Any) -> dict[str, Any]:
    at = to_text(START + round(hours * HOUR))[:19] + "Z"
    return {"type": "Property", "value": value, "observedAt": at, **more}


def evolve(store: Store, entity_id: str, *steps: EvolutionStep) -> None:
    done = store.history.apply_evolution("", [EvolutionCommand(entity_id, lambda _k, _n: (steps, None), creates=True)])
    assert done.result() == [None]


def instances(store: Store, entity_id: str = A, name: str = SPEED) -> list[Any]:
    page = store.history.evolution("", entity_id, TemporalQuery(sys_attrs=False), UNRESTRICTED)
    return [one for found in page.evolutions for one in found.attributes.get(name, ())]


def values(store: Store, entity_id: str = A, name: str = SPEED) -> list[Any]:
    return [one["value"] for one in instances(store, entity_id, name)]


def remove(store: Store, entity_id: str) -> None:
    store.apply("", [command(entity_id, lambda _current, _now: Remove())]).result()


def known(store: Store, entity_id: str) -> bool:
    page = store.history.evolution("", entity_id, TemporalQuery(), UNRESTRICTED)
    return bool(page.evolutions) or store.get("", entity_id) is not None


def test_nothing_is_left_of_an_erased_entity(held: tuple[Store, FakeClock]) -> None:
    store, clock = held
    write(store, entity("a", speed=1, scope="/east"), entity("b", speed=1))
    clock.advance()
    write(store, entity("a", speed=seen(2, 0)))
    clock.advance()
    gone: Any = store.history.erase("", A).result()
    assert gone["entity"] == gone["history"] == 1
    assert gone["instance"] >= 3
    assert gone["change_log"] == 3
    assert not known(store, A)
    assert known(store, B)
    newest = store.bounds("")[1]
    rows = store.since("", store.bounds("")[0] - 1, 100)
    assert A not in {row.entity_id for row in rows}
    assert [(row.before, row.after) for row in rows if row.sequence == newest] == [({}, None)]
    assert store.history.erase("", A).result() == {}
    clock.advance()
    write(store, entity("a", speed=9))
    assert store.bounds("")[1] > newest
    assert values(store) == [9]


def test_what_only_history_has_is_erased(held: tuple[Store, FakeClock]) -> None:
    store, _ = held
    evolve(store, A, Begin((f"{NS}Car",)), AddInstances(SPEED, [seen(1, 1), seen(2, 2)]))
    assert store.history.erase("", A).result() == {"history": 1, "instance": 2}
    assert not known(store, A)


def test_a_deleted_entity_is_erased(held: tuple[Store, FakeClock]) -> None:
    store, _ = held
    write(store, entity("a", speed=1))
    remove(store, A)
    write(store, entity("b", speed=1))
    assert store.history.erase("", A).result() == {"history": 1, "instance": 2, "change_log": 2}
    assert not known(store, A)
    assert known(store, B)


def test_old_instances_go(held: tuple[Store, FakeClock]) -> None:
    store, clock = held
    evolve(store, A, Begin((f"{NS}Car",)), AddInstances(SPEED, [seen(n, n) for n in range(10)]))
    evolve(store, B, Begin((f"{NS}Bus",)), AddInstances(SPEED, [seen(n, n) for n in range(10)]))
    clock.advance(10 * 3_600)
    assert store.history.retain("", [Retention(frozenset({f"{NS}Car"}), 4 * HOUR)]) == 6
    assert values(store) == [6, 7, 8, 9]
    assert len(values(store, B)) == 10
    assert store.history.retain("", [Retention(EVERY, None)]) == 0
    assert store.history.retain("", [Retention(frozenset({f"{NS}Car"}), None), Retention(EVERY, HOUR)]) == 9
    assert values(store) == [6, 7, 8, 9]
    assert values(store, B) == [9]


def test_what_an_entity_still_has_stays(held: tuple[Store, FakeClock]) -> None:
    store, clock = held
    write(store, entity("a", speed=1, scope="/east"))
    clock.advance()
    write(store, entity("a", speed=seen(2, 0), scope="/west"))
    first = instances(store)[0]
    clock.advance(100 * 3_600)
    evolve(store, A, ReplaceInstance(SPEED, str(instances(store)[-1]["instanceId"]), seen(3, 1)))
    clock.advance(100 * 3_600)
    store.history.retain("", [Retention(EVERY, HOUR)])
    assert first["instanceId"] not in {one["instanceId"] for one in instances(store)}
    assert values(store, A, "scope") == ["/east", "/west"]
    remove(store, A)
    clock.advance(100 * 3_600)
    store.history.retain("", [Retention(EVERY, HOUR)])
    assert values(store) == []


def test_old_numbers_are_thinned(held: tuple[Store, FakeClock]) -> None:
    store, clock = held
    rows = [seen(n, n / 2, unitCode="CEL") for n in range(20)]
    evolve(store, A, Begin((f"{NS}Car",)), AddInstances(SPEED, [*rows, seen(99, 0, datasetId="urn:x:1")]))
    clock.advance(10.5 * 3_600)
    rule = Retention(EVERY, 4 * HOUR, "thinned", 2 * HOUR)
    assert store.history.retain("", [rule]) == 9  # [0, 6): three of four, and one that stands for itself
    found = [one for one in instances(store) if "datasetId" not in one]
    assert [one["value"] for one in found] == [1.5, 5.5, 9.5, 12, 13, 14, 15, 16, 17, 18, 19]
    first = found[0]
    assert (first["observedAt"], first["unitCode"]) == (to_text(START), "CEL")
    assert [first[name]["value"] for name in (LEAST, GREATEST, COUNT)] == [0, 3, 4]
    assert store.history.retain("", [rule]) == 0
    evolve(store, A, AddInstances(SPEED, [seen(11.5, 1)]))
    assert store.history.retain("", [rule]) == 1
    again = next(one for one in instances(store) if one["observedAt"] == to_text(START) and "datasetId" not in one)
    assert [again["value"], *(again[name]["value"] for name in (LEAST, GREATEST, COUNT))] == [3.5, 0, 11.5, 5]


def test_of_others_the_last_of_a_period_stays(held: tuple[Store, FakeClock]) -> None:
    store, clock = held
    rows = [seen(value, n / 2) for n, value in enumerate(["a", "b", 3, "d", "e", "f"])]
    evolve(store, A, Begin((f"{NS}Car",)), AddInstances(NAME, rows))
    clock.advance(100 * 3_600)
    assert store.history.retain("", [Retention(EVERY, HOUR, "thinned", HOUR)]) == 3
    assert values(store, A, NAME) == ["b", "d", "f"]


def test_erasing_needs_no_entity(held: tuple[Store, FakeClock]) -> None:
    store, _ = held
    assert store.history.erase("", A).result() == {}
