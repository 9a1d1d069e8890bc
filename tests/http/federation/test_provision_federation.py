"""Writes of entities over several brokers (clauses 5.6.1 to 5.6.6, 5.6.17 to 5.6.19)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from broker.decode.text import parse_json
from broker.encode.text import dump
from broker.model.registration import EntityInfo, Information, Interval
from tests.fakes.neighbours import Neighbour, neighbours
from tests.http.doors import ROOT, Reply, front_door

NS = "https://uri.etsi.org/ngsi-ld/default-context/"
TYPE, SPEED, NAME = NS + "Car", NS + "speed", NS + "name"
ID = "urn:ngsi-ld:Car:1"
REG = "urn:ngsi-ld:ContextSourceRegistration:1"
ALL = ("redirectionOps",)
OF_SPEED = (Information((EntityInfo((TYPE,), ID),), (SPEED,)),)


@pytest.fixture
def pair() -> Iterator[tuple[Neighbour, Neighbour]]:
    """Misono, and Aizu which it may register."""
    with neighbours("misono", "aizu") as (misono, aizu):
        yield misono, aizu


def prop(value: Any) -> dict[str, Any]:
    return {"type": "Property", "value": value}


def car(**values: Any) -> dict[str, Any]:
    """An entity of the test's id and type."""
    return {"id": ID, "type": "Car", **{name: prop(value) for name, value in values.items()}}


def held(broker: Neighbour, entity_id: str = ID) -> dict[str, Any]:
    """What the broker itself holds of the entity: its attributes' values; nothing where it has none such."""
    reply = broker.send("GET", f"/entities/{entity_id}?local=true")
    if reply.status == 404:
        return {}
    body: dict[str, Any] = parse_json(reply.body)  # type: ignore[assignment]
    return {name: one["value"] for name, one in body.items() if name not in ("id", "type")} or {"": None}


def body(reply: Reply) -> Any:
    return parse_json(reply.body)


def test_an_inclusive_source_gets_what_is_created_too(pair: tuple[Neighbour, Neighbour]) -> None:
    misono, aizu = pair
    misono.register(REG, "aizu", TYPE, operations=ALL)
    reply = misono.send("POST", "/entities", body=car(speed=9))
    assert (reply.status, reply.headers["location"]) == (201, f"/ngsi-ld/v1/entities/{ID}")
    assert held(misono) == held(aizu) == {"speed": 9}


def test_a_redirected_entity_is_never_held_here(pair: tuple[Neighbour, Neighbour]) -> None:
    misono, aizu = pair
    misono.register(REG, "aizu", TYPE, operations=ALL, mode="redirect")
    assert misono.send("POST", "/entities", body=car(speed=9)).status == 201
    assert (held(misono), held(aizu)) == ({}, {"speed": 9})


def test_an_exclusive_attribute_goes_to_its_source_and_the_rest_stays(pair: tuple[Neighbour, Neighbour]) -> None:
    misono, aizu = pair
    misono.register(REG, "aizu", information=OF_SPEED, operations=ALL, mode="exclusive")
    assert misono.send("POST", "/entities", body=car(speed=9, name="a")).status == 201
    assert (held(misono), held(aizu)) == ({"name": "a"}, {"speed": 9})


def test_another_entity_or_type_stays_here(pair: tuple[Neighbour, Neighbour]) -> None:
    misono, aizu = pair
    misono.register(REG, "aizu", TYPE, operations=ALL, mode="redirect")
    assert misono.send("POST", "/entities", body={**car(speed=9), "type": "Bus"}).status == 201
    assert (held(misono), held(aizu)) == ({"speed": 9}, {})
    assert misono.send("PATCH", f"/entities/{ID}/attrs", body={"speed": prop(10)}).status == 204
    assert held(misono) == {"speed": 10}


def test_what_its_source_does_not_serve_is_a_conflict(pair: tuple[Neighbour, Neighbour]) -> None:
    misono, _aizu = pair
    misono.register(REG, "aizu", TYPE, operations=("queryEntity",), mode="redirect")
    reply = misono.send("POST", "/entities", body=car(speed=9))
    assert (reply.status, body(reply)["title"]) == (409, "Conflict")
    assert (held(misono), misono.sources.asked) == ({}, [])


