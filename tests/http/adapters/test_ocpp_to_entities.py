"""The district's own files at work: simulated charging stations, the central system, the mapping; and back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from adapters.order import Order
from adapters.quarantine import Chosen
from adapters.simulated.day import Day
from adapters.simulated.ocpp import simulate
from broker.model.values import Json
from datamodels.yaml_text import parse_yaml
from tests.fakes.piped import Pipe, piped, until
from tests.outside.served import free_port

FOLDER = Path(__file__).resolve().parents[3] / "examples/misono/adapters"
MISONO = "urn:ngsi-ld:{}:misono:"
STATION, SESSION, METER = (MISONO.format(name) for name in ("EVChargingStation", "ChargingSession", "ACMeasurement"))
DAY_S = 24.0


@contextmanager
def district(folder: Path) -> Iterator[Pipe]:
    """The adapter `chargers` on a port of its own, with its simulated stations in a hurry."""
    port = free_port()
    files = {name: (FOLDER / name).read_text(encoding="utf-8") for name in ("chargers.yaml", "ev-chargers.yaml")}
    files["chargers.yaml"] = files["chargers.yaml"].replace("9000", str(port)).replace("every_s: 5", "every_s: 0.1")
    settings = parse_yaml(files["chargers.yaml"])
    assert isinstance(settings, dict)
    with piped(folder, files) as pipe, acting(settings["simulated"]):
        yield pipe


@contextmanager
def acting(settings: Json) -> Iterator[None]:
    """The simulated stations, in a thread."""
    assert isinstance(settings, dict)
    loop, began = asyncio.new_event_loop(), time.monotonic()
    task = loop.create_task(simulate(settings, Day(lambda: time.monotonic() - began, DAY_S)))

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


def found(pipe: Pipe, type_: str, met: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """An entity of that type, as soon as one is so."""

    def look() -> dict[str, Any] | None:
        every = pipe.hub.query("", type_)
        return next(
            (one for one in every if met({name.rpartition("/")[2]: value for name, value in one.items()})), None
        )

    entity = until(look)
    return {name.rpartition("/")[2]: value for name, value in (entity or {}).items()}


@pytest.fixture(scope="module")
def pipe(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipe]:
    with district(tmp_path_factory.mktemp("district")) as pipe:
        yield pipe


def test_a_bus_that_was_charged_is_a_session_with_its_vehicle(pipe: Pipe) -> None:
    session = found(
        pipe,
        "https://misono.example/def/ChargingSession",
        lambda one: (
            "endedAt" in one
            and one["id"].startswith(SESSION + "bus:")
            and one.get("peakPower", {}).get("value") == 300_000
        ),
    )
    assert session["station"]["object"] == STATION + "bus:1"
    assert session["vehicle"]["object"] == MISONO.format("Vehicle") + "bus-1"
    assert session["energy"]["unitCode"] == "WHR"
    assert 10_000 < session["energy"]["value"] <= 160_000, "what the battery of a bus has room for"
    assert session["peakPower"]["unitCode"] == "WTT"
    assert 0 < session["stateOfChargeStart"]["value"] < session["stateOfChargeEnd"]["value"] <= 1
    unit = pipe.entity(STATION + "bus:1")
    assert unit["https://smartdatamodels.org/dataModel.Transportation/chargingUnitId"]["value"] == "1"


def test_units_count_into_their_station(pipe: Pipe) -> None:
    hall = found(
        pipe,
        "https://smartdatamodels.org/dataModel.Transportation/EVChargingStation",
        lambda one: one["id"] == STATION + "hall" and one.get("availableCapacity", {}).get("value") == 1,
    )
    assert hall["status"]["value"] == "working"


def test_a_limit_is_what_then_flows(pipe: Pipe) -> None:
    found(
        pipe,
        "https://smartdatamodels.org/dataModel.Transportation/EVChargingStation",
        lambda one: one["id"] == STATION + "bus:1",
    )
    device = next(one for one in pipe.assembled.running.parts.registry.of_adapter("chargers") if one.id == "bus")
    order = Order("cmd-1", device, "SetChargingProfile", 90_000, "WTT", part="1")
    assert pipe.assembled.running.send(order).result(10).status == "OK"
    found(
        pipe,
        "https://smartdatamodels.org/dataModel.Energy/ACMeasurement",
        lambda one: one["id"] == METER + "bus:1" and one.get("totalActivePower", {}).get("value") == 90_000,
    )
    cleared = Order("cmd-2", device, "ClearChargingProfile", value=True, part="1")
    assert pipe.assembled.running.send(cleared).result(10).status == "OK"


def test_nothing_of_it_was_quarantined(pipe: Pipe) -> None:
    found(
        pipe,
        "https://smartdatamodels.org/dataModel.Energy/ACMeasurement",
        lambda one: one["id"].startswith(METER + "hall"),
    )
    assert pipe.assembled.running.quarantine.find(Chosen()) == []
