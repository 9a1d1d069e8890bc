"""Whom data are about is found wherever it stands, and what is erased is found no more."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from broker.model.subjects import DATA_SUBJECT
from broker.ports import Put, Remove
from broker.ports.evolution import AddInstances, Begin, DropAll
from broker.ports.held import HeldCommand, Hold
from tests.contract.engines import ENGINES, NS, Store, command, entity, opened, write
from tests.contract.history.evolving import evolve, seen
from tests.fakes.clock import FakeClock
from tests.fakes.watching import TypeWatches

HANA, KEN = "urn:misono:subject:hana", "urn:misono:subject:ken"
LONG = "urn:misono:subject:" + "x" * 150


@pytest.fixture(name="held", params=ENGINES)
def one_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Store, FakeClock]]:
    clock = FakeClock()
    with opened(request.param, tmp_path, clock, watches=TypeWatches()) as store:
        yield store, clock


def of(*subjects: str, kind: str = "Property") -> dict[str, Any]:
    named = subjects[0] if len(subjects) == 1 else list(subjects)
    member = {"Property": "value", "Relationship": "object", "ListProperty": "valueList"}[kind]
    return {"type": kind, member: list(subjects) if kind == "ListProperty" else named}


def personal(name: str, *subjects: str, kind: str = "Property", **attributes: Any) -> Any:
    made = entity(name, **attributes)
    made.document[DATA_SUBJECT] = of(*subjects, kind=kind)
    return made


def remove(store: Store, entity_id: str) -> None:
    store.apply("", [command(entity_id, lambda _current, _now: Remove())]).result()


@pytest.mark.parametrize("kind", ["Property", "Relationship", "ListProperty"])
def test_who_is_named_is_found_however(held: tuple[Store, FakeClock], kind: str) -> None:
    store, _ = held
    write(store, personal("a", HANA, kind=kind), personal("b", HANA, KEN, kind=kind), entity("c", speed=1))
    assert store.history.about("", HANA) == {"urn:e:a": {HANA}, "urn:e:b": {HANA, KEN}}
    assert store.history.about("", KEN) == {"urn:e:b": {HANA, KEN}}
    assert store.history.about("", HANA[:-1]) == {}
    assert store.history.subjects("") == [HANA, KEN]


def test_a_long_pseudonym_is_no_other_one(held: tuple[Store, FakeClock]) -> None:
    store, _ = held
    write(store, personal("a", LONG + "1"), personal("b", LONG + "2"))
    assert store.history.about("", LONG + "1") == {"urn:e:a": {LONG + "1"}}
    assert store.history.subjects("") == [LONG + "1", LONG + "2"]


def test_what_is_gone_or_was_only_ever_history_is_found(held: tuple[Store, FakeClock]) -> None:
    store, clock = held
    write(store, personal("a", HANA, speed=1), personal("b", HANA, speed=1), personal("d", HANA))
    clock.advance()
    for gone in ("a", "b", "d"):
        remove(store, f"urn:e:{gone}")
    evolve(store, "urn:e:d", DropAll())
    evolve(store, "urn:e:t", Begin((f"{NS}Car",)), AddInstances(DATA_SUBJECT, [of(HANA)]))
    clock.advance()
    write(store, entity("later", speed=1))
    assert set(store.history.about("", HANA)) == {"urn:e:a", "urn:e:b", "urn:e:d", "urn:e:t"}


def test_instances_with_a_subject_of_their_own_are_found(held: tuple[Store, FakeClock]) -> None:
    store, clock = held
    room: dict[str, Any] = {"type": "Property", "value": 1, DATA_SUBJECT: of(HANA)}
    write(store, entity("house", room=room), personal("k", KEN, room=room))
    clock.advance()
    write(store, entity("house", room={"type": "Property", "value": 2, DATA_SUBJECT: of(KEN)}))
    evolve(store, "urn:e:t", Begin((f"{NS}Car",)), AddInstances(f"{NS}room", [seen(3, 1, **{DATA_SUBJECT: of(HANA)})]))
    assert store.history.about("", HANA) == dict.fromkeys(("urn:e:house", "urn:e:k", "urn:e:t"), frozenset())
    assert store.history.about("", KEN) == {"urn:e:house": frozenset(), "urn:e:k": {KEN}}


@pytest.mark.parametrize("last", [True, False])
def test_many_are_erased_at_once_and_nothing_is_found(held: tuple[Store, FakeClock], *, last: bool) -> None:
    store, clock = held
    subscribed = HeldCommand("subscription", "urn:s:1", lambda _current, _now: Hold({"watches": "*"}), creates=True)
    store.held.apply_held("", [subscribed]).result()
    ids = [f"urn:e:{number}" for number in range(5)]
    write(store, personal("other", KEN), *(personal(one[-1], HANA, speed=1) for one in ids))
    clock.advance()
    write(store, *(personal(one[-1], HANA, speed=2) for one in ids))
    remove(store, ids[0])
    if not last:
        clock.advance()
        write(store, personal("other", KEN, speed=1))
    assert set(store.history.about("", HANA)) == {*ids}
    gone = store.history.erase("", *ids).result()
    assert gone["entity"] == 4
    assert {"change_log", "instance", "outbox"} <= set(gone)
    assert store.history.about("", HANA) == {}
    assert store.history.subjects("") == [KEN]
    assert set(store.history.known_ids("")) - {"urn:ngsi-ld:erased"} == {"urn:e:other"}
    again = command(ids[0], lambda current, _now: Put(entity("0"), current))
    assert store.apply("", [again]).result() == [None]


def test_traces_of_what_stays_go_alone(held: tuple[Store, FakeClock]) -> None:
    store, _ = held
    write(store, entity("other", speed=1), entity("house", speed=1), entity("third", speed=1))
    assert store.history.erase_traces("", "urn:e:house").result() == {"change_log": 1}
    assert store.get("", "urn:e:house") is not None
    assert [row.entity_id for row in store.since("", 0, 9) if "urn:e:" in row.entity_id] == [
        "urn:e:other",
        "urn:e:third",
    ]