def test_a_part_that_its_source_does_not_serve_is_told(pair: tuple[Neighbour, Neighbour]) -> None:
    misono, _aizu = pair
    misono.register(REG, "aizu", information=OF_SPEED, operations=("queryEntity",), mode="exclusive")
    reply = misono.send("POST", "/entities", body=car(speed=9, name="a"))
    assert (reply.status, reply.headers["location"]) == (207, f"/ngsi-ld/v1/entities/{ID}")
    told = body(reply)
    assert told["success"] == [ID]
    assert [(one["entityId"], one["error"]["status"], one["registrationId"]) for one in told["errors"]] == [
        (ID, 409, REG)
    ]
    assert held(misono) == {"name": "a"}


def test_an_inclusive_source_that_does_not_serve_it_is_passed_over(pair: tuple[Neighbour, Neighbour]) -> None:
    misono, aizu = pair
    misono.register(REG, "aizu", TYPE)
    assert misono.send("POST", "/entities", body=car(speed=9)).status == 201
    assert (held(misono), held(aizu)) == ({"speed": 9}, {})


def test_auxiliary_sources_get_no_writes(pair: tuple[Neighbour, Neighbour]) -> None:
    misono, _aizu = pair
    misono.register(REG, "aizu", TYPE, operations=ALL, mode="auxiliary")
    assert misono.send("POST", "/entities", body=car(speed=9)).status == 201
    assert misono.send("DELETE", f"/entities/{ID}").status == 204
    assert misono.sources.asked == []


@pytest.mark.parametrize("there", [False, True])
def test_what_exists_already_here_or_there_is_told(pair: tuple[Neighbour, Neighbour], there: bool) -> None:
    misono, aizu = pair
    misono.register(REG, "aizu", TYPE, operations=ALL)
    (aizu if there else misono).json("POST", "/entities?local=true", body=car(speed=1))
    reply = misono.send("POST", "/entities", body=car(speed=9))
    assert reply.status == 207
    told = body(reply)
    assert (told["success"], [one["error"]["status"] for one in told["errors"]]) == ([ID], [409])


@pytest.mark.parametrize(
    ("said", "status"),
    [((404, None), 404), ((504, None), 504), ((508, None), 508), ((500, None), 502), ((403, {}), 502)],
)
def test_the_failure_of_the_only_source_is_the_answer(
    pair: tuple[Neighbour, Neighbour], said: tuple[int, Any], status: int
) -> None:
    misono, _ = pair
    misono.register(REG, "aizu", TYPE, operations=ALL, mode="redirect")
    misono.sources.said["aizu"] = said
    assert misono.send("PATCH", f"/entities/{ID}/attrs", body={"speed": prop(10)}).status == status


def test_an_update_is_divided(pair: tuple[Neighbour, Neighbour]) -> None:
    misono, aizu = pair
    misono.register(REG, "aizu", information=OF_SPEED, operations=ALL, mode="redirect")
    aizu.json("POST", "/entities", body=car(speed=1))
    misono.json("POST", "/entities?local=true", body=car(name="a"))
    for method, path in (("PATCH", "/attrs"), ("POST", "/attrs"), ("PATCH", "")):
        reply = misono.send(method, f"/entities/{ID}{path}", body={"speed": prop(method + path), "name": prop(method)})
        assert reply.status == 204
        assert (held(misono), held(aizu)) == ({"name": method}, {"speed": method + path})


def test_attributes_that_failed_are_named(pair: tuple[Neighbour, Neighbour]) -> None:
    misono, _ = pair
    misono.register(REG, "nowhere", information=OF_SPEED, operations=ALL, mode="redirect")
    misono.json("POST", "/entities?local=true", body=car(name="a"))
    reply = misono.send("PATCH", f"/entities/{ID}/attrs", body={"speed": prop(2), "name": prop("b")})
    assert reply.status == 207
    told = body(reply)
    assert told["updated"] == [NAME]
    assert [(one["attributeName"], one["registrationId"]) for one in told["notUpdated"]] == [(SPEED, REG)]


