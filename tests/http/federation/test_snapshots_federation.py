"""Snapshots of what several brokers have (clause 5.16.1.4)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.fakes.neighbours import Neighbour, neighbours, series

CAR = "https://uri.etsi.org/ngsi-ld/default-context/Car"
ID = "urn:ngsi-ld:Car:1"
REG = "urn:ngsi-ld:ContextSourceRegistration:1"
AFTER = {"timerel": "after", "timeAt": "2020-01-01T00:00:00Z"}


@pytest.fixture
def pair() -> Iterator[tuple[Neighbour, Neighbour]]:
    """Misono, which has registered Aizu for cars."""
    with neighbours("misono", "aizu") as (misono, aizu):
        misono.register(REG, "aizu", CAR, operations=("queryEntity", "queryTemporal"))
        yield misono, aizu


def car(tail: str, **values: Any) -> dict[str, Any]:
    """An entity to be posted."""
    return {
        "id": ID + tail,
        "type": "Car",
        **{name: {"type": "Property", "value": one} for name, one in values.items()},
    }


def put(broker: Neighbour, *entities: dict[str, Any]) -> None:
    """Create entities."""
    for one in entities:
        assert broker.send("POST", "/entities?local=true", body=one).status == 201


def taken(broker: Neighbour, **queries: Any) -> Any:
    """A snapshot of these queries, as it is once it is filled."""
    reply = broker.send("POST", "/snapshots", body={"type": "Snapshot", **queries})
    assert reply.status == 201, reply.body
    path = reply.headers["location"].removeprefix("/ngsi-ld/v1")
    for _ in range(200):
        found = broker.json("GET", path)
        if found["snapshotStatus"] != "preparing":
            return found
        time.sleep(0.02)
    raise AssertionError(path)


def test_a_snapshot_holds_what_sources_have(pair: tuple[Neighbour, Neighbour]) -> None:
    misono, aizu = pair
    put(misono, car("fast", speed=60), car("slow", speed=10), car("both", speed=70))
    put(aizu, car("far", speed=88), car("farslow", speed=8), car("both", colour="red", speed=70))
    query = {"type": "Query", "entities": [{"type": "Car"}], "q": "speed>50"}
    found = taken(misono, snapshotQueries=[query])
    assert found["snapshotStatus"] == "success"
    assert found["snapshotQueriesDetails"] == [{"resultStatus": "success"}]
    inside = misono.json("GET", "/entities?type=Car", {"NGSILD-Snapshot": found["id"]})
    assert sorted(one["id"].removeprefix(ID) for one in inside) == ["both", "far", "fast"]
    assert next(one for one in inside if one["id"] == f"{ID}both")["colour"]["value"] == "red"


def test_what_a_source_has_is_asked_for_once(pair: tuple[Neighbour, Neighbour]) -> None:
    misono, aizu = pair
    put(aizu, car("far", speed=88))
    taken(misono, snapshotQueries=[{"type": "Query", "entities": [{"type": "Car"}]}])
    assert [one.path for one in misono.sources.asked] == ["/entities"]


def test_a_snapshot_holds_the_histories_that_sources_have(pair: tuple[Neighbour, Neighbour]) -> None:
    misono, aizu = pair
    for broker, value in ((misono, 1), (aizu, 2)):
        history = series(ID, "Car", speed={f"2026-05-0{value}": value})
        assert broker.send("POST", "/temporal/entities?local=true", body=history).status == 201
    query = {"type": "Query", "entities": [{"type": "Car"}], "temporalQ": AFTER}
    found = taken(misono, snapshotTemporalQueries=[query])
    assert found["snapshotStatus"] == "success"
    path = f"/temporal/entities/{ID}?timerel=after&timeAt=2020-01-01T00:00:00Z"
    inside = misono.json("GET", path, {"NGSILD-Snapshot": found["id"]})
    assert [one["value"] for one in inside["speed"]] == [1, 2]


def test_a_source_that_fails_is_told_in_the_details(pair: tuple[Neighbour, Neighbour]) -> None:
    misono, _ = pair
    put(misono, car("here", speed=1))
    misono.sources.said["aizu"] = (403, None)
    found = taken(misono, snapshotQueries=[{"type": "Query", "entities": [{"type": "Car"}]}])
    assert found["snapshotStatus"] == "success"
    assert REG in found["snapshotQueriesDetails"][0]["problemDetails"]["detail"]


def test_linked_entities_come_along_wherever_they_are() -> None:
    with neighbours("misono", "aizu") as (misono, aizu):
        misono.register(REG, "aizu", CAR.replace("Car", "Garage"))
        here = {**car("1"), "in": {"type": "Relationship", "object": "urn:ngsi-ld:Garage:1"}}
        put(misono, here)
        put(aizu, {"id": "urn:ngsi-ld:Garage:1", "type": "Garage", "name": {"type": "Property", "value": "east"}})
        found = taken(misono, snapshotQueries=[{"type": "Query", "entities": [{"type": "Car"}], "join": "flat"}])
        inside = misono.json("GET", "/entities/urn:ngsi-ld:Garage:1", {"NGSILD-Snapshot": found["id"]})
        assert inside["name"]["value"] == "east"
