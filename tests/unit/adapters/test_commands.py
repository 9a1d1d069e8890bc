"""Commands from a write to a device and back: states, lifetimes, repetitions, restarts, answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.readings import Answered
from tests.fakes.clock import FakeClock
from tests.fakes.commanded import CHARGER, City, commanded

READY = {
    "id": CHARGER,
    "type": "EVChargingStation",
    "status": {"type": "Property", "value": "working"},
    "ratedPower": {"type": "Property", "value": 7.4, "unitCode": "KWT"},
}
LIMIT = {"type": "Property", "value": 3000, "unitCode": "WTT"}


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    with commanded(tmp_path, clock=FakeClock()) as found:
        assert found.create(READY).status == 201
        yield found


def test_a_change_becomes_a_command_and_its_status_is_told(city: City) -> None:
    assert city.patch(CHARGER, {"chargingLimit": {"type": "Property", "value": 3, "unitCode": "KWT"}}).status == 204
    city.settle()
    (order,) = city.link.orders
    assert (order.device.id, order.name, order.value, order.unit) == ("c1", "SetChargingProfile", 3000, "WTT")
    assert city.status() == "DELIVERED"
    city.answer(Answered(order.id, "OK", "done"))
    assert (city.status(), city.result()) == ("OK", "done")
    (command,) = city.commands()
    assert city.entity()["chargingLimitStatus"]["commandId"]["value"] == command.id == order.id
    assert command.by == city.entity()["chargingLimit"]["commandedBy"]["value"] == "anonymous"