def test_a_source_that_did_a_part_is_passed_on(pair: tuple[Neighbour, Neighbour]) -> None:
    misono, aizu = pair
    misono.register(REG, "aizu", TYPE, operations=ALL, mode="redirect")
    aizu.json("POST", "/entities", body=car(speed=1))
    reply = misono.send("POST", f"/entities/{ID}/attrs?options=noOverwrite", body={"speed": prop(2), "name": prop("b")})
    assert reply.status == 207
    told = body(reply)
    assert (told["updated"], [one["attributeName"] for one in told["notUpdated"]]) == ([NAME], [SPEED])
    assert held(aizu) == {"speed": 1, "name": "b"}


def test_a_part_done_without_a_word_of_which_is_told(pair: tuple[Neighbour, Neighbour]) -> None:
    misono, _ = pair
    misono.register(REG, "aizu", TYPE, operations=ALL, mode="redirect")
    misono.sources.said["aizu"] = (207, None)
    assert misono.send("POST", f"/entities/{ID}/attrs", body={"speed": prop(2)}).status == 207
    assert misono.send("PATCH", f"/entities/{ID}", body={"speed": prop(2)}).status == 207


def test_one_attribute_is_written_where_it_is_held(pair: tuple[Neighbour, Neighbour]) -> None:
    misono, aizu = pair
    misono.register(REG, "aizu", information=OF_SPEED, operations=ALL, mode="exclusive")
    aizu.json("POST", "/entities", body=car(speed=1, size=2))
    assert misono.send("PATCH", f"/entities/{ID}/attrs/speed", body={"value": 55}).status == 204
    assert held(aizu)["speed"] == 55
    assert misono.send("PUT", f"/entities/{ID}/attrs/speed", body=prop(56)).status == 204
    assert held(aizu)["speed"] == 56
    assert misono.send("DELETE", f"/entities/{ID}/attrs/speed").status == 204
    assert held(aizu) == {"size": 2}
    assert misono.send("DELETE", f"/entities/{ID}/attrs/size").status == 404
    assert misono.send("PATCH", f"/entities/{ID}/attrs/scope", body={"value": 1}).status == 400


def test_an_instance_is_deleted_where_it_is_held(pair: tuple[Neighbour, Neighbour]) -> None:
    misono, aizu = pair
    misono.register(REG, "aizu", TYPE, operations=ALL, mode="redirect")
    other = {**prop(2), "datasetId": "urn:ngsi-ld:Dataset:2"}
    aizu.json("POST", "/entities", body={**car(), "speed": [prop(1), other]})
    assert misono.send("DELETE", f"/entities/{ID}/attrs/speed?datasetId=urn:ngsi-ld:Dataset:2").status == 204
    assert held(aizu) == {"speed": 1}
    assert misono.send("DELETE", f"/entities/{ID}/attrs/speed?deleteAll=true").status == 204
    assert held(aizu) == {"": None}


def test_an_entity_is_replaced_part_by_part(pair: tuple[Neighbour, Neighbour]) -> None:
    misono, aizu = pair
    misono.register(REG, "aizu", information=OF_SPEED, operations=ALL, mode="exclusive")
    aizu.json("POST", "/entities", body=car(speed=1))
    misono.json("POST", "/entities?local=true", body=car(name="a", size=1))
    assert misono.send("PUT", f"/entities/{ID}", body=car(speed=2, name="b")).status == 204
    assert (held(misono), held(aizu)) == ({"name": "b"}, {"speed": 2})


def test_a_delete_goes_everywhere(pair: tuple[Neighbour, Neighbour]) -> None:
    misono, aizu = pair
    misono.register(REG, "aizu", information=OF_SPEED, operations=ALL, mode="exclusive")
    aizu.json("POST", "/entities", body=car(speed=1))
    misono.json("POST", "/entities?local=true", body=car(name="a"))
    assert misono.send("DELETE", f"/entities/{ID}").status == 204
    assert (held(misono), held(aizu)) == ({}, {})
    assert misono.send("DELETE", f"/entities/{ID}").status == 404


