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
from tests.fakes.piped import Pipe, piped, until
from tests.outside.served import free_port

FOLDER = Path(__file__).resolve().parents[3] / "examples/misono/adapters"
FILES = ("meters.yaml", "houses.yaml", "smart-meters.yaml", "house-devices.yaml")
METER, BATTERY = "urn:ngsi-ld:ACMeasurement:misono:", "urn:ngsi-ld:StorageBatteryMeasurement:misono:"
SOLAR = "urn:ngsi-ld:PhotovoltaicMeasurement:misono:"


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


@pytest.fixture
def pipe(tmp_path: Path) -> Iterator[Pipe]:
    port, files = free_port(), {}
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
    with acting({**simulated, "houses": houses}, day), piped(tmp_path, files) as pipe:
        yield pipe


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
