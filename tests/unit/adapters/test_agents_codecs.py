"""IoT Agent JSON and Ultralight beyond what was recorded: limits, clocks, and what is refused with which reason."""

from __future__ import annotations

import tracemalloc
from typing import Any

import pytest

from adapters.codecs import iota_json, ultralight
from adapters.codecs.json_body import read_instant
from adapters.frame import BadFrame, Frame
from adapters.link import BadSettings
from adapters.readings import Answered, Reading
from broker.model.values import to_instant

NINE = to_instant("2026-11-23T09:00:00Z")
ATTRS, ONE, DONE = "/json/k/h1/attrs", "/json/k/h1/attrs/t", "/json/k/h1/cmdexe"


def read(payload: bytes, channel: str = ATTRS, about: dict[str, str] | None = None, **settings: Any) -> Any:
    codec = iota_json.make_codec({"kind": "iota-json", **settings})
    return codec.decode(Frame(payload, 0, "h1", channel, "k", about or {}))


def light(payload: bytes, channel: str = "/ul/k/h1/attrs", **settings: Any) -> Any:
    return ultralight.make_codec({"kind": "ultralight", **settings}).decode(Frame(payload, 0, "h1", channel, "k"))


@pytest.mark.parametrize(
    "told",
    [
        "2026-11-23T09:00:00Z", "2026-11-23T18:00:00+09:00", "2026-11-23T09:00:00", "20261123T090000Z",
        "20261123T180000.000+0900", 1795424400, 1795424400.0, 1795424400000, 1795424400000000, "1795424400",
        "1795424400000",
    ],
)  # fmt: skip
def test_one_instant_in_the_ways_that_clocks_tell_it(told: Any) -> None:
    assert read_instant(told) == NINE


@pytest.mark.parametrize(
    "told", ["", "yesterday", "2026-13-01T00:00:00Z", -1, True, None, [], 1e300, "9" * 400, "0001-01-01T00:00:00+09:00"]
)
def test_what_is_no_instant(told: Any) -> None:
    with pytest.raises(BadFrame) as bad:
        read_instant(told)
    assert bad.value.reason == "wrong_type"


@pytest.mark.parametrize(
    ("payload", "channel", "reason"),
    [
        (b"", ATTRS, "truncated"),
        (b'{"t": 1', ATTRS, "truncated"),
        (b'{"t": NaN}', ATTRS, "not_json"),
        (b'{"t": 1, "t": 2}', ATTRS, "not_json"),
        (b"\xff", ATTRS, "not_json"),
        (b'{"t": ' + b"9" * 400 + b"}", ATTRS, "wrong_type"),
        (b'{"t": 1e999}', ATTRS, "not_json"),
        (b"[" * 70 + b"]" * 70, ATTRS, "not_json"),
        (b"7", ATTRS, "wrong_type"),
        (b"[7]", ATTRS, "wrong_type"),
        (b'{"<t>": 1}', ATTRS, "wrong_type"),
        (b'{"": 1}', ATTRS, "wrong_type"),
        (b'{"t": "' + b"x" * 10_001 + b'"}', ATTRS, "oversized"),
        (b'{"t": ["' + b"x" * 10_001 + b'"]}', ATTRS, "oversized"),
        (b"[" + b"{}," * 1000 + b"{}]", ATTRS, "oversized"),
        (b"{" + b",".join(b'"q%d": 1' % number for number in range(1001)) + b"}", ATTRS, "oversized"),
        (b" " * (1 << 20) + b"{}", ATTRS, "oversized"),
        (b'{"t": 1, "TimeInstant": null}', ATTRS, "wrong_type"),
        (b'["ping"]', DONE, "wrong_type"),
        (b"{}", DONE, "wrong_type"),
        (b'{"type": "configuration", "fields": ["x"]}', "/json/k/h1/configuration/commands", "unmapped"),
    ],
)
def test_json_that_is_refused(payload: bytes, channel: str, reason: str) -> None:
    with pytest.raises(BadFrame) as bad:
        read(payload, channel)
    assert bad.value.reason == reason


def test_a_null_is_a_reading_of_no_quality() -> None:
    [said] = read(b'{"t": null, "h": 1}')
    assert said.readings == (Reading("t", None, quality="bad"), Reading("h", 1))


def test_the_parameter_t_wins_over_the_message_s_clock() -> None:
    [said] = read(b'{"t": 1, "TimeInstant": "2026-01-01T00:00:00Z"}', about={"t": "2026-11-23T09:00:00Z"})
    assert said.at == NINE


