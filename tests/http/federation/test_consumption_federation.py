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


@pytest.mark.parametrize("first", [0, 1])
def test_without_observations_the_last_change_is_given(pair: Pair, first: int) -> None:
    for value, broker in enumerate((pair[first], pair[1 - first])):
        put(broker, car(speed=value))
    misono, _ = pair
    assert misono.json("GET", f"/entities/{ID}")["speed"]["value"] == 1
    assert misono.json("GET", "/entities?type=Car")[0]["speed"]["value"] == 1
    assert asked(misono)["options"] == "sysAttrs", "asked once more, for times"
    assert misono.json("GET", "/entities?type=Car&q=speed%3E=0")[0]["speed"]["value"] == 1


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


OWNER = "urn:ngsi-ld:Person:1"


@pytest.mark.parametrize("path", [f"/entities/{ID}?", "/entities?type=Car&"])
def test_linked_entities_are_joined_wherever_they_are(pair: Pair, path: str) -> None:
    misono, aizu = pair
    misono.register(f"{REG}2", "aizu", f"{NS}Person")
    city = "urn:ngsi-ld:City:1"
    put(misono, car(owner={"type": "Relationship", "object": OWNER}), {"id": city, "type": "City", "name": "Aizu"})
    lives = {"type": "Relationship", "object": city}
    put(aizu, {"id": OWNER, "type": "Person", "name": "Mika", "livesIn": lives})
    found = misono.json("GET", f"{path}join=inline&joinLevel=2&format=simplified")
    found = found[0] if isinstance(found, list) else found
    assert found["owner"]["name"] == "Mika"
    assert found["owner"]["livesIn"]["name"] == "Aizu"
    flat = misono.json("GET", f"{path}join=flat&joinLevel=2&format=simplified")
    assert [one["id"] for one in flat] == [ID, OWNER, city]


def test_a_filter_reaches_into_linked_entities_wherever_they_are(pair: Pair) -> None:
    misono, aizu = pair
    misono.register(f"{REG}2", "aizu", f"{NS}Person")
    link = {"type": "Relationship", "object": OWNER}
    put(aizu, {"id": OWNER, "type": "Person", "name": "Mika"}, car(owner=link), car(f"{ID}x"))
    for name, expected in (("Mika", ["1"]), ("Ken", [])):
        q = quote(f'owner{{name}}=="{name}"')
        assert ids(misono.json("GET", f"/entities?type=Car&q={q}&join=inline&joinLevel=1")) == expected


def test_types_and_attributes_of_all_sources_are_listed(pair: Pair) -> None:
    misono, aizu = pair
    put(misono, car(speed=1), {"id": "urn:ngsi-ld:Van:1", "type": "Van", "speed": 1})
    put(aizu, car(f"{ID}x", colour="red", speed=2), {"id": "urn:ngsi-ld:Bus:1", "type": "Bus", "line": 1})
    assert misono.json("GET", "/types")["typeList"] == ["Car", "Van"]
    details = misono.json("GET", "/types?details=true")
    assert [(one["typeName"], one["attributeNames"]) for one in details] == [
        ("Car", ["colour", "speed"]), ("Van", ["speed"]),
    ]  # fmt: skip
    info = misono.json("GET", "/types/Car")
    assert info["entityCount"] == 2
    assert {one["attributeName"]: one["attributeTypes"] for one in info["attributeDetails"]} == {
        "colour": ["Property"], "speed": ["Property"],
    }  # fmt: skip
    assert set(misono.json("GET", "/attributes")["attributeList"]) >= {"colour", "speed"}
    assert misono.json("GET", "/attributes?details=true")
    assert misono.json("GET", "/attributes/colour")["typeNames"] == ["Car"]
    assert misono.json("GET", "/attributes/speed")["attributeCount"] == 3
    assert misono.json("GET", "/types?local=true")["typeList"] == ["Car", "Van"]
    assert misono.send("GET", "/types/Bus").status == 404


def test_types_that_no_source_registered_are_not_taken_from_it(pair: Pair) -> None:
    misono, _ = pair
    misono.sources.said["aizu"] = 200, {"id": "urn:l", "type": "EntityTypeList", "typeList": ["Car", "Bus"]}
    assert misono.json("GET", "/types")["typeList"] == ["Car"]


@pytest.mark.parametrize("path", ["/types", "/types/Car", "/attributes", "/attributes/speed", f"/entities/{ID}"])
@pytest.mark.parametrize(
    ("said", "code"),
    [((200, "garbage"), 111), ((200, [3]), 111), ((200, {"type": 1}), 111), ((500, {}), 299), ((404, {}), None)],
)
def test_what_a_source_gets_wrong_is_a_warning(pair: Pair, path: str, said: Any, code: int | None) -> None:
    misono, _ = pair
    misono.sources.said["aizu"] = said
    warned = misono.send("GET", path).headers.get("ngsild-warning")
    assert (warned is None) == (code is None)
    assert warned is None or warned.startswith(f"{code} {REG} ")


