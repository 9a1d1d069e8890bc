"""What services write of what they know nobody else writes: every writing operation of the table, for every such type.

Whoever may perform an operation is refused with Forbidden, and nothing of the entity or its history is another.
"""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from broker.access.rights import RIGHTS
from broker.access.writing import PROJECTIONS
from broker.attaching import PRINCIPAL as ADAPTERS
from broker.doors import Built, make_doors
from broker.http.table import OPERATIONS
from broker.hub.inside import HubInside
from broker.model.entity import Entity
from broker.ports import SYSTEM, UNRESTRICTED, Command, Principal, Put
from broker.query.temporal import TemporalQuery
from broker.settings import read_settings
from broker.wiring import build
from tests.fakes.named import Named
from tests.http.doors import Door, Reply, front_door

DEF = "https://misono.example/def/"
WHO = "urn:ngsi-ld:Thing:1"
NAME = "https://uri.etsi.org/ngsi-ld/default-context/note"
WRITERS = {
    role: Principal(role, roles=frozenset({role}), subject="urn:misono:subject:hana")
    for role in ("operator", "device", "board", "resident", "recipient", "auditor")
}

Case = tuple[str, str, Any]
"""Method, path, body; in them ID, TYPE and INSTANCE stand for those of the entity."""
_PAST = {"note": [{"type": "Property", "value": "b", "observedAt": "2026-01-02T00:00:00Z"}]}
_NOTE = {"note": {"type": "Property", "value": "changed"}}
CASES: dict[str, list[Case]] = {
    "create_entity": [("POST", "/entities", {"id": "urn:new:1", "type": "TYPE", **_NOTE})],
    "purge_entities": [("DELETE", "/entities?type=TYPE", None), ("DELETE", "/entities?type=TYPE&drop=note", None)],
    "delete_entity": [("DELETE", "/entities/ID", None)],
    "replace_entity": [("PUT", "/entities/ID", {"type": "TYPE", **_NOTE})],
    "merge_entity": [("PATCH", "/entities/ID", _NOTE), ("PATCH", "/entities/urn:plain:1", {"type": ["Plain", "TYPE"]})],
    "append_attributes": [
        ("POST", "/entities/ID/attrs", {"other": {"type": "Property", "value": 1}}),
        ("POST", "/entities/urn:plain:1/attrs", {"type": "TYPE", "other": {"type": "Property", "value": 1}}),
    ],
    "update_attributes": [("PATCH", "/entities/ID/attrs", _NOTE)],
    "partial_attribute_update": [("PATCH", "/entities/ID/attrs/note", {"value": "changed"})],
    "delete_attribute": [("DELETE", "/entities/ID/attrs/note", None)],
    "replace_attribute": [("PUT", "/entities/ID/attrs/note", {"type": "Property", "value": "changed"})],
    "batch_entity_creation": [("POST", "/entityOperations/create", [{"id": "urn:new:1", "type": "TYPE", **_NOTE}])],
    "batch_entity_upsert": [
        ("POST", "/entityOperations/upsert", [{"id": "urn:new:1", "type": "TYPE", **_NOTE}]),
        ("POST", "/entityOperations/upsert", [{"id": "ID", "type": "TYPE", **_NOTE}]),
        ("POST", "/entityOperations/upsert?options=update", [{"id": "ID", "type": "TYPE", **_NOTE}]),
    ],
    "batch_entity_update": [("POST", "/entityOperations/update", [{"id": "ID", "type": "TYPE", **_NOTE}])],
    "batch_entity_delete": [("POST", "/entityOperations/delete", ["ID"])],
    "batch_entity_merge": [("POST", "/entityOperations/merge", [{"id": "ID", "type": "TYPE", **_NOTE}])],
    "upsert_temporal_evolution": [
        ("POST", "/temporal/entities", {"id": "urn:new:1", "type": "TYPE", **_PAST}),
        ("POST", "/temporal/entities", {"id": "ID", "type": "TYPE", **_PAST}),
    ],
    "delete_temporal_evolution": [("DELETE", "/temporal/entities/ID", None)],
    "add_attribute_evolution": [("POST", "/temporal/entities/ID/attrs", _PAST)],
    "delete_attribute_evolution": [("DELETE", "/temporal/entities/ID/attrs/note", None)],
    "modify_attribute_instance": [
        ("PATCH", "/temporal/entities/ID/attrs/note/INSTANCE", {"note": {"type": "Property", "value": "changed"}})
    ],
    "delete_attribute_instance": [("DELETE", "/temporal/entities/ID/attrs/note/INSTANCE", None)],
    "erase_entity": [("POST", "/admin/erasures", {"entityId": "ID"})],
}
WRITE_NO_ENTITY = {
    "add_context", "delete_context", "create_subscription", "update_subscription", "delete_subscription",
    "register_source", "update_source", "delete_source", "create_source_subscription", "update_source_subscription",
    "delete_source_subscription", "relay_notification", "create_entity_map_by_post", "update_entity_map",
    "delete_entity_map", "create_temporal_entity_map_by_post", "redeliver_dead_letters", "discard_dead_letters",
    "iot_claim_commands", "iot_disclaim_commands", "set_model_policy", "forget_model_policy",
    "create_snapshot", "purge_snapshots", "update_snapshot", "delete_snapshot", "clone_snapshot",
}  # fmt: skip
"""Snapshots are copies of what their maker sees: nothing is decided from them."""


