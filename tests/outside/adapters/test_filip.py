"""A client that nobody here wrote provisions devices: PyPI `filip` 0.8.1, as it comes from the registry.

It brings half a hundred packages, so it lives in an environment of its own under var/, made on first use.
"""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

from tests.fakes import plain
from tests.outside.client_python import client_python
from tests.outside.served import Served, serving

ROOT = Path(__file__).resolve().parents[3]
REQUIREMENT = "filip==0.8.1"
DRIVE = Path(__file__).with_name("filip_drive.py")
PATIENCE_S = 10.0


def commanded(served: Served) -> dict[str, int]:
    """What the sensor is told when it asks for its commands, once somebody has written the attribute."""
    blink = {"blink": {"type": "Property", "value": 3}}
    written = served.http.post("/entities/urn:ngsi-ld:Sensor:1/attrs", json=blink, headers={"NGSILD-Tenant": "filip"})
    assert written.status_code == 204, written.text
    end = time.monotonic() + PATIENCE_S
    while True:
        asked = plain.get(f"{served.root}/iot/json?k=filip-api-key-0123456789&i=sensor-1&getCmd=1", timeout=30)
        assert asked.status_code == 200, asked.text
        told: dict[str, int] = asked.json()
        if told or time.monotonic() > end:
            return told
        time.sleep(0.1)


def test_a_real_client_provisions_devices_that_are_heard_and_commanded(tmp_path: Path) -> None:
    folder = tmp_path / "adapters"
    folder.mkdir()
    (folder / "sensors.yaml").write_text("adapter: sensors\nlink: http\ncodec: iota-json\n")
    python = client_python("filip-venv", REQUIREMENT)
    with serving(tmp_path / "data", "--adapters", str(folder)) as served:
        ended = subprocess.run(
            [str(python), str(DRIVE), served.root], capture_output=True, text=True, check=False, timeout=60
        )
        assert ended.returncode == 0, ended.stderr[-3000:]
        assert ended.stdout.strip().endswith("done")
        described = plain.get(f"{served.root}/openapi.json").json()["paths"]
        assert {"/iot/devices/{device}", "/admin/quarantine/replay", "/ngsi-ld/v1/entities"} <= described.keys()
        end = time.monotonic() + PATIENCE_S
        while True:
            answer = served.http.get("/entities/urn:ngsi-ld:Sensor:1", headers={"NGSILD-Tenant": "filip"})
            if answer.status_code == 200 and "humidity" in answer.json():
                break
            assert time.monotonic() < end, answer.text
            time.sleep(0.05)
        assert commanded(served) == {"blink": 3}
    found = answer.json()
    assert (found["temperature"]["value"], found["humidity"]["value"]) == (22, 40)
    assert (found["floor"]["value"], found["type"]) == (2, "Sensor")
