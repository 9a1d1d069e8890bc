"""Home Assistant's discovery: announcements in their many forms, and templates that are understood or refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from adapters.codecs.ha_discovery import Component, component_of, read_discovery
from adapters.codecs.home_assistant import COMPONENTS, make_codec, read_template
from adapters.frame import BadFrame, Frame
from adapters.readings import Reading
from broker.model.values import Json

TOPIC = "homeassistant/sensor/n1/o1/config"


def announced(body: Any, topic: str = TOPIC) -> list[Component]:
    return read_discovery(topic, json.dumps(body).encode())


def say(component: Component, payload: bytes, **settings: Any) -> Reading:
    about = {COMPONENTS: json.dumps([component.to_json()])}
    [said] = make_codec({"kind": "home-assistant", **settings}).decode(Frame(payload, 0, "d", "t", about=about))
    return said.readings[0]


@pytest.mark.parametrize(
    ("body", "device"),
    [
        ({"dev": {"ids": ["a", "b"]}}, "a"),
        ({"device": {"identifiers": "a"}}, "a"),
        ({"device": {"identifiers": ["a", "b"], "connections": [["mac", "02:00"]]}}, "a"),
        ({"dev": {"cns": [["mac", "02:00"]]}}, "02:00"),
        ({"dev": {"name": "x"}}, "n1"),
        ({}, "n1"),
    ],
)
def test_whose_a_component_is(body: dict[str, Any], device: str) -> None:
    assert announced(body)[0].device == device


def test_topics_with_a_stem() -> None:
    [one] = announced({"~": "home/k", "stat_t": "~/state", "cmd_t": "set/~", "dev": {"ids": "a"}})
    assert (one.state_topic, one.command_topic) == ("home/k/state", "set/home/k")


def test_a_topic_without_a_node_and_a_longer_prefix() -> None:
    assert announced({}, "homeassistant/sensor/o1/config")[0].object == "o1"
    assert announced({}, "my/home/sensor/n1/o1/config")[0].device == "n1"


def test_units_are_codes_and_make_numbers() -> None:
    assert announced({"unit_of_meas": "°C"})[0].unit == "CEL"
    assert announced({"unit_of_meas": "kWh", "stat_cla": "total"})[0].unit == "KWH"
    strange = announced({"unit_of_meas": "furlong"})[0]
    assert (strange.unit, strange.numeric) == ("", True)


def test_what_takes_back_and_what_is_not_known() -> None:
    assert read_discovery(TOPIC, b"") == []
    assert announced({}, "homeassistant/climate/n1/o1/config") == []


@pytest.mark.parametrize(
    "body", [[], {"stat_t": "a/#"}, {"cmd_t": "+"}, {"dev": {"ids": {"x": 1}}}, {"obj_id": "<x>"}, {"stat_t": ["a"]}]
)
def test_announcements_that_are_none(body: Any) -> None:
    with pytest.raises(BadFrame):
        announced(body)


@pytest.mark.parametrize("cmps", [None, [], {f"c{number}": {"p": "sensor"} for number in range(201)}])
def test_a_device_of_no_components_or_too_many(cmps: Any) -> None:
    with pytest.raises(BadFrame):
        announced({"cmps": cmps}, "homeassistant/device/d/config")


def test_a_component_is_as_it_was_told() -> None:
    one = announced({"unit_of_meas": "W", "stat_t": "a/b", "val_tpl": "{{ value }}"})[0]
    assert component_of(json.loads(json.dumps(one.to_json()))) == one
    others: list[Json] = [None, 7, "a", {"device": "a"}]
    for bad in others:
        with pytest.raises(BadFrame):
            component_of(bad)


@pytest.mark.parametrize(
    ("template", "payload", "value"),
    [
        ("", b" 21.5 ", "21.5"),
        ("{{ value }}", b"on", "on"),
        ("{{value_json.t}}", b'{"t": 1}', 1),
        ("{{ value_json['a b'][\"c\"][1] }}", b'{"a b": {"c": [1, 2]}}', 2),
        ("{{ value_json.t | float | round(1) }}", b'{"t": "21.57"}', 21.6),
        ("{{ value | int }}", b"21.9", 21),
        ("{{ (value_json.w | float) / 1000 }}", b'{"w": 1500}', 1.5),
        ("{{ value_json.w * 0.5 | round(0) }}", b'{"w": 5}', 2),
        ("{{- value_json.t -}}", b'{"t": true}', True),
        ("{{ value_json.none }}", b'{"t": 1}', None),
        ("{{ value_json.t.u }}", b'{"t": 1}', None),
        ("{{ value_json[9] }}", b"[1]", None),
        ("{{ value_json.t | float }}", b'{"t": "warm"}', None),
        ("{{ value_json.t * 2 }}", b'{"t": "warm"}', None),
        ("{{ value | float * 999999999999 }}", b"1e308", None),
    ],
)
def test_templates_that_name_a_place(template: str, payload: bytes, value: Any) -> None:
    assert read_template(template).value(payload) == value


@pytest.mark.parametrize(
    "template",
    [
        "{% if value > 3 %}on{% endif %}", "{{ value.__class__ }}{{ 1 }}", "{{ states('a.b') }}", "{{ value | eval }}",
        "{{ value ** 2 }}", "{{ value / 0 }}", "value", "{{ value_json.a if value else 1 }}", "{{ value_json[value] }}",
    ],
)  # fmt: skip
def test_templates_that_are_programs_are_not_run(template: str) -> None:
    with pytest.raises(BadFrame) as bad:
        read_template(template)
    assert bad.value.reason == "unmapped"


def test_an_attribute_of_the_interpreter_is_but_a_missing_name() -> None:
    assert read_template("{{ value_json.__class__.__mro__ }}").value(b'{"t": 1}') is None


def test_numbers_and_states_are_held_to_what_was_announced() -> None:
    power = announced({"unit_of_meas": "W", "dev_cla": "power"})[0]
    assert say(power, b"812.5") == Reading("power", 812.5, "WTT")
    assert say(power, b"812.5", quantity="object") == Reading("o1", 812.5, "WTT")
    assert say(power, b"unavailable").quality == "bad"
    lock = announced({}, "homeassistant/lock/n1/o1/config")[0]
    assert say(lock, b"LOCKED").value is True
    for component, payload in ((power, b"much"), (lock, b"ajar")):
        with pytest.raises(BadFrame) as bad:
            say(component, payload)
        assert bad.value.reason == "wrong_type"
