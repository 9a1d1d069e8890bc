"""From simulated inverters and a recorded gateway, over their protocols, to entities by the city's own mappings."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from adapters.device import Device
from adapters.order import Order
from adapters.simulated.day import Day
from adapters.simulated.sunspec import simulate
from tests.fakes.piped import Pipe, piped
from tests.outside.adapters.digital_grid_session import session
from tests.outside.served import free_port

ADAPTERS = Path(__file__).resolve().parents[3] / "examples/misono/adapters"
NOON = Day(time.monotonic, length_s=1e9, starts_at=11.5)
PATIENCE_S = 10.0


def mapping(name: str) -> dict[str, str]:
    return {f"{name}.yaml": (ADAPTERS / f"{name}.yaml").read_text(encoding="utf-8")}


@contextmanager
def inverter(port: int) -> Iterator[None]:
    """A simulated house on a loop of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    serving = asyncio.run_coroutine_threadsafe(simulate({"port": port, "units": [{"serial": "H1"}]}, NOON), loop)
    try:
        yield
    finally:
        serving.cancel()
        asyncio.run_coroutine_threadsafe(asyncio.sleep(0.05), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def value(pipe: Pipe, entity_id: str, name: str) -> Any:
    """The value of an attribute whose IRI ends so; None as long as it is not there."""
    found: dict[str, Any] = pipe.hub.entity("", entity_id) or {}
    instances = [one for iri, one in found.items() if iri.rpartition("/")[2] == name or iri == name]
    if not instances:
        return None
    return instances[0].get("value", instances[0].get("vocab", instances[0].get("object")))


def until(pipe: Pipe, met: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not met():
        assert time.monotonic() < end, pipe.assembled.running.states()
        time.sleep(0.02)


def test_an_inverter_becomes_the_battery_the_panels_and_the_meter_of_a_house(tmp_path: Path) -> None:
    port = free_port()
    files = {
        **mapping("hybrid-inverters"),
        "inverters.yaml": f"""
adapter: inverters
link: {{kind: modbus, every_s: 0.1}}
codec: {{kind: sunspec}}
mapping: hybrid-inverters
devices:
  - {{id: h1, address: "127.0.0.1:{port}"}}
""",
    }
    battery = "urn:ngsi-ld:StorageBatteryMeasurement:misono:h1"
    with inverter(port), piped(tmp_path, files) as pipe:
        until(pipe, lambda: value(pipe, battery, "activePower") is not None)
        until(pipe, lambda: value(pipe, battery, "stateOfCharge") is not None)
        assert value(pipe, battery, "activePower") == 3.0, "it charges: positive"
        assert value(pipe, battery, "stateOfCharge") == 0.55
        assert value(pipe, "urn:ngsi-ld:PhotovoltaicMeasurement:misono:h1", "activePower") == 4.0
        assert value(pipe, "urn:ngsi-ld:ACMeasurement:misono:h1", "totalActivePower") == -685, "the house sells"
        device = pipe.assembled.running.parts.registry.find("inverters", "h1")
        delivered = pipe.assembled.running.send(Order("cmd-1", device, "WSet_in", 2000, "WTT")).result(PATIENCE_S)
        assert (delivered.status, delivered.result) == ("OK", 2000)
        until(pipe, lambda: value(pipe, "urn:ngsi-ld:ACMeasurement:misono:h1", "totalActivePower") == 2315)
        counts = pipe.assembled.running.adapters["inverters"].counts
        assert sum(counts.quarantined.values()) == 0


def test_routers_become_routers_and_legs(tmp_path: Path) -> None:
    with session() as gateway:
        files = {
            **mapping("digital-grid-routers"),
            "routers.yaml": f"""
adapter: routers
link: {{kind: digital-grid, url: "{gateway.url}", every_s: 0.1}}
codec: {{kind: digital-grid, time: hub}}
mapping: digital-grid-routers
devices:
  - {{id: h1, options: {{unit: E001}}}}
  - {{id: h2, options: {{unit: E002}}}}
""",
        }
        with piped(tmp_path, files) as pipe:
            line, router = "urn:ngsi-ld:DigitalGridLeg:misono:h1-interchange", "urn:ngsi-ld:DigitalGridRouter:misono:h1"
            until(pipe, lambda: value(pipe, line, "activePower") == 0)
            until(pipe, lambda: value(pipe, router, "stateOfCharge") == 0.6481)
            for device, mode in (("h1", "form"), ("h2", "charge")):
                command: Any = {"mode": mode, "voltage": 350, "current": 2.3 if mode == "form" else 2}
                found: Device = pipe.assembled.running.parts.registry.find("routers", device)
                order = Order("cmd-1", found, "exchange", command)
                assert pipe.assembled.running.send(order).result(PATIENCE_S).status == "OK"
            until(pipe, lambda: value(pipe, line, "activePower") == 700.0)
            until(
                pipe, lambda: value(pipe, "urn:ngsi-ld:DigitalGridLeg:misono:h2-interchange", "activePower") == -700.0
            )
            assert str(value(pipe, router, "operationMode")).endswith("autonomous")
            assert value(pipe, line, "refRouter") == router
