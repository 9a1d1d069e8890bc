"""An hour of a house, all its devices every five seconds, given again many times as fast: nothing is lost or doubled.

The house is simulated; its meter, solar panels and battery answer in frames of ECHONET Lite, its room sensor over
ChirpStack, its car over OCPP. What they said is written down beside the frames, and compared with the broker's history.
`MISONO_LONG=1` gives the hour in a minute, else it takes a few seconds.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import struct
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from adapters.codecs.echonet.message import CONTROLLER, Message, Service, build_message
from adapters.frame import Frame
from adapters.recorded import record_of
from adapters.simulated.day import Day
from adapters.simulated.echonet import House
from adapters.simulated.hybrid import Hybrid
from broker.model.values import to_text
from datamodels.yaml_text import parse_yaml
from tests.outside.served import Served, serving

SPEED = 60 if os.environ.get("MISONO_LONG") else 900
TICKS, EVERY_S = 720, 5
BEGUN_US = 1_795_392_000 * 1_000_000
CITY = Path(__file__).resolve().parents[3] / "examples/misono/adapters"
METER = {"D3": "00000001", "D7": "08", "E1": "03"}
ASKED = {"0288-1": (0xE0, 0xE3, 0xE7), "0279-1": (0xE0, 0xE1), "027D-1": (0xD3, 0xE4)}
GREEN, BATTERY = "https://smartdatamodels.org/dataModel.GreenEnergy/", "https://smartdatamodels.org/dataModel.Battery/"
ADAPTERS = {
    "house": ("echonet", "house-devices", "h1"),
    "meter": ("echonet", "smart-meters", "h1"),
    "rooms": ("chirpstack", "room-sensors", "24e124136b000001"),
    "charger": ("ocpp-1.6", "ev-chargers", "c1"),
}
pytestmark = pytest.mark.timeout(300)


@dataclass
class Hour:
    """The recorded frames by adapter, and what they say: (entity, attribute) -> values in their order."""

    frames: dict[str, list[Frame]] = field(default_factory=lambda: defaultdict(list))
    said: dict[tuple[str, str], list[float]] = field(default_factory=lambda: defaultdict(list))

    def say(self, entity: str, **values: float) -> None:
        """Write down what a frame says."""
        for name, value in values.items():
            self.said[f"urn:ngsi-ld:{entity}", name].append(value)


def lived() -> Hour:
    """The hour from nine o'clock."""
    hour, seconds = Hour(), [0.0]
    day, plant = Day(lambda: seconds[0], length_s=86_400.0), Hybrid()
    house = House(("meter", "solar", "battery"), plant)
    for tick in range(TICKS):
        seconds[0] = tick * EVERY_S
        house.go_on(day)
        at = BEGUN_US + tick * EVERY_S * 1_000_000
        for target, codes in ASKED.items():
            record(hour, house, target, codes, at)
        hour.say(
            "ACMeasurement:misono:h1",
            totalActivePower=round(plant.grid_w_in),
            totalActiveEnergyImport=round(plant.bought_wh) / 1000,
        )
        hour.say("PhotovoltaicMeasurement:misono:h1", activePower=round(plant.pv_w) / 1000)
        hour.say(
            "StorageBatteryMeasurement:misono:h1",
            activePower=round(plant.battery_w_in) / 1000,
            stateOfCharge=round(100 * plant.soc) / 100,
        )
        room(hour, tick, at)
        car(hour, tick, at)
    return hour


def record(hour: Hour, house: House, target: str, codes: tuple[int, ...], at: int) -> None:
    asked = Message(7, CONTROLLER, target, Service.GET, tuple((code, b"") for code in codes))
    answer = house.answer(asked)
    assert answer is not None
    about = METER if target.startswith("0288") else {}
    adapter = "meter" if target.startswith("0288") else "house"
    hour.frames[adapter].append(Frame(build_message(answer), at, "h1", target, about=about))


def room(hour: Hour, tick: int, at: int) -> None:
    tenths, halves = 215 + tick % 30, 100 + tick % 7
    data = b"\x03\x67" + struct.pack("<h", tenths) + b"\x04\x68" + bytes([halves])
    body = {
        "deduplicationId": f"dedup-{tick}",
        "time": to_text(at),
        "deviceInfo": {"devEui": "24e124136b000001", "deviceProfileName": "Milesight EM300-TH", "tags": {"room": "h1"}},
        "fCnt": tick,
        "fPort": 85,
        "data": base64.b64encode(data).decode(),
    }
    channel = "application/watch-over/device/24e124136b000001/event/up"
    hour.frames["rooms"].append(Frame(json.dumps(body).encode(), at, "24e124136b000001", channel))
    values = {"temperature": tenths / 10, "relativeHumidity": halves * 0.5 / 100}
    hour.say("IndoorEnvironmentObserved:misono:h1", **values)


