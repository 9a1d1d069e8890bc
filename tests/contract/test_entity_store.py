"""The port EntityStore, held against every engine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from broker.errors import AlreadyExists, NonexistentTenant, ResourceNotFound
from broker.model.entity import Entity
from broker.model.values import Instant, to_text
from broker.ports import UNRESTRICTED, Command, Decision, Keep, Put, Remove, Restriction
from broker.query.ast import (
    EVERYTHING,
    And,
    Compare,
    Exists,
    HasType,
    Op,
    Ordering,
    OrderTerm,
    Selection,
    SubjectIn,
    Window,
)  # fmt: skip
from broker.query.ast import (
    Path as Way,
)
from tests.contract.engines import ENGINES, NS, ROOMY, Store, command, entity, opened, put, write
from tests.fakes.clock import START, FakeClock

ALL = Window(1_000, 0, count=True)
EVERYONE = Selection(EVERYTHING)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(params=ENGINES)
def store(request: pytest.FixtureRequest, tmp_path: Path, clock: FakeClock) -> Iterator[Store]:
    with opened(request.param, tmp_path, clock) as made:
        yield made


def _ids(store: Store, selection: Selection = EVERYONE, window: Window = ALL) -> list[str]:
    return [one.id.removeprefix("urn:e:") for one in store.select("", selection, window, UNRESTRICTED).entities]


def test_what_was_put_is_there_with_its_instants_and_version(store: Store, clock: FakeClock) -> None:
    write(store, entity("a", speed=1))
    clock.advance(1)
    write(store, entity("a", speed=2))
    found = store.get("", "urn:e:a")
    assert found is not None
    assert (found.created_at, found.modified_at, found.version) == (START, START + 1_000_000, 2)
    assert found.document == entity("a", speed=2).document
    assert store.get("", "urn:e:b") is None


def test_many_are_read_as_each_alone(store: Store, clock: FakeClock) -> None:
    write(store, entity("a", speed=1), entity("b", expires_at=START + 1_000_000), entity("c", speed=10**30))
    asked = ["urn:e:c", "urn:e:none", "urn:e:a", "urn:e:a", "urn:e:b", 'urn:e:"\\大']
    assert set(store.get_many("", asked)) == {"urn:e:a", "urn:e:b", "urn:e:c"}
    clock.advance(1)
    found = store.get_many("", asked)
    assert found == {one: store.get("", one) for one in ("urn:e:a", "urn:e:c")}
    assert store.get_many("", []) == {}


def test_results_stand_at_their_commands_places(store: Store) -> None:
    refusal = AlreadyExists("no")

    def refuse(_current: Entity | None, _now: Instant) -> Decision:
        raise refusal

    got = store.apply("", [put(entity("a"), 1), command("urn:e:a", refuse), put(entity("b"), 2)]).result()
    assert got == [1, refusal, 2]
    assert _ids(store) == ["a", "b"]


def test_a_refused_command_leaves_the_row_alone(store: Store) -> None:
    def refuse(_current: Entity | None, _now: Instant) -> Decision:
        raise ResourceNotFound("no")

    write(store, entity("a", speed=1))
    store.apply("", [command("urn:e:a", refuse)]).result()
    found = store.get("", "urn:e:a")
    assert found is not None
    assert found.version == 1


def test_each_command_sees_what_those_before_it_left(store: Store) -> None:
    def count(current: Entity | None, _now: Instant) -> Decision:
        number = 0 if current is None else current.document[NS + "n"]["value"]  # type: ignore[call-overload,index]
        return Put(entity("a", n=number + 1), number)  # type: ignore[operator]

    assert store.apply("", [command("urn:e:a", count)] * 5).result() == [0, 1, 2, 3, 4]
    found = store.get("", "urn:e:a")
    assert found is not None
    assert found.version == 5


def test_a_fault_in_a_decision_undoes_its_submission_and_no_other(store: Store) -> None:
    def fault(_current: Entity | None, _now: Instant) -> Decision:
        raise ZeroDivisionError

    before = store.apply("", [put(entity("a"))])
    broken = store.apply("", [put(entity("b")), put(entity("a", speed=9)), command("urn:e:c", fault)])
    after = store.apply("", [put(entity("d"))])
    assert (before.result(), after.result()) == ([None], [None])
    with pytest.raises(ZeroDivisionError):
        broken.result()
    assert _ids(store) == ["a", "d"]
    found = store.get("", "urn:e:a")
    assert found is not None
    assert found.version == 1


def test_keep_writes_nothing_and_remove_removes(store: Store) -> None:
    write(store, entity("a"), entity("b"))
    kept = command("urn:e:a", lambda _current, _now: Keep("kept"))
    gone = command("urn:e:b", lambda current, _now: Remove(current is not None))
    none = command("urn:e:none", lambda current, _now: Remove(current is not None))
    assert store.apply("", [kept, gone, none]).result() == ["kept", True, False]
    assert _ids(store) == ["a"]
    assert [row.entity_id for row in store.since("", 0, 9)] == ["urn:e:a", "urn:e:b", "urn:e:b"]


def test_removed_and_made_again_is_new_and_last(store: Store, clock: FakeClock) -> None:
    write(store, entity("a", speed=1), entity("b"))
    clock.advance(1)
    store.apply("", [command("urn:e:a", lambda _c, _n: Remove()), put(entity("a", speed=2))]).result()
    found = store.get("", "urn:e:a")
    assert found is not None
    assert (found.created_at, found.version) == (START + 1_000_000, 1)
    assert _ids(store) == ["b", "a"]
    assert _ids(store, Selection(Compare(Way(NS + "speed"), Op.EQ, 1))) == []


def test_the_clock_never_goes_back_within_a_tenant(store: Store, clock: FakeClock) -> None:
    seen: list[Instant] = []

    def note(_current: Entity | None, now: Instant) -> Decision:
        seen.append(now)
        return Put(entity("a"))

    for at in (START + 5, START + 2, START + 9):
        clock.set(at)
        store.apply("", [command("urn:e:a", note)]).result()
    assert seen == [START + 5, START + 5, START + 9]


def test_an_expired_entity_is_not_there(store: Store, clock: FakeClock) -> None:
    write(store, entity("a", expires_at=START + 1_000_000), entity("b"))
    assert _ids(store) == ["a", "b"]
    clock.advance(1)
    assert store.get("", "urn:e:a") is None
    assert _ids(store) == ["b"]
    assert [one.id for one in store.scan("")] == ["urn:e:b"]
    assert store.select("", Selection(EVERYTHING), Window(0, 0, count=True), UNRESTRICTED).total == 1
    assert [counted.entities for counted in store.types("", UNRESTRICTED)] == [1]
    assert store.apply("", [command("urn:e:a", lambda current, _n: Keep(current))]).result() == [None]


def test_an_expired_instance_is_not_there(store: Store, clock: FakeClock) -> None:
    leaves_soon = {"type": "Property", "value": 1, "expiresAt": to_text(START + 1_000_000)}
    write(store, entity("a", speed=leaves_soon, brand="x"), entity("b", speed=1))
    speedy = Selection(Exists(Way(NS + "speed")))
    assert _ids(store, speedy) == ["a", "b"]
    clock.advance(1)
    assert _ids(store, speedy) == ["b"]
    assert _ids(store, Selection(And((HasType(NS + "Car"), EVERYTHING)))) == ["a", "b"]
    found = store.get("", "urn:e:a")
    assert found is not None
    assert NS + "speed" not in found.document
    assert [(one.iri, one.instances) for one in store.attributes("", UNRESTRICTED)] == [
        (NS + "brand", 1),
        (NS + "speed", 1),
    ]


def test_made_again_after_it_expired_is_a_new_entity(store: Store, clock: FakeClock) -> None:
    write(store, entity("a", expires_at=START + 1_000_000))
    clock.advance(2)
    write(store, entity("a", speed=1))
    found = store.get("", "urn:e:a")
    assert found is not None
    assert (found.created_at, found.version, found.expires_at) == (START + 2_000_000, 1, None)
    rows = store.since("", 0, 9)
    assert [(row.before is None, row.after is None) for row in rows] == [(True, False), (False, True), (True, False)]


def test_a_sweep_removes_what_has_expired_and_logs_it(store: Store, clock: FakeClock) -> None:
    leaves_soon = {"type": "Property", "value": 1, "expiresAt": to_text(START + 1_000_000)}
    write(store, entity("a", expires_at=START + 1_000_000), entity("b", speed=leaves_soon, brand="x"), entity("c"))
    assert store.sweep() == 0
    clock.advance(1)
    assert store.sweep() == 2
    assert store.sweep() == 0
    rows = store.since("", 0, 9)[3:]
    assert [(row.entity_id, row.after is None) for row in rows] == [("urn:e:a", True), ("urn:e:b", False)]
    assert _ids(store) == ["b", "c"]


def test_pages_walk_in_creation_order(store: Store) -> None:
    names = [f"{number:03d}" for number in range(250)]
    write(store, *(entity(name, speed=int(name)) for name in names))
    cars = Selection(HasType(NS + "Car"))
    seen: list[str] = []
    for offset in range(0, 260, 20):
        page = store.select("", cars, Window(20, offset, count=True), UNRESTRICTED)
        assert page.total == 250
        assert page.more is (offset + 20 < 250)
        seen += [one.id.removeprefix("urn:e:") for one in page.entities]
    assert seen == names
    write(store, entity("new"))
    assert _ids(store, cars, Window(5, 248)) == ["248", "249", "new"]
    assert _ids(store, cars, Window(5, 9_999)) == []


def test_an_order_goes_before_the_window(store: Store) -> None:
    write(store, *(entity(str(number), speed=number * 7 % 10) for number in range(10)))
    order = Ordering((OrderTerm(Way(NS + "speed"), descending=True),))
    page = store.select("", Selection(EVERYTHING, order), Window(3, 1, count=True), UNRESTRICTED)
    assert ([one.document[NS + "speed"]["value"] for one in page.entities], page.total) == ([8, 7, 6], 10)  # type: ignore[call-overload,index]


def test_what_a_restriction_hides_is_not_there(store: Store) -> None:
    def view(one: Entity) -> Entity | None:
        kept = {name: value for name, value in one.document.items() if name != NS + "secret"}
        return None if one.id == "urn:e:b" else replace(one, document=kept)

    write(store, entity("a", secret=1, speed=1), entity("b", speed=1), entity("c", speed=2))
    hiding = Restriction(view=view)
    page = store.select("", Selection(Exists(Way(NS + "speed"))), ALL, hiding)
    assert [sorted(one.document) for one in page.entities] == [[NS + "speed", "id", "type"]] * 2
    assert store.select("", Selection(Exists(Way(NS + "secret"))), ALL, hiding).total == 0
    assert [one.iri for one in store.attributes("", hiding)] == [NS + "speed"]
    assert [one.entities for one in store.types("", hiding)] == [2]
    slow = Restriction(where=And((Compare(Way(NS + "speed"), Op.LT, 2), SubjectIn(None, frozenset()))))
    assert store.select("", Selection(EVERYTHING), ALL, slow).total == 2


def test_types_and_attributes_count_what_is_there(store: Store) -> None:
    both = entity("c", speed=1)
    both.document["type"] = [NS + "Car", NS + "Bus"]
    twice = [{"type": "Property", "value": 1}, {"type": "Property", "value": 2, "datasetId": "urn:x:1"}]
    more = entity("d")
    more.document[NS + "speed"] = twice  # type: ignore[assignment]
    write(store, entity("a", speed=1, at={"type": "GeoProperty", "value": {"type": "Point", "coordinates": [1, 2]}}))
    write(store, entity("b"), both, more)
    store.apply("", [command("urn:e:b", lambda _c, _n: Remove())]).result()
    kinds = {NS + "at": frozenset({"GeoProperty"}), NS + "speed": frozenset({"Property"})}
    counted = store.types("", UNRESTRICTED)
    assert [(one.iri, one.entities) for one in counted] == [(NS + "Bus", 1), (NS + "Car", 3)]
    assert counted[1].attributes == kinds
    assert counted[0].attributes == {NS + "speed": frozenset({"Property"})}
    found = {one.iri: (one.instances, one.kinds, one.types) for one in store.attributes("", UNRESTRICTED)}
    assert found[NS + "speed"] == (4, frozenset({"Property"}), frozenset({NS + "Car", NS + "Bus"}))
    assert found[NS + "at"] == (1, frozenset({"GeoProperty"}), frozenset({NS + "Car"}))


def test_a_tenant_that_nobody_made_does_not_exist(store: Store) -> None:
    with pytest.raises(NonexistentTenant):
        store.get("nobody", "urn:e:a")
    with pytest.raises(NonexistentTenant):
        store.get_many("nobody", ["urn:e:a"])
    with pytest.raises(NonexistentTenant):
        store.select("nobody", Selection(EVERYTHING), ALL, UNRESTRICTED)
    with pytest.raises(NonexistentTenant):
        store.apply("nobody", [Command("urn:e:a", lambda _c, _n: Remove())]).result()
    for read in (store.types, store.attributes):
        with pytest.raises(NonexistentTenant):
            read("nobody", UNRESTRICTED)
    with pytest.raises(NonexistentTenant):
        list(store.scan("nobody"))
    assert not store.exists("nobody")


@pytest.mark.parametrize("store", ROOMY, indirect=True)
def test_scan_gives_all_of_one_moment(store: Store) -> None:
    write(store, *(entity(str(number)) for number in range(1_200)))
    reading = iter(store.scan(""))
    first = next(reading)
    write(store, entity("late"))
    assert [first.id, *(one.id for one in reading)] == [f"urn:e:{number}" for number in range(1_200)]


def test_values_come_back_as_they_went_in(store: Store) -> None:
    odd: dict[str, Any] = {"integer": 10**30, "float": 0.1 + 0.2, "whole": 1.0, "zero": -0.0, "large": 1e308}
    odd |= {"null": {"a": None}, "one": [1], "nested": [[1, [True]], {"b": [], "a": {}}], "no": False}
    odd |= {"text": '大阪\x00"\\/\u2028𝄞', "long": "x" * 100_000}
    write(store, entity("a", json={"type": "JsonProperty", "json": odd}))
    found = store.get("", "urn:e:a")
    assert found is not None
    assert repr(found.document[NS + "json"]["json"]) == repr(odd)  # type: ignore[call-overload,index]