def test_sources_that_do_not_answer_are_warned_of_one_by_one(pair: Pair) -> None:
    misono, aizu = pair
    misono.register(f"{REG}2", "nobody", TYPE)
    put(aizu, car(speed=1))
    reply = misono.send("GET", "/entities?type=Car")
    assert ids(misono.json("GET", "/entities?type=Car")) == ["1"]
    assert reply.headers["ngsild-warning"] == f'199 {REG}2 "unreachable"'


def test_entities_that_cannot_be_read_are_left_out(pair: Pair) -> None:
    misono, _ = pair
    bad = [{"type": "Car"}, {"id": f"{ID}x", "type": "Car", "speed": {"type": "Speed", "value": 1}}, car(speed=1)]
    misono.sources.said["aizu"] = 200, bad
    reply = misono.send("GET", "/entities?type=Car")
    assert reply.headers["ngsild-warning"].startswith(f"111 {REG} ")
    assert ids(misono.json("GET", "/entities?type=Car")) == ["1"]


def test_what_a_source_says_beyond_the_question_is_left_out(pair: Pair) -> None:
    misono, _ = pair
    bus = {"id": "urn:ngsi-ld:Bus:1", "type": "Bus", "speed": {"type": "Property", "value": 1}}
    misono.sources.said["aizu"] = 200, [bus, car(speed={"type": "Property", "value": 9})]
    assert ids(misono.json("GET", "/entities?type=Car,Bus")) == ["1"]
    assert misono.json("GET", "/entities?type=Car&q=speed%3E50") == []
    assert misono.send("GET", "/entities/urn:ngsi-ld:Car:2").status == 404


def test_a_request_that_comes_back_is_answered_from_here(pair: Pair) -> None:
    misono, aizu = pair
    put(aizu, car(f"{ID}x", speed=1))
    put(misono, car(speed=1))
    via = {"Via": "1.1 aizu, 1.1 misono"}
    for path in ("/entities?type=Car", f"/entities/{ID}", "/types"):
        reply = misono.send("GET", path, via)
        assert reply.headers["ngsild-warning"].startswith("199 misono ")
    assert ids(misono.json("GET", "/entities?type=Car", via)) == ["1"]


def test_sources_are_chosen_by_their_own_properties() -> None:
    with neighbours("misono", "aizu", "busan") as (misono, aizu, busan):
        kind = {f"{NS}kind": {"type": "Property", "value": "sensor"}}
        misono.register(REG, "aizu", TYPE, others=kind)
        misono.register(f"{REG}2", "busan", TYPE)
        put(aizu, car(f"{ID}a", speed=1))
        put(busan, car(f"{ID}b", speed=1))
        assert ids(misono.json("GET", "/entities?type=Car")) == ["1a", "1b"]
        assert ids(misono.json("GET", f"/entities?type=Car&csf={quote('kind==' + chr(34) + 'sensor' + chr(34))}")) == [
            "1a"
        ]


def test_a_source_that_does_not_answer_is_not_waited_for_again() -> None:
    with neighbours("misono", "aizu") as (misono, _):
        misono.register(REG, "nobody", TYPE, f"{NS}Person")
        link = {"type": "Relationship", "object": OWNER}
        put(misono, *(car(f"{ID}{n}", speed=n, owner=link) for n in range(9)))
        path = "/entities?type=Car&limit=2&join=inline&joinLevel=3"
        assert len(misono.json("GET", path)) == 2
        assert len(misono.sources.asked) == 1
        assert misono.send("GET", path).headers["ngsild-warning"] == f'199 {REG} "unreachable"'


def test_pages_that_would_look_at_too_much_are_refused(pair: Pair) -> None:
    misono, _ = pair
    reply = misono.send("GET", "/entities?type=Car&limit=100&offset=9950")
    assert reply.status == 403
    assert b"entityMap" in reply.body
    assert misono.send("GET", "/entities?type=Car&limit=100&offset=9900").status == 200


def test_entities_of_long_lists_are_asked_for_in_steps(pair: Pair) -> None:
    misono, aizu = pair
    many = [car(f"{ID}{n:04}", speed=n) for n in range(1100)]
    for start in (0, 550):
        assert aizu.send("POST", "/entityOperations/create?local=true", body=many[start : start + 550]).status == 201
    put(misono, many[1050] | {"colour": "red"})
    reply = misono.send("GET", "/entities?type=Car&limit=0&count=true")
    assert reply.headers["ngsild-results-count"] == "1100"
    steps = [dict(one.parameters).get("offset") for one in misono.sources.asked]
    assert steps == [None, "1000"]
    found = misono.json("GET", "/entities?type=Car&limit=3&offset=1049")
    assert ids(found) == ["11048", "11049", "11051"], "that which is here too comes first of all"
    q = quote('speed>1040;colour=="red"')
    found = misono.json("GET", f"/entities?type=Car&q={q}&splitEntities=true&count=true&options=keyValues")
    assert found == [{"id": f"{ID}1050", "type": "Car", "speed": 1050, "colour": "red"}]
