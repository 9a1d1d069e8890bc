"""Uplinks of LoRaWAN become rooms: over Debian's mosquitto as network servers publish them, and as a webhook."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from adapters.link import Serves
from broker.http.messages import Request
from datamodels.yaml_text import parse_yaml
from tests.fakes.mosquitto import Mosquitto, program
from tests.fakes.piped import Pipe, piped, until
from tests.outside.served import free_port

ROOT = Path(__file__).resolve().parents[3]
FRAMES, MAPPING = ROOT / "tests/frames", ROOT / "examples/misono/adapters/room-sensors.yaml"
ROOM, SOIL = (f"urn:ngsi-ld:IndoorEnvironmentObserved:misono:{name}" for name in ("h1-living", "soil"))
SECRET = "try-out-0123456789"  # noqa: S105  nobody's


def adapter(name: str, link: dict[str, Any], codec: dict[str, Any]) -> str:
    """JSON is YAML too."""
    devices: list[dict[str, Any]] = [{"id": "24e124136b000001"}, {"id": "soil-7", "options": {"tag_room": "soil"}}]
    clock = {"early_s": 1e9, "late_s": 3e9}  # the frames are of a day of their own
    body = {"adapter": name, "link": link, "codec": codec, "mapping": "room-sensors", "clock": clock}
    return json.dumps({**body, "devices": devices})


def recorded(name: str) -> dict[str, Any]:
    body: dict[str, Any] = json.loads((FRAMES / f"{name}.json").read_text(encoding="utf-8"))
    return body


def publish(server: Mosquitto, name: str, *more: str) -> None:
    """As the network server does, with Debian's client."""
    frame = recorded(name)
    words = ["-p", str(server.port), "-q", "1", "-t", frame["channel"], "-m", frame["payload"], *more]
    subprocess.run([program("mosquitto_pub"), *words], check=True, timeout=10)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path, free_port()) as server:
        yield server


@pytest.fixture
def pipe(tmp_path: Path, server: Mosquitto) -> Iterator[Pipe]:
    mapping = MAPPING.read_text(encoding="utf-8")
    body: Any = parse_yaml(mapping)
    mqtt = {"kind": "mqtt", "url": f"mqtt://127.0.0.1:{server.port}"}
    files = {
        "room-sensors.yaml": mapping,
        "chirp.yaml": adapter("chirp", {**mqtt, "topics": "application/+/device/{device}/event/#"}, body["codec"]),
        "ttn.yaml": adapter("ttn", {**mqtt, "topics": "v3/+/devices/{device}/up"}, {"kind": "ttn"}),
        "hook.yaml": adapter("hook", {"kind": "http", "secret": SECRET}, {"kind": "chirpstack"}),
    }
    with piped(tmp_path, files) as pipe:
        yield pipe


def test_uplinks_over_mqtt_become_rooms_and_repetitions_nothing(pipe: Pipe, server: Mosquitto) -> None:
    publish(server, "chirpstack/object_up", "-r")  # retained: they are there whenever the adapter comes
    publish(server, "ttn/decoded_up", "-r")
    until(lambda: pipe.hub.entity("", ROOM))
    until(lambda: pipe.hub.entity("", SOIL))
    publish(server, "chirpstack/object_up")
    until(lambda: pipe.counts("chirp").repeated == 1)
    publish(server, "chirpstack/join")
    publish(server, "chirpstack/status")
    until(lambda: pipe.counts("chirp").frames == 4)
    temperatures = {entity: by_term(pipe, entity, "temperature") for entity in (ROOM, SOIL)}
    assert {entity: (one["value"], one["unitCode"]) for entity, one in temperatures.items()} == {
        ROOM: (21.5, "CEL"),
        SOIL: (22.7, "CEL"),
    }
    assert temperatures[SOIL]["observedAt"].startswith("2026-11-23T03:00:00.095873")
    assert pipe.reasons() == []


def test_a_uplink_that_is_pushed_with_the_secret_becomes_a_room_and_no_other(pipe: Pipe) -> None:
    link = pipe.assembled.running.adapters["hook"].link
    assert isinstance(link, Serves)
    body = recorded("chirpstack/webhook_up")["payload"].encode()

    def push(secret: str) -> int:
        headers = {"content-type": "application/json", "x-misono-secret": secret}
        request = Request("POST", "/iot/hooks/hook", "event=up", headers, body)
        status: int = pipe.assembled.running.call(link.serve(request)).result(10).status
        return status

    assert push("wrong") in (401, 403)
    assert pipe.hub.entity("", ROOM) is None
    assert push(SECRET) == 200
    assert until(lambda: pipe.hub.entity("", ROOM))
    assert by_term(pipe, ROOM, "temperature")["value"] == 21.5


def by_term(pipe: Pipe, entity: str, term: str) -> Any:
    return next(one for name, one in pipe.entity(entity).items() if name.rpartition("/")[2] == term)
