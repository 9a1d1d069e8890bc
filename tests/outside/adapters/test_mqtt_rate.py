"""2,000 MQTT messages a second, through mosquitto, an adapter and its queue, to entities on the disk: none is lost.

Short with every change; MQTT_S seconds and an outage of OUTAGE_S as a figure (tools/figures/adapters.py).
"""

from __future__ import annotations

import json
import os
import signal
import statistics
import threading
import time
from pathlib import Path

import pytest
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from tests.outside.adapters.mqtt_publisher import KEY
from tests.outside.adapters.sensors import TEMPERATURE, Sensors, iri, sensors

RATE, DEVICES = 2_050, 500
PROBES = 2
LOOK_S = 0.01


class Prober(threading.Thread):
    """Publishes a value, looks for it in the hub until it is there, and again: `latencies_s`."""

    def __init__(self, city: Sensors, name: str) -> None:
        super().__init__(daemon=True)
        self._city, self._name = city, name
        self._client = paho.Client(CallbackAPIVersion.VERSION2)
        self._client.connect("127.0.0.1", city.mosquitto.port)
        self._client.loop_start()
        self._ended = threading.Event()
        self.latencies_s: list[float] = []

    def run(self) -> None:
        number = 0
        while not self._ended.wait(0.02):
            number += 1
            began = time.monotonic()
            self._client.publish(f"/json/{KEY}/{self._name}/attrs", json.dumps({"t": number}), 1)
            while not self._is_there(number) and not self._ended.is_set():
                time.sleep(LOOK_S)
            self.latencies_s.append(time.monotonic() - began)

    def _is_there(self, number: int) -> bool:
        found = self._city.get(f"/entities/{iri(self._name)}")
        return found is not None and found[TEMPERATURE]["value"] == number

    def end(self) -> list[float]:
        """What it measured."""
        self._ended.set()
        self.join(30)
        self._client.disconnect()
        self._client.loop_stop()
        return self.latencies_s


def p99(samples: list[float]) -> float:
    return statistics.quantiles(samples, n=100)[98]


@pytest.mark.timeout(600)
def test_two_thousand_messages_a_second_become_entities_and_none_is_lost(tmp_path: Path) -> None:
    seconds = float(os.environ.get("MQTT_S", "4"))
    with sensors(tmp_path) as city:
        city.start_hub()
        city.start_adapter()
        publishing = city.publish(RATE, seconds, DEVICES)
        time.sleep(0.5)
        probers = [Prober(city, f"probe{number}") for number in range(PROBES)]
        for prober in probers:
            prober.start()
        took_s = city.sent_in_s(publishing, seconds * 3 + 30)
        each = round(RATE * seconds / DEVICES)
        latencies = [one for prober in probers for one in prober.end()]
        city.wait_until_written(f"s{DEVICES - 1}", each - 1, 60)
        lost, doubled = city.compare(DEVICES, each)
        print(f"\nfigure mqtt_rate {RATE * seconds / took_s:.0f} {each * DEVICES}")
        print(f"figure mqtt_lost {lost} {each * DEVICES}\nfigure mqtt_doubled {doubled} {each * DEVICES}")
        print(f"figure mqtt_p99_s {p99(latencies):.3f} {len(latencies)}")
        assert (lost, doubled) == (0, 0)


@pytest.mark.timeout(900)
def test_what_is_sent_while_the_hub_is_stopped_arrives_after(tmp_path: Path) -> None:
    outage = float(os.environ.get("OUTAGE_S", "3"))
    seconds = outage + 2
    with sensors(tmp_path) as city:
        city.start_hub()
        city.start_adapter()
        publishing = city.publish(RATE, seconds, DEVICES)
        time.sleep(1)
        city.stop_hub()
        time.sleep(outage)
        city.start_hub()
        city.sent_in_s(publishing, seconds * 3 + 30)
        each, began = round(RATE * seconds / DEVICES), time.monotonic()
        city.wait_until_written(f"s{DEVICES - 1}", each - 1, 60 + 3 * seconds)
        lost, doubled = city.compare(DEVICES, each)
        print(f"\nfigure outage_lost {lost} {each * DEVICES}\nfigure outage_doubled {doubled} {each * DEVICES}")
        print(f"figure outage_drained_s {time.monotonic() - began:.1f}")
        assert (lost, doubled) == (0, 0)


def test_what_mosquitto_holds_for_a_hub_that_was_killed_with_its_adapter_arrives_after(tmp_path: Path) -> None:
    rate, seconds, devices = 500, 5, 100
    with sensors(tmp_path) as city:
        options = ("--adapters", str(tmp_path / "files"))
        city.start_hub(*options)
        city.wait_until_connected("hub.log")
        publishing = city.publish(rate, seconds, devices)
        for _ in range(2):
            time.sleep(1)
            city.stop_hub(signal.SIGKILL)
            city.start_hub(*options)
        city.sent_in_s(publishing, 60)
        each = rate * seconds // devices
        city.wait_until_written(f"s{devices - 1}", each - 1, 30)
        assert city.compare(devices, each) == (0, 0)
