"""Entity maps over several brokers (clauses 4.3.6.7, 5.5.14, 5.14.4)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.fakes.neighbours import Neighbour, neighbours

CAR = "https://uri.etsi.org/ngsi-ld/default-context/Car"
ID = "urn:ngsi-ld:Car:1"
REG = "urn:ngsi-ld:ContextSourceRegistration:1"
WITHOUT_MAPS = ("queryEntity", "retrieveEntity")


@pytest.fixture(params=[(), WITHOUT_MAPS], ids=["maps", "queries"])
def pair(request: pytest.FixtureRequest) -> Iterator[tuple[Neighbour, Neighbour]]:
    """Misono, which has registered Aizu for cars: as a source that makes maps, and as one that does not."""
    with neighbours("misono", "aizu") as (misono, aizu):
        misono.register(REG, "aizu", CAR, operations=request.param)
        yield misono, aizu


def car(tail: str, **values: Any) -> dict[str, Any]:
    """An entity to be posted."""
    return {
        "id": ID + tail,
        "type": "Car",
        **{name: {"type": "Property", "value": one} for name, one in values.items()},
    }


def put(broker: Neighbour, *entities: dict[str, Any]) -> None:
    """Create entities."""
    for one in entities:
        assert broker.send("POST", "/entities?local=true", body=one).status == 201


def ids(broker: Neighbour, query: str, reference: str) -> list[str]:
    """What is on a page of a map."""
    reply = broker.send("GET", f"/entities?type=Car&{query}", {"NGSILD-EntityMap": reference})
    assert reply.status == 200, reply.body
    return [
        one["id"].removeprefix(ID)
        for one in broker.json("GET", f"/entities?type=Car&{query}", {"NGSILD-EntityMap": reference})
    ]


def made(broker: Neighbour, query: str = "") -> str:
    """A new map of the query for cars."""
    reply = broker.send("GET", f"/entities?type=Car&entityMap=true{query}")
    assert reply.status == 201, reply.body
    return reply.headers["ngsild-entitymap"]


def shown(broker: Neighbour, reference: str) -> Any:
    """The map itself."""
    return broker.json("GET", reference.removeprefix("/ngsi-ld/v1"))


def test_a_map_names_the_sources_of_each_entity(pair: tuple[Neighbour, Neighbour]) -> None:
    misono, aizu = pair
    put(misono, car("l", speed=1), car("b", speed=1))
    put(aizu, car("r", speed=2), car("b", name="x"))
    told = shown(misono, made(misono))
    assert told["entityMap"] == {f"{ID}l": ["@none"], f"{ID}b": ["@none", REG], f"{ID}r": [REG]}
    makes_maps = aizu.built.store.held.all_held("", "entity_map")
    assert told["linkedMaps"] == ({REG: makes_maps[0].id} if makes_maps else {})


def test_what_comes_later_is_on_no_page(pair: tuple[Neighbour, Neighbour]) -> None:
    misono, aizu = pair
    put(misono, car("a", speed=1))
    put(aizu, car("b", speed=2))
    reference = made(misono)
    put(aizu, car("late", speed=3))
    assert [ids(misono, f"limit=1&offset={at}", reference) for at in range(3)] == [["a"], ["b"], []]


def test_what_goes_is_struck_out(pair: tuple[Neighbour, Neighbour]) -> None:
    misono, aizu = pair
    put(misono, car("a", speed=1))
    put(aizu, car("b", speed=2), car("c", speed=2))
    reference = made(misono)
    assert aizu.send("DELETE", f"/entities/{ID}b").status == 204
    assert ids(misono, "limit=2", reference) == ["a", "c"]
    assert list(shown(misono, reference)["entityMap"]) == [f"{ID}a", f"{ID}c"]


def test_filters_are_checked_again_on_every_page(pair: tuple[Neighbour, Neighbour]) -> None:
    misono, aizu = pair
    put(misono, car("a", speed=600))
    put(aizu, car("b", speed=500), car("c", speed=5))
    reference = made(misono, "&q=speed>100")
    assert ids(misono, "q=speed>100", reference) == ["a", "b"]
    change = {"speed": {"type": "Property", "value": 1}}
    assert aizu.send("PATCH", f"/entities/{ID}b/attrs", body=change).status == 204
    assert ids(misono, "q=speed>100", reference) == ["a"]


def test_pages_hold_whole_entities_and_are_counted(pair: tuple[Neighbour, Neighbour]) -> None:
    misono, aizu = pair
    put(misono, car("a", name="x"), car("b", name="x"))
    put(aizu, car("b", speed=2), car("a", speed=1))
    reference = made(misono)
    reply = misono.send("GET", "/entities?type=Car&count=true&limit=1&offset=1", {"NGSILD-EntityMap": reference})
    assert reply.headers["ngsild-results-count"] == "2"
    found = misono.json("GET", "/entities?type=Car&limit=1&offset=1", {"NGSILD-EntityMap": reference})
    assert [(one["id"], one["speed"]["value"], one["name"]["value"]) for one in found] == [(f"{ID}b", 2, "x")]


def test_a_map_is_made_by_itself(pair: tuple[Neighbour, Neighbour]) -> None:
    misono, aizu = pair
    put(aizu, car("r", speed=2))
    for method, path, body in (
        ("GET", "/entityMaps?type=Car", None),
        ("POST", "/entityMaps", {"type": "Query", "entities": [{"type": "Car"}]}),
    ):
        reply = misono.send(method, path, body=body)
        assert reply.status == 201
        assert list(shown(misono, reply.headers["ngsild-entitymap"])["entityMap"]) == [f"{ID}r"]


def test_a_split_entity_is_a_candidate_until_it_is_whole(pair: tuple[Neighbour, Neighbour]) -> None:
    misono, aizu = pair
    put(misono, car("a", name="x"), car("b", name="x"))
    put(aizu, car("a", speed=99), car("c", speed=99))
    query = "q=speed>50;name==%22x%22&splitEntities=true"
    reference = made(misono, f"&{query}")
    assert set(shown(misono, reference)["entityMap"]) == {f"{ID}a"}  # those that no longer fit are struck out
    assert ids(misono, query, reference) == ["a"]


def test_a_retrieval_over_a_map_asks_only_whom_it_names(pair: tuple[Neighbour, Neighbour]) -> None:
    misono, aizu = pair
    put(misono, car("a", name="x"))
    reply = misono.send("GET", f"/entities/{ID}a?entityMap=true")
    reference = reply.headers["ngsild-entitymap"]
    assert shown(misono, reference)["entityMap"] == {f"{ID}a": ["@none"]}
    put(aizu, car("a", speed=1))
    misono.sources.asked.clear()
    assert "speed" not in misono.json("GET", f"/entities/{ID}a", {"NGSILD-EntityMap": reference})
    assert misono.sources.asked == []
    assert "speed" in misono.json("GET", f"/entities/{ID}a")


@pytest.mark.parametrize("asked", ["", "&entityMap=true"])
def test_a_source_elsewhere_is_not_asked_for_a_place(asked: str) -> None:
    with neighbours("misono", "aizu") as (misono, aizu):
        ring = [[13.0, 52.2], [13.8, 52.2], [13.8, 52.8], [13.0, 52.8], [13.0, 52.2]]
        misono.register(REG, "aizu", CAR, location={"type": "Polygon", "coordinates": [ring]})
        for tail, place in (("berlin", [13.4, 52.52]), ("paris", [2.35, 48.85])):
            value = {"type": "Point", "coordinates": place}
            put(aizu, {**car(tail), "location": {"type": "GeoProperty", "value": value}})
        near = "georel=near;maxDistance==5000&geometry=Point&coordinates="
        assert misono.json("GET", f"/entities?type=Car&{near}[2.35,48.85]{asked}") == []
        found = misono.json("GET", f"/entities?type=Car&{near}[13.4,52.52]{asked}")
        assert [one["id"] for one in found] == [f"{ID}berlin"]
