"""The district's own files at work: simulated houses on loopback, their meters, panels and batteries as entities."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from adapters.order import Order
from adapters.quarantine import Chosen
from adapters.simulated.day import Day
from adapters.simulated.echonet import simulate
from datamodels.yaml_text import parse_yaml
from tests.fakes.commanded import City, commanded
from tests.fakes.piped import Pipe, piped, until
from tests.outside.served import free_port

FOLDER = Path(__file__).resolve().parents[3] / "examples/misono/adapters"
FILES = ("meters.yaml", "houses.yaml", "smart-meters.yaml", "house-devices.yaml")
METER, BATTERY = "urn:ngsi-ld:ACMeasurement:misono:", "urn:ngsi-ld:StorageBatteryMeasurement:misono:"
DEVICE, SOLAR = "urn:ngsi-ld:StorageBatteryDevice:misono:", "urn:ngsi-ld:PhotovoltaicMeasurement:misono:"

LINK = '<https://misono.example/contexts/sdm-battery-v1.jsonld>; rel="http://www.w3.org/ns/json-ld#context"'


@contextmanager
def acting(settings: dict[str, Any], day: Day) -> Iterator[None]:
    """The houses, in a thread."""
    loop = asyncio.new_event_loop()
    task = loop.create_task(simulate(settings, day))

    def run() -> None:
        with suppress(asyncio.CancelledError):
            loop.run_until_complete(task)

    thread = Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join()
        loop.close()


@contextmanager
def acting_houses(port: int) -> Iterator[dict[str, str]]:
    """The simulated houses at a port, and the files that ask them there."""
    files = {}
    for name in FILES:
        text = (FOLDER / name).read_text(encoding="utf-8")
        text = text.replace("multicast: false", f"multicast: false\n  port: {port}").replace(
            "every_s: 5", "every_s: 0.2"
        )
        files[name] = text
    settings = parse_yaml(files["houses.yaml"])
    assert isinstance(settings, dict)
    simulated: Any = settings["simulated"]
    houses = [{**house, "address": f"{house['address']}:{port}"} for house in simulated["houses"]]
    began = time.monotonic()
    day = Day(lambda: time.monotonic() - began, length_s=60, starts_at=11)
    with acting({**simulated, "houses": houses}, day):
        yield files


@pytest.fixture
def pipe(tmp_path: Path) -> Iterator[Pipe]:
    with acting_houses(free_port()) as files, piped(tmp_path, files) as pipe:
        yield pipe


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    with acting_houses(free_port()) as files, commanded(tmp_path, files, start=True) as city:
        yield city


def attribute(pipe: Pipe, entity_id: str, name: str) -> Any:
    entity = pipe.hub.entity("", entity_id) or {}
    return next((one for term, one in entity.items() if term.rpartition("/")[2] == name), None)


def value(pipe: Pipe, entity_id: str, name: str) -> Any:
    return (attribute(pipe, entity_id, name) or {}).get("value")


def test_houses_become_entities_that_move_and_take_commands(pipe: Pipe) -> None:
    until(lambda: (value(pipe, SOLAR + "h1", "activePower") or 0) > 2)
    assert attribute(pipe, SOLAR + "h1", "activePower")["unitCode"] == "KWT"
    until(lambda: value(pipe, BATTERY + "h2", "stateOfCharge") is not None)
    assert 0.2 < value(pipe, BATTERY + "h2", "stateOfCharge") < 1
    until(lambda: value(pipe, METER + "h1", "totalActivePower") is not None)
    sold = until(lambda: value(pipe, METER + "h1", "totalActiveEnergyExport"))
    until(lambda: value(pipe, METER + "h1", "totalActiveEnergyExport") > sold)
    device = next(one for one in pipe.assembled.running.parts.registry.of_adapter("houses") if one.id == "h1")
    order = Order("cmd-1", device, "027D/operationMode", "discharging")
    assert pipe.assembled.running.send(order).result(10).result == "discharging"
    until(lambda: value(pipe, BATTERY + "h1", "batteryStatus") == "givingEnergy")
    assert pipe.assembled.running.quarantine.find(Chosen()) == []


def test_a_battery_is_commanded_within_what_it_says_it_can(city: City) -> None:
    battery, device = BATTERY + "h1", DEVICE + "h1"
    until(lambda: any(name.endswith("/chargePower") and one["value"] == 5 for name, one in city.entity(device).items()))
    until(lambda: city.entity(battery))

    def told(value: float, unit: str, becomes: str) -> str:
        fragment = {"chargingPower": {"type": "Property", "value": value, "unitCode": unit}}
        assert city.send("PATCH", f"/entities/{battery}/attrs", fragment, LINK).status in (204, 207)
        until(lambda: city.status("chargingPower", battery) == becomes)
        return str(city.result("chargingPower", battery))

    assert told(1.5, "KWT", "OK") == "1500"
    assert told(5_001, "WTT", "ERROR").startswith("5001 WTT is more than 5000 WTT")
