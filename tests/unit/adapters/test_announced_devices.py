"""What an MQTT server's devices announced: whose a state topic is, and how many may have their state on one."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from adapters.codecs.home_assistant import make_codec
from adapters.frame import BadFrame
from adapters.links import mqtt_discovery
from adapters.links.mqtt_discovery import Discovery

PREFIX = "homeassistant"


def announce(discovery: Discovery, device: str, name: str, topic: str, **more: Any) -> list[str]:
    body = {"stat_t": topic, "dev": {"ids": [device]}, **more}
    return discovery.take(f"{PREFIX}/sensor/{device}/{name}/config", json.dumps(body).encode())


def said(discovery: Discovery, topic: str) -> dict[str, list[str]]:
    """The quantities by device that a message is read for."""
    codec = make_codec({"kind": "home-assistant"})
    frames = [codec.decode(one)[0] for one in discovery.frames(topic, b"1", 0)]
    return {readings.device: [one.quantity for one in readings.readings] for readings in frames}


def test_a_topic_is_that_of_all_who_announced_it_until_they_take_it_back() -> None:
    discovery = Discovery(PREFIX)
    assert announce(discovery, "d1", "a", "x") == ["x"]
    announce(discovery, "d1", "b", "x")
    announce(discovery, "d2", "a", "x")
    assert said(discovery, "x") == {"d1": ["a", "b"], "d2": ["a"]}
    announce(discovery, "d1", "a", "y")
    assert (said(discovery, "x"), said(discovery, "y")) == ({"d1": ["b"], "d2": ["a"]}, {"d1": ["a"]})
    assert discovery.take(f"{PREFIX}/sensor/d1/a/config", b"") == []
    assert said(discovery, "y") == said(discovery, "nobody's") == {}


def test_one_message_does_not_become_thousands_of_frames() -> None:
    discovery = Discovery(PREFIX)
    for number in range(50):
        announce(discovery, f"d{number}", "a", "x")
    with pytest.raises(BadFrame, match="50 devices"):
        announce(discovery, "one-more", "a", "x")
    announce(discovery, "d1", "b", "x")
    announce(discovery, "one-more", "a", "y")
    assert len(said(discovery, "x")) == 50
    components = {f"c{number}": {"p": "sensor", "stat_t": "z"} for number in range(200)}
    for number in range(2):
        topic = f"{PREFIX}/device/e{number}/config"
        discovery.take(topic, json.dumps({"dev": {"ids": [f"e{number}"]}, "cmps": components}).encode())
    with pytest.raises(BadFrame, match="500 components"):
        discovery.take(f"{PREFIX}/device/e3/config", json.dumps({"cmps": components}).encode())


def test_an_announcement_costs_no_more_where_many_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    discovery = Discovery(PREFIX)
    for number in range(9_000):
        announce(discovery, f"d{number}", "a", f"t{number}")
    began = time.perf_counter()
    for number in range(20):
        announce(discovery, f"d{number}", "a", f"t{number}", unit_of_meas="W")
        assert len(said(discovery, f"t{number}")) == 1
    assert time.perf_counter() - began < 0.5
    monkeypatch.setattr(mqtt_discovery, "ANNOUNCED_MAX", 9_000)
    with pytest.raises(BadFrame, match="9,000 components"):
        announce(discovery, "new", "a", "tn")
