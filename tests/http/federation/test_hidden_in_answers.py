"""What is hidden from the caller is not shown because another broker has it (ARCHITECTURE: access is a seam)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from broker.decode.text import parse_json
from broker.doors import make_doors
from tests.fakes.hiding import HIDDEN_ENTITY, HIDDEN_INSTANCE, HIDDEN_TYPE, HidingPolicy
from tests.fakes.neighbours import Neighbour, neighbours

NS = "https://uri.etsi.org/ngsi-ld/default-context/"
ID = "urn:ngsi-ld:Thing:1"
REG = "urn:ngsi-ld:ContextSourceRegistration:1"
TIME = "2026-05-01T00:00:00Z"
AFTER = "timerel=after&timeAt=2020-01-01T00:00:00Z"
SECRETS = (HIDDEN_ENTITY, "hidden", "Hidden", HIDDEN_INSTANCE[1])


@pytest.fixture
def misono() -> Iterator[Neighbour]:
    """Misono under the hiding policy; Aizu has things that are hidden here, as they are and as they were."""
    with neighbours("misono", "aizu") as (misono, aizu):
        house = misono.built.house
        broker = replace(house.broker, access=HidingPolicy())
        hiding = replace(house, broker=broker)
        misono.doors = make_doors(replace(misono.built, house=hiding))
        misono.register(
            REG, "aizu", NS + "Thing", HIDDEN_TYPE, operations=("federationOps", "retrieveTemporal", "queryTemporal")
        )
        for entity_id, entity_type in ((ID, "Thing"), (HIDDEN_ENTITY, "Thing"), (f"{ID}2", "Hidden")):
            aizu.json("POST", "/entities", body={"id": entity_id, "type": entity_type, **attributes()})
            history = {name: [held] for name, held in attributes().items()}
            aizu.json("POST", "/temporal/entities", body={"id": entity_id, "type": entity_type, **history})
        yield misono


def attributes() -> dict[str, Any]:
    """An attribute that is hidden, one that is not, and an instance that is hidden."""
    found = {name: {"type": "Property", "value": 1, "observedAt": TIME} for name in ("hidden", "open")}
    return {**found, "speed": {**found["open"], "datasetId": HIDDEN_INSTANCE[1]}}


READS = [
    ("GET", f"/entities/{ID}", None),
    ("GET", "/entities?type=Thing,Hidden", None),
    ("GET", "/entities?type=Thing,Hidden&entityMap=true", None),
    ("GET", "/entityMaps?type=Thing,Hidden", None),
    ("GET", f"/temporal/entities/{ID}?{AFTER}", None),
    ("GET", f"/temporal/entities?type=Thing,Hidden&{AFTER}", None),
    ("GET", f"/temporal/entities?type=Thing,Hidden&{AFTER}&entityMap=true", None),
    ("GET", f"/temporal/entityMaps?type=Thing,Hidden&{AFTER}", None),
    ("POST", "/entityMaps", {"type": "Query", "entities": [{"type": "Thing"}]}),
]


@pytest.mark.parametrize(("method", "path", "body"), READS)
def test_what_is_hidden_is_not_shown(misono: Neighbour, method: str, path: str, body: Any) -> None:
    reply = misono.send(method, path, body=body)
    text = reply.body.decode()
    assert reply.status in (200, 201)
    assert ID in text
    assert not [one for one in SECRETS if one in text]
    assert misono.sources.asked


@pytest.mark.parametrize(
    "path",
    ["/types", "/types?details=true", "/types/Thing", "/attributes", "/attributes?details=true", "/attributes/open"],
)
def test_what_is_hidden_is_not_discovered(misono: Neighbour, path: str) -> None:
    reply = misono.send("GET", path)
    assert reply.status == 200
    assert b"Thing" in reply.body or b"open" in reply.body
    assert not [one for one in SECRETS if one in reply.body.decode()]
    assert misono.sources.asked


@pytest.mark.parametrize("path", ["/types/Hidden", "/attributes/hidden"])
def test_what_is_hidden_cannot_be_asked_for(misono: Neighbour, path: str) -> None:
    assert misono.send("GET", path).status == 404


@pytest.mark.parametrize("path", [f"/entities/{HIDDEN_ENTITY}", f"/temporal/entities/{HIDDEN_ENTITY}?{AFTER}"])
def test_what_is_hidden_is_not_there(misono: Neighbour, path: str) -> None:
    assert misono.send("GET", path).status == 404


def test_what_is_hidden_is_in_no_snapshot(misono: Neighbour) -> None:
    query: dict[str, Any] = {"type": "Query", "entities": [{"type": "Thing,Hidden"}]}
    times = {"timerel": "after", "timeAt": "2020-01-01T00:00:00Z"}
    body = {
        "type": "Snapshot",
        "snapshotQueries": [query],
        "snapshotTemporalQueries": [{**query, "temporalQ": times}],
    }
    reply = misono.send("POST", "/snapshots", body=body)
    path = reply.headers["location"].removeprefix("/ngsi-ld/v1")
    told: Any = {"snapshotStatus": "preparing"}
    for _ in range(200):
        if told["snapshotStatus"] != "preparing":
            break
        time.sleep(0.02)
        told = parse_json(misono.send("GET", path).body)
    assert told["snapshotStatus"] == "success"
    place = next(name for name in misono.built.store.names() if "#" in name)
    kept = repr(list(misono.built.store.scan(place)))
    assert ID in kept
    assert not [one for one in SECRETS if one in kept]
