"""What changes of entities leave in history, on every engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from broker.errors import NonexistentTenant
from broker.model.values import to_text
from broker.ports import UNRESTRICTED
from broker.ports.evolution import (
    AddInstances,
    AddTypes,
    DropAll,
)
from broker.query.temporal import TemporalQuery
from tests.contract.engines import ENGINES, NS, Store, entity, opened, write
from tests.contract.history.evolving import (
    MINUTE,
    A,
    begin,
    change,
    evolve,
    ids,
    made,
    remove,
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


def test_a_write_leaves_its_instances_in_the_order_of_their_writing(store: Store, clock: FakeClock) -> None:
    write(store, made("a", speed=1, name="x"))
    clock.advance()
    change(store, A, speed=2)
    clock.advance()
    change(store, A, speed=3)
    found = told(store, A)
    assert (found.id, found.types, found.deleted_at) == (A, (f"{NS}Car",), None)
    assert (found.created_at, found.modified_at) == (START, START + 2_000_000)
    assert values(found) == [1, 2, 3]
    assert values(found, "name") == ["x"]
    first, second, _ = found.attributes[f"{NS}speed"]
    assert (first["createdAt"], first["modifiedAt"]) == (to_text(START), to_text(START))
    assert (second["createdAt"], second["modifiedAt"]) == (to_text(START), to_text(START + 1_000_000))
    assert len({str(one["instanceId"]) for one in found.attributes[f"{NS}speed"]}) == 3


def test_writes_of_one_instant_are_all_kept(store: Store) -> None:
    write(store, entity("a", speed=1), entity("a", speed=2), entity("a", speed=3))
    for value in (4, 5, 6):
        change(store, A, speed=value)
    assert values(told(store, A)) == [1, 2, 3, 4, 5, 6]


def test_an_instance_keeps_its_id_when_others_follow(store: Store, clock: FakeClock) -> None:
    write(store, entity("a", speed=1))
    first = told(store, A).attributes[f"{NS}speed"][0]["instanceId"]
    clock.advance()
    change(store, A, speed=2)
    assert told(store, A).attributes[f"{NS}speed"][0]["instanceId"] == first


def test_a_deleted_attribute_leaves_an_instance_that_says_so(store: Store, clock: FakeClock) -> None:
    link = {"type": "Relationship", "object": "urn:e:b"}
    words = {"type": "LanguageProperty", "languageMap": {"en": "red"}}
    write(store, entity("a", speed=1, link=link, words=words))
    clock.advance()
    change(store, A, speed=None, link=None, words=None)
    found = told(store, A, TemporalQuery(timeproperty="deletedAt"))
    gone = to_text(START + 1_000_000)
    assert [one["deletedAt"] for held in found.attributes.values() for one in held] == [gone] * 3
    assert values(found) == ["urn:ngsi-ld:null"]
    assert values(found, "link") == ["urn:ngsi-ld:null"]
    assert found.attributes[f"{NS}words"][0]["languageMap"] == {"@none": "urn:ngsi-ld:null"}
    assert values(told(store, A)) == [1, "urn:ngsi-ld:null"]


def test_one_dataset_instance_is_deleted_alone(store: Store, clock: FakeClock) -> None:
    both: Any = [{"type": "Property", "value": 1}, {"type": "Property", "value": 2, "datasetId": "urn:x:1"}]
    held = entity("a")
    held.document[f"{NS}speed"] = both
    write(store, held)
    clock.advance()
    write(store, entity("a", speed={"type": "Property", "value": 1}))
    found = told(store, A, TemporalQuery(timeproperty="deletedAt"))
    assert [one.get("datasetId") for one in found.attributes[f"{NS}speed"]] == ["urn:x:1"]
    assert sorted(map(str, values(told(store, A)))) == ["1", "2", "urn:ngsi-ld:null"]
    assert values(told(store, A, TemporalQuery(dataset_ids=("@none",)))) == [1]
    assert values(told(store, A, TemporalQuery(dataset_ids=("urn:x:1",)))) == [2, "urn:ngsi-ld:null"]


def test_a_deleted_entity_keeps_its_history(store: Store, clock: FakeClock) -> None:
    write(store, entity("a", speed=1, scope="/east"))
    clock.advance()
    remove(store, A)
    found = told(store, A)
    assert (found.types, found.scopes) == ((f"{NS}Car",), ("/east",))
    assert (found.created_at, found.deleted_at) == (START, START + 1_000_000)
    assert values(found) == [1, "urn:ngsi-ld:null"]
    assert values(found, "scope") == ["/east", []]
    clock.advance()
    write(store, entity("b", speed=9), entity("a", speed=2))
    again = told(store, A)
    assert (again.created_at, again.deleted_at) == (START, None)
    assert values(again) == [1, "urn:ngsi-ld:null", 2]
    assert values(told(store, "urn:e:b")) == [9]
    clock.advance()
    change(store, A, speed=3)
    assert values(told(store, A)) == [1, "urn:ngsi-ld:null", 2, 3]
    assert ids(store) == ["a", "b"]


def test_a_number_is_not_given_twice(store: Store, clock: FakeClock) -> None:
    write(store, entity("a", speed=1))
    remove(store, A)
    clock.advance()
    write(store, entity("b", speed=2))
    assert values(told(store, "urn:e:b")) == [2]
    assert values(told(store, A)) == [1, "urn:ngsi-ld:null"]


def test_the_scope_has_a_history(store: Store, clock: FakeClock) -> None:
    write(store, entity("a", speed=1, scope="/old"))
    clock.advance()
    change(store, A, scope=["/new", "/b"])
    clock.advance()
    change(store, A, speed=2)
    found = told(store, A).attributes["scope"]
    assert [one["value"] for one in found] == ["/old", ["/new", "/b"]]
    assert [one["observedAt"] for one in found] == [to_text(START), to_text(START + 1_000_000)]
    assert found[1]["modifiedAt"] == found[1]["observedAt"]
    clock.advance()
    change(store, A, scope=None)
    last = told(store, A, TemporalQuery(timeproperty="deletedAt")).attributes["scope"]
    assert [(one["value"], one["deletedAt"]) for one in last] == [([], to_text(START + 3_000_000))]


def test_a_live_entity_has_both_histories(store: Store, clock: FakeClock) -> None:
    write(store, entity("a", speed=seen(10, 10)))
    clock.advance()
    evolve(store, A, AddInstances(f"{NS}speed", [seen(5, 5)]), AddTypes((f"{NS}Bus",)))
    clock.advance()
    change(store, A, speed=seen(20, 20))
    found = told(store, A)
    assert values(found) == [5, 10, 20]
    assert found.types == (f"{NS}Car", f"{NS}Bus")
    remove(store, A)
    assert values(told(store, A, TemporalQuery("before", START + 30 * MINUTE))) == [5, 10, 20]
    assert told(store, A).types == (f"{NS}Car", f"{NS}Bus")


def test_a_history_that_was_there_first_goes_on_with_the_entity(store: Store, clock: FakeClock) -> None:
    begin(store, "a", speed=[seen(1, 1)])
    clock.advance()
    write(store, entity("a", speed=seen(2, 2)))
    clock.advance()
    change(store, A, speed=seen(3, 3))
    assert values(told(store, A)) == [1, 2, 3]
    assert ids(store) == ["a"]


def test_it_is_known_at_once_whether_there_is_anything_of_an_entity(store: Store, clock: FakeClock) -> None:
    def known(entity_id: str) -> bool:
        found = store.history.known("", entity_id)
        assert found or not store.history.evolution("", entity_id, TemporalQuery(), UNRESTRICTED).evolutions
        return found

    assert not known(A)
    write(store, made("a", speed=1, name="x"))
    assert known(A)
    assert not known("urn:e:b")
    clock.advance()
    remove(store, A)
    assert known(A), "it was there"
    assert evolve(store, A, DropAll()) is True
    assert not known(A), "all of that is dropped"
    alone = begin(store, "b", speed=[seen(1, 0)])
    assert known(alone), "history alone has it"
    store.history.erase("", alone).result()
    assert not known(alone)
    with pytest.raises(NonexistentTenant):
        store.history.known("nobody", A)
