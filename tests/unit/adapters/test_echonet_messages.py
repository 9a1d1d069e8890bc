"""Frames of ECHONET Lite: what is whole, what is cut, and the maps and lists inside."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.codecs.echonet import make_codec
from adapters.codecs.echonet.message import (
    Message,
    Service,
    build_message,
    parse_message,
    read_map,
    read_object,
    read_objects,
    write_map,
    write_object,
    write_objects,
)
from adapters.frame import BadFrame, Frame
from adapters.link import BadSettings

METER = "1081000102880105FF017201E704000004B0"

lists = st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=40)), max_size=5).map(tuple)
objects = st.binary(min_size=3, max_size=3).map(read_object)


messages = st.builds(Message, st.integers(0, 0xFFFF), objects, objects, st.sampled_from(Service), lists)
TWICE = {Service.SET_GET, Service.SET_GET_RES, Service.SET_GET_SNA}


@given(messages, lists)
def test_what_is_written_is_read_again(message: Message, got: tuple[tuple[int, bytes], ...]) -> None:
    message = replace(message, got=got if message.service in TWICE else ())
    assert parse_message(build_message(message)) == message


@given(st.binary(min_size=3, max_size=3))
def test_an_object_has_a_name_and_back(three: bytes) -> None:
    assert write_object(read_object(three)) == three


@given(st.sets(st.integers(0x80, 0xFF)))
def test_a_property_map_is_a_list_or_bits(codes: set[int]) -> None:
    edt = write_map(sorted(codes))
    assert len(edt) == (len(codes) + 1 if len(codes) < 16 else 17)
    assert read_map(edt) == codes


def test_a_long_map_is_by_columns() -> None:
    bits = bytes([16]) + b"\x01" * 16
    assert read_map(bits) == set(range(0x80, 0x90))


def test_a_list_of_objects_may_be_cut() -> None:
    edt = write_objects(["0288-1", "027D-2"])
    assert read_objects(edt) == ("0288-1", "027D-2")
    assert read_objects(edt[:-1]) == ("0288-1",)


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ("", "truncated"),
        ("10", "truncated"),
        (METER[:22], "truncated"),
        (METER[:-2], "truncated"),
        (METER[:26], "truncated"),
        (METER + "00", "oversized"),
        (METER.replace("7201", "7202"), "truncated"),
        ("1082" + METER[4:], "wrong_type"),
        ("4081" + METER[4:], "wrong_type"),
        (METER.replace("017201", "019901"), "wrong_type"),
        (METER.replace("017201", "016201"), "wrong_type"),
        ("10" * 65_508, "oversized"),
    ],
)
def test_what_is_no_frame_is_refused_with_a_reason(payload: str, reason: str) -> None:
    with pytest.raises(BadFrame) as refusal:
        make_codec({}).decode(Frame(bytes.fromhex(payload), 0, "h1"))
    assert refusal.value.reason == reason


@pytest.mark.parametrize(("name", "text"), [("E1", "0"), ("E1", "zz"), ("zz", "00")])
def test_what_a_link_remembers_must_be_hexadecimal(name: str, text: str) -> None:
    with pytest.raises(BadFrame, match="hexadecimal"):
        make_codec({}).decode(Frame(bytes.fromhex(METER), 0, "h1", about={name: text}))


def test_settings_are_checked() -> None:
    with pytest.raises(BadSettings, match="codec/zone: a time zone such as Asia/Tokyo would do"):
        make_codec({"zone": "Asia/Misono"})
    with pytest.raises(BadSettings, match="codec/half_hours: true or false would do"):
        make_codec({"half_hours": "no"})
    with pytest.raises(BadSettings, match="codec/time"):
        make_codec({"time": "now"})
