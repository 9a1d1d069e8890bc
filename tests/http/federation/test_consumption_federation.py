"""Entities over several brokers (clauses 5.7.1, 5.7.2, 4.5.5, 4.3.6)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from broker.model.registration import EntityInfo, Information
from tests.fakes.neighbours import Neighbour, neighbours

NS = "https://uri.etsi.org/ngsi-ld/default-context/"
TYPE, SPEED, COLOUR = f"{NS}Car", f"{NS}speed", f"{NS}colour"
ID = "urn:ngsi-ld:Car:1"
REG = "urn:ngsi-ld:ContextSourceRegistration:1"

Pair = tuple[Neighbour, Neighbour]


@pytest.fixture
def pair() -> Iterator[Pair]:
    """Misono, which has registered Aizu for cars."""
    with neighbours("misono", "aizu") as (misono, aizu):
        misono.register(REG, "aizu", TYPE)
        yield misono, aizu


def car(entity_id: str = ID, /, **attributes: Any) -> dict[str, Any]:
    """A car, normalized where it says so and concise otherwise."""
    return {"id": entity_id, "type": "Car", **attributes}


def put(broker: Neighbour, *entities: dict[str, Any]) -> None:
    """Create entities, here only."""
    for one in entities:
        assert broker.send("POST", "/entities?local=true", body=one).status == 201


def at(value: Any, day: str) -> dict[str, Any]:
    """A Property observed on a day of 2026."""
    return {"type": "Property", "value": value, "observedAt": f"2026-{day}T00:00:00Z"}


def ids(found: list[dict[str, Any]]) -> list[str]:
    """The ends of their ids."""
    return [one["id"].rpartition(":")[2] for one in found]


def asked(broker: Neighbour) -> dict[str, str]:
    """The parameters of the last forward."""
    return dict(broker.sources.asked[-1].parameters)


def test_an_entity_held_elsewhere_is_retrieved(pair: Pair) -> None:
    misono, aizu = pair
    put(aizu, car(speed=42))
    assert misono.json("GET", f"/entities/{ID}")["speed"]["value"] == 42
    assert misono.send("GET", f"/entities/{ID}?local=true").status == 404


def test_an_entity_spread_over_two_is_one(pair: Pair) -> None:
    misono, aizu = pair
    put(misono, car(colour="red"))
    put(aizu, car(speed=42))
    found = misono.json("GET", f"/entities/{ID}?options=keyValues")
    assert found == {"id": ID, "type": "Car", "colour": "red", "speed": 42}
    assert misono.json("GET", "/entities?type=Car&options=keyValues") == [found]


@pytest.mark.parametrize(("here", "there", "given"), [("01-01", "02-01", 99), ("03-01", "02-01", 10)])
def test_the_last_observation_is_given(pair: Pair, here: str, there: str, given: int) -> None:
    misono, aizu = pair
    put(misono, car(speed=at(10, here)))
    put(aizu, car(speed=at(99, there)))
    assert misono.json("GET", f"/entities/{ID}")["speed"]["value"] == given
    assert misono.json("GET", "/entities?type=Car")[0]["speed"]["value"] == given


def test_an_auxiliary_source_only_fills_gaps() -> None:
    with neighbours("misono", "aizu") as (misono, aizu):
        misono.register(REG, "aizu", TYPE, mode="auxiliary")
        put(misono, car(speed=at(10, "01-01")))
        put(aizu, car(speed=at(99, "02-01"), colour="red"))
        for found in (misono.json("GET", f"/entities/{ID}"), misono.json("GET", "/entities?type=Car")[0]):
            assert (found["speed"]["value"], found["colour"]["value"]) == (10, "red")


def test_what_is_proxied_is_taken_from_its_source_alone() -> None:
    with neighbours("misono", "aizu") as (misono, aizu):
        exclusive = (Information((EntityInfo((TYPE,), ID),), (SPEED,)),)
        put(misono, car(speed=at(10, "03-01"), colour="red"))
        misono.register(REG, "aizu", TYPE, mode="exclusive", information=exclusive)
        put(aizu, car(speed=at(99, "02-01"), colour="blue"))
        for found in (misono.json("GET", f"/entities/{ID}"), misono.json("GET", "/entities?type=Car")[0]):
            assert (found["speed"]["value"], found["colour"]["value"]) == (99, "red")


def test_no_more_than_what_is_registered_is_asked_for_and_taken() -> None:
    with neighbours("misono", "aizu") as (misono, aizu):
        misono.register(REG, "aizu", TYPE, information=(Information((EntityInfo((TYPE,)),), (SPEED,)),))
        put(aizu, car(speed=1, colour="red"))
        assert "colour" not in misono.json("GET", f"/entities/{ID}")
        assert asked(misono)["attrs"] == "speed"
        assert "colour" not in misono.json("GET", "/entities?type=Car,Van")[0]
        assert asked(misono)["attrs"] == "speed"
        assert asked(misono)["type"] == "Car"


def test_a_filter_is_decided_by_the_source_where_it_can(pair: Pair) -> None:
    misono, aizu = pair
    put(misono, car(f"{ID}a", speed=5))
    put(aizu, car(f"{ID}b", speed=99), car(f"{ID}c", speed=7))
    assert ids(misono.json("GET", "/entities?type=Car&q=speed%3E50")) == ["1b"]
    assert asked(misono)["q"] == "speed>50"


def test_a_filter_that_needs_both_halves_is_decided_here(pair: Pair) -> None:
    misono, aizu = pair
    put(misono, car(colour="red"))
    put(aizu, car(speed=99), car(f"{ID}x", speed=99))
    q = quote('speed>50;colour=="red"')
    assert misono.json("GET", f"/entities?type=Car&q={q}") == []
    found = misono.json("GET", f"/entities?type=Car&q={q}&splitEntities=true&options=keyValues")
    assert found == [{"id": ID, "type": "Car", "colour": "red", "speed": 99}]
    assert "q" not in asked(misono)


def test_a_filter_of_what_is_not_registered_does_not_reach_the_source() -> None:
    with neighbours("misono", "aizu") as (misono, aizu):
        misono.register(REG, "aizu", TYPE, information=(Information((EntityInfo((TYPE,)),), (SPEED,)),))
        put(misono, car(colour="red"), car(f"{ID}x", colour="blue"))
        put(aizu, car(speed=9), car(f"{ID}x", speed=8), car(f"{ID}y", speed=7))
        q = quote('colour=="red"')
        found = misono.json("GET", f"/entities?type=Car&q={q}&options=keyValues")
        assert found == [{"id": ID, "type": "Car", "colour": "red", "speed": 9}]
        assert "q" not in asked(misono)
        assert asked(misono)["id"] == ID, "it is asked for those that were found only"


def test_pages_are_of_all_sources_and_each_entity_counts_once(pair: Pair) -> None:
    misono, aizu = pair
    put(misono, car(f"{ID}a", speed=1), car(f"{ID}b", speed=1))
    put(aizu, car(f"{ID}b", colour="red"), car(f"{ID}c", speed=1), car(f"{ID}d", speed=1))
    first = misono.send("GET", "/entities?type=Car&limit=3&count=true")
    assert first.headers["ngsild-results-count"] == "4"
    assert 'rel="next"' in first.headers["link"]
    assert ids(misono.json("GET", "/entities?type=Car&limit=3")) == ["1a", "1b", "1c"]
    second = misono.send("GET", "/entities?type=Car&limit=3&offset=3&count=true")
    assert 'rel="next"' not in second.headers["link"]
    assert ids(misono.json("GET", "/entities?type=Car&limit=3&offset=3")) == ["1d"]
    none = misono.send("GET", "/entities?type=Car&limit=0&count=true")
    assert (none.headers["ngsild-results-count"], none.body) == ("4", b"[]")


def test_the_other_half_is_found_behind_the_first_page_of_a_source(pair: Pair) -> None:
    misono, aizu = pair
    every = [f"{ID}{number}" for number in range(6)]
    put(misono, *(car(one, speed=1) for one in every))
    put(aizu, *(car(one, colour="red") for one in reversed(every)))
    found = misono.json("GET", "/entities?type=Car&limit=2&options=keyValues")
    assert [(one["id"], one["speed"], one["colour"]) for one in found] == [(one, 1, "red") for one in every[:2]]
    found = misono.json("GET", "/entities?type=Car&limit=2&q=speed%3E0&splitEntities=true&options=keyValues")
    assert [(one["id"], one["speed"], one["colour"]) for one in found] == [(one, 1, "red") for one in every[:2]]


def test_a_query_by_post_asks_sources_too(pair: Pair) -> None:
    misono, aizu = pair
    put(aizu, car(speed=1), car(f"{ID}x", speed=1))
    body = {"type": "Query", "entities": [{"type": "Car", "id": ID}]}
    assert ids(misono.json("POST", "/entityOperations/query", body=body)) == ["1"]
    body["entities"] = [{"type": "Car", "id": ID}, {"type": "Car", "idPattern": "x$"}]
    assert sorted(ids(misono.json("POST", "/entityOperations/query", body=body))) == ["1", "1x"]
    assert misono.sources.asked[-1].method == "POST"


@pytest.mark.parametrize("operation", ["retrieveEntity", "queryEntity", "queryBatch"])
def test_an_entity_is_retrieved_by_whatever_the_source_serves(operation: str) -> None:
    with neighbours("misono", "aizu") as (misono, aizu):
        misono.register(REG, "aizu", TYPE, operations=(operation,))
        put(aizu, car(speed=42))
        assert misono.json("GET", f"/entities/{ID}")["speed"]["value"] == 42
        assert misono.sources.asked[-1].operation == operation


@pytest.mark.parametrize(
    ("parameters", "shown"),
    [
        ("pick=id,speed", {"id": ID, "speed": 42}),
        ("omit=colour,name", {"id": ID, "type": "Car", "speed": 42}),
        ("attrs=speed", {"id": ID, "type": "Car", "speed": 42}),
        ("lang=de&pick=name", {"name": "Auto"}),
    ],
)
def test_projections_and_languages_hold_for_what_is_held_elsewhere(
    pair: Pair, parameters: str, shown: dict[str, Any]
) -> None:
    misono, aizu = pair
    put(aizu, car(speed=42, colour="red", name={"languageMap": {"de": "Auto", "en": "car"}}))
    assert misono.json("GET", f"/entities/{ID}?{parameters}&format=simplified") == shown
    assert misono.json("GET", f"/entities?type=Car&{parameters}&format=simplified") == [shown]


def test_system_attributes_are_those_of_the_source(pair: Pair) -> None:
    misono, aizu = pair
    put(aizu, car(speed=42))
    there = aizu.json("GET", f"/entities/{ID}?options=sysAttrs")
    assert misono.json("GET", f"/entities/{ID}?options=sysAttrs") == there


def test_ordering_is_refused_where_sources_take_part(pair: Pair) -> None:
    misono, _ = pair
    assert misono.send("GET", "/entities?type=Car&orderBy=speed").status == 400
    assert misono.send("GET", "/entities?type=Car&orderBy=speed&local=true").status == 200
    assert misono.send("GET", "/entities?type=Van&orderBy=speed").status == 200


def test_an_answer_made_of_several_has_no_etag(pair: Pair) -> None:
    misono, aizu = pair
    put(aizu, car(speed=42))
    put(misono, {"id": "urn:ngsi-ld:Van:1", "type": "Van"})
    assert "etag" not in misono.send("GET", f"/entities/{ID}").headers
    assert "etag" in misono.send("GET", "/entities/urn:ngsi-ld:Van:1?local=true").headers
