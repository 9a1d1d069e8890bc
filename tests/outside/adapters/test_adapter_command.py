"""`misono serve --adapters` and `misono adapter …`, as a person starts them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any, TypeVar

import pytest

from broker.__main__ import main
from tests.fakes import plain
from tests.outside.served import Served, free_port, serving

ROOT = Path(__file__).resolve().parents[3]
T = TypeVar("T")
SENSORS = """
adapter: sensors
link: {{kind: replay, file: {frames}, speed: 0}}
codec: {{kind: json}}
mapping: rooms
devices: [{{id: s1, address: "192.0.2.1"}}]
groups: [{{name: all, key: a-key-of-a-group, new: true}}]
"""
ROOMS = """
mapping: rooms
version: 1
entities:
  - {id: "urn:ngsi-ld:Room:misono:{device}", type: Room, attributes: {warmth: {from: t, unit: CEL}}}
"""
ROOM = "/entities/urn:ngsi-ld:Room:misono:s1"


def frames(*said: tuple[str, Any]) -> str:
    lines = [{"device": device, "received_at": "2026-11-23T03:00:00Z", "json": {"t": value}} for device, value in said]
    return "".join(json.dumps(line) + "\n" for line in lines)


@pytest.fixture
def city(tmp_path: Path) -> Path:
    folder = tmp_path / "city"
    folder.mkdir()
    (folder / "sensors.yaml").write_text(SENSORS.format(frames="frames.jsonl"))
    (folder / "rooms.yaml").write_text(ROOMS)
    (folder / "frames.jsonl").write_text(frames(("s1", 20), ("s1", "warm"), ("s9", 20)))
    return folder


@dataclass
class Said:
    returncode: int
    stdout: str
    stderr: str


def misono(*words: str | Path) -> Said:
    """The command in this process: starting one takes longer than all that is asked."""
    with redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as err:
        code = main(["adapter", *map(str, words)])
    return Said(code, out.getvalue(), err.getvalue())


def until(met: Callable[[], T]) -> T:
    end = time.monotonic() + 30
    while not (found := met()):
        assert time.monotonic() < end
        time.sleep(0.05)
    return found


@pytest.fixture
def hub(tmp_path: Path, city: Path) -> Iterator[Served]:
    with serving(tmp_path / "hub", "--adapters", str(city)) as served:
        yield served


def test_inside_a_hub(hub: Served, city: Path) -> None:
    until(lambda: hub.http.get(ROOM).status_code == 200)
    assert hub.http.get(ROOM).json()["warmth"]["value"] == 20
    health = plain.get(hub.root + "/health").json()
    assert health["parts"]["adapters"] == "ok"
    assert 'misono_adapter_frames_total{adapter="sensors"} 3' in plain.get(hub.root + "/metrics").text

    listed = misono("quarantine", "list", "--json", "--data", hub.data)
    kept = [json.loads(line) for line in listed.stdout.splitlines()]
    assert [(one["device"], one["reason"]) for one in kept] == [("s1", "wrong_type"), ("s9", "unknown_device")]
    assert json.loads(misono("quarantine", "show", str(kept[1]["number"]), "--data", hub.data).stdout) == kept[1]
    assert misono("quarantine", "discard", "--data", hub.data).returncode == 2, "nobody said which"
    asked = misono("quarantine", "replay", "--reason", "unknown_device", "--all", "--data", hub.data)
    assert asked.stdout.startswith("1 to be taken once more")
    again = until(lambda: newer(hub, kept[1]["number"]))
    assert again is not None
    assert again["reason"] == "unknown_device"
    assert "2 discarded" in misono("quarantine", "discard", "--all", "--data", hub.data).stdout

    refused = misono("run", "--adapters", city, "--data", hub.data, "--hub", hub.root)
    assert refused.returncode == 2
    assert "another process runs adapters there" in refused.stderr

    erased = plain.post(hub.root + "/admin/erasures", json={"entityId": "urn:ngsi-ld:Room:misono:s1"}).json()
    assert "adapter_device" in erased["gone"]
    assert hub.http.get(ROOM).status_code == 404


def newer(hub: Served, number: int) -> dict[str, Any] | None:
    found = misono("quarantine", "list", "--json", "--after", str(number), "--data", hub.data).stdout.splitlines()
    return json.loads(found[0]) if found else None


def test_beside_a_hub_that_is_not_there_yet(tmp_path: Path, city: Path) -> None:
    port = free_port()
    words = ["run", str(city / "sensors.yaml"), "--hub", f"http://127.0.0.1:{port}", "--data", str(tmp_path / "own")]
    environment = {**os.environ, "MISONO_HUB_TOKEN": "not-a-real-one"}
    command = [sys.executable, "-m", "broker", "adapter", *words]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True) as adapter:
        until((tmp_path / "own/adapters.sqlite").exists)
        with serving(tmp_path / "hub", port=port) as hub:
            until(lambda: hub.http.get(ROOM).status_code == 200)
        adapter.send_signal(signal.SIGTERM)
        _, log = adapter.communicate(timeout=30)
    assert adapter.returncode == 0, log
    assert "not-a-real-one" not in log


def test_what_cannot_begin_says_why(tmp_path: Path, city: Path) -> None:
    nobody = misono("run", "metres", "--adapters", city, "--data", tmp_path / "own")
    assert (nobody.returncode, "no file says adapter: metres; there are sensors" in nobody.stderr) == (2, True)
    (city / "bad.jsonl").write_text('{"device": "s1", "payload": "x"}\n{"device": 7, "payload": "x"}\n')
    bad = misono("replay", "sensors", city / "bad.jsonl", "--adapters", city, "--data", tmp_path / "own")
    assert (bad.returncode, "bad.jsonl, line 2: device: a text" in bad.stderr) == (2, True)
    (city / "sensors.yaml").write_text(SENSORS.format(frames="gone.jsonl"))
    gone = misono("run", "--adapters", city, "--data", tmp_path / "own")
    assert (gone.returncode, "sensors.yaml: link/file: a file that is there" in gone.stderr) == (2, True)
    assert misono("quarantine", "list", "--data", tmp_path).returncode == 2


def test_the_list_shows_no_key(city: Path) -> None:
    told = misono("list", "--adapters", city)
    assert told.stdout.splitlines() == [
        "sensors  replay, json, mapping rooms",
        "  s1  192.0.2.1  rooms",
        "  group all  key …roup  takes new devices",
    ]
