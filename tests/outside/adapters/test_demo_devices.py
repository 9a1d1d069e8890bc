"""The devices of `misono demo`: they are not there, and speak their real protocols all the same."""

from __future__ import annotations

import re
import signal
import time
from pathlib import Path

import httpx

from tests.fakes import plain
from tests.outside.served import free_port
from tests.outside.test_demo import START_S_MAX, demo

PROTOCOLS = {"mqtt": "rooms", "echonet": "houses", "sunspec": "inverters", "ocpp": "chargers"}
MOVED = (
    ("PhotovoltaicMeasurement:misono:h1", "activePower"),
    ("PhotovoltaicMeasurement:misono:h3", "activePower"),
    ("IndoorEnvironmentObserved:misono:h3-living", "temperature"),
    ("EVChargingStation:misono:bus:1", "observationDateTime"),
)


def test_devices_speak_their_own_protocols_in_the_demo(tmp_path: Path) -> None:
    """MQTT, ECHONET Lite, SunSpec and OCPP reach the adapters, and the entities move."""
    port = free_port()
    process = demo(tmp_path / "data", port, tmp_path / "log", "--speed", "600")
    try:
        root = f"http://127.0.0.1:{port}"
        seen: dict[str, set[str]] = {entity: set() for entity, _ in MOVED}
        end = time.monotonic() + 2 * START_S_MAX
        while min(map(len, seen.values())) < 3 and time.monotonic() < end:
            for entity, attribute in MOVED:
                answer = plain.get(f"{root}/ngsi-ld/v1/entities/urn:ngsi-ld:{entity}?options=keyValues")
                found = answer.json() if answer.status_code == httpx.codes.OK else {}
                seen[entity] |= {str(value) for name, value in found.items() if name.rpartition("/")[2] == attribute}
            time.sleep(0.2)
        metrics = plain.get(f"{root}/metrics").text
        frames = {
            name: f'misono_adapter_frames_total{{adapter="{name}"}} 0' not in metrics for name in PROTOCOLS.values()
        }
        assert all(frames.values()), metrics
        assert min(map(len, seen.values())) >= 3, seen
        quarantined = re.findall(r"misono_adapter_quarantined_total{.*", metrics)
        print(f"\nfigure demo_protocols {sum(frames.values())}\nfigure demo_moving {len(seen)}")
        print(f"figure demo_quarantined {len(quarantined)}")
        assert not quarantined
        assert "violations_total{" not in metrics
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
