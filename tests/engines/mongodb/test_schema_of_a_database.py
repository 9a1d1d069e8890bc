"""The version of what a database holds, and its indexes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.database import Database

from broker.stores.mongo import schema
from broker.stores.mongo.connection import UnusableStore
from broker.stores.mongo.schema import INDEXES, SCHEMA, Indexing, prepare
from broker.stores.mongo.store import open_store
from broker.wiring import SystemClock
from tests.engines.wires.running import fresh

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
def url() -> Iterator[str]:
    with fresh() as found:
        yield found


@pytest.fixture
def database(url: str) -> Iterator[Database[dict[str, Any]]]:
    with MongoClient[dict[str, Any]](url) as client:
        yield client.get_default_database()


def test_a_database_of_a_newer_release_is_refused(url: str, database: Database[dict[str, Any]]) -> None:
    database["hub"].insert_one({"_id": SCHEMA, "version": schema.VERSION + 1})
    with pytest.raises(UnusableStore, match=f"version {schema.VERSION + 1}"):
        open_store(url, SystemClock())


def test_an_older_one_is_brought_to_this_version_step_by_step(
    database: Database[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[int] = []
    prepare(database)
    monkeypatch.setattr(schema, "STEPS", [lambda _: taken.append(2), lambda _: taken.append(3)])
    monkeypatch.setattr(schema, "VERSION", 3)
    prepare(database)
    prepare(database)
    assert taken == [2, 3]
    assert database["hub"].find_one({"_id": SCHEMA}) == {"_id": SCHEMA, "version": 3}


def test_an_empty_database_gets_its_indexes_at_once(url: str, database: Database[dict[str, Any]]) -> None:
    store = open_store(url, SystemClock())
    assert store.state() == {"store": "ok", "indexes": "ok"}
    store.close()
    for name, models in INDEXES.items():
        assert {model.document["name"] for model in models} < set(database[name].index_information())


def test_those_that_lack_are_made_beside_the_work(database: Database[dict[str, Any]]) -> None:
    database["entities"].insert_one({"_id": "x"})
    indexing = Indexing(database)
    assert indexing.state == "building"
    indexing.start()
    indexing.join()
    assert indexing.state == "ok"
    for name, models in INDEXES.items():
        assert {model.document["name"] for model in models} < set(database[name].index_information())