def test_a_delete_need_not_find_here_what_is_held_elsewhere(pair: tuple[Neighbour, Neighbour]) -> None:
    misono, aizu = pair
    misono.register(REG, "aizu", TYPE, operations=ALL, mode="redirect")
    aizu.json("POST", "/entities", body=car(speed=1))
    assert misono.send("DELETE", f"/entities/{ID}?type=Bus").status == 404
    assert held(aizu) == {"speed": 1}
    assert misono.send("DELETE", f"/entities/{ID}").status == 204


def test_a_delete_that_an_inclusive_source_alone_could_do_is_partial(pair: tuple[Neighbour, Neighbour]) -> None:
    misono, aizu = pair
    misono.register(REG, "aizu", TYPE, operations=ALL)
    aizu.json("POST", "/entities", body=car(speed=1))
    reply = misono.send("DELETE", f"/entities/{ID}")
    assert (reply.status, [one["error"]["status"] for one in body(reply)["errors"]]) == (207, [404])
    assert held(aizu) == {}


def test_local_keeps_it_here(pair: tuple[Neighbour, Neighbour]) -> None:
    misono, aizu = pair
    misono.register(REG, "aizu", TYPE, operations=ALL, mode="redirect")
    assert misono.send("POST", "/entities?local=true", body=car(speed=9)).status == 201
    assert (held(misono), held(aizu)) == ({"speed": 9}, {})


def test_if_match_is_about_what_is_held_here(pair: tuple[Neighbour, Neighbour]) -> None:
    misono, aizu = pair
    misono.register(REG, "aizu", information=OF_SPEED, operations=ALL, mode="redirect")
    aizu.json("POST", "/entities", body=car(speed=1))
    misono.json("POST", "/entities?local=true", body=car(name="a"))
    for fragment in ({"speed": prop(2)}, {"speed": prop(2), "name": prop("b")}):
        reply = misono.send("PATCH", f"/entities/{ID}/attrs", {"If-Match": '"7"'}, fragment)
        assert (reply.status, held(misono), held(aizu)) == (412, {"name": "a"}, {"speed": 1})
    reply = misono.send("PATCH", f"/entities/{ID}/attrs", {"If-Match": '"1"'}, {"speed": prop(2), "name": prop("b")})
    assert (reply.status, held(misono), held(aizu)) == (204, {"name": "b"}, {"speed": 2})


@pytest.mark.parametrize("mode", ["exclusive", "redirect"])
def test_a_source_that_leads_back_is_a_loop(pair: tuple[Neighbour, Neighbour], mode: Any) -> None:
    misono, _ = pair
    misono.register(REG, "misono", information=OF_SPEED, operations=ALL, mode=mode)
    assert misono.send("PATCH", f"/entities/{ID}/attrs", body={"speed": prop(11)}).status == 508
    assert misono.send("DELETE", f"/entities/{ID}", {"Via": "1.1 misono"}).status == 508
    assert held(misono) == {}


def test_two_hubs_that_have_registered_each_other_write_once(pair: tuple[Neighbour, Neighbour]) -> None:
    misono, aizu = pair
    misono.register(REG, "aizu", TYPE, operations=ALL, alias="aizu")
    aizu.register(REG, "misono", TYPE, operations=ALL, alias="misono")
    assert misono.send("POST", "/entities", body=car(speed=9)).status == 201
    assert held(misono) == held(aizu) == {"speed": 9}
    assert len(misono.sources.asked) == 1


def test_only_the_datasets_that_are_registered_are_shared(pair: tuple[Neighbour, Neighbour]) -> None:
    misono, _aizu = pair
    dataset = "urn:ngsi-ld:Dataset:2"
    misono.register(REG, "aizu", TYPE, operations=ALL, mode="redirect", dataset_ids=(dataset,))
    both = {**car(name="a"), "speed": [prop(1), {**prop(2), "datasetId": dataset}]}
    assert misono.send("POST", "/entities", body=both).status == 201
    assert held(misono) == {"name": "a", "speed": 1}
    (asked,) = misono.sources.asked
    assert asked.body == {"id": ID, "type": "Car", "speed": {**prop(2), "datasetId": dataset}}


