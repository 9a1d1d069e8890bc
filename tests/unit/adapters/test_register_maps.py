"""Register maps as people write them: what they mean, and what is said of those that cannot be."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from adapters.codecs.modbus import make_codec
from adapters.codecs.register_maps import read_maps
from adapters.codecs.registers import Block, Limits, plan
from adapters.frame import BadFrame, Frame
from adapters.link import BadSettings
from adapters.readings import Reading


def point(**settings: Any) -> Any:
    return read_maps({"maps": {"m": {"points": {"p": settings}}}})["m"][0]


def read(data: bytes, **settings: Any) -> Reading:
    table = next(name for name in ("holding", "input", "coil", "discrete") if name in settings)
    size = len(data) * 8 if table in ("coil", "discrete") else len(data) // 2
    codec = make_codec({"maps": {"m": {"points": {"p": settings}}}})
    (readings,) = codec.decode(Frame(data, 0, "d", about={"blocks": f"{table}:{settings[table]}+{size}"}))
    return readings.readings[0]


@pytest.mark.parametrize(
    ("data", "settings", "value"),
    [
        ("ff85", {"type": "int16"}, -123),
        ("ff85", {"type": "uint16"}, 65413),
        ("ff85", {}, 65413),
        ("fffffb2e", {"type": "int32", "scale": 0.1}, -123.4),
        ("fb2effff", {"type": "int32", "scale": 0.1, "order": "CDAB"}, -123.4),
        ("fffffb2e", {"type": "int32", "scale": 10}, -12340),
        ("0000000000001267", {"type": "uint64", "scale": 0.001}, 4.711),
        ("0267", {"type": "uint16", "scale": 0.1, "plus": -40}, 21.5),
        ("40d66666", {"type": "float32"}, 6.7),
        ("666640d6", {"type": "float32", "order": "CDAB"}, 6.7),
        ("d6406666", {"type": "float32", "order": "BADC"}, 6.7),
        ("6666d640", {"type": "float32", "order": "DCBA"}, 6.7),
        ("40d66666", {"type": "float32", "scale": 1000}, 6700),
        ("4b800001", {"type": "float32"}, 16777218),
        ("401acccccccccccd", {"type": "float64"}, 6.7),
        ("0001", {"words": {"0": "off", "1": "on"}}, "on"),
        ("0007", {"words": {"0": "off", "1": "on"}}, 7),
        ("8201", {"bits": {"0": "filter", "1": "pressure", "9": "flow"}}, ["filter", "flow"]),
        ("8201", {"bit": 15}, True),
        ("8201", {"bit": 14}, False),
        ("43482d310000", {"type": "text", "length": 3}, "CH-1"),
        ("48432d310000", {"type": "text", "length": 3, "order": "BADC"}, "CH1-"),
        ("e3818227ff00", {"type": "text", "length": 3}, "あ'\ufffd"),
    ],
)
def test_registers_become_values(data: str, settings: dict[str, Any], value: Any) -> None:
    reading = read(bytes.fromhex(data), holding=7, unit="WTT", **settings)
    assert reading.value == value
    assert type(reading.value) is type(value) or isinstance(value, int | float)
    assert (reading.quality, reading.unit) == ("good", "WTT")


@pytest.mark.parametrize(
    ("data", "settings"),
    [
        ("8000", {"type": "int16", "invalid": [-32768, 32767]}),
        ("7fff", {"type": "int16", "invalid": [-32768, 32767]}),
        ("ffff", {"invalid": 65535}),
        ("7fc00000", {"type": "float32"}),
        ("7f800000", {"type": "float32"}),
        ("fff0000000000000", {"type": "float64"}),
        ("7fefffffffffffff", {"type": "float64", "scale": 1000}),
        ("00000000", {"type": "text", "length": 2}),
    ],
)
def test_what_a_device_says_that_it_does_not_know_is_bad(data: str, settings: dict[str, Any]) -> None:
    reading = read(bytes.fromhex(data), input=0, **settings)
    assert (reading.value, reading.quality) == (None, "bad")


def test_bits_lie_as_modbus_packs_them() -> None:
    points: Any = {f"b{bit}": {"coil": 16 + bit} for bit in range(11)}
    codec = make_codec({"maps": {"m": {"points": points}}})
    (readings,) = codec.decode(Frame(b"\x05\x04", 0, "d", about={"blocks": "coil:16+11"}))
    assert [reading.value for reading in readings.readings] == [bit in (0, 2, 10) for bit in range(11)]


def test_points_of_a_part_are_readings_of_that_part_and_missing_blocks_leave_points_out() -> None:
    points: Any = {"a": {"holding": 0}, "b": {"holding": 1, "part": "pump"}, "c": {"holding": 9}}
    codec = make_codec({"maps": {"m": {"points": points}}})
    found = codec.decode(Frame(b"\0\1\0\2", 0, "d", about={"blocks": "holding:0+2", "map": "m"}))
    assert [(one.part, [reading.quantity for reading in one.readings]) for one in found] == [
        ("", ["a"]),
        ("pump", ["b"]),
    ]


@pytest.mark.parametrize(
    ("payload", "about", "reason"),
    [
        (b"\0", {"blocks": "holding:0+1"}, "truncated"),
        (b"\0\0\0", {"blocks": "holding:0+1"}, "oversized"),
        (b"\0\0", {"blocks": "holding:0+1", "map": "other"}, "wrong_type"),
        (b"\0\0", {"blocks": "holding:0"}, "wrong_type"),
        (b"\0\0", {"blocks": "memory:0+1"}, "wrong_type"),
        (b"\0\0", {"blocks": "holding:65535+2"}, "wrong_type"),
        (b"", {"blocks": "holding:0+0"}, "wrong_type"),
        (b"", {"blocks": "holding:٣+1"}, "wrong_type"),
        (b"", {}, "wrong_type"),
    ],
)
def test_frames_that_are_not_what_they_say(payload: bytes, about: dict[str, str], reason: str) -> None:
    codec = make_codec({"maps": {"m": {"points": {"p": {"holding": 0}}}}})
    with pytest.raises(BadFrame) as refusal:
        codec.decode(Frame(payload, 0, "d", about=about))
    assert refusal.value.reason == reason


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "codec/maps: at least one"),
        ({"maps": []}, "codec/maps"),
        ({"maps": {"m": {}}}, "codec/maps/m/points: 1 to 1,000"),
        ({"maps": {"m": {"points": {"p": {}}}}}, "codec/maps/m/points/p: one of coil, discrete, input, holding"),
        ({"maps": {"m": {"points": {"p": {"coil": 1, "input": 1}}}}}, "one of coil"),
        ({"maps": {"m": {"points": {"p": 4}}}}, "codec/maps/m/points/p: an object"),
        ({"maps": {"m": {"points": {"9": {"coil": 1}}}}}, "a name of letters"),
        ({"maps": {"m": {"points": {"p": {"holding": 65536}}}}}, "p/holding: a number from 0 to 65535"),
        ({"maps": {"m": {"points": {"p": {"holding": 65535, "type": "int32"}}}}}, "after the last address"),
        ({"maps": {"m": {"points": {"p": {"holding": 1, "type": "int8"}}}}}, "p/type: one of int16"),
        ({"maps": {"m": {"points": {"p": {"holding": 1, "order": "ACBD"}}}}}, "p/order: one of ABCD"),
        ({"maps": {"m": {"points": {"p": {"holding": 1, "scale": 0}}}}}, "p/scale: a number that is not 0"),
        ({"maps": {"m": {"points": {"p": {"holding": 1, "scal": 1}}}}}, "p/scal: not known"),
        ({"maps": {"m": {"order": "CDAB", "point": {}}}}, "codec/maps/m/point: not known"),
        ({"maps": {"m": {"points": {"p": {"holding": 1, "invalid": ["x"]}}}}}, "p/invalid: a list of numbers"),
        ({"maps": {"m": {"points": {"p": {"holding": 1, "words": {"on": "1"}}}}}}, "p/words: an object from numbers"),
        ({"maps": {"m": {"points": {"p": {"holding": 1, "bits": {"16": "x"}}}}}}, "p/bits: bits from 0 to 15"),
        ({"maps": {"m": {"points": {"p": {"holding": 1, "bit": 16}}}}}, "p/bit: a number from 0 to 15"),
        ({"maps": {"m": {"points": {"p": {"holding": 1, "type": "int16", "bit": 1}}}}}, "p/type: an unsigned one"),
        ({"maps": {"m": {"points": {"p": {"holding": 1, "type": "float32", "words": {"1": "x"}}}}}}, "whole numbers"),
        ({"maps": {"m": {"points": {"p": {"holding": 1, "write": True}}}}}, "p/write: an object"),
        ({"maps": {"m": {"points": {"p": {"holding": 1, "write": {"most": 5}}}}}}, "p/write/least: a number"),
        ({"maps": {"m": {"points": {"p": {"holding": 1, "write": {"least": 5, "most": 4}}}}}}, "p/write/most"),
        ({"maps": {"m": {"points": {"p": {"input": 1, "write": {"least": 0, "most": 4}}}}}}, "p/write: only coils"),
        ({"maps": {"m": {"points": {"p": {"discrete": 1, "write": True}}}}}, "p/write: only coils"),
        ({"map": {}}, "codec/map: not known"),
    ],
)
def test_a_map_that_cannot_be_names_its_member(settings: Any, said: str) -> None:
    with pytest.raises(BadSettings) as refusal:
        read_maps(settings)
    assert said in str(refusal.value)


def test_limits_stand_with_the_point() -> None:
    assert point(holding=1, type="int16", write={"least": -5, "most": 5}).write == Limits(-5, 5)
    assert point(coil=1, write=True).write == Limits(0, 1)
    assert point(coil=1, write=False).write is None
    assert point(coil=1).write is None


def test_points_near_each_other_are_one_block() -> None:
    points = read_maps(
        {
            "maps": {
                "m": {
                    "points": {
                        "c": {"holding": 20, "type": "int32"},
                        "a": {"holding": 0},
                        "b": {"holding": 4, "type": "float64"},
                        "far": {"holding": 200},
                        "other": {"input": 1},
                    }
                }
            }
        }
    )["m"]
    assert plan(points, 3, 125) == (
        Block("holding", 0, 8),
        Block("holding", 20, 2),
        Block("holding", 200, 1),
        Block("input", 1, 1),
    )
    assert plan(points, 12, 125)[0] == Block("holding", 0, 22)
    assert plan(points, 12, 10)[0] == Block("holding", 0, 8), "no more than the device can give"
    assert plan(points, 1000, 1000)[:2] == (Block("holding", 0, 22), Block("holding", 200, 1)), "125 at once"
    assert len(plan(points, -1, 1)) == 5


def test_a_block_is_told_as_it_is_read() -> None:
    assert str(Block("input", 4, 2)) == "input:4+2"
    assert Block("coil", 0, 9).length() == 2
    assert struct.calcsize(">HH") == Block("holding", 0, 2).length()
