"""Types, attributes and the broker's identity (clauses 5.7.5 to 5.7.10, 5.15.1)."""

from __future__ import annotations

import pytest

from broker.errors import ResourceNotFound
from broker.model import change
from broker.operations import discover
from broker.operations.broker import Broker
from broker.operations.identity import duration, source_identity
from tests.fakes.clock import START, FakeClock
from tests.fakes.house import NS, fill, make_broker, make_call, prop

CALL = make_call()
SPEED, NAME = f"{NS}speed", f"{NS}name"


@pytest.fixture
def broker() -> Broker:
    made = make_broker()
    fill(
        made,
        change.create({"id": "urn:c:1", "type": f"{NS}Car", SPEED: [prop(1), prop(2, datasetId="urn:d:1")]}, 0),
        change.create(
            {
                "id": "urn:c:2",
                "type": [f"{NS}Car", f"{NS}Bus"],
                SPEED: {"type": "Relationship", "object": "urn:x:1"},
                NAME: prop(1),
            },
            0,
        ),
    )
    return made


def test_types(broker: Broker) -> None:
    assert discover.list_types(broker, CALL)["typeList"] == ["Bus", "Car"]
    assert discover.list_types_in_detail(broker, CALL)[1] == {
        "id": f"{NS}Car",
        "type": "EntityType",
        "typeName": "Car",
        "attributeNames": ["name", "speed"],
    }
    car = discover.describe_type(broker, CALL, f"{NS}Car")
    assert car["entityCount"] == 2
    assert car["attributeDetails"] == [
        {"id": NAME, "type": "Attribute", "attributeName": "name", "attributeTypes": ["Property"]},
        {"id": SPEED, "type": "Attribute", "attributeName": "speed", "attributeTypes": ["Property", "Relationship"]},
    ]
    with pytest.raises(ResourceNotFound):
        discover.describe_type(broker, CALL, f"{NS}Truck")


def test_attributes(broker: Broker) -> None:
    assert discover.list_attributes(broker, CALL)["attributeList"] == ["name", "speed"]
    assert discover.list_attributes_in_detail(broker, CALL)[1] == {
        "id": SPEED,
        "type": "Attribute",
        "attributeName": "speed",
        "typeNames": ["Bus", "Car"],
    }
    speed = discover.describe_attribute(broker, CALL, SPEED)
    assert (speed["attributeCount"], speed["attributeTypes"]) == (3, ["Property", "Relationship"])
    with pytest.raises(ResourceNotFound):
        discover.describe_attribute(broker, CALL, f"{NS}colour")


def test_identity_is_of_the_tenant() -> None:
    clock = FakeClock()
    broker = make_broker(clock)
    clock.advance(93_605)
    found = source_identity(broker, make_call(tenant="east"), alias="misono", started_at=START)
    assert found["contextSourceAlias"] == "misono-east"
    assert found["contextSourceUptime"] == "P1DT2H0M5S"
    assert found["contextSourceTimeAt"] == "2026-01-02T02:00:05.000000Z"
    assert source_identity(broker, CALL, alias="misono", started_at=START)["contextSourceAlias"] == "misono"


def test_durations_never_go_below_nothing() -> None:
    assert duration(-3) == "P0DT0H0M0S"
