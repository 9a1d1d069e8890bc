"""What history is told by itself, on every engine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from broker.errors import NgsiError, ResourceNotFound
from broker.model.evolution import Evolution
from broker.model.values import to_text
from broker.ports.evolution import (
    AddInstances,
    AddTypes,
    DropAll,
    DropAttribute,
    DropInstance,
    EndAttribute,
    EvolutionCommand,
    EvolutionStep,
    ReplaceInstance,
)
from broker.query.temporal import TemporalQuery
from tests.contract.engines import ENGINES, NS, Store, entity, opened, write
from tests.contract.history.evolving import (
    A,
    at,
    begin,
    change,
    evolve,
    ids,
    made,
    nothing,
    seen,
    told,
    values,
)
from tests.fakes.clock import START, FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(params=ENGINES)
def store(request: pytest.FixtureRequest, tmp_path: Path, clock: FakeClock) -> Iterator[Store]:
    with opened(request.param, tmp_path, clock) as made:
        yield made


def test_history_of_its_own_needs_no_entity(store: Store, clock: FakeClock) -> None:
    begin(store, "a", speed=[seen(1, 1), seen(2, 2)], name=[seen("x", 5)])
    assert store.get("", A) is None
    found = told(store, A)
    assert (values(found), values(found, "name")) == ([1, 2], ["x"])
    assert found.attributes[f"{NS}speed"][0]["observedAt"] == at(1)
    assert (found.created_at, found.modified_at) == (START, START)
    clock.advance()
    assert evolve(store, A, AddInstances(f"{NS}speed", [seen(0, 0)]), AddTypes((f"{NS}Bus",))) is True
    again = told(store, A)
    assert values(again) == [0, 1, 2]
    assert again.types == (f"{NS}Car", f"{NS}Bus")
    assert again.modified_at == START + 1_000_000


def test_an_instance_of_the_same_time_is_replaced(store: Store) -> None:
    begin(store, "a", speed=[seen(1, 1), seen(2, 1, datasetId="urn:x:1"), seen(3, 2)])
    evolve(store, A, AddInstances(f"{NS}speed", [seen(4, 1), seen(5, 5), seen(6, 5)]))
    assert values(told(store, A)) == [2, 4, 3, 6]
    evolve(store, A, AddInstances(f"{NS}speed", [{"type": "Property", "value": 7}] * 2))
    assert values(told(store, A)) == [7, 7, 2, 4, 3, 6]
    write(store, entity("b", speed=seen(1, 1)))
    evolve(store, "urn:e:b", AddInstances(f"{NS}speed", [seen(2, 1)]))
    assert values(told(store, "urn:e:b")) == [2]


def test_the_time_comes_back_as_it_was_written(store: Store) -> None:
    texts = [
        "2026-01-01T00:01:00Z",
        "2026-01-01T00:02:00.5Z",
        "2026-01-01T00:03:00.500Z",
        "2026-01-01T00:04:00.000001Z",
    ]
    begin(store, "a", speed=[{"type": "Property", "value": 1, "observedAt": text} for text in texts])
    assert [one["observedAt"] for one in told(store, A).attributes[f"{NS}speed"]] == texts


@pytest.mark.parametrize(
    "value", [1, 1.0, 0.1, True, False, "x", "", None, 10**30, -(2**63), 2**63, 1e300, [], [1, "a"], {"a": {"b": 1}}]
)
def test_values_come_back_as_they_were(store: Store, value: Any) -> None:
    begin(store, "a", speed=[seen(value, 1, unitCode="CEL"), seen(value, 2, datasetId="urn:x:1")])
    write(
        store, entity("b", speed=seen(value, 1), more=seen(1, 1, **{f"{NS}sub": {"type": "Property", "value": value}}))
    )
    held = told(store, A).attributes[f"{NS}speed"]
    assert [repr(one["value"]) for one in held] == [repr(value)] * 2
    assert (held[0]["unitCode"], held[1]["datasetId"]) == ("CEL", "urn:x:1")
    change(store, "urn:e:b", speed=seen(1, 2), more=seen(2, 2))
    found = told(store, "urn:e:b")
    assert [repr(one) for one in values(found)] == [repr(value), "1"]
    assert repr(found.attributes[f"{NS}more"][0][f"{NS}sub"]["value"]) == repr(value)  # type: ignore[index,call-overload]


def test_an_attribute_is_dropped_from_history(store: Store, clock: FakeClock) -> None:
    begin(store, "a", speed=[seen(1, 1), seen(2, 1, datasetId="urn:x:1")], name=[seen("x", 1)])
    evolve(store, A, DropAttribute(f"{NS}speed"))
    assert values(told(store, A)) == [2]
    evolve(store, A, DropAttribute(f"{NS}speed", everything=True))
    assert list(told(store, A).attributes) == [f"{NS}name"]
    assert isinstance(evolve(store, A, DropAttribute(f"{NS}speed", everything=True)), ResourceNotFound)
    write(store, entity("b", speed=1))
    evolve(store, "urn:e:b", DropAttribute(f"{NS}speed"))
    assert told(store, "urn:e:b").attributes == {}
    held = store.get("", "urn:e:b")
    assert held is not None
    assert f"{NS}speed" in held.document
    clock.advance()
    change(store, "urn:e:b", speed=2)
    assert values(told(store, "urn:e:b")) == [2]


def test_an_instance_is_corrected_and_keeps_its_id(store: Store, clock: FakeClock) -> None:
    begin(store, "a", speed=[seen(1, 1), seen(2, 2)])
    write(store, entity("b", speed=seen(1, 1)))
    for entity_id in (A, "urn:e:b"):
        held = told(store, entity_id).attributes[f"{NS}speed"][0]
        clock.advance()
        evolve(store, entity_id, ReplaceInstance(f"{NS}speed", str(held["instanceId"]), seen(9, 5)))
        found = told(store, entity_id).attributes[f"{NS}speed"][-1]
        assert found == {**held, **seen(9, 5), "modifiedAt": to_text(clock.now())}
        assert evolve(store, entity_id, ReplaceInstance(f"{NS}speed", str(held["instanceId"]), seen(8, 6))) is True
        assert values(told(store, entity_id))[-1] == 8
    current = store.get("", "urn:e:b")
    assert current is not None
    assert current.document[f"{NS}speed"] == seen(1, 1)
    clock.advance()
    change(store, "urn:e:b", speed=seen(7, 7))
    assert values(told(store, "urn:e:b")) == [8, 7]


def test_an_instance_is_erased_alone(store: Store, clock: FakeClock) -> None:
    begin(store, "a", speed=[seen(1, 1), seen(2, 2)])
    write(store, made("b", speed=1, name="x"))
    for entity_id, left in ((A, [2]), ("urn:e:b", [])):
        held = told(store, entity_id).attributes[f"{NS}speed"][0]
        drop = DropInstance(f"{NS}speed", str(held["instanceId"]))
        evolve(store, entity_id, drop)
        assert values(told(store, entity_id)) == left
        assert isinstance(evolve(store, entity_id, drop), ResourceNotFound)
    clock.advance()
    change(store, "urn:e:b", speed=2)
    assert values(told(store, "urn:e:b")) == [2]


@pytest.mark.parametrize("instance_id", ["urn:x:1", "urn:ngsi-ld:Instance:1", "urn:ngsi-ld:Instance:x:y", ""])
def test_unknown_instances_are_refused(store: Store, instance_id: str) -> None:
    begin(store, "a", speed=[seen(1, 1)], name=[seen("x", 1)])
    other = str(told(store, A).attributes[f"{NS}name"][0]["instanceId"])
    for wanted in (instance_id, other):
        for step in (DropInstance(f"{NS}speed", wanted), ReplaceInstance(f"{NS}speed", wanted, seen(1, 1))):
            assert isinstance(evolve(store, A, step), ResourceNotFound)


def test_a_refused_command_leaves_nothing(store: Store) -> None:
    begin(store, "a", speed=[seen(1, 1)])
    refused = evolve(store, A, AddInstances(f"{NS}speed", [seen(2, 2)]), DropInstance(f"{NS}speed", "urn:x:1"))
    assert isinstance(refused, ResourceNotFound)
    assert values(told(store, A)) == [1]

    def refuse(_known: Evolution | None, _now: int) -> tuple[Sequence[EvolutionStep], object]:
        raise ResourceNotFound("no")

    done = store.history.apply_evolution("", [EvolutionCommand(A, refuse)]).result()
    assert isinstance(done[0], NgsiError)


def test_a_history_is_dropped(store: Store, clock: FakeClock) -> None:
    begin(store, "a", speed=[seen(1, 1)])
    write(store, entity("b", speed=1, scope="/east"))
    for entity_id in (A, "urn:e:b"):
        assert evolve(store, entity_id, DropAll()) is True
        assert nothing(store, entity_id)
        assert evolve(store, entity_id) is False
    assert ids(store) == []
    clock.advance()
    change(store, "urn:e:b", speed=2)
    assert values(told(store, "urn:e:b")) == [2]
    assert list(told(store, "urn:e:b").attributes) == [f"{NS}speed"]
    begin(store, "a", speed=[seen(3, 3)])
    assert values(told(store, A)) == [3]


def test_a_dropped_history_begins_again_at_the_same_instant(store: Store) -> None:
    write(store, entity("b", speed=1))
    evolve(store, "urn:e:b", DropAll())
    change(store, "urn:e:b", speed=2)
    change(store, "urn:e:b", speed=3)
    assert values(told(store, "urn:e:b")) == [2, 3]


def test_an_attribute_of_history_alone_may_end(store: Store, clock: FakeClock) -> None:
    begin(store, "a", speed=[seen(1, 1), seen(2, 1, datasetId="urn:x:1")], scope=[seen("/east", 1)])
    clock.advance()
    evolve(store, A, EndAttribute(f"{NS}speed"), EndAttribute("scope"))
    found = told(store, A, TemporalQuery(timeproperty="deletedAt"))
    assert values(found) == ["urn:ngsi-ld:null"]
    assert values(found, "scope") == [[]]
    assert found.attributes[f"{NS}speed"][0]["deletedAt"] == to_text(clock.now())
    assert isinstance(evolve(store, A, EndAttribute(f"{NS}speed")), ResourceNotFound)
    assert isinstance(evolve(store, A, EndAttribute(f"{NS}other")), ResourceNotFound)
    evolve(store, A, EndAttribute(f"{NS}speed", everything=True))
    assert len(told(store, A, TemporalQuery(timeproperty="deletedAt")).attributes[f"{NS}speed"]) == 2
