"""Datasets to take away as a whole."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from broker.model.entity import Entity
from tests.fakes.hiding import HIDDEN_ATTRIBUTE, HIDDEN_ENTITY, NS, HidingPolicy
from tests.fakes.house import fill
from tests.http.doors import ROOT, Door, broker, front_door

SETTINGS = """
[[dataset]]
type = "Person"
personal = true
[[dataset]]
type = "Car"
access = "restricted"
[[dataset]]
type = "Draft"
listed = false
"""


def create(door: Door, which: str, types: Any, **more: Any) -> None:
    body = {"id": f"urn:ngsi-ld:{which}", "type": types, **more}
    assert door("POST", f"{ROOT}/entities", {}, json.dumps(body).encode()).status == 201


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    path = tmp_path / "catalogue.toml"
    path.write_text(SETTINGS)
    with broker(catalogue=str(path), store="sqlite", data=str(tmp_path / "data")) as (_, doors):
        yield front_door(doors)


def test_all_entities_of_a_type_come(door: Door) -> None:
    for number in range(3):
        create(door, f"House:{number}", "House", size={"type": "Property", "value": number})
    create(door, "Tree:1", "Tree")
    reply = door("GET", "/catalogue/export?type=House")
    assert (reply.status, reply.headers["content-type"]) == (200, "application/x-ndjson")
    assert reply.headers["content-disposition"] == "attachment; filename*=UTF-8''House.ndjson"
    found = [json.loads(line) for line in reply.body.splitlines()]
    assert [one["size"]["value"] for one in found] == [0, 1, 2]
    assert all("@context" in one for one in found)
    array = door("GET", "/catalogue/export?type=https://uri.etsi.org/ngsi-ld/default-context/House&format=jsonld")
    assert (array.headers["content-type"], json.loads(array.body)) == ("application/ld+json", found)


def test_a_type_that_nobody_has_gives_nothing(door: Door) -> None:
    assert door("GET", "/catalogue/export?type=None").body == b""
    assert json.loads(door("GET", "/catalogue/export?type=None&format=jsonld").body) == []


def test_who_is_also_a_person_does_not_come(door: Door) -> None:
    create(door, "a", ["Keeper", "Person"])
    create(door, "b", "Keeper")
    lines = door("GET", "/catalogue/export?type=Keeper").body.splitlines()
    assert [json.loads(line)["id"] for line in lines] == ["urn:ngsi-ld:b"]


@pytest.mark.parametrize("name", ["Person", "Car", "Draft"])
def test_what_is_not_public_has_no_export(door: Door, name: str) -> None:
    create(door, "1", name)
    assert door("GET", f"/catalogue/export?type={name}").status == 404


BAD = {
    "": 400,
    "?type=": 400,
    "?type=House&format=xml": 400,
    "?type=House&type=Tree": 400,
    "?type=House&q=a": 400,
}


@pytest.mark.parametrize("query", BAD)
def test_what_is_no_export_is_refused(door: Door, query: str) -> None:
    reply = door("GET", f"/catalogue/export{query}")
    assert reply.status == BAD[query]
    assert reply.headers["content-type"] == "application/json"


def test_a_tenant_has_its_own(door: Door) -> None:
    create(door, "House:1", "House")
    assert door("GET", "/catalogue/export?type=House", {"NGSILD-Tenant": "nobody"}).status == 404
    assert door("GET", "/catalogue/export?type=House", {"NGSILD-Tenant": "no/name"}).status == 400


def test_what_is_hidden_does_not_come() -> None:
    def thing(entity_id: str, **attributes: Any) -> Entity:
        return Entity({"id": entity_id, "type": f"{NS}Thing", **attributes}, 0, 0)

    with broker(access=HidingPolicy()) as (built, doors):
        secret = {HIDDEN_ATTRIBUTE: {"type": "Property", "value": "secret"}}
        fill(built.house.broker, thing(HIDDEN_ENTITY), thing("urn:ngsi-ld:Thing:1", **secret))
        (line,) = front_door(doors)("GET", "/catalogue/export?type=Thing").body.splitlines()
    assert json.loads(line)["id"] == "urn:ngsi-ld:Thing:1"
    assert b"secret" not in line


def test_a_large_one_goes_over_the_disk(door: Door) -> None:
    text = "x" * 200_000
    for number in range(30):
        create(door, f"Big:{number}", "Big", text={"type": "Property", "value": text})
    assert len(door("GET", "/catalogue/export?type=Big").body.splitlines()) == 30
