"""What is kept of entities, changes, notifications and subscriptions, in bytes, and how large its indexes are: figures.

Counted on a tenant of houses with eight attributes each; `tools/city_model.py` works out a city from them.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import bson
import pytest
from pymongo import IndexModel, MongoClient

from broker.stores.mongo.schema import INDEXES
from tests.engines.mongodb.houses import house
from tests.engines.mongodb.index_sizes import size_of
from tests.engines.wires.running import fresh
from tests.http.doors import ROOT, broker, front_door

HOUSES, BATCH, TOLD = 600, 100, 20
ROUNDS, CHANGED = 20, 20
"""So often each of so many houses is changed."""
TENANT = {"NGSILD-Tenant": "ward-0042", "Content-Type": "application/json"}
BY_ID = IndexModel([("_id", 1)])
Kept = Mapping[str, list[dict[str, Any]]]
"""Documents by collection; those of the trail by collection and kind."""


@pytest.fixture(scope="module")
def steps(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Kept]]:
    """What is kept after each step: houses made, some of them changed, a subscription, some that it must be told of."""
    found: dict[str, Kept] = {}
    with fresh() as url, broker(store=url, data=str(tmp_path_factory.mktemp("ward"))) as (_, doors):
        door = front_door(doors)

        def send(path: str, body: object) -> None:
            reply = door("POST", ROOT + path, TENANT, json.dumps(body).encode())
            assert reply.status in (201, 204), reply.body

        for first in range(0, HOUSES, BATCH):
            send("/entityOperations/upsert", [house(first + place) for place in range(BATCH)])
        found["made"] = kept(url)
        for value in range(ROUNDS):
            fragments = [{"id": house(number)["id"], "type": "House", **reading(value)} for number in range(CHANGED)]
            send("/entityOperations/update", fragments)
        found["changed"] = kept(url)
        for number in range(TOLD):
            send("/subscriptions", subscription(number))
        found["subscribed"] = kept(url)
        send("/entityOperations/upsert", [{**house(number), **reading(9)} for number in range(HOUSES, HOUSES + TOLD)])
        found["told"] = kept(url)
        yield found


def reading(value: int) -> dict[str, Any]:
    return {"reading1": {"type": "Property", "value": value, "unitCode": "KWH"}}


def subscription(number: int) -> dict[str, Any]:
    """The first one is of new houses, the others of single ones."""
    which = {"type": "House", "idPattern": ".*0006..$"} if number == 0 else {"type": "House", "id": house(number)["id"]}
    return {
        "id": f"urn:ngsi-ld:Subscription:{number:06}",
        "type": "Subscription",
        "entities": [which],
        "watchedAttributes": ["reading1"],
        "q": "reading1>5",
        "notification": {"endpoint": {"uri": "https://receiver.example.org/notify", "accept": "application/json"}},
    }


def kept(url: str) -> Kept:
    """All documents of a database."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    with MongoClient[dict[str, Any]](url) as client:
        database = client.get_default_database()
        for name in INDEXES:
            for one in database[name].find():
                found[f"{name}_{one['k']}" if name == "trail" else name].append(one)
    return found


def size(documents: list[dict[str, Any]]) -> int:
    return sum(len(bson.encode(one)) for one in documents)


def told(name: str, value: float, samples: int) -> None:
    print(f"figure {name} {value:.2f} {samples}")


def since(before: Kept, after: Kept, part: str) -> list[dict[str, Any]]:
    """The documents that were not there."""
    known = {one["_id"] for one in before[part]}
    return [one for one in after[part] if one["_id"] not in known]


def kinds(steps: dict[str, Kept]) -> dict[str, tuple[str, list[dict[str, Any]], int]]:
    """What is told of: name -> its collection, its documents, and of how many things they are."""
    made, changed, subscribed = steps["made"], steps["changed"], steps["subscribed"]
    rows = [one for kind in "ox" for one in steps["told"][f"trail_{kind}"]]
    return {
        "entity": ("entities", made["entities"], HOUSES),
        "created_log": ("trail", made["trail_c"], HOUSES),
        "created_history": ("trail", made["trail_h"], HOUSES),
        "changed_log": ("trail", since(made, changed, "trail_c"), ROUNDS * CHANGED),
        "changed_history": ("trail", since(made, changed, "trail_h"), ROUNDS * CHANGED),
        "subscription": ("held", since(changed, subscribed, "held"), TOLD),
        "notification": ("trail", rows, TOLD),
    }


def test_bytes_of_documents(steps: dict[str, Kept]) -> None:
    for name, (_, documents, things) in kinds(steps).items():
        assert len(documents) >= things, name
        told(f"{name}_documents", len(documents) / things, things)
        told(f"{name}_bytes", size(documents) / things, things)


def test_bytes_of_indexes(steps: dict[str, Kept]) -> None:
    """Of each thing: entries, their bytes, and their bytes without what neighbours share."""
    for name, (collection, documents, things) in kinds(steps).items():
        for index in (BY_ID, *INDEXES[collection]):
            counted = size_of(index, documents)
            if counted.entries:
                label = f"index_{name}__{counted.name.strip('_').replace('.', '_').replace('_1', '')}"
                told(f"{label}_entries", counted.entries / things, things)
                told(f"{label}_whole", counted.whole / things, things)
                told(f"{label}_kept", counted.kept / things, things)


def test_an_index_is_as_large_as_its_entries() -> None:
    documents = [{"t": "a", "k": ["x", "xy"], "o": 1}, {"t": "a", "k": ["x"], "o": 2, "z": 1}]
    both = size_of(IndexModel([("t", 1), ("k", 1), ("o", 1)]), documents)
    assert (both.entries, both.whole) == (3, 2 * (3 + 3 + 2 + 8) + (3 + 4 + 2 + 8))
    assert both.kept == both.whole - (3 + 3 + 1) - (3 + 2)
    partial = size_of(IndexModel([("o", 1)], partialFilterExpression={"z": {"$exists": True}}), documents)
    assert partial.entries == 1