def car(hour: Hour, tick: int, at: int) -> None:
    energy, power = 1_000_000 + tick * 8, 5_000 + tick
    sampled = [
        {"value": str(energy), "measurand": "Energy.Active.Import.Register", "unit": "Wh"},
        {"value": str(power), "measurand": "Power.Active.Import", "unit": "W"},
    ]
    meter = [{"timestamp": to_text(at), "sampledValue": sampled}]
    call = [2, f"call-{tick}", "MeterValues", {"connectorId": 1, "meterValue": meter}]
    about = {"protocol": "ocpp1.6", "connector": "1"}
    hour.frames["charger"].append(Frame(json.dumps(call).encode(), at, "c1", "MeterValues", about=about))
    hour.say("ACMeasurement:misono:c1:1", totalActiveEnergyImport=energy / 1000, totalActivePower=power)


@pytest.fixture(scope="module")
def hour() -> Hour:
    return lived()


@pytest.fixture(name="broker")
def broker_with_the_house(hour: Hour, tmp_path: Path) -> Iterator[Served]:
    folder = tmp_path / "adapters"
    folder.mkdir()
    for mapping in {mapping for _, mapping, _ in ADAPTERS.values()}:
        shutil.copy(CITY / f"{mapping}.yaml", folder)
    for name, (codec, mapping, device) in ADAPTERS.items():
        lines = (json.dumps(record_of(frame), ensure_ascii=False) for frame in hour.frames[name])
        (tmp_path / f"{name}.jsonl").write_text("\n".join(lines) + "\n")
        settings = {
            "adapter": name,
            "link": {"kind": "replay", "file": f"../{name}.jsonl", "speed": SPEED},
            "codec": codec_of(folder / f"{mapping}.yaml", codec),
            "mapping": mapping,
            "devices": [{"id": device}],
        }
        (folder / f"{name}-adapter.yaml").write_text(json.dumps(settings))
    with serving(tmp_path / "data", "--adapters", str(folder), "--temporal-page", "2000") as served:
        yield served


def codec_of(mapping: Path, kind: str) -> Any:
    """The codec of the mapping's file, where it has settings of its own."""
    document = parse_yaml(mapping.read_text())
    assert isinstance(document, dict)
    own = document.get("codec", {})
    return own if isinstance(own, dict) and own.get("kind") == kind else {"kind": kind}


def counted(served: Served) -> Mapping[str, float]:
    """The counters of adapters, added up."""
    found: dict[str, float] = defaultdict(float)
    for line in httpx.get(f"{served.root}/metrics", timeout=10).text.splitlines():
        if line.startswith("misono_adapter_") and " " in line:
            found[line.split()[0].partition("{")[0]] += float(line.rpartition(" ")[2])
    return found


def history(served: Served, entity: str, attribute: str) -> list[float]:
    """All values that an attribute had, the oldest first."""
    asked = {
        "options": "temporalValues",
        "timeproperty": "observedAt",
        "timerel": "after",
        "timeAt": "2020-01-01T00:00:00Z",
    }
    answer = served.http.get(f"/temporal/entities/{entity}", params=asked)
    assert answer.status_code == 200, answer.text
    found = next(value for name, value in answer.json().items() if name.rpartition("/")[2] == attribute)
    return [value for value, at in sorted(found["values"], key=lambda pair: str(pair[1]))]


def test_the_counters_are_the_sums_of_the_frames(hour: Hour, broker: Served) -> None:
    number, began = sum(map(len, hour.frames.values())), time.monotonic()
    end = began + TICKS * EVERY_S / SPEED + 60
    while counted(broker)["misono_adapter_frames_total"] < number or counted(broker)["misono_adapter_queue_depth"]:
        assert time.monotonic() < end, counted(broker)
        time.sleep(0.2)
    took_s = time.monotonic() - began
    counts = counted(broker)
    assert counts["misono_adapter_quarantined_total"] == 0, counts
    assert counts["misono_adapter_repeated_total"] == 0
    wrong = []
    for (entity, attribute), values in hour.said.items():
        found = history(broker, entity, attribute)
        if found != pytest.approx(values):
            wrong.append((entity, attribute, len(found), sum(found), sum(values)))
    print(f"\nfigure hour_frames {number}\nfigure hour_wrong {len(wrong)} {len(hour.said)}")
    print(f"figure hour_took_s {took_s:.1f}\nfigure hour_speed {SPEED}")
    assert not wrong