def test_one_value_by_its_content_type() -> None:
    assert read(b'{"a": [1]}', ONE)[0].readings == (Reading("t", {"a": [1]}),)
    assert read(b"hello", ONE)[0].readings == (Reading("t", "68656c6c6f"),)
    assert read(b"12", ONE, {"content_type": "text/plain"})[0].readings == (Reading("t", "12"),)
    assert read(b"12", ONE, {"content_type": "application/octet-stream"})[0].readings == (Reading("t", "3132"),)
    with pytest.raises(BadFrame) as bad:
        read(b"hello", ONE, {"content_type": "application/json"})
    assert bad.value.reason == "not_json"


def test_long_channels_of_strangers_are_not_kept() -> None:
    tracemalloc.start()
    try:
        for number in range(200):
            assert iota_json.kind_of(f"/iot/json/attrs/{number}{'x' * 20_000}")[0] == "single"
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 1 << 20


def test_several_answers_at_once() -> None:
    found = [one.answers for one in read(b'{"ping": "ok", "turn": {"to": 3}}', DONE)]
    assert found == [Answered("ping", "OK", "ok"), Answered("turn", "OK", {"to": 3})]


def test_numbers_of_texts_only_where_they_are_numbers() -> None:
    body = b'{"a": "1", "b": "-1.50", "c": "1e3", "d": "007", "e": "1 lx", "f": "1e999", "g": " 1", "h": "0x1"}'
    [said] = read(body, numbers=True)
    assert [one.value for one in said.readings] == [1, -1.5, 1000.0, "007", "1 lx", "1e999", " 1", "0x1"]


@pytest.mark.parametrize("settings", [{"payload": "xml"}, {"numbers": 1}, {"extra": 1}])
def test_settings_that_cannot_be(settings: dict[str, Any]) -> None:
    with pytest.raises(BadSettings, match=f"codec/{next(iter(settings))}"):
        iota_json.make_codec(settings)


@pytest.mark.parametrize(
    ("payload", "channel", "reason"),
    [
        (b"", "/ul/k/h1/attrs", "truncated"),
        (b"t", "/ul/k/h1/attrs", "truncated"),
        (b"t|1|h", "/ul/k/h1/attrs", "truncated"),
        (b"t|1#", "/ul/k/h1/attrs", "truncated"),
        (b"t|\xff", "/ul/k/h1/attrs", "wrong_type"),
        (b"t|1|=|2", "/ul/k/h1/attrs", "wrong_type"),
        (b"t|" + b"x" * 10_001, "/ul/k/h1/attrs", "oversized"),
        (b"t|1#" * 1000 + b"t|1", "/ul/k/h1/attrs", "oversized"),
        (b"|".join([b"t|1"] * 1002), "/ul/k/h1/attrs", "oversized"),
        (b"ping|ok", "/ul/k/h1/cmdexe", "wrong_type"),
        (b"h2@ping|ok", "/ul/k/h1/cmdexe", "wrong_type"),
        (b"h1@ping", "/iot/d", "wrong_type"),
    ],
)
def test_ultralight_that_is_refused(payload: bytes, channel: str, reason: str) -> None:
    with pytest.raises(BadFrame) as bad:
        light(payload, channel)
    assert bad.value.reason == reason


def test_what_ultralight_s_texts_are() -> None:
    [said] = light(b"a|1|b|1.01|c|true|d|null|e|[1,2,3]|f|[1,|g|text|h|007|i|")
    values = {one.quantity: one.value for one in said.readings}
    assert values == {
        "a": 1, "b": 1.01, "c": True, "d": None, "e": [1, 2, 3], "f": "[1,", "g": "text", "h": "007", "i": "",
    }  # fmt: skip
    assert [one.quality for one in said.readings if one.quantity == "d"] == ["bad"]


def test_a_command_s_answer_as_a_measure_over_http() -> None:
    [said] = light(b"h1@ping|a|b", "/iot/d")
    assert said.answers == Answered("ping", "OK", "a|b")


@pytest.mark.parametrize(
    ("read_request", "payload"),
    [
        (iota_json.read_request, b'{"type": "subscription", "fields": ["a", "b"]}'),
        (ultralight.read_request, b"subscription|a|b"),
    ],
)
def test_requests_for_configuration(read_request: Any, payload: bytes) -> None:
    assert read_request(payload) == ("a", "b")
    for bad in (b"{}", b"reboot|a", b'{"type": "configuration", "fields": "a"}', b"configuration", b""):
        with pytest.raises(BadFrame):
            read_request(bad)
