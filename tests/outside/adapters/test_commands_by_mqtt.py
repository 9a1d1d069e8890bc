"""A command all the way to a device that nobody here wrote: mosquitto, mosquitto_sub and mosquitto_pub."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from pathlib import Path

from tests.fakes.commanded import CHARGER, FILES, READY, City, commanded
from tests.fakes.mosquitto import Mosquitto, program

ADAPTER = """
adapter: chargers
link: {kind: mqtt, url: "mqtt://127.0.0.1:%d", keys: [k1]}
codec: {kind: iota-json}
mapping: chargers
devices:
  - {id: c1, key: k1, entity_id: "urn:ngsi-ld:EVChargingStation:misono:c1"}
"""
WAIT_S = 10.0


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def heard(port: int) -> subprocess.Popen[str]:
    """A device that waits for one command."""
    words = [program("mosquitto_sub"), "-p", str(port), "-t", "/k1/c1/cmd", "-C", "1", "-v", "-q", "1", "-W", "20"]
    return subprocess.Popen(words, stdout=subprocess.PIPE, text=True)


def said(port: int, topic: str, payload: str) -> None:
    words = [program("mosquitto_pub"), "-p", str(port), "-q", "1", "-t", topic, "-m", payload]
    subprocess.run(words, check=True, timeout=20)


def becomes(city: City, status: str) -> None:
    end = time.monotonic() + WAIT_S
    while city.status() != status:
        assert time.monotonic() < end, (city.status(), city.result(), city.commands())
        time.sleep(0.02)


def test_a_device_is_commanded_over_mqtt_and_answers(tmp_path: Path) -> None:
    port = free_port()
    files = {**FILES, "chargers.yaml": ADAPTER % port}
    with Mosquitto(tmp_path, port), commanded(tmp_path, files, store="sqlite", start=True) as city:
        assert city.create(READY).status == 201
        with heard(port) as device:
            time.sleep(0.5)  # mosquitto_sub does not tell when it has subscribed
            limit = {"type": "Property", "value": 3, "unitCode": "KWT"}
            assert city.patch(CHARGER, {"chargingLimit": limit}).status == 204
            assert device.stdout is not None
            topic, _, payload = device.stdout.readline().partition(" ")
            assert device.wait(20) == 0
        assert (topic, json.loads(payload)) == ("/k1/c1/cmd", {"SetChargingProfile": 3000})
        becomes(city, "DELIVERED")
        said(port, "/json/k1/c1/cmdexe", json.dumps({"SetChargingProfile": "limited"}))
        becomes(city, "OK")
        assert city.result() == "limited"
        assert city.events() == ["made", "sending", "delivered", "ok"]


def test_a_server_that_is_away_gets_the_command_when_it_is_back(tmp_path: Path) -> None:
    port = free_port()
    files = {**FILES, "chargers.yaml": ADAPTER % port}
    with commanded(tmp_path, files, store="sqlite", start=True) as city:
        assert city.create(READY).status == 201
        limit = {"type": "Property", "value": 3, "unitCode": "KWT"}
        assert city.patch(CHARGER, {"chargingLimit": limit}).status == 204
        becomes(city, "PENDING")
        with Mosquitto(tmp_path, port):
            becomes(city, "DELIVERED")
        assert "not_reached" in city.events()
