"""What other processes left under way: what is old is finished, once, and what is young is left to them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pymongo.errors import AutoReconnect

from broker.errors import ServiceUnavailable
from broker.ports import Remove
from broker.ports.held import HeldCommand, Hold
from broker.ports.outbox import Closing, OutboxRow
from broker.stores.mongo import trail as trail_module
from broker.stores.mongo.ground import key
from broker.stores.mongo.store import MongoStore, open_store
from tests.contract.engines import command, entity, put
from tests.engines.wires.running import fresh
from tests.fakes.clock import FakeClock
from tests.fakes.watching import TypeWatches

A = "urn:e:a"
pytestmark = pytest.mark.timeout(60)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def store(clock: FakeClock) -> Iterator[MongoStore]:
    with fresh() as url:
        made = open_store(url, clock, watches=TypeWatches())
        held = HeldCommand("subscription", "urn:s:1", lambda _current, _now: Hold({"watches": "*"}), creates=True)
        made.held.apply_held("", [held]).result()
        yield made
        made.close()


@pytest.fixture
def broken(store: MongoStore, monkeypatch: pytest.MonkeyPatch) -> MongoStore:
    """A store that writes entities and then nothing that follows from it, until `mend`."""

    def lost(*_: Any) -> None:
        raise AutoReconnect("gone")

    monkeypatch.setattr(trail_module.Trail, "_insert", lost)
    return store


def _under_way(store: MongoStore) -> int:
    return sum(len(one.get("p", ())) for one in store._ground.entities.find({}))


def test_what_is_young_is_left_and_what_is_old_is_finished_once(
    broken: MongoStore, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for speed in range(3):  # the second and the third are written over what the one before left
        with pytest.raises(ServiceUnavailable):
            broken.apply("", [put(entity("a", speed=speed))]).result()
    monkeypatch.undo()
    assert (_under_way(broken), broken.repair()) == (3, 0)
    told: list[OutboxRow] = []
    broken.outbox.listen(lambda _tenant, rows: told.extend(rows))
    clock.advance(6)
    assert (broken.repair(), broken.repair(), _under_way(broken)) == (1, 0, 0)
    log = broken.since("", 0, 9)
    assert [(row.version, row.before is None) for row in log] == [(1, True), (2, False), (3, False)]
    assert [row.change.entity.version for row in told] == [1, 2, 3]
    assert [row.id for row in told] == [row.id for row in broken.outbox.waiting("", 0, 9)]
    assert log[0].sequence > clock.now() - 1_000_000  # whoever reads on finds it
    broken.apply("", [put(entity("a", speed=9))]).result()
    assert [row.version for row in broken.since("", log[-1].sequence, 9)] == [4]


def test_what_was_written_and_closed_does_not_come_again(store: MongoStore, clock: FakeClock) -> None:
    store.apply("", [put(entity("a", speed=1))]).result()
    (row,) = store.outbox.waiting("", 0, 9)
    left = store._ground.trail.find_one({"k": "c"})
    assert left is not None
    entry = {"s": left["n"], "at": row.change.at, "a": [row.change.at, row.change.at, None, 1], "w": ["urn:s:1"]}
    store._ground.entities.update_one({"_id": key("", A)}, {"$set": {"p": [entry]}})  # as if it had died then
    store.outbox.close_rows("", [Closing(row, "delivered", clock.now())]).result()
    clock.advance(6)
    assert (store.repair(), _under_way(store)) == (1, 0)
    assert store.outbox.waiting("", 0, 9) == []
    assert len(store.since("", 0, 9)) == 1


def test_a_deleted_entity_goes_with_the_last_change(
    broken: MongoStore, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ServiceUnavailable):
        broken.apply("", [put(entity("a", speed=1))]).result()
    monkeypatch.undo()
    broken.apply("", [command(A, lambda _current, _now: Remove())]).result()
    assert broken.get("", A) is None
    clock.advance(6)
    assert broken.repair() == 1
    assert list(broken._ground.entities.find({})) == []
    assert sorted((row.version, row.after is None) for row in broken.since("", 0, 9)) == [(1, False), (2, True)]


def test_made_again_over_a_deletion_under_way(
    broken: MongoStore, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    broken.apply("", [put(entity("a", speed=1))]).result()
    monkeypatch.setattr(trail_module.Trail, "_insert", _lost)
    with pytest.raises(ServiceUnavailable):
        broken.apply("", [command(A, lambda _current, _now: Remove())]).result()
    monkeypatch.undo()
    broken.apply("", [put(entity("a", speed=2))]).result()
    found = broken.get("", A)
    assert found is not None
    assert found.version == 1
    clock.advance(6)
    assert broken.repair() == 1
    rows = [(row.version, row.before is None, row.after is None) for row in broken.since("", 0, 9)]
    assert sorted(rows) == [(1, True, False), (1, True, False), (2, False, True)]


def _lost(*_: Any) -> None:
    raise AutoReconnect("gone")
