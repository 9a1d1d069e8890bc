"""The front and Flask answer alike: every operation of the table, asked in every way, at both."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

import pytest

from broker.http.front import read_path
from broker.http.operation import Operation
from broker.http.table import OPERATIONS
from tests.fakes.clock import FakeClock
from tests.http.doors import ROOT, Door, Reply, broker, flask_door, front_door

HOUSE = {
    "id": "urn:ngsi-ld:House:a/b?c#d%e",
    "type": "House",
    "size": {"type": "Property", "value": 12.5, "unitCode": "MTK"},
    "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [139.7, 35.7]}},
}
HOUSE_PATH = "/entities/urn:ngsi-ld:House:a%2Fb%3Fc%23d%25e"
QUERY = {"type": "Query", "entities": [{"type": "House"}]}
IN_TIME = {**QUERY, "temporalQ": {"timerel": "before", "timeAt": "2030-01-01T00:00:00Z", "timeproperty": "createdAt"}}
BODIES: Mapping[str, object] = {
    "create_entity": {**HOUSE, "id": "urn:ngsi-ld:House:new"},
    "replace_entity": HOUSE,
    "merge_entity": {"size": {"value": 13}},
    "append_attributes": {"rooms": {"type": "Property", "value": 3}},
    "update_attributes": {"size": {"type": "Property", "value": 14}},
    "partial_attribute_update": {"value": 15},
    "replace_attribute": {"type": "Property", "value": 16},
    "batch_entity_creation": [{**HOUSE, "id": "urn:ngsi-ld:House:2"}, 7],
    "batch_entity_upsert": [{**HOUSE, "id": "urn:ngsi-ld:House:3"}],
    "batch_entity_update": [{"id": HOUSE["id"], "size": {"type": "Property", "value": 17}}],
    "batch_entity_merge": [{"id": HOUSE["id"], "size": {"value": 18}}],
    "batch_entity_delete": ["urn:ngsi-ld:House:none"],
    "query_entities_by_post": QUERY,
    "create_subscription": {
        "type": "Subscription",
        "entities": [{"type": "House"}],
        "notification": {"endpoint": {"uri": "http://127.0.0.1:1/"}},
    },
    "update_subscription": {"isActive": False},
    "create_entity_map_by_post": QUERY,
    "create_temporal_entity_map_by_post": IN_TIME,
    "query_temporal_by_post": IN_TIME,
    "update_entity_map": {"expiresAt": "2026-01-01T00:00:00Z"},
    "create_snapshot": {"type": "Snapshot", "snapshotQueries": [QUERY]},
    "update_snapshot": {"snapshotPriority": 1},
    "clone_snapshot": {"type": "Snapshot"},
    "add_context": {"@context": {"size": "https://example.org/size"}},
}
VARIABLES = {"{entityId}": HOUSE_PATH.removeprefix("/entities/"), "{attrId}": "size", "{type}": "House"}
HEX = re.compile(rb"[0-9a-f]{32}")
CONTEXT = 'rel="http://www.w3.org/ns/json-ld#context"'


@pytest.fixture(name="doors")
def both_doors() -> Iterator[tuple[Door, Door]]:
    """A broker behind the front and an equal one behind Flask, each with one house."""
    with broker(clock=FakeClock()) as (_, one), broker(clock=FakeClock()) as (_, other):
        doors = front_door(one), flask_door(other)
        for door in doors:
            assert door("POST", ROOT + "/entities", {}, json.dumps(HOUSE).encode()).status == 201
        yield doors


def path_of(operation: Operation) -> str:
    path = operation.path
    for name, text in VARIABLES.items():
        path = path.replace(name, text)
    return re.sub(r"\{\w+\}", "urn:ngsi-ld:Other:1", path)


def body_of(operation: Operation) -> bytes | None:
    if operation.body == "none":
        return None
    return json.dumps(BODIES.get(operation.name, {"type": "Something"})).encode()


def alike(reply: Reply) -> tuple[int, dict[str, str], bytes]:
    """A reply without what is random, and without what only a real server adds."""
    headers = {name: HEX.sub(b"-", text.encode()).decode() for name, text in reply.headers.items()}
    return reply.status, headers, HEX.sub(b"-", reply.body)


def requests(operation: Operation) -> Iterator[tuple[str, str, dict[str, str], bytes | None]]:
    """The operation as it should be, then with one thing after another wrong or unusual."""
    method, path, body = operation.method, path_of(operation), body_of(operation)
    query = "?type=House" if operation.name in ("query_entities", "purge_entities") else ""
    yield method, path + "?unknown=1", {}, body
    yield method, path + "?options=nothing", {}, body
    yield method, path + query, {"Accept": "text/html"}, body
    yield method, path + query, {"NGSILD-Tenant": "no/tenant"}, body
    yield method, path + query, {"Link": "nonsense"}, body
    yield method, path + query, {"Link": f"<http://127.0.0.1:1/none.jsonld>; {CONTEXT}"}, body
    yield "PURGE", path, {}, None
    if body is not None:
        yield method, path, {"Content-Type": "text/plain"}, body
        yield method, path, {"Content-Type": "application/ld+json"}, body
        yield method, path, {}, b'{"a": 1, "a": 2}'
        yield method, path, {}, b'"text"'
        yield method, path, {"Content-Length": ""}, None
        yield method, path, {"Content-Length": "99999999"}, b"{}"
    if operation.name not in ("delete_entity", "purge_entities", "batch_entity_creation"):
        yield method, path + "/" + query, {"NGSILD-Tenant": "city", "Prefer": "ngsi-ld=1.5"}, body
        yield method, path + query, {"Accept": "application/ld+json", "If-Match": '"99"'}, body
    for place in ("NGSILD-Snapshot", "NGSILD-EntityMap"):
        yield method, path + query, {place: "urn:ngsi-ld:Other:1"}, body
    yield method, path + query, {}, body


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_every_operation_answers_alike(operation: Operation, doors: tuple[Door, Door]) -> None:
    front, flask = doors
    statuses = set()
    for asked in requests(operation):
        one, other = alike(front(*asked)), alike(flask(*asked))
        assert one == other, asked
        assert one[0] != 500, asked
        statuses.add(one[0])
    assert 405 in statuses
    assert 400 in statuses
    assert 501 not in statuses


def test_head_is_get_without_its_body(doors: tuple[Door, Door]) -> None:
    for door in doors:
        reply = door("HEAD", ROOT + HOUSE_PATH, {}, None)
        assert (reply.status, reply.body) == (200, b"")
        assert int(reply.headers["content-length"]) > 0


def test_ids_with_every_awkward_character_come_back(doors: tuple[Door, Door]) -> None:
    for door in doors:
        reply = door("GET", ROOT + HOUSE_PATH, {}, None)
        assert json.loads(reply.body)["id"] == HOUSE["id"]


def test_an_answer_under_another_context_is_alike(doors: tuple[Door, Door]) -> None:
    body = json.dumps({**HOUSE, "id": "urn:x:1", "@context": {"size": "https://example.org/size"}}).encode()
    link = {}
    for door in doors:
        assert door("POST", ROOT + "/entities", {"Content-Type": "application/ld+json"}, body).status == 201
        query = json.dumps({**QUERY, "@context": {"size": "https://example.org/size"}}).encode()
        reply = door("POST", ROOT + "/entityOperations/query", {"Content-Type": "application/ld+json"}, query)
        assert "size" in json.loads(reply.body)[-1]
        link[door] = reply.headers["link"]
    assert link[doors[0]] == link[doors[1]]


def test_a_path_that_was_not_percent_encoded_is_read_as_utf_8(doors: tuple[Door, Door]) -> None:
    assert read_path("/ngsi-ld/v1/entities/urn:x:家%20".encode()) == "/ngsi-ld/v1/entities/urn:x:%E5%AE%B6%20"
    for door in doors:
        assert "urn:x:家" in json.loads(door("GET", ROOT + "/entities/urn:x:%E5%AE%B6", {}, None).body)["detail"]
