"""A house, all its devices every 5 s, replayed many times as fast: the broker's counters are the sums of the frames.

`make figures` takes a whole hour at 60 times its speed (HOUR_FRAMES=720 HOUR_SPEED=60), a test run a quarter of it.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from broker.model.values import to_instant, to_text
from tests.outside.served import Served, start, stop

ROOT = Path(__file__).resolve().parents[3]
SPEED = float(os.environ.get("HOUR_SPEED", "900"))
FIRST = to_instant("2026-11-23T03:00:00Z")
EVERY_S, FRAMES = 5, int(os.environ.get("HOUR_FRAMES", "180"))
UNIT_WH = 0.1
"""The meter counts in 0.0001 kWh: 72 W for 5 s are one unit, so that counters are exact."""
SMD = "https://smartdatamodels.org/dataModel."
METER, SOLAR = "urn:ngsi-ld:ACMeasurement:misono:h1", "urn:ngsi-ld:PhotovoltaicMeasurement:misono:h1"
BATTERY = "urn:ngsi-ld:StorageBatteryMeasurement:misono:h1"
ROOMS = {number: f"urn:ngsi-ld:IndoorEnvironmentObserved:misono:h1:{number}-1" for number in ("0011", "0012", "001B")}


@dataclass
class Hour:
    """Frames of both adapters, and what they sum up to: entity, attribute -> sum; how many frames say each."""

    meters: list[dict[str, Any]] = field(default_factory=list)
    houses: list[dict[str, Any]] = field(default_factory=list)
    sums: dict[tuple[str, str], float] = field(default_factory=dict)
    counter_units: int = 1_000

    def add(self, entity: str, attribute: str, value: float) -> None:
        self.sums[entity, attribute] = self.sums.get((entity, attribute), 0.0) + value


def answer(number: int, of: str, properties: dict[int, bytes]) -> str:
    """An ECHONET Lite answer (Get_Res) of an object, as hexadecimal digits."""
    listed = b"".join(bytes([code, len(data)]) + data for code, data in sorted(properties.items()))
    head = b"\x10\x81" + number.to_bytes(2, "big") + bytes.fromhex(of + "01") + bytes.fromhex("05ff01")
    return (head + bytes([0x72, len(properties)]) + listed).hex()


def recorded_hour() -> Hour:
    hour = Hour()
    assert FIRST is not None
    for number in range(FRAMES):
        at = to_text(FIRST + number * EVERY_S * 1_000_000)

        def said(channel: str, properties: dict[int, bytes], number: int = number, at: str = at) -> dict[str, Any]:
            hex_ = answer(number, channel, properties)
            return {"device": "h1", "channel": f"{channel}-1", "received_at": at, "hex": hex_}

        turn = 2 * math.pi * number / FRAMES
        units = 10 + number % 7
        hour.counter_units += units
        energy = {0xD3: wide(1), 0xD7: b"\x08", 0xE1: b"\x04", 0xE0: wide(hour.counter_units)}
        hour.meters.append(said("0288", {**energy, 0xE7: wide(72 * units)}))
        hour.add(METER, f"{SMD}Energy/totalActivePower", 72 * units)
        solar, battery = round(2_000 + 1_500 * math.sin(turn)), round(1_000 * math.cos(turn))
        hour.houses.append(said("0279", {0xE0: solar.to_bytes(2, "big")}))
        hour.add(SOLAR, f"{SMD}GreenEnergy/activePower", solar / 1000)
        hour.houses.append(
            said("027D", {0xD3: battery.to_bytes(4, "big", signed=True), 0xE4: bytes([40 + number % 50])})
        )
        hour.add(BATTERY, f"{SMD}Battery/activePower", battery / 1000)
        hour.add(BATTERY, f"{SMD}Battery/stateOfCharge", (40 + number % 50) / 100)
        warm, humid, co2 = 180 + number % 60, 40 + number % 30, 600 + number % 400
        hour.houses.append(said("0011", {0xE0: warm.to_bytes(2, "big", signed=True)}))
        hour.add(ROOMS["0011"], f"{SMD}Environment/temperature", warm / 10)
        hour.houses.append(said("0012", {0xE0: bytes([humid])}))
        hour.add(ROOMS["0012"], f"{SMD}Environment/relativeHumidity", humid / 100)
        hour.houses.append(said("001B", {0xE0: co2.to_bytes(2, "big")}))
        hour.add(ROOMS["001B"], f"{SMD}Environment/co2", co2)
    return hour


def wide(value: int) -> bytes:
    return value.to_bytes(4, "big")


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Served]:
    served = start(tmp_path / "hub", "--temporal-page", "100000")
    yield served
    stop(served)


def replay(directory: Path, name: str, frames: list[dict[str, Any]], hub: Served) -> subprocess.Popen[str]:
    file = directory / f"{name}.jsonl"
    file.write_text("".join(json.dumps(one) + "\n" for one in frames))
    command = [sys.executable, "-m", "broker", "adapter", "replay", name, str(file), "--speed", str(SPEED)]
    options = ["--hub", hub.root, "--adapters", str(directory / "city"), "--data", str(directory / name)]
    return subprocess.Popen([*command, *options], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def history(hub: Served, entity: str) -> dict[str, Any]:
    """The entity's simplified history of the hour: attribute -> [[value, observedAt], …]."""
    found = hub.http.get(
        f"/temporal/entities/{entity}",
        params={"options": "temporalValues", "timerel": "after", "timeAt": "2026-11-23T02:59:59Z"},
    )
    assert found.status_code == 200, found.text
    told: dict[str, Any] = found.json()
    return told


def test_the_counters_are_the_sums_of_the_frames(tmp_path: Path, hub: Served) -> None:
    shutil.copytree(ROOT / "examples/misono/adapters", tmp_path / "city")
    hour, began = recorded_hour(), time.monotonic()
    replays = [replay(tmp_path, "meters", hour.meters, hub), replay(tmp_path, "houses", hour.houses, hub)]
    for one in replays:
        told, log = one.communicate(timeout=600)
        assert one.returncode == 0, told + log
    took = time.monotonic() - began
    missing = 0
    for (entity, attribute), wanted in hour.sums.items():
        values = [value for value, _ in history(hub, entity)[attribute]["values"]]
        missing += abs(FRAMES - len(values))
        assert sum(values) == pytest.approx(wanted, rel=1e-9), attribute
    counter = hub.http.get(f"/entities/{METER}").json()[f"{SMD}Energy/totalActiveEnergyImport"]
    off = abs(counter["value"] * 1_000 - hour.counter_units * UNIT_WH)
    assert counter["observedAt"] == hour.meters[-1]["received_at"]
    print(f"figure hour_frames {len(hour.meters) + len(hour.houses)}")
    print(f"figure hour_missing {missing}")
    print(f"figure hour_counter_off_wh {off:.6f}")
    assert missing == 0
    assert off < 1e-6
    assert took >= (FRAMES - 1) * EVERY_S / SPEED
