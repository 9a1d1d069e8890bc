"""Devices that fall silent are told of by an Alert, until they speak again."""

from __future__ import annotations

import json
from pathlib import Path

from adapters.alerting import ALERT, NAMES, alert_id, raised
from adapters.device import Device
from adapters.frame import Frame
from adapters.mapping_files import packaged_contexts
from tests.fakes.clock import FakeClock
from tests.fakes.hubs import HeldHub
from tests.fakes.piped import Pipe, piped, until

CITY = {
    "sensors.yaml": """
adapter: sensors
link: hand
codec: {kind: json}
mapping: rooms
devices:
  - {id: s1, offline_after_s: 60}
  - {id: s2, offline_after_s: 3600}
  - {id: s3, offline_after_s: 60, tenant: annex}
""",
    "rooms.yaml": """
mapping: rooms
version: 1
entities:
  - {id: "urn:ngsi-ld:Room:misono:{device}", type: Room, attributes: {warmth: t}}
""",
}
S1, S3 = ("", "urn:ngsi-ld:Alert:sensors:s1:offline"), ("annex", "urn:ngsi-ld:Alert:sensors:s3:offline")


def speak(pipe: Pipe, device: str) -> None:
    pipe.give("sensors", Frame(json.dumps({"t": 20}).encode(), pipe.now(), device=device))


def alerts(hub: HeldHub) -> set[tuple[str, str]]:
    return {place for place, one in hub.entities.items() if one["type"] == ALERT}


def test_an_alert_comes_and_goes(tmp_path: Path) -> None:
    clock, hub = FakeClock(), HeldHub()
    with piped(tmp_path, CITY, clock=clock, hub=hub) as pipe:
        speak(pipe, "s1")
        clock.advance(50)
        pipe.assembled.running.tend()
        speak(pipe, "s3")
        pipe.settle()
        assert alerts(hub) == set()
        clock.advance(20)
        pipe.assembled.running.tend()
        pipe.settle()
        assert alerts(hub) == {S1}
        said = hub.entities[S1]
        assert said[NAMES["alertSource"]] == {"type": "Property", "value": "sensors/s1"}
        clock.advance(60)
        pipe.assembled.running.tend()
        pipe.settle()
        assert alerts(hub) == {S1, S3}
        speak(pipe, "s1")
        pipe.settle()
        assert alerts(hub) == {S3}
        assert sum(one["id"] == S1[1] for _, batch in hub.batches for one in batch) == 1, "told of once"


def test_it_is_withdrawn_after_a_restart_and_while_nobody_listened_nobody_was_silent(tmp_path: Path) -> None:
    clock, hub = FakeClock(), HeldHub()
    with piped(tmp_path, CITY, clock=clock, hub=hub) as pipe:
        speak(pipe, "s3")
        clock.advance(100)
        pipe.assembled.running.tend()
        pipe.settle()
        assert alerts(hub) == {S1, S3}
        speak(pipe, "s3")
    clock.advance(7_200)
    with piped(tmp_path, CITY, clock=clock, hub=hub) as pipe:
        clock.advance(30)
        pipe.assembled.running.tend()
        pipe.settle()
        assert alerts(hub) == {S1}, "s2 and s3 had no chance to be heard"
        speak(pipe, "s1")
        pipe.settle()
        assert alerts(hub) == set()


def test_an_alert_of_a_device_that_is_no_longer_provisioned_goes(tmp_path: Path) -> None:
    clock, hub = FakeClock(), HeldHub()
    with piped(tmp_path, CITY, clock=clock, hub=hub) as pipe:
        clock.advance(100)
        pipe.assembled.running.tend()
        pipe.settle()
        assert alerts(hub) == {S1, S3}
    fewer = {**CITY, "sensors.yaml": CITY["sensors.yaml"].replace("  - {id: s1, offline_after_s: 60}\n", "")}
    with piped(tmp_path, fewer, clock=clock, hub=hub) as pipe:
        clock.advance(10)
        pipe.assembled.running.tend()
        until(lambda: alerts(hub) == {S3})


def test_its_names_are_those_of_the_model(tmp_path: Path) -> None:
    names = packaged_contexts()("https://misono.example/contexts/sdm-alert-v1.jsonld")
    assert names.expand("Alert") == ALERT
    assert {name: names.expand(name) for name in NAMES} == NAMES
    tenant, fragment = raised(Device("a b/ü", "sensors"), 0, 1_000_000)
    assert (tenant, fragment["id"]) == ("", alert_id(Device("a b/ü", "sensors")))
    assert str(fragment["id"]).isascii()
