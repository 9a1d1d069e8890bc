"""Batches: order, neighbours, what is reported (clauses 5.5.11, 5.6.7 to 5.6.10, 5.6.20)."""

from __future__ import annotations

from typing import Any

import pytest

from broker.errors import AlreadyExists, BadRequestData, InvalidRequest, LdContextNotAvailable, ResourceNotFound
from broker.ldcontext.active import ActiveContext
from broker.model.values import Json
from broker.operations import batch
from broker.operations.batch import BatchResult
from broker.operations.broker import Broker
from tests.fakes.house import NS, make_broker, make_call

CALL = make_call()
SPEED = f"{NS}speed"


def car(number: int, speed: Any = 1, **more: Any) -> dict[str, Any]:
    return {"id": f"urn:c:{number}", "type": "Car", "speed": {"type": "Property", "value": speed}, **more}


@pytest.fixture
def broker() -> Broker:
    return make_broker()


def value(broker: Broker, number: int) -> Any:
    found: Any = broker.entities.get("", f"urn:c:{number}")
    return found.document[SPEED]["value"]


def failures(result: BatchResult) -> list[tuple[str, type, str]]:
    return [(one.entity_id, type(one.refusal), one.refusal.pointer) for one in result.errors]


def test_a_bad_member_never_harms_its_neighbours(broker: Broker) -> None:
    members: list[Json] = [car(1), 7, car(2, None), {"type": "Car"}, car(1, 5), car(3)]
    result = batch.batch_create(broker, CALL, members).result()
    assert result.success == result.created == ["urn:c:1", "urn:c:3"]
    assert failures(result) == [
        ("urn:misono:member:1", InvalidRequest, "/1"),
        ("urn:c:2", BadRequestData, "/2/speed/value"),
        ("urn:misono:member:3", BadRequestData, "/3/id"),
        ("urn:c:1", AlreadyExists, "/4/id"),
    ]
    assert value(broker, 1) == 1


@pytest.mark.parametrize("members", [[], [None], [{"id": "urn:c:1", "type": "Car"}, None], {}, "urn:c:1", None])
def test_an_array_without_members_or_with_a_null_is_bad_data(broker: Broker, members: Json) -> None:
    for operation in (batch.batch_create, batch.batch_upsert, batch.batch_update, batch.batch_merge):
        with pytest.raises(BadRequestData):
            operation(broker, CALL, members)
    with pytest.raises(BadRequestData):
        batch.batch_delete(broker, CALL, members)


def test_upsert_creates_once_then_replaces_or_updates_in_order(broker: Broker) -> None:
    result = batch.batch_upsert(broker, CALL, [car(1), car(1, 2, colour="red"), car(1, 3)]).result()
    assert result.success == ["urn:c:1"] * 3
    assert result.created == ["urn:c:1"]
    found: Any = broker.entities.get("", "urn:c:1")
    assert set(found.document) == {"id", "type", SPEED}
    result = batch.batch_upsert(broker, CALL, [car(1, 4), {"id": "urn:c:1", "type": "Bus", "x": 1}], "update").result()
    found = broker.entities.get("", "urn:c:1")
    assert set(found.document) == {"id", "type", SPEED, f"{NS}x"}
    assert found.types == [f"{NS}Car", f"{NS}Bus"]
    assert result.created == []
    assert result.errors == []


def test_update_without_overwrite_reports_what_it_left(broker: Broker) -> None:
    batch.batch_create(broker, CALL, [car(1), car(2), car(3)]).result()
    members: list[Json] = [
        car(1, 9),
        car(2, 9, colour="red"),
        {"id": "urn:c:3", "type": "Car", "colour": "red"},
        car(4),
    ]
    result = batch.batch_update(broker, CALL, members, overwrite=False).result()
    assert result.success == ["urn:c:2", "urn:c:3"]
    assert failures(result) == [
        ("urn:c:1", AlreadyExists, "/0/speed"),
        ("urn:c:2", AlreadyExists, "/1/speed"),
        ("urn:c:4", ResourceNotFound, "/3"),
    ]
    assert value(broker, 1) == value(broker, 2) == 1
    assert batch.batch_update(broker, CALL, [car(1, 9)]).result().errors == []
    assert value(broker, 1) == 9


def test_merge_runs_in_order_and_takes_nulls_away(broker: Broker) -> None:
    batch.batch_create(broker, CALL, [car(1, {"a": 1, "b": 1})]).result()
    members: list[Json] = [
        car(1, {"a": 2}),
        {"id": "urn:c:1", "speed": {"type": "Property", "value": {"b": "urn:ngsi-ld:null"}}},
        {"type": "Car"},
    ]
    result = batch.batch_merge(broker, CALL, members).result()
    assert value(broker, 1) == {"a": 2}
    assert failures(result) == [("urn:misono:member:2", BadRequestData, "/2/id")]


def test_delete_twice_finds_it_once(broker: Broker) -> None:
    batch.batch_create(broker, CALL, [car(1)]).result()
    result = batch.batch_delete(broker, CALL, ["urn:c:1", "urn:c:1", "no uri", 5]).result()
    assert result.success == ["urn:c:1"]
    assert failures(result) == [
        ("urn:c:1", ResourceNotFound, "/1"),
        ("no uri", BadRequestData, "/2"),
        ("urn:misono:member:3", BadRequestData, "/3"),
    ]


def test_each_member_is_read_in_its_own_context(broker: Broker) -> None:
    def names_of(member: Json) -> ActiveContext:
        if isinstance(member, dict) and member["id"] == "urn:c:2":
            raise LdContextNotAvailable("gone", pointer="/@context")
        return CALL.names

    result = batch.batch_create(broker, CALL, [car(1), car(2)], names_of).result()
    assert result.success == ["urn:c:1"]
    assert failures(result) == [("urn:c:2", LdContextNotAvailable, "/1/@context")]


def test_a_batch_of_nothing_good_writes_nothing(broker: Broker) -> None:
    result = batch.batch_delete(broker, CALL, ["no uri"]).result()
    assert (result.success, failures(result)) == ([], [("no uri", BadRequestData, "/0")])
