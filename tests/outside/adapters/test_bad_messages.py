"""Bad messages over MQTT: each is quarantined with its reason, counted, and ends nothing."""

from __future__ import annotations

import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.fakes.mosquitto import Mosquitto, program
from tests.outside.served import Served, free_port, serving

KEY = "k7f3-all-the-rooms"
ADAPTER = """
adapter: rooms
link: {{kind: mqtt, url: "mqtt://127.0.0.1:{port}", topics: ["/json/{{key}}/{{device}}/attrs", "up/{{device}}"]}}
codec: {{kind: json, at: at, sequence: seq}}
mapping: rooms
devices:
  - {{id: r1, key: {key}}}
  - {{id: r2}}
"""
MAPPING = """
mapping: rooms
version: 1
entities:
  - {id: "urn:ngsi-ld:Room:{device}", type: Room, attributes: {warmth: {from: t, unit: CEL, as: number}}}
"""


def publish(server: Mosquitto, topic: str, payload: bytes) -> None:
    words = [program("mosquitto_pub"), "-p", str(server.port), "-q", "1", "-t", topic, "-s"]
    subprocess.run(words, input=payload, check=True, timeout=20)


def said(hub: Served, path: str) -> Any:
    return hub.http.get(f"{hub.root}{path}")


def warmth(hub: Served, device: str) -> Any:
    """Of its room, once that is there."""
    for _ in range(100):
        found = hub.http.get(f"/entities/urn:ngsi-ld:Room:{device}")
        if found.status_code == 200:
            return found.json()["warmth"]["value"]
        time.sleep(0.1)
    raise AssertionError(device)


def counted(hub: Served) -> dict[str, int]:
    """Quarantined frames by reason, as /metrics counts them."""
    found = {}
    for line in said(hub, "/metrics").text.splitlines():
        if line.startswith("misono_adapter_quarantined_total{"):
            name, number = line.rsplit(" ", 1)
            found[name.partition('reason="')[2].partition('"')[0]] = int(float(number))
    return found


def test_each_is_quarantined_with_its_reason_and_the_good_ones_go_on(tmp_path: Path) -> None:
    now = datetime.now(UTC)  # noqa: TID251 - the devices' own clock
    at, last_year = (moment.isoformat() for moment in (now, now - timedelta(days=365)))
    mine = f"/json/{KEY}/r1/attrs"
    bad = {
        "truncated": (mine, b'{"t": 21'),
        "not_json": (mine, b'{"t": 21, "t": 22}'),
        "wrong_type": (mine, b'{"t": {"of": 21}, "at": "soon"}'),
        "oversized": (mine, b'{"t": "' + b"x" * (1 << 20) + b'"}'),
        "wrong_key": ("/json/guessed/r1/attrs", b'{"t": 21}'),
        "unknown_device": (f"/json/{KEY}/r9/attrs", b'{"t": 21}'),
        "clock": (mine, f'{{"t": 21, "at": "{last_year}"}}'.encode()),
        "replayed": ("up/r2", f'{{"t": 99, "seq": 7, "at": "{at}"}}'.encode()),
        "unmapped": ("up/r2", b'{"humidity": 0.4}'),
    }
    files = tmp_path / "files"
    files.mkdir()
    with Mosquitto(tmp_path, free_port()) as server:
        (files / "rooms.yaml").write_text(ADAPTER.format(port=server.port, key=KEY))
        (files / "mapping.yaml").write_text(MAPPING)
        with serving(tmp_path / "hub", "--adapters", str(files)) as hub:
            while "is connected to" not in (tmp_path / "hub.log").read_text():
                time.sleep(0.05)
            publish(server, "up/r2", f'{{"t": 20, "seq": 7, "at": "{at}"}}'.encode())
            for topic, payload in bad.values():
                publish(server, topic, payload)
            publish(server, mine, b'{"t": 23}')
            assert warmth(hub, "r1") == 23
            assert warmth(hub, "r2") == 20
            assert counted(hub) == dict.fromkeys(bad, 1)
            listed = said(hub, "/admin/quarantine").json()
            assert sorted(one["reason"] for one in listed) == sorted(bad)
            assert KEY not in said(hub, "/admin/quarantine").text
            assert said(hub, "/health").json()["status"] == "ok"
