"""Registrations of sources with data about persons, at the door."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.http.doors import ROOT, Door, broker, front_door

ID = "urn:ngsi-ld:ContextSourceRegistration:1"


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    path = tmp_path / "catalogue.toml"
    path.write_text('[[dataset]]\ntype = "Person"\npersonal = true\n')
    with broker(catalogue=str(path)) as (_, doors):
        yield front_door(doors)


def register(door: Door, kind: str, **more: Any) -> tuple[int, Any]:
    body = {"id": ID, "type": "ContextSourceRegistration", "endpoint": "http://aizu.example", **more}
    body["information"] = [{"entities": [{"type": kind}]}]
    reply = door("POST", f"{ROOT}/csourceRegistrations", {}, json.dumps(body).encode())
    return reply.status, json.loads(reply.body) if reply.body else None


def test_a_source_of_persons_needs_its_terms(door: Door) -> None:
    status, problem = register(door, "Person", contract={"recipient": "Saitama City"})
    assert (status, problem["pointer"]) == (400, "/contract/purpose")
    assert register(door, "Person", contract={"recipient": "Saitama City", "purpose": "flood warnings"})[0] == 201


def test_any_other_source_does_not(door: Door) -> None:
    assert register(door, "House")[0] == 201


def test_an_update_cannot_take_the_terms_away(door: Door) -> None:
    assert register(door, "Person", contract={"recipient": "Saitama City", "purpose": "flood warnings"})[0] == 201
    path = f"{ROOT}/csourceRegistrations/{ID}"
    assert door("PATCH", path, {}, b'{"contract": {"recipient": "Saitama City"}}').status == 400
    assert door("PATCH", path, {}, b'{"contract": null}').status == 400
    shown = json.loads(door("GET", path).body)
    assert shown["contract"] == {"recipient": "Saitama City", "purpose": "flood warnings"}


def test_what_was_registered_before_its_type_was_marked_is_not_asked(tmp_path: Path) -> None:
    data, path = str(tmp_path / "data"), tmp_path / "catalogue.toml"
    with broker(store="sqlite", data=data) as (_, doors):
        assert register(front_door(doors), "Person")[0] == 201
    path.write_text('[[dataset]]\ntype = "Person"\npersonal = true\n')
    with broker(store="sqlite", data=data, catalogue=str(path)) as (built, doors):
        door = front_door(doors)
        reply = door("GET", f"{ROOT}/entities?type=Person")
        assert (reply.status, json.loads(reply.body)) == (200, [])
        assert reply.headers["ngsild-warning"] == f'299 {ID} "refused"'
        assert built.house.far is not None
        assert not any(one.sent for one in built.house.far.healths("").values())
