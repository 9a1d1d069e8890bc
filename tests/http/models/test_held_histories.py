"""Histories that are written by themselves are held to models: every temporal write, at the door."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from broker.http.model_warnings import NAME
from tests.http.doors import ROOT, Door, Reply, broker, front_door
from tests.unit.models.written import LAMP, write

LINK = '<https://city.example/contexts/city-v1.jsonld>; rel="http://www.w3.org/ns/json-ld#context"'
TEMPORAL = f"{ROOT}/temporal/entities"
ENTITY = "urn:x:1"
AT = "2026-01-01T00:00:00Z"


@pytest.fixture(name="models")
def folder_of_models(tmp_path: Path) -> Path:
    write(tmp_path / "models", "city", models={"Lamp": LAMP, "Pole": {"lit": {"type": "boolean"}}})
    return tmp_path / "models"


@pytest.fixture(params=["memory", "sqlite"])
def door(request: pytest.FixtureRequest, models: Path, tmp_path: Path) -> Iterator[Door]:
    options = {"store": request.param, "data": str(tmp_path / "data"), "models": str(models), "gate": "reject"}
    with broker(**options) as (_, doors):
        yield front_door(doors)


def power(*values: Any) -> list[dict[str, Any]]:
    found = []
    for number, value in enumerate(values):
        found.append({"type": "Property", "value": value, "observedAt": f"2026-01-01T00:00:{number:02}Z"})
    return found


def send(door: Door, method: str, path: str, body: object = None) -> Reply:
    return door(method, path, {"Link": LINK}, None if body is None else json.dumps(body).encode())


def history(*values: Any, kind: Any = "Lamp") -> dict[str, Any]:
    return {"id": ENTITY, "type": kind, "power": power(*values)}


def told(door: Door) -> list[Any]:
    body = json.loads(send(door, "GET", f"{TEMPORAL}/{ENTITY}").body)
    return sorted(one["value"] for one in body["power"])


def refused_at(reply: Reply) -> str:
    assert reply.status == 400, reply.body
    said = json.loads(reply.body)
    assert "Lamp 1.0.0" in said["detail"]
    return str(said["pointer"])


def test_a_good_history_goes_in_and_nothing_of_a_broken_one_does(door: Door) -> None:
    assert refused_at(send(door, "POST", TEMPORAL, history(1, -2, 3))).startswith("/power")
    assert send(door, "GET", f"{TEMPORAL}/{ENTITY}").status == 404
    assert send(door, "POST", TEMPORAL, history(1, 2)).status == 201
    assert told(door) == [1, 2]


def test_parts_of_a_history_need_not_hold_what_a_whole_entity_must(door: Door) -> None:
    lit = [{"type": "Property", "value": True, "observedAt": AT}]
    assert send(door, "POST", TEMPORAL, {"id": ENTITY, "type": "Lamp", "lit": lit}).status == 201


def test_every_later_write_is_held(door: Door) -> None:
    assert send(door, "POST", TEMPORAL, history(1)).status == 201
    attrs = f"{TEMPORAL}/{ENTITY}/attrs"
    refused_at(send(door, "POST", attrs, {"power": power(7, -1)}))
    refused_at(send(door, "POST", TEMPORAL, history(-3)))
    shown = json.loads(send(door, "GET", f"{TEMPORAL}/{ENTITY}").body)["power"]
    (instance,) = shown if isinstance(shown, list) else [shown]
    changed = {"power": [{"type": "Property", "value": "bright", "observedAt": AT}]}
    refused_at(send(door, "PATCH", f"{attrs}/power/{instance['instanceId']}", changed))
    assert send(door, "DELETE", f"{attrs}/power/{instance['instanceId']}").status == 204


def test_a_type_that_comes_later_holds_what_comes_with_it(door: Door) -> None:
    assert send(door, "POST", TEMPORAL, history(1)).status == 201
    lit = [{"type": "Property", "value": "yes", "observedAt": AT}]
    reply = send(door, "POST", f"{TEMPORAL}/{ENTITY}/attrs", {"type": "Pole", "lit": lit})
    assert reply.status == 400
    assert "Pole 1.0.0" in json.loads(reply.body)["detail"]


def test_with_warnings_it_is_written_and_told(models: Path) -> None:
    with broker(models=str(models), gate="warn") as (_, doors):
        reply = send(front_door(doors), "POST", TEMPORAL, history(-1))
        assert reply.status == 201
        assert [one["rule"] for one in json.loads(reply.headers[NAME.lower()])] == ["minimum"]