def test_types_that_are_not_registered_are_not_sent(pair: tuple[Neighbour, Neighbour]) -> None:
    misono, _ = pair
    misono.register(REG, "aizu", TYPE, operations=ALL)
    assert misono.send("POST", "/entities", body={**car(speed=1), "type": ["Car", "Taxi"]}).status == 201
    (asked,) = misono.sources.asked
    assert (asked.path, asked.body) == ("/entities", {"id": ID, "type": "Car", "speed": prop(1)})


def test_a_merge_is_forwarded_as_it_was_meant(pair: tuple[Neighbour, Neighbour]) -> None:
    misono, aizu = pair
    misono.register(REG, "aizu", TYPE, operations=ALL, mode="redirect")
    aizu.json("POST", "/entities", body=car(speed=1, name="a"))
    path = f"/entities/{ID}?options=keyValues&observedAt=2026-01-01T00:00:00Z"
    assert misono.send("PATCH", path, body={"speed": 2, "name": "urn:ngsi-ld:null"}).status == 204
    assert held(aizu) == {"speed": 2}


def test_what_is_refused_is_not_forwarded(pair: tuple[Neighbour, Neighbour]) -> None:
    misono, _ = pair
    misono.register(REG, "aizu", TYPE, operations=ALL)
    assert misono.send("POST", "/entities", body={**car(speed=1), "id": "no uri"}).status == 400
    assert misono.send("POST", "/entities", body={**car(), "speed": {"type": "Property"}}).status == 400
    assert misono.send("POST", "/entities", body={**car(), "a b": 1}).status == 400
    assert misono.sources.asked == []


def test_sources_that_were_asked_at_a_guess_need_not_know_the_entity(pair: tuple[Neighbour, Neighbour]) -> None:
    misono, aizu = pair
    misono.register(REG, "aizu", TYPE, operations=ALL, mode="redirect")
    misono.register(REG + "2", "misono", NS + "Bus", operations=ALL, mode="redirect")
    misono.sources.said["misono"] = (404, None)
    aizu.json("POST", "/entities", body=car(speed=1))
    assert misono.send("PATCH", f"/entities/{ID}/attrs", body={"speed": prop(2)}).status == 204
    assert len(misono.sources.asked) == 2
    assert misono.send("PATCH", f"/entities/{ID}/attrs?type=Car", body={"speed": prop(3)}).status == 204
    assert len(misono.sources.asked) == 3
    assert misono.send("PATCH", "/entities/urn:x:nobody/attrs", body={"speed": prop(3)}).status == 404
    assert misono.send("DELETE", f"/entities/{ID}").status == 204


def test_a_registration_of_evolutions_is_not_about_the_present(pair: tuple[Neighbour, Neighbour]) -> None:
    misono, _ = pair
    misono.register(REG, "aizu", TYPE, operations=ALL, mode="redirect", observation_interval=Interval(0))
    assert misono.send("POST", "/entities", body=car(speed=9)).status == 201
    assert held(misono) == {"speed": 9}


def test_the_front_hands_on_what_sources_must_be_asked_for(pair: tuple[Neighbour, Neighbour]) -> None:
    misono, aizu = pair
    misono.register(REG, "aizu", TYPE, operations=ALL, mode="redirect")
    send = front_door(misono.doors)
    for entity_type, status in (("Car", 201), ("Bus", 201), ("Bus", 409)):
        entity = {**car(speed=9), "type": entity_type}
        assert send("POST", f"{ROOT}/entities", body=dump(entity)).status == status
    assert held(misono) == held(aizu) == {"speed": 9}
    assert send("POST", f"{ROOT}/entityOperations/delete", body=dump([ID])).status == 204
    assert (held(misono), held(aizu)) == ({}, {"speed": 9})
