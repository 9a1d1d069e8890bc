"""`POST /admin/erasures`: an entity is forgotten in the tenant, its snapshots and its entity maps, on both engines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from broker.doors import Built
from broker.timers import Background
from tests.fakes.clock import FakeClock
from tests.http.doors import ROOT, Door, broker, flask_door, front_door

ONE, TWO = "urn:ngsi-ld:Person:1", "urn:ngsi-ld:Person:2"
TENANT = {"NGSILD-Tenant": "city"}


class Client:
    """Asks in one tenant, and waits for what goes on in the background."""

    def __init__(self, built: Built, door: Door) -> None:
        self.built = built
        self.door = door
        self.headers = TENANT

    def __call__(self, asked: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        method, path = asked.split(" ", 1)
        text = None if body is None else json.dumps(body).encode()
        root = "" if path.startswith("/admin") else ROOT
        reply = self.door(method, root + path, {**self.headers, **headers}, text)
        background = self.built.house.broker.background
        assert isinstance(background, Background)
        background.settle()
        return reply.status, json.loads(reply.body) if reply.body else None


@pytest.fixture(
    name="ask", params=[("memory", front_door), ("sqlite", front_door), ("sqlite", flask_door), ("mongo", front_door)]
)
def client(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Client]:
    engine, door = request.param
    with broker(clock=FakeClock(), store=engine, data=str(tmp_path)) as (built, doors):
        yield Client(built, door(doors))


def person(entity_id: str, name: str) -> dict[str, Any]:
    return {"id": entity_id, "type": "Person", "name": {"type": "Property", "value": name}}


def test_an_entity_is_forgotten_everywhere(ask: Client) -> None:
    assert ask("POST /entities", person(ONE, "Ada"))[0] == 201
    assert ask("POST /entities", person(TWO, "Bob"))[0] == 201
    taken = {"type": "Snapshot", "id": "urn:ngsi-ld:Snapshot:1"}
    taken["snapshotQueries"] = [{"type": "Query", "entities": [{"type": "Person"}]}]  # type: ignore[assignment]
    assert ask("POST /snapshots", taken)[0] == 201
    assert ask("GET /entities?type=Person&entityMap=true")[0] == 201
    assert ask(f"PATCH /entities/{ONE}/attrs", {"name": {"type": "Property", "value": "Eve"}})[0] == 204
    status, certificate = ask("POST /admin/erasures", {"entityId": ONE})
    assert status == 200
    assert certificate["entityId"] == ONE
    assert certificate["erasedAt"] == "2026-01-01T00:00:00.000000Z"
    assert certificate["gone"] == ["change_log", "entity", "entity_map", "history", "instance", "snapshot"]
    assert len(certificate["certificate"]) >= 16
    for headers in ({}, {"NGSILD-Snapshot": "urn:ngsi-ld:Snapshot:1"}):
        assert ask(f"GET /entities/{ONE}", **headers)[0] == 404
        assert ask(f"GET /temporal/entities/{ONE}", **headers)[0] == 404
        assert [one["id"] for one in ask("GET /entities?type=Person", **headers)[1]] == [TWO]
    assert ask("POST /admin/erasures", {"entityId": ONE})[0] == 404


def test_a_deleted_entity_is_forgotten(ask: Client) -> None:
    assert ask("POST /entities", person(ONE, "Ada"))[0] == 201
    assert ask(f"DELETE /entities/{ONE}")[0] == 204
    assert ask(f"GET /temporal/entities/{ONE}")[0] == 200
    assert ask("POST /admin/erasures", {"entityId": ONE})[1]["gone"] == ["change_log", "history", "instance"]
    assert ask(f"GET /temporal/entities/{ONE}")[0] == 404


@pytest.mark.parametrize("body", [{}, {"entityId": 3}, {"entityId": "no uri"}])
def test_what_names_no_entity_is_refused(ask: Client, body: dict[str, Any]) -> None:
    ask("POST /entities", person(ONE, "Ada"))
    status, refusal = ask("POST /admin/erasures", body)
    assert (status, refusal["pointer"]) == (400, "/entityId")


def test_an_unknown_tenant_is_refused(ask: Client) -> None:
    assert ask("POST /admin/erasures", {"entityId": ONE})[0] == 404
