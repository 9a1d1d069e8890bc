"""Two processes' worth of stores write the same entities at once: no write is lost, and none is half there."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import Future, wait
from random import Random
from typing import Any

import pytest

from broker.errors import ServiceUnavailable
from broker.model.entity import Entity
from broker.model.values import Instant
from broker.ports import UNRESTRICTED, Command, Decision, Put, Remove
from broker.query.temporal import TemporalQuery
from broker.stores.mongo.stamps import SETTLE_S
from broker.stores.mongo.store import MongoStore, open_store
from broker.wiring import SystemClock
from tests.contract.engines import NS, command, entity, put
from tests.engines.replayed import replayed
from tests.engines.wires.running import fresh

COUNT = f"{NS}count"
CLEARED_S = 20.0
ROUNDS = 40
pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def stores() -> Iterator[list[MongoStore]]:
    with fresh() as url:
        made = [open_store(url, SystemClock()) for _ in range(2)]
        yield made
        for one in made:
            one.close()


def _count_up(current: Entity | None, _now: Instant) -> Decision:
    known: Any = {"value": 0} if current is None else current.document[COUNT]
    number = known["value"] + 1
    return Put(entity("a", count=number), number)


def _done(pending: list[Future[list[object]]]) -> list[object]:
    """Results of those that were done; the others were refused as a whole."""
    wait(pending, timeout=100)
    found = [one.result()[0] for one in pending]
    refused = [one for one in found if isinstance(one, ServiceUnavailable)]
    assert len(refused) < len(found) / 10
    return [one for one in found if not isinstance(one, ServiceUnavailable)]


def test_every_step_of_a_counter_is_taken_once(stores: list[MongoStore]) -> None:
    pending = [one.apply("", [command("urn:e:a", _count_up)]) for _ in range(ROUNDS) for one in stores]
    counted = _done(pending)
    assert set(counted) == set(range(1, len(counted) + 1))
    found = stores[0].get("", "urn:e:a")
    assert found is not None
    assert (found.version, found.document[COUNT]) == (len(counted), {"type": "Property", "value": len(counted)})
    time.sleep(SETTLE_S)
    _all_told(stores[1], "urn:e:a", len(counted))


def test_made_and_removed_by_both_it_tells_one_story(stores: list[MongoStore]) -> None:
    chance, pending = Random(6), list[Future[list[object]]]()
    for _ in range(ROUNDS):
        for one in stores:
            name = chance.choice("ab")
            removal = command(f"urn:e:{name}", lambda current, _now: Remove(current is not None))
            creation = put(entity(name, speed=chance.randrange(9)))
            pending.append(one.apply("", [chance.choice([removal, creation, _expecting(entity(name, speed=1))])]))
    _done(pending)
    time.sleep(SETTLE_S)
    told = replayed(stores[0], "")
    there = stores[1].get_many("", ["urn:e:a", "urn:e:b"])
    assert {name: (one.document, one.version) for name, one in there.items()} == {
        name: (one[0], one[3]) for name, one in told.items()
    }
    until = time.monotonic() + CLEARED_S
    while (left := _under_way(stores[0])) and time.monotonic() < until:
        time.sleep(0.2)
    assert not left


def _under_way(store: MongoStore) -> list[Any]:
    """Changes that are not taken away yet; what one writer left behind for the other is cleared away later."""
    return [entry for one in store._ground.entities.find({}) for entry in one["p"] if "a" in entry]


def _expecting(fresh_one: Entity) -> Command:
    return Command(fresh_one.id, lambda _current, _now: Put(fresh_one), creates=True, expected=fresh_one.document)


def _all_told(store: MongoStore, entity_id: str, versions: int) -> None:
    """The log and the history have each version once."""
    log = [row for row in store.since("", 0, 10_000) if row.entity_id == entity_id]
    assert [row.version for row in log] == list(range(1, versions + 1))
    page = store.history.evolution("", entity_id, TemporalQuery(instances_max=10_000), UNRESTRICTED)
    past: Any = [one["value"] for one in page.evolutions[0].attributes[COUNT]]
    assert sorted(past) == list(range(1, versions + 1))
