"""A broker that is read-only: every write of the table is refused, everything else goes on."""

from __future__ import annotations

import json

import pytest

from broker.errors import ReadOnly
from broker.http.operation import Operation
from broker.http.table import OPERATIONS
from broker.operations.read_only import WRITES
from broker.ports import EntityStore
from broker.ports.evolution import EvolutionStore
from broker.ports.held import HeldStore
from broker.ports.places import Places
from tests.http.doors import ROOT, broker, flask_door, front_door

JSON = {"Content-Type": "application/json"}
_WRITES = [operation for operation in OPERATIONS if operation.changes]


def test_the_table_says_what_a_write_is() -> None:
    asking = {one.name for one in OPERATIONS if one.method != "GET" and not one.changes}
    assert asking == {"query_entities_by_post", "query_temporal_by_post", "test_delivery", "find_person"}
    assert not [one.name for one in OPERATIONS if one.method == "GET" and one.changes]


@pytest.mark.parametrize("operation", _WRITES, ids=lambda one: one.name)
def test_every_write_is_refused_at_both_doors(operation: Operation) -> None:
    path = operation.path
    while "{" in path:
        path = path[: path.index("{")] + "urn:x:1" + path[path.index("}") + 1 :]
    with broker(read_only="true") as (_, doors):
        for door in (front_door(doors), flask_door(doors)):
            reply = door(operation.method, path, JSON, b"{}" if operation.body != "none" else None)
            assert reply.status == 503, reply
            assert int(reply.headers["retry-after"]) > 0
            said = json.loads(reply.body)
            assert said["type"] == "urn:misono:errors:ReadOnly"
            assert said["remedy"]


def test_reads_go_on_while_writes_are_refused(tmp_path: object) -> None:
    body = json.dumps({"id": "urn:ngsi-ld:Room:1", "type": "Room", "t": {"type": "Property", "value": 21}}).encode()
    with broker(store="sqlite", data=str(tmp_path)) as (_, doors):
        assert front_door(doors)("POST", f"{ROOT}/entities", JSON, body).status == 201
    with broker(store="sqlite", data=str(tmp_path), read_only="true") as (_, doors):
        door = front_door(doors)
        assert json.loads(door("GET", f"{ROOT}/entities/urn:ngsi-ld:Room:1").body)["t"]["value"] == 21
        asked = json.dumps({"type": "Query", "entities": [{"type": "Room"}]}).encode()
        assert len(json.loads(door("POST", f"{ROOT}/entityOperations/query", JSON, asked).body)) == 1
        assert door("DELETE", f"{ROOT}/entities/urn:ngsi-ld:Room:1").status == 503
        assert door("GET", f"{ROOT}/entities/urn:ngsi-ld:Room:1").status == 200


def test_a_read_that_would_leave_something_is_refused() -> None:
    with broker(read_only="true") as (built, doors):
        assert front_door(doors)("GET", f"{ROOT}/entities?type=Room&entityMap=true").status == 503
        with pytest.raises(ReadOnly):
            built.house.broker.entities.apply("", [])


def test_every_write_of_the_ports_is_known() -> None:
    named = {name for port in (EntityStore, EvolutionStore, HeldStore, Places) for name in vars(port)}
    assert named >= WRITES - {"revive", "discard"}
