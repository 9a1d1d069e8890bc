"""A city of sensors: mosquitto, an adapter of theirs, a hub, and what each of them must have written in the end."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.fakes.mosquitto import Mosquitto
from tests.outside import served
from tests.outside.adapters.mqtt_publisher import KEY

HERE = Path(__file__).parent
TYPE = "https://smartdatamodels.org/dataModel.Environment/IndoorEnvironmentObserved"
TEMPERATURE = "https://smartdatamodels.org/dataModel.Environment/temperature"
OPTIONS = ("allow_anonymous true", "max_queued_messages 0", "max_inflight_messages 0")
ADAPTER = """
adapter: sensors
link: {{kind: mqtt, url: "mqtt://127.0.0.1:{port}"}}
codec: {{kind: iota-json}}
mapping: sensors
groups:
  - {{name: all, key: {key}, new: true, new_max: 5000}}
"""
MAPPING = """
mapping: sensors
version: 1
context: https://misono.example/contexts/sdm-environment-v1.jsonld
entities:
  - id: "urn:ngsi-ld:IndoorEnvironmentObserved:misono:{device}"
    type: IndoorEnvironmentObserved
    attributes:
      temperature: {from: t, unit: CEL}
      relativeHumidity: {from: h}
"""


def iri(device: str) -> str:
    """The entity of a device."""
    return f"urn:ngsi-ld:IndoorEnvironmentObserved:misono:{device}"


@dataclass
class Sensors:
    """The servers, and where they keep what is theirs."""

    directory: Path
    mosquitto: Mosquitto
    port: int = field(default_factory=served.free_port)
    adapter: subprocess.Popen[bytes] | None = None
    hub: served.Served | None = None

    def start_hub(self, *options: str) -> served.Served:
        """The hub, on the data that it has."""
        self.hub = served.start(self.directory / "hub", *options, port=self.port)
        return self.hub

    def stop_hub(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End it."""
        assert self.hub is not None
        self.hub.http.close()
        self.hub.process.send_signal(how)
        self.hub.process.wait(served.STOP_S_MAX)
        self.hub = None

    def start_adapter(self) -> None:
        """The adapter in a process of its own."""
        command = [sys.executable, "-m", "broker", "adapter", "run", str(self.directory / "files/sensors.yaml")]
        command += ["--hub", f"http://127.0.0.1:{self.port}", "--data", str(self.directory / "adapter")]
        with (self.directory / "adapter.log").open("ab") as log:
            self.adapter = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        self.wait_until_connected("adapter.log")

    def wait_until_connected(self, log: str) -> None:
        """The link is there, so that mosquitto keeps its messages from now on."""
        for _ in range(300):
            if "is connected to" in (self.directory / log).read_text():
                return
            time.sleep(0.05)
        raise AssertionError((self.directory / log).read_text())

    def publish(self, rate: int, seconds: float, devices: int) -> subprocess.Popen[bytes]:
        """Begin to publish."""
        words = [str(self.mosquitto.port), str(rate), str(seconds), str(devices)]
        environment = os.environ | {"PYTHONPATH": str(HERE.parents[2])}
        command = [sys.executable, str(HERE / "mqtt_publisher.py"), *words]
        return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE)

    def sent_in_s(self, publishing: subprocess.Popen[bytes], seconds: float) -> float:
        """How long it took to send everything, once the server has acknowledged it."""
        said, _ = publishing.communicate(timeout=seconds)
        assert publishing.returncode == 0
        return float(said)

    def get(self, path: str) -> Any:
        """One GET of a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("GET", f"/ngsi-ld/v1{path}")
            answer = connection.getresponse()
            body = answer.read()
            return json.loads(body) if answer.status == 200 else None
        finally:
            connection.close()

    def wait_until_written(self, device: str, number: int, seconds: float) -> None:
        """The newest value of a device has been written."""
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            found = self.get(f"/entities/{iri(device)}")
            if found is not None and found[TEMPERATURE]["value"] == number:
                return
            time.sleep(0.1)
        raise AssertionError(f"{device}: {self.get(f'/entities/{iri(device)}')}, not {number}")

    def history(self, device: str) -> list[int]:
        """Every value of a device that was written, in the order of its clock."""
        found = self.get(f"/temporal/entities/{iri(device)}?attrs={TEMPERATURE}&options=temporalValues&lastN=1000")
        return [] if found is None else [value for value, _ in found[TEMPERATURE]["values"]]

    def compare(self, devices: int, each: int) -> tuple[int, int]:
        """How many messages were lost, and how many are there twice."""
        lost = doubled = 0
        for device in range(devices):
            found = self.history(f"s{device}")
            lost += each - len(set(found) & set(range(each)))
            doubled += len(found) - len(set(found))
        return lost, doubled

    def close(self) -> None:
        """End what runs."""
        if self.adapter is not None:
            self.adapter.kill()
            self.adapter.wait(10)
        if self.hub is not None:
            self.stop_hub(signal.SIGKILL)


@contextmanager
def sensors(directory: Path) -> Iterator[Sensors]:
    """Mosquitto, and the files of the adapter; nothing else runs yet."""
    files = directory / "files"
    files.mkdir()
    with Mosquitto(directory, served.free_port(), OPTIONS) as mosquitto:
        (files / "sensors.yaml").write_text(ADAPTER.format(port=mosquitto.port, key=KEY))
        (files / "mapping.yaml").write_text(MAPPING)
        city = Sensors(directory, mosquitto)
        try:
            yield city
        finally:
            city.close()