class Served:
    """A broker with access, and one entity of each type that only services write."""

    def __init__(self, built: Built, door: Door) -> None:
        self.built, self._door = built, door

    def fill(self, type_: str) -> str:
        """The id of an entity of the type, with a history of two values."""
        entity_id = f"urn:ngsi-ld:{type_.rpartition('/')[2]}:1"
        system = Principal("services", roles=frozenset({SYSTEM}))
        for value in ("a", "z"):
            document: Any = {"id": entity_id, "type": type_, NAME: {"type": "Property", "value": value}}
            command = Command(entity_id, lambda _c, _n, d=document: Put(Entity(d, 0, 0)), True, document, system)  # type: ignore[misc]
            assert self.built.house.broker.entities.apply("", [command]).result() == [None]
        return entity_id

    def state(self, *ids: str) -> object:
        """What there is of these, and of their histories."""
        broker = self.built.house.broker
        histories = [broker.history.evolution("", one, TemporalQuery(), UNRESTRICTED).evolutions for one in ids]
        return [broker.entities.get("", one) for one in ids], histories

    def instance_of(self, entity_id: str) -> str:
        evolution = self.built.house.broker.history.evolution("", entity_id, TemporalQuery(), UNRESTRICTED).evolutions[
            0
        ]
        return str(evolution.attributes[NAME][0]["instanceId"])

    def ask(self, role: str, case: Case) -> Reply:
        method, path, body = case
        root = "" if path.startswith("/admin") else "/ngsi-ld/v1"
        text = None if body is None else json.dumps(body).encode()
        return self._door(method, root + path, {"Authorization": f"Bearer {role}"}, text)


@pytest.fixture(params=["memory", "sqlite"])
def served(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Served]:
    file = tmp_path / "access.toml"
    file.write_text("[issuers.local]\n")
    environment = {"MISONO_STORE": request.param, "MISONO_DATA": f"{tmp_path}/data", "MISONO_ACCESS": str(file)}
    built = build(read_settings(Namespace(config=""), environment))
    try:
        house = replace(built.house, identity=Named(WRITERS))
        yield Served(built, front_door(make_doors(replace(built, house=house))))
    finally:
        built.close()


def test_every_writing_operation_is_tried() -> None:
    writing = {one.name for one in OPERATIONS if one.changes}
    assert writing - WRITE_NO_ENTITY == set(CASES)


def put(case: Case, entity_id: str, type_: str, instance: str) -> Case:
    """The case, with what its words stand for."""
    method, path, body = case
    path = path.replace("TYPE", type_.replace(":", "%3A").replace("/", "%2F")) if "?" in path else path
    text = json.dumps(body).replace('"TYPE"', json.dumps(type_)).replace('"ID"', json.dumps(entity_id))
    return method, path.replace("ID", entity_id).replace("INSTANCE", instance), json.loads(text)


@pytest.mark.parametrize("operation", CASES)
def test_nobody_writes_a_projection(served: Served, operation: str) -> None:
    plain: Case = ("POST", "/entities", {"id": "urn:plain:1", "type": "Plain", **_NOTE})
    assert served.ask("operator", plain).status == 201
    for type_ in sorted(PROJECTIONS):
        entity_id = served.fill(type_)
        cases = [put(one, entity_id, type_, served.instance_of(entity_id)) for one in CASES[operation]]
        before = served.state(entity_id, "urn:new:1", "urn:plain:1")
        for role in sorted(RIGHTS[operation] & WRITERS.keys()):
            for case in cases:
                reply = served.ask(role, case)
                refused = reply.status == 403 or (reply.status == 207 and b"errors:Forbidden" in reply.body)
                assert refused, (role, case, reply)
                assert served.state(entity_id, "urn:new:1", "urn:plain:1") == before, (role, case)


def test_no_adapter_writes_a_projection(served: Served) -> None:
    hub = HubInside(served.built.house, ADAPTERS)
    for type_ in sorted(PROJECTIONS):
        entity_id = served.fill(type_)
        before = served.state(entity_id, "urn:new:1")
        refused = hub.upsert(
            "", [{"id": one, "type": type_, NAME: {"type": "Property", "value": 1}} for one in (entity_id, "urn:new:1")]
        )
        assert [type(one).__name__ for one in refused] == ["Forbidden", "Forbidden"]
        assert [type(one).__name__ for one in hub.delete("", [entity_id])] == ["Forbidden"]
        assert served.state(entity_id, "urn:new:1") == before
