"""`/csourceRegistrations` behind a door (clauses 6.8, 6.9)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.clock import FakeClock
from tests.http.doors import ROOT, Door, Reply, broker, flask_door, front_door

PATH = ROOT + "/csourceRegistrations"
ID = "urn:ngsi-ld:ContextSourceRegistration:a"
SMALL: dict[str, Any] = {
    "type": "ContextSourceRegistration",
    "information": [{"entities": [{"type": "House"}]}],
    "endpoint": "http://source.example",
}
WHOLE: dict[str, Any] = {
    **SMALL,
    "id": ID,
    "registrationName": "Aizu",
    "description": "the other city",
    "information": [
        {
            "entities": [{"type": ["House", "Home"], "id": "urn:ngsi-ld:House:1"}],
            "propertyNames": ["temperature"],
            "relationshipNames": ["isIn"],
        },
        {"entities": [{"type": "Street", "idPattern": "^urn:s:.*"}], "propertyNames": ["length"]},
    ],
    "mode": "redirect",
    "operations": ["retrieveOps", "updateAttrs"],
    "tenant": "aizu",
    "contextSourceAlias": "aizu-hub",
    "datasetId": ["@none", "urn:d:1"],
    "scope": ["/a", "/b/c"],
    "expiresAt": "2099-01-01T00:00:00Z",
    "location": {"type": "Point", "coordinates": [139.9, 37.5]},
    "observationSpace": {"type": "Point", "coordinates": [139.9, 37.5]},
    "operationSpace": {"type": "Point", "coordinates": [139.9, 37.5]},
    "refreshRate": "PT1M",
    "management": {"timeout": 3000, "cooldown": 500, "cacheDuration": "PT5M", "localOnly": True},
    "contextSourceInfo": [{"key": "accept", "value": "application/ld+json"}, {"key": "X-Ward", "value": "3"}],
    "contract": {"licence": "https://creativecommons.org/licenses/by/4.0/", "purpose": "floods", "recipient": "Aizu"},
    "owner": "city hall",
}


@pytest.fixture(name="door", params=["front", "flask"])
def one_door(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Door]:
    """Flask over SQLite, the front over memory."""
    flask = request.param == "flask"
    with broker(clock=FakeClock(), store="sqlite" if flask else "memory", data=str(tmp_path)) as (_, doors):
        yield flask_door(doors) if flask else front_door(doors)


def post(door: Door, body: dict[str, Any]) -> Reply:
    return door("POST", PATH, {}, json.dumps(body).encode())


def patch(door: Door, body: dict[str, Any], registration_id: str = ID) -> Reply:
    return door("PATCH", f"{PATH}/{registration_id}", {}, json.dumps(body).encode())


def get(door: Door, path: str = f"/{ID}") -> Any:
    reply = door("GET", PATH + path, {}, None)
    assert reply.status == 200, reply.body
    return json.loads(reply.body)


def test_a_registration_comes_back_as_it_went_in(door: Door) -> None:
    reply = post(door, WHOLE)
    assert (reply.status, reply.headers["location"]) == (201, f"{PATH}/{ID}"), reply.body
    assert get(door) == WHOLE
    assert post(door, WHOLE).status == 409


def test_a_registration_is_changed_member_by_member_and_deleted(door: Door) -> None:
    post(door, WHOLE)
    assert patch(door, {"expiresAt": None, "endpoint": "http://other.example", "owner": None}).status == 204
    expected = {**WHOLE, "endpoint": "http://other.example"}
    del expected["expiresAt"], expected["owner"]
    assert get(door) == expected
    assert door("DELETE", f"{PATH}/{ID}", {}, None).status == 204
    assert door("GET", f"{PATH}/{ID}", {}, None).status == 404
    assert door("DELETE", f"{PATH}/{ID}", {}, None).status == 404
    assert patch(door, {"endpoint": "http://x.example"}).status == 404
