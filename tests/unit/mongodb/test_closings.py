"""What closings make of rows: the same as in the memory engine, whatever comes, twice or too late."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from broker.model.entity import Entity
from broker.ports import Put
from broker.ports.outbox import Closing, EntityChange, notification_id
from broker.stores.images import changed, no_labels
from broker.stores.memory import MemoryStore
from broker.stores.mongo.closings import increments, settle, to_delivery
from broker.stores.mongo.ground import Happened
from broker.stores.mongo.outbox_rows import IMAGE, image_id, row_id, rows_of, to_rows, told, written
from broker.stores.mongo.stamps import STEP
from tests.contract.engines import command, entity
from tests.contract.history.test_outbox import subscribe, waiting
from tests.fakes.clock import FakeClock
from tests.fakes.watching import TypeWatches

LONG = 10**30


def happened(matched: int, before: Entity | None = None, sequence: int = 640) -> Happened:
    after = Entity(entity("a", speed=LONG).document, 1, 2, None, 3)
    change = EntityChange(sequence, 7, before, after)
    return Happened("city", change, changed(before, after), tuple(f"urn:s:{one}" for one in range(matched)))


def closings() -> st.SearchStrategy[list[tuple[int, str, int]]]:
    outcome = st.sampled_from(["delivered", "retry", "dead", "dropped"])
    return st.lists(st.tuples(st.integers(0, 3), outcome, st.integers(1, 99)), max_size=12)


@given(closings(), st.integers(0, 12))
def test_rows_and_counters_are_those_of_the_memory_engine(given_: list[tuple[int, Any, int]], cut: int) -> None:
    store = MemoryStore(FakeClock(), no_labels, TypeWatches())
    subscribe(store, "s1")
    subscribe(store, "s2", "*")
    for name in "ab":
        one = entity(name, speed=1)
        store.apply("", [command(one.id, lambda _current, _now, one=one: Put(one))]).result()  # type: ignore[misc]
    rows = waiting(store)
    asked = [Closing(rows[place], outcome, at, at + 1, f"r{at}") for place, outcome, at in given_]
    documents = {row_id("", row): {"s": row.subscription, "c": row.attempts} for row in rows}
    counters: dict[str, dict[str, int]] = {}
    died = 0
    for part in (asked[:cut], asked[cut:]):
        store.outbox.close_rows("", part).result()
        found = settle({n: d for n, d in documents.items() if "k" not in d}, [(row_id("", c.row), c) for c in part])
        for name in found.gone:
            del documents[name]
        for name, change in found.kept.items():
            documents[name].update(change)
        died += found.died
        for name, update in increments(found.attempts).items():
            held = counters.setdefault(name, {"sent": 0, "failed": 0})
            held.update(update["$set"])
            held["sent"] += update["$inc"]["sent"]
            held["failed"] += update["$inc"]["failed"]
    left = {row_id("", row): (row.attempts, row.reason, row.due) for row in waiting(store) if row.attempts}
    dead = {row_id("", row): (row.attempts, row.reason, row.due) for row in store.outbox.dead("", 0, 9)}
    mine = {name: (d["c"], d["e"], d["d"]) for name, d in documents.items() if d["c"]}
    assert mine == left | dead
    assert {name for name, one in documents.items() if "k" in one} == set(dead)
    assert died == len(dead)
    assert {name: to_delivery(one) for name, one in counters.items()} == store.outbox.deliveries("")


def test_rows_come_back_as_they_were_written() -> None:
    before = Entity(entity("a", speed=1.0).document, 1, 1, 99, 2)
    for count in (1, 3, 4, 9):
        change = happened(count, before)
        documents, rows = written(change), told(change)
        images = [one for one in documents if one["k"] == IMAGE]
        others = [one for one in documents if one["k"] != IMAGE]
        assert to_rows(others, images) == rows
        assert [row.number for row in rows] == [640 + STEP * place for place in range(1, count + 1)]
        assert [row_id("city", row) for row in rows] == [one["_id"] for one in others]
        assert [row.id for row in rows] == [notification_id("city", f"urn:s:{n}", "640") for n in range(count)]


def test_one_image_is_enough_for_many_rows() -> None:
    image, *rows = written(happened(9))
    assert image["k"] == IMAGE
    assert all("a" not in one for one in rows)
    assert {image_id(one) for one in rows} == {image["_id"]}
    assert rows_of(image) == [one["_id"] for one in rows]


def test_a_row_whose_image_went_meanwhile_is_passed_over() -> None:
    _, *rows = written(happened(9))
    assert to_rows(rows, []) == []


def test_what_is_written_late_has_later_numbers_and_the_same_ids() -> None:
    one, late = told(happened(2)), told(replace(happened(2), late=6400))
    assert [row.number + 6400 for row in one] == [row.number for row in late]
    assert [row.id for row in one] == [row.id for row in late]
    assert written(happened(2)) == written(replace(happened(2), late=6400))
