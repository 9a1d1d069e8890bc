"""What every engine's history promises."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from broker.errors import NgsiError, NonexistentTenant, ResourceNotFound
from broker.model.entity import Entity
from broker.model.evolution import Evolution
from broker.model.values import to_text
from broker.ports import UNRESTRICTED, Put, Remove
from broker.ports.evolution import (
    AddInstances,
    AddTypes,
    Begin,
    DropAll,
    DropAttribute,
    DropInstance,
    EndAttribute,
    EvolutionCommand,
    EvolutionPage,
    EvolutionStep,
    ReplaceInstance,
)
from broker.query.ast import EVERYTHING, HasType, IdIn, InScope, Node, Window
from broker.query.q import parse_q
from broker.query.temporal import TemporalQuery
from tests.contract.engines import ENGINES, NS, Store, command, entity, opened, write
from tests.fakes.clock import START, FakeClock

ALL = TemporalQuery()
MINUTE = 60_000_000
A = "urn:e:a"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(params=ENGINES)
def store(request: pytest.FixtureRequest, tmp_path: Path, clock: FakeClock) -> Iterator[Store]:
    with opened(request.param, tmp_path, clock) as made:
        yield made


def at(minutes: int) -> str:
    return to_text(START + minutes * MINUTE)[:19] + "Z"


def seen(value: Any, minutes: int, **more: Any) -> dict[str, Any]:
    return {"type": "Property", "value": value, "observedAt": at(minutes), **more}


def made(which: str, **attributes: Any) -> Entity:
    """As `entity`, with an attribute `name` too."""
    name = attributes.pop("name")
    held = entity(which, **attributes)
    held.document[f"{NS}name"] = name if isinstance(name, dict) else {"type": "Property", "value": name}
    return held


def evolve(store: Store, entity_id: str, *steps: EvolutionStep, tenant: str = "") -> object:
    made = EvolutionCommand(entity_id, lambda known, _now: (steps, known is not None), creates=True)
    return store.history.apply_evolution(tenant, [made]).result()[0]


def begin(store: Store, which: str, /, types: Sequence[str] = (f"{NS}Car",), **attributes: Sequence[Any]) -> str:
    entity_id = f"urn:e:{which}"
    adding = [AddInstances(n if n == "scope" else NS + n, held) for n, held in attributes.items()]
    assert evolve(store, entity_id, Begin(tuple(types)), *adding) is False
    return entity_id


def told(store: Store, entity_id: str, query: TemporalQuery = ALL) -> Evolution:
    page = store.history.evolution("", entity_id, query, UNRESTRICTED)
    assert len(page.evolutions) == 1
    return page.evolutions[0]


def nothing(store: Store, entity_id: str, query: TemporalQuery = ALL) -> bool:
    return store.history.evolution("", entity_id, query, UNRESTRICTED) == EvolutionPage([])


def values(evolution: Evolution, name: str = "speed") -> list[Any]:
    held = evolution.attributes.get(name if name == "scope" else NS + name, ())
    return [instance.get("value", instance.get("object")) for instance in held]


def ids(store: Store, where: Node = EVERYTHING, query: TemporalQuery = ALL) -> list[str]:
    page = store.history.evolutions("", where, query, Window(10), UNRESTRICTED)
    return [one.id[len("urn:e:") :] for one in page.evolutions]


def patch(store: Store, entity_id: str, **attributes: Any) -> None:
    """Replace attributes of a current entity, as an update would; None deletes."""

    def decide(current: Entity | None, now: int) -> Put:
        assert current is not None
        document = dict(current.document)
        for name, value in attributes.items():
            key = name if name == "scope" else NS + name
            if value is None:
                document.pop(key)
            elif name == "scope":
                document[key] = value
            else:
                held = value if isinstance(value, dict) else {"type": "Property", "value": value}
                document[key] = {**held, "modifiedAt": to_text(now)}
        return Put(Entity(document, 0, 0))

    store.apply("", [command(entity_id, decide)]).result()


def remove(store: Store, entity_id: str) -> None:
    store.apply("", [command(entity_id, lambda _current, _now: Remove())]).result()


def test_a_write_leaves_its_instances_in_the_order_of_their_writing(store: Store, clock: FakeClock) -> None:
    write(store, made("a", speed=1, name="x"))
    clock.advance()
    patch(store, A, speed=2)
    clock.advance()
    patch(store, A, speed=3)
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
        patch(store, A, speed=value)
    assert values(told(store, A)) == [1, 2, 3, 4, 5, 6]


def test_an_instance_keeps_its_id_when_others_follow(store: Store, clock: FakeClock) -> None:
    write(store, entity("a", speed=1))
    first = told(store, A).attributes[f"{NS}speed"][0]["instanceId"]
    clock.advance()
    patch(store, A, speed=2)
    assert told(store, A).attributes[f"{NS}speed"][0]["instanceId"] == first


def test_a_deleted_attribute_leaves_an_instance_that_says_so(store: Store, clock: FakeClock) -> None:
    link = {"type": "Relationship", "object": "urn:e:b"}
    words = {"type": "LanguageProperty", "languageMap": {"en": "red"}}
    write(store, entity("a", speed=1, link=link, words=words))
    clock.advance()
    patch(store, A, speed=None, link=None, words=None)
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
    patch(store, A, speed=3)
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
    patch(store, A, scope=["/new", "/b"])
    clock.advance()
    patch(store, A, speed=2)
    found = told(store, A).attributes["scope"]
    assert [one["value"] for one in found] == ["/old", ["/new", "/b"]]
    assert [one["observedAt"] for one in found] == [to_text(START), to_text(START + 1_000_000)]
    assert found[1]["modifiedAt"] == found[1]["observedAt"]
    clock.advance()
    patch(store, A, scope=None)
    last = told(store, A, TemporalQuery(timeproperty="deletedAt")).attributes["scope"]
    assert [(one["value"], one["deletedAt"]) for one in last] == [([], to_text(START + 3_000_000))]


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


def test_a_live_entity_has_both_histories(store: Store, clock: FakeClock) -> None:
    write(store, entity("a", speed=seen(10, 10)))
    clock.advance()
    evolve(store, A, AddInstances(f"{NS}speed", [seen(5, 5)]), AddTypes((f"{NS}Bus",)))
    clock.advance()
    patch(store, A, speed=seen(20, 20))
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
    patch(store, A, speed=seen(3, 3))
    assert values(told(store, A)) == [1, 2, 3]
    assert ids(store) == ["a"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (TemporalQuery("before", START + 2 * MINUTE), [1]),
        (TemporalQuery("after", START + 2 * MINUTE), [2, 3]),
        (TemporalQuery("between", START + MINUTE, START + 3 * MINUTE), [1, 2]),
        (TemporalQuery("after", START, last_n=2), [3, 2]),
        (TemporalQuery(last_n=1), [3]),
        (TemporalQuery("after", START, timeproperty="modifiedAt"), [1, 2, 3]),  # one instant: as observed
        (TemporalQuery("before", START + 1, timeproperty="createdAt"), [1, 2, 3]),
        (TemporalQuery(names=frozenset({f"{NS}speed"})), [1, 2, 3]),
    ],
)
def test_instances_are_chosen_by_time(store: Store, query: TemporalQuery, expected: list[int]) -> None:
    begin(store, "a", speed=[seen(2, 2), seen(1, 1), seen(3, 3)])
    assert values(told(store, A, query)) == expected


@pytest.mark.parametrize(
    "query",
    [
        TemporalQuery("after", START + 4 * MINUTE),
        TemporalQuery("before", START, timeproperty="createdAt"),
        TemporalQuery(timeproperty="deletedAt"),
        TemporalQuery(names=frozenset({f"{NS}other"})),
        TemporalQuery(dataset_ids=("urn:x:1",)),
    ],
)
def test_an_evolution_without_such_instances_is_not_there(store: Store, query: TemporalQuery) -> None:
    begin(store, "a", speed=[seen(1, 1)])
    assert nothing(store, A, query)
    assert ids(store, HasType(f"{NS}Car"), query) == []


def test_what_was_never_observed_has_no_such_time(store: Store, clock: FakeClock) -> None:
    write(store, made("a", speed=1, name=seen("x", 3)))
    found = told(store, A, TemporalQuery("after", START))
    assert list(found.attributes) == [f"{NS}name"]
    assert set(told(store, A).attributes) == {f"{NS}name", f"{NS}speed"}


def test_instances_may_come_without_system_attributes(store: Store) -> None:
    begin(store, "a", speed=[seen(1, 1)])
    held = told(store, A, TemporalQuery(sys_attrs=False)).attributes[f"{NS}speed"][0]
    assert set(held) == {"type", "value", "observedAt", "instanceId"}
    held = told(store, A, TemporalQuery(sys_attrs=False, timeproperty="modifiedAt")).attributes[f"{NS}speed"][0]
    assert "modifiedAt" in held


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
    patch(store, "urn:e:b", speed=seen(1, 2), more=seen(2, 2))
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
    patch(store, "urn:e:b", speed=2)
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
    patch(store, "urn:e:b", speed=seen(7, 7))
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
    patch(store, "urn:e:b", speed=2)
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
    patch(store, "urn:e:b", speed=2)
    assert values(told(store, "urn:e:b")) == [2]
    assert list(told(store, "urn:e:b").attributes) == [f"{NS}speed"]
    begin(store, "a", speed=[seen(3, 3)])
    assert values(told(store, A)) == [3]


def test_a_dropped_history_begins_again_at_the_same_instant(store: Store) -> None:
    write(store, entity("b", speed=1))
    evolve(store, "urn:e:b", DropAll())
    patch(store, "urn:e:b", speed=2)
    patch(store, "urn:e:b", speed=3)
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


def test_evolutions_are_found_by_what_they_were(store: Store, clock: FakeClock) -> None:
    begin(store, "a", speed=[seen(1, 1), seen(50, 9)])
    begin(store, "b", types=[f"{NS}Bus"], speed=[seen(50, 2)])
    write(store, entity("c", speed=seen(50, 2)), entity("d", speed=seen(1, 2)))
    clock.advance()
    patch(store, "urn:e:c", speed=seen(1, 3))
    fast = parse_q(f"{NS}speed>20")
    assert ids(store, fast) == ["c", "a", "b"]
    assert ids(store, HasType(f"{NS}Bus")) == ["b"]
    assert ids(store, IdIn((A, "urn:e:d"))) == ["d", "a"]
    early = TemporalQuery("before", START + 5 * MINUTE)
    assert ids(store, fast, early) == ["c", "b"]
    remove(store, "urn:e:c")
    assert ids(store, fast, early) == ["c", "b"]
    assert ids(store, EVERYTHING, TemporalQuery(by_id="ascending")) == ["a", "b", "c", "d"]
    assert ids(store, EVERYTHING, TemporalQuery(by_id="descending")) == ["d", "c", "b", "a"]


def test_a_scope_holds_for_a_time(store: Store) -> None:
    speeds = [seen(1, 5), seen(2, 15), seen(3, 25)]
    begin(store, "a", scope=[seen("/r", 0), seen("/s", 10), seen("/t/u", 20)], speed=speeds)
    begin(store, "b", speed=speeds)
    begin(store, "c", scope=[seen(["/s", "/x"], 20)], speed=speeds)
    assert evolve(store, "urn:e:d", Begin((f"{NS}Car",), ("/s",)), AddInstances(f"{NS}speed", speeds)) is False
    until = TemporalQuery("between", START, START + 20 * MINUTE)
    page = store.history.evolutions("", InScope("/s"), until, Window(10), UNRESTRICTED)
    assert [(one.id, values(one), values(one, "scope")) for one in page.evolutions] == [
        (A, [2], ["/s"]),
        ("urn:e:d", [1, 2], []),
    ]
    assert ids(store, InScope("/s"), TemporalQuery("after", START)) == ["a", "c", "d"]
    assert ids(store, InScope("/t/#")) == ["a"]
    assert ids(store, InScope("/r"), TemporalQuery("after", START + 10 * MINUTE)) == []


def test_pages_of_evolutions(store: Store) -> None:
    for name in "abcde":
        begin(store, name, speed=[seen(1, 1)])
    page = store.history.evolutions("", EVERYTHING, ALL, Window(2, 2, count=True), UNRESTRICTED)
    assert ([one.id for one in page.evolutions], page.total, page.more) == (["urn:e:c", "urn:e:d"], 5, True)
    page = store.history.evolutions("", EVERYTHING, ALL, Window(2, 4), UNRESTRICTED)
    assert ([one.id for one in page.evolutions], page.total, page.more) == (["urn:e:e"], None, False)
    page = store.history.evolutions("", EVERYTHING, ALL, Window(0, 0, count=True), UNRESTRICTED)
    assert (page.evolutions, page.total) == ([], 5)


def test_a_long_answer_is_cut_in_time(store: Store) -> None:
    begin(store, "a", speed=[seen(n, n) for n in range(20)], name=[seen(n, n) for n in range(10, 15)])
    page = store.history.evolution("", A, TemporalQuery("after", START, instances_max=8), UNRESTRICTED)
    found = page.evolutions[0]
    assert (values(found), values(found, "name")) == (list(range(8)), [])
    assert f"{NS}name" in found.attributes
    assert page.cut == (START, START + 7 * MINUTE)
    assert found.cut == {f"{NS}speed", f"{NS}name"}
    page = store.history.evolution("", A, TemporalQuery(last_n=10, instances_max=8), UNRESTRICTED)
    found = page.evolutions[0]
    assert (values(found), values(found, "name")) == (list(range(19, 11, -1)), [14, 13, 12])
    assert page.cut == (START + 12 * MINUTE, START + 19 * MINUTE)
    page = store.history.evolution("", A, TemporalQuery(last_n=8, instances_max=8), UNRESTRICTED)
    assert page.cut is None
    begin(store, "b", speed=[seen(1, 3), seen(2, 30)])
    both = store.history.evolutions("", EVERYTHING, TemporalQuery(instances_max=8), Window(10), UNRESTRICTED)
    assert [values(one) for one in both.evolutions] == [list(range(8)), [1]]


def test_instances_of_one_time_are_not_torn_apart(store: Store) -> None:
    begin(store, "a", speed=[seen(n, n // 3, datasetId=f"urn:x:{n}") for n in range(9)])
    page = store.history.evolution("", A, TemporalQuery(instances_max=4), UNRESTRICTED)
    assert values(page.evolutions[0]) == [0, 1, 2, 3, 4, 5]
    assert page.cut == (START, START + MINUTE)


def test_tenants_have_histories_of_their_own(store: Store) -> None:
    assert evolve(store, A, Begin((f"{NS}Car",)), tenant="city") is False
    assert store.exists("city")
    assert nothing(store, A)
    with pytest.raises(NonexistentTenant):
        store.history.evolution("other", A, ALL, UNRESTRICTED)
    refused = store.history.apply_evolution("other", [EvolutionCommand(A, lambda _known, _now: ((), None))])
    with pytest.raises(NonexistentTenant):
        refused.result()
