"""Nothing in the database names an entity that was erased."""

from __future__ import annotations

from typing import Any

import pytest
from pymongo import MongoClient

from broker.ports import Put, Remove
from broker.ports.evolution import AddInstances, AddTypes
from broker.ports.held import HeldCommand, Hold
from broker.stores.mongo.store import open_store
from tests.contract.engines import NS, command, entity, write
from tests.contract.history.evolving import evolve, seen
from tests.engines.wires.running import fresh
from tests.fakes.clock import FakeClock
from tests.fakes.watching import TypeWatches

WHO = "urn:e:somebody"


def everything(url: str) -> str:
    """All that the database holds, as text."""
    client: MongoClient[dict[str, Any]] = MongoClient(url)
    with client:
        database = client.get_default_database()
        return "\n".join(repr(one) for name in database.list_collection_names() for one in database[name].find())


@pytest.mark.parametrize("last", [True, False])
@pytest.mark.parametrize("deleted", [True, False])
def test_nothing_names_an_erased_entity(*, last: bool, deleted: bool) -> None:
    clock = FakeClock()
    with fresh() as url:
        store: Any = open_store(url, clock, watches=TypeWatches())
        try:
            held = HeldCommand("subscription", "urn:s:1", lambda _current, _now: Hold({"watches": "*"}), creates=True)
            store.held.apply_held("", [held]).result()
            write(store, entity("other", speed=1), entity("somebody", speed=seen(1, 1), scope="/east"))
            clock.advance()
            write(store, entity("somebody", speed=seen(2, 2), mood={"type": "Property", "value": "blue"}))
            evolve(store, WHO, AddInstances(f"{NS}speed", [seen(3, 3)]), AddTypes((f"{NS}Person",)))
            if deleted:
                store.apply("", [command(WHO, lambda _current, _now: Remove())]).result()
            if not last:
                clock.advance()
                write(store, entity("other", speed=2))
            assert WHO in everything(url)
            assert WHO in store.history.known_ids("")
            gone = store.history.erase("", WHO).result()
            assert {"history", "instance", "change_log", "outbox"} <= set(gone)
            left = everything(url)
            assert WHO not in left
            assert "blue" not in left
            assert store.history.known_ids("") == ["urn:e:other"]
            assert store.apply("", [command(WHO, lambda current, _now: Put(entity("somebody"), current))]).result() == [
                None
            ]
        finally:
            store.close()
