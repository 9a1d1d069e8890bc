"""Batches over several brokers (clauses 5.6.7 to 5.6.10, 5.6.20)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from broker.decode.text import parse_json
from broker.encode.text import dump
from broker.model.registration import EntityInfo, Information
from tests.fakes.neighbours import Neighbour, neighbours
from tests.http.doors import ROOT, Reply, front_door

NS = "https://uri.etsi.org/ngsi-ld/default-context/"
TYPE, SPEED = NS + "Car", NS + "speed"
IDS = ["urn:ngsi-ld:Car:a", "urn:ngsi-ld:Car:b", "urn:ngsi-ld:Bus:c"]
REG = "urn:ngsi-ld:ContextSourceRegistration:1"
SINGLE = ("redirectionOps",)
BATCH = ("redirectionOps", "createBatch", "upsertBatch", "updateBatch", "deleteBatch", "mergeBatch")


@pytest.fixture
def pair() -> Iterator[tuple[Neighbour, Neighbour]]:
    """Misono, and Aizu which it may register."""
    with neighbours("misono", "aizu") as (misono, aizu):
        yield misono, aizu


def entity(entity_id: str, **values: Any) -> dict[str, Any]:
    """An entity whose type stands in its id."""
    attributes = {name: {"type": "Property", "value": value} for name, value in values.items()}
    return {"id": entity_id, "type": entity_id.split(":")[2], **attributes}


def post(broker: Neighbour, operation: str, *members: Any, query: str = "") -> Reply:
    return broker.send("POST", f"/entityOperations/{operation}{query}", body=list(members))


def body(reply: Reply) -> Any:
    return parse_json(reply.body)


def held(broker: Neighbour) -> dict[str, dict[str, Any]]:
    """What the broker itself holds: the values of each entity."""
    found = broker.json("GET", "/entities?type=Car,Bus&local=true")
    return {
        one["id"]: {name: kept["value"] for name, kept in one.items() if name not in ("id", "type", "scope")}
        for one in found
    }


@pytest.mark.parametrize("operations", [SINGLE, BATCH])
def test_a_batch_is_divided_by_what_is_registered(pair: tuple[Neighbour, Neighbour], operations: Any) -> None:
    misono, aizu = pair
    misono.register(REG, "aizu", TYPE, operations=operations, mode="redirect")
    reply = post(misono, "create", *(entity(one, speed=1) for one in IDS))
    assert (reply.status, body(reply)) == (201, IDS)
    assert (sorted(held(misono)), sorted(held(aizu))) == (IDS[2:], IDS[:2])
    assert len(misono.sources.asked) == (1 if operations is BATCH else 2)
    for name in ("update", "merge"):
        assert post(misono, name, *(entity(one, speed=name) for one in IDS)).status == 204
        assert {one["speed"] for one in (*held(misono).values(), *held(aizu).values())} == {name}
    assert post(misono, "delete", *IDS).status == 204
    assert (held(misono), held(aizu)) == ({}, {})


@pytest.mark.parametrize("operations", [SINGLE, BATCH])
def test_an_upsert_creates_once(pair: tuple[Neighbour, Neighbour], operations: Any) -> None:
    misono, aizu = pair
    misono.register(REG, "aizu", TYPE, operations=operations, mode="redirect")
    aizu.json("POST", "/entities", body=entity(IDS[0], speed=1, size=3))
    reply = post(misono, "upsert", *(entity(one, speed=2) for one in IDS))
    assert (reply.status, body(reply)) == (201, IDS[1:])
    assert post(misono, "upsert", *(entity(one, speed=3) for one in IDS)).status == 204
    assert held(aizu) == {IDS[0]: {"speed": 3}, IDS[1]: {"speed": 3}}
    assert post(misono, "upsert", entity(IDS[0], size=4), query="?options=update").status == 204
    assert held(aizu)[IDS[0]] == {"speed": 3, "size": 4}


def test_an_upsert_that_could_only_create_is_an_error_where_there_is_one(pair: tuple[Neighbour, Neighbour]) -> None:
    misono, aizu = pair
    misono.register(REG, "aizu", TYPE, operations=("createEntity",), mode="redirect")
    aizu.json("POST", "/entities", body=entity(IDS[0], speed=1))
    reply = post(misono, "upsert", entity(IDS[0], speed=2))
    assert (reply.status, [one["error"]["title"] for one in body(reply)["errors"]]) == (
        207,
        ["Operation not supported"],
    )


def test_an_upsert_may_begin_with_a_replacement(pair: tuple[Neighbour, Neighbour]) -> None:
    misono, aizu = pair
    misono.register(REG, "aizu", TYPE, operations=("replaceEntity",), mode="redirect")
    aizu.json("POST", "/entities", body=entity(IDS[0], speed=1))
    assert post(misono, "upsert", entity(IDS[0], speed=2)).status == 204
    assert held(aizu) == {IDS[0]: {"speed": 2}}


def test_an_update_that_overwrites_nothing_appends(pair: tuple[Neighbour, Neighbour]) -> None:
    misono, aizu = pair
    misono.register(REG, "aizu", TYPE, operations=SINGLE, mode="redirect")
    aizu.json("POST", "/entities", body=entity(IDS[0], speed=1))
    assert post(misono, "update", entity(IDS[0], speed=2, size=3), query="?options=noOverwrite").status == 207
    assert held(aizu) == {IDS[0]: {"speed": 1, "size": 3}}


def test_exclusive_attributes_leave_the_rest_here(pair: tuple[Neighbour, Neighbour]) -> None:
    misono, aizu = pair
    information = (Information((EntityInfo((TYPE,), IDS[0]),), (SPEED,)),)
    misono.register(REG, "aizu", information=information, operations=BATCH, mode="exclusive")
    assert post(misono, "create", *(entity(one, speed=1, size=2) for one in IDS)).status == 201
    assert held(misono) == {IDS[0]: {"size": 2}, IDS[1]: {"speed": 1, "size": 2}, IDS[2]: {"speed": 1, "size": 2}}
    assert held(aizu) == {IDS[0]: {"speed": 1}}


def test_inclusive_sources_and_this_broker_both_hold_it(pair: tuple[Neighbour, Neighbour]) -> None:
    misono, aizu = pair
    misono.register(REG, "aizu", TYPE, operations=BATCH)
    reply = post(misono, "create", *(entity(one, speed=1) for one in IDS))
    assert (reply.status, body(reply)) == (201, IDS)
    assert (set(held(misono)), set(held(aizu))) == (set(IDS), set(IDS[:2]))


def test_what_failed_there_is_told_beside_what_succeeded(pair: tuple[Neighbour, Neighbour]) -> None:
    misono, _ = pair
    misono.register(REG, "nowhere", TYPE, operations=("createEntity",), mode="redirect")
    reply = post(misono, "create", entity(IDS[0], speed=1), 7, entity(IDS[2], speed=1), {"type": "Bus"})
    assert reply.status == 207
    told = body(reply)
    assert told["success"] == [IDS[2]]
    assert [(one["entityId"], one["error"]["status"], one.get("registrationId")) for one in told["errors"]] == [
        (IDS[0], 502, REG),
        ("urn:misono:member:1", 400, None),
        ("urn:misono:member:3", 400, None),
    ]
    assert [one["error"].get("pointer", "")[:2] for one in told["errors"]] == ["", "/1", "/3"]


def test_what_its_source_does_not_serve_is_a_conflict(pair: tuple[Neighbour, Neighbour]) -> None:
    misono, aizu = pair
    misono.register(REG, "aizu", TYPE, operations=("retrieveEntity",), mode="redirect")
    reply = post(misono, "create", entity(IDS[0], speed=1), entity(IDS[2], speed=1))
    assert (reply.status, [one["error"]["title"] for one in body(reply)["errors"]]) == (207, ["Conflict"])
    assert (list(held(misono)), held(aizu)) == (IDS[2:], {})


def test_a_delete_reports_what_a_source_did_not_find(pair: tuple[Neighbour, Neighbour]) -> None:
    misono, _ = pair
    information = (Information((EntityInfo((TYPE,), IDS[0]),)),)
    misono.register(REG, "aizu", information=information, operations=SINGLE, mode="redirect")
    misono.json("POST", "/entities", body=entity(IDS[2], speed=1))
    reply = post(misono, "delete", IDS[0], IDS[2])
    assert reply.status == 207
    assert body(reply)["success"] == [IDS[2]]
    assert [(one["entityId"], one["error"]["status"]) for one in body(reply)["errors"]] == [(IDS[0], 404)]


@pytest.mark.parametrize(
    ("said", "success", "failed"),
    [
        ((201, None), IDS[:2], []),
        ((201, "nonsense"), IDS[:2], []),
        ((207, None), [], IDS[:2]),
        ((207, {"success": [IDS[0], "urn:x:other"], "errors": []}), IDS[:1], IDS[1:2]),
        (
            (207, {"success": 1, "errors": [{"entityId": IDS[0], "error": {"status": 409, "title": "x"}}, 7]}),
            [],
            IDS[:2],
        ),
        ((207, {"success": IDS[:2], "errors": [{"entityId": "urn:x:other", "error": {}}]}), IDS[:2], []),
        ((400, {"title": "no"}), [], IDS[:2]),
    ],
)
def test_only_what_was_sent_is_believed(
    pair: tuple[Neighbour, Neighbour], said: Any, success: list[str], failed: list[str]
) -> None:
    misono, _ = pair
    misono.register(REG, "aizu", TYPE, operations=BATCH, mode="redirect")
    misono.sources.said["aizu"] = said
    reply = post(misono, "create", *(entity(one, speed=1) for one in IDS[:2]))
    told = body(reply)
    if reply.status == 201:
        assert (told, []) == (success, failed)
    else:
        assert (told["success"], [one["entityId"] for one in told["errors"]]) == (success, failed)


def test_a_silent_source_is_not_asked_for_every_entity(pair: tuple[Neighbour, Neighbour]) -> None:
    misono, _ = pair
    misono.register(REG, "nowhere", TYPE, operations=SINGLE, mode="redirect")
    reply = post(misono, "create", *(entity(f"urn:ngsi-ld:Car:{one}", speed=1) for one in range(100)))
    assert (reply.status, len(body(reply)["errors"])) == (207, 100)
    assert len(misono.sources.asked) == 32


def test_members_keep_the_names_they_came_in(pair: tuple[Neighbour, Neighbour]) -> None:
    misono, _aizu = pair
    misono.register(REG, "aizu", TYPE, operations=BATCH, mode="redirect")
    context = {"rapidez": SPEED}
    members = [{**entity(one, rapidez=1), "@context": context} for one in IDS[:2]]
    raw = misono.send("POST", "/entityOperations/create", {"Content-Type": "application/ld+json"}, members)
    assert raw.status == 201
    (asked,) = misono.sources.asked
    assert asked.context == context
    assert asked.body == [entity(one, rapidez=1) for one in IDS[:2]]


def test_loops_end(pair: tuple[Neighbour, Neighbour]) -> None:
    misono, _ = pair
    misono.register(REG, "misono", TYPE, operations=SINGLE, mode="redirect")
    reply = post(misono, "create", entity(IDS[0], speed=1))
    assert (reply.status, [one["error"]["status"] for one in body(reply)["errors"]]) == (207, [508])


def test_local_keeps_it_here(pair: tuple[Neighbour, Neighbour]) -> None:
    misono, aizu = pair
    misono.register(REG, "aizu", TYPE, operations=BATCH, mode="redirect")
    assert post(misono, "create", entity(IDS[0], speed=1), query="?local=true").status == 201
    assert (list(held(misono)), held(aizu)) == (IDS[:1], {})


@pytest.mark.parametrize("operations", [SINGLE, BATCH])
def test_sources_that_were_asked_at_a_guess_need_not_know_the_entity(
    pair: tuple[Neighbour, Neighbour], operations: Any
) -> None:
    misono, aizu = pair
    misono.register(REG, "aizu", TYPE, operations=operations, mode="redirect")
    misono.register(REG + "2", "misono", NS + "Tram", operations=operations, mode="redirect")
    errors = [{"entityId": IDS[0], "error": {"status": 404}}]
    misono.sources.said["misono"] = (404, None) if operations is SINGLE else (207, {"success": [], "errors": errors})
    aizu.json("POST", "/entities", body=entity(IDS[0], speed=1))
    assert post(misono, "merge", {"id": IDS[0], "speed": {"type": "Property", "value": 2}}).status == 204
    assert held(aizu) == {IDS[0]: {"speed": 2}}
    assert post(misono, "delete", IDS[0]).status == 204


def test_a_long_batch_is_looked_through_in_a_thread(pair: tuple[Neighbour, Neighbour]) -> None:
    misono, aizu = pair
    misono.register(REG, "aizu", TYPE, operations=BATCH, mode="redirect")
    ids = [f"urn:ngsi-ld:Car:{one}" for one in range(60)]
    assert post(aizu, "create", *(entity(one, speed=1) for one in ids)).status == 201
    assert front_door(misono.doors)("POST", f"{ROOT}/entityOperations/delete", body=dump(ids)).status == 204
    assert held(aizu) == {}
