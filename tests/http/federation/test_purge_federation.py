"""Purges over several brokers (clause 5.6.21)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from broker.decode.text import parse_json
from broker.model.registration import EntityInfo, Information
from tests.fakes.neighbours import Neighbour, neighbours

NS = "https://uri.etsi.org/ngsi-ld/default-context/"
TYPE, SPEED, NAME = NS + "Car", NS + "speed", NS + "name"
IDS = [f"urn:ngsi-ld:Car:{one}" for one in "abc"]
REG = "urn:ngsi-ld:ContextSourceRegistration:1"
OPERATIONS = ("redirectionOps",)


@pytest.fixture
def pair() -> Iterator[tuple[Neighbour, Neighbour]]:
    """Misono with the car a, and Aizu with b and c, which it may register."""
    with neighbours("misono", "aizu") as (misono, aizu):
        for broker, entity_id in ((misono, IDS[0]), (aizu, IDS[1]), (aizu, IDS[2])):
            speed, name = ({"type": "Property", "value": value} for value in (1, "a"))
            broker.json("POST", "/entities", body={"id": entity_id, "type": "Car", "speed": speed, "name": name})
        yield misono, aizu


def held(broker: Neighbour) -> dict[str, list[str]]:
    """What the broker itself holds: the attributes of each entity."""
    found = broker.json("GET", "/entities?type=Car&local=true")
    return {one["id"]: sorted(one.keys() - {"id", "type"}) for one in found}


@pytest.mark.parametrize("mode", ["inclusive", "redirect"])
def test_a_purge_goes_everywhere(pair: tuple[Neighbour, Neighbour], mode: Any) -> None:
    misono, aizu = pair
    misono.register(REG, "aizu", TYPE, operations=OPERATIONS, mode=mode)
    assert misono.send("DELETE", "/entities?type=Car").status == 204
    assert (held(misono), held(aizu)) == ({}, {})
    (asked,) = misono.sources.asked
    assert asked.parameters == (("type", "Car"),)


def test_what_is_not_registered_is_not_touched(pair: tuple[Neighbour, Neighbour]) -> None:
    misono, aizu = pair
    information = (Information((EntityInfo((TYPE,), IDS[1]),), (SPEED,)),)
    misono.register(REG, "aizu", information=information, operations=OPERATIONS, mode="exclusive")
    assert misono.send("DELETE", "/entities?type=Car,Bus").status == 204
    assert (held(misono), held(aizu)) == ({}, {IDS[1]: ["name"], IDS[2]: ["name", "speed"]})


@pytest.mark.parametrize(
    ("query", "left"),
    [
        ("drop=speed,size", ["name"]),
        ("drop=name", ["name", "speed"]),
        ("keep=name", ["name"]),
        ("keep=speed", ["name", "speed"]),
    ],
)
def test_of_attributes_only_registered_ones_go(pair: tuple[Neighbour, Neighbour], query: str, left: list[str]) -> None:
    misono, aizu = pair
    misono.register(REG, "aizu", information=(Information((), (SPEED,)),), operations=OPERATIONS)
    assert misono.send("DELETE", f"/entities?type=Car&{query}").status == 204
    assert held(aizu) == {IDS[1]: left, IDS[2]: left}


def test_filters_go_along(pair: tuple[Neighbour, Neighbour]) -> None:
    misono, aizu = pair
    misono.register(REG, "aizu", TYPE, operations=OPERATIONS)
    query = f"q=speed>5;name==%22a%22&id={IDS[1]},{IDS[2]}&scopeQ=/a&attrs=speed"
    near = "&georel=near;maxDistance==10&geometry=Point&coordinates=[1,2]"
    assert misono.send("DELETE", f"/entities?{query}{near}").status == 204
    assert len(held(aizu)) == 2
    (asked,) = misono.sources.asked
    assert dict(asked.parameters) == {
        "type": "Car", "id": f"{IDS[1]},{IDS[2]}", "q": 'speed>5;name=="a"', "scopeQ": "/a", "attrs": "speed",
        "georel": "near;maxDistance==10.0", "geometry": "Point", "coordinates": "[1, 2]", "geoproperty": "location",
    }  # fmt: skip
    assert misono.send("DELETE", "/entities?q=speed>0&type=Car&idPattern=b$").status == 204
    assert list(held(aizu)) == IDS[2:]


def test_two_patterns_cannot_be_said_at_once(pair: tuple[Neighbour, Neighbour]) -> None:
    misono, aizu = pair
    information = (Information((EntityInfo((TYPE,), None, "b$"),)),)
    misono.register(REG, "aizu", information=information, operations=OPERATIONS, mode="redirect")
    reply = misono.send("DELETE", "/entities?type=Car&idPattern=.*")
    assert (reply.status, list(held(misono)), len(held(aizu))) == (207, [], 2)


def test_a_source_that_does_not_serve_it_is_a_conflict(pair: tuple[Neighbour, Neighbour]) -> None:
    misono, aizu = pair
    misono.register(REG, "aizu", TYPE, operations=("queryEntity",), mode="redirect")
    reply = misono.send("DELETE", "/entities?type=Car")
    assert reply.status == 207
    told: Any = parse_json(reply.body)
    assert told["success"] == IDS[:1]
    assert [(one["entityId"], one["error"]["status"], one["registrationId"]) for one in told["errors"]] == [
        (REG, 409, REG)
    ]
    assert misono.send("DELETE", "/entities?type=Car").status == 409
    assert len(held(aizu)) == 2


def test_the_failure_of_the_only_source_is_the_answer(pair: tuple[Neighbour, Neighbour]) -> None:
    misono, _ = pair
    misono.register(REG, "nowhere", TYPE, operations=OPERATIONS, mode="redirect")
    assert misono.send("DELETE", "/entities?type=Car").status == 207
    assert misono.send("DELETE", "/entities?type=Car").status == 502


@pytest.mark.parametrize("query", ["type=*", "type=Car&local=true", "type=Bus", "type=Car&csf=name==%22b%22"])
def test_some_purges_stay_here(pair: tuple[Neighbour, Neighbour], query: str) -> None:
    misono, _ = pair
    misono.register(REG, "aizu", TYPE, operations=OPERATIONS, others={NAME: "a"})
    assert misono.send("DELETE", f"/entities?{query}").status == 204
    assert misono.sources.asked == []


@pytest.mark.parametrize("query", ["scopeQ=/a", "type=Car&keep=a&drop=b", "q=((&type=Car"])
def test_what_is_refused_is_not_forwarded(pair: tuple[Neighbour, Neighbour], query: str) -> None:
    misono, _ = pair
    misono.register(REG, "aizu", TYPE, operations=OPERATIONS)
    assert misono.send("DELETE", f"/entities?{query}").status == 400
    assert misono.sources.asked == []
