"""No frame raises anything but BadFrame: any bytes, and golden frames cut, changed and joined, in every codec."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.frame import BadFrame, Frame
from adapters.link import Codec
from adapters.readings import Readings
from adapters.recorded import Golden, read_golden
from adapters.table import make_codec
from tests.frames.golden import goldens, written_codecs

READINGS_MAX, TEXT_MAX = 1_000, 10_000
LAST = 253_402_300_800_000_000  # the year 10000
EXAMPLES = 200
OTHERS: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    1e308,
    10**30,
    -(2**63),
    "",
    "x" * 11_000,
    "-",
    "1e999",
    [],
    {},
    [[]],
    {"": {"": None}},
    [None],
)
BORDERS = b'\x00\x7f\x80\xff{}[]",:0-\n'


def golden_of(name: str) -> list[Golden]:
    return [read_golden(path) for path in goldens() if path.parent.name == name]


@pytest.mark.parametrize("name", written_codecs())
def test_no_frame_raises_anything_but_its_own_error(name: str) -> None:
    golden = golden_of(name)
    assert golden, f"no frames of {name}: tests/unit/adapters/test_golden_frames.py says how"
    codecs = [make_codec(name, {"kind": name, **one.codec}) for one in golden]
    outcomes: Counter[str] = Counter()

    @settings(max_examples=EXAMPLES)
    @given(st.data())
    def law(data: st.DataObject) -> None:
        place = data.draw(st.integers(0, len(golden) - 1))
        frame = broken(data, golden[place].frame, golden)
        outcomes[outcome(codecs[place], frame)] += 1

    law()
    print(f"{name}: {dict(outcomes)}")
    assert sum(outcomes.values()) - outcomes["taken"] >= EXAMPLES // 10, "frames that are broken are refused"


def broken(data: st.DataObject, frame: Frame, golden: Sequence[Golden]) -> Frame:
    """A frame that no device sends, or that one might."""
    how = data.draw(st.sampled_from(("any", "cut", "changed", "joined", "member", "member", "channel", "about")))
    if how == "channel":
        return replace(frame, channel=data.draw(st.text(max_size=40)), device=data.draw(st.text(max_size=10)))
    if how == "about":
        return replace(frame, about={name: data.draw(st.text(max_size=20)) for name in frame.about})
    payload = frame.payload
    begin = data.draw(st.integers(0, len(payload)))
    if how == "any":
        payload = data.draw(st.binary(max_size=300))
    elif how == "cut":
        payload = payload[begin : data.draw(st.integers(begin, len(payload)))]
    elif how == "changed":
        payload = changed(data, payload)
    elif how == "member":
        payload = with_another_member(data, payload)
    else:
        other = data.draw(st.sampled_from(golden)).frame.payload
        payload = payload[:begin] + other[data.draw(st.integers(0, len(other))) :]
    return replace(frame, payload=payload)


def changed(data: st.DataObject, payload: bytes) -> bytes:
    """The payload with up to five bytes put, dropped or doubled."""
    made = bytearray(payload)
    for _ in range(data.draw(st.integers(1, 5))):
        at = data.draw(st.integers(0, max(len(made) - 1, 0)))
        end = at + data.draw(st.integers(0, 8))
        made[at:end] = data.draw(st.one_of(st.binary(max_size=8), st.sampled_from([bytes([one]) for one in BORDERS])))
    return bytes(made)


def with_another_member(data: st.DataObject, payload: bytes) -> bytes:
    """JSON with one of its members, anywhere, gone or quite another value; what is no JSON is changed as bytes are."""
    try:
        body = json.loads(payload)
    except ValueError:
        return changed(data, payload)
    places = list(members_of(body))
    if not places:
        return json.dumps(data.draw(st.sampled_from(OTHERS))).encode()
    within, name = data.draw(st.sampled_from(places))
    if data.draw(st.integers(0, 4)) == 0:
        del within[name]
    else:
        within[name] = data.draw(st.one_of(st.sampled_from(OTHERS), st.integers(), st.text(max_size=20)))
    return json.dumps(body).encode()


def members_of(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every member and element within a value: `(what holds it, its name or place)`."""
    inside: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        inside = list(value.items())
    elif isinstance(value, list):
        inside = list(enumerate(value))
    for name, below in inside:
        yield value, name
        yield from members_of(below)


def outcome(codec: Codec, frame: Frame) -> str:
    """What came of a frame; anything but readings within limits, or BadFrame, ends the test."""
    try:
        found = codec.decode(frame)
    except BadFrame as refusal:
        reason, message = refusal.reason, str(refusal)
    else:
        check(found)
        return "taken"
    assert reason.isidentifier(), "a word that can be counted"
    assert 0 < len(message) <= TEXT_MAX, "a message is for a person"
    return reason


def check(found: Sequence[Readings]) -> None:
    assert sum(len(one.readings) for one in found) <= READINGS_MAX
    for one in found:
        assert all(isinstance(text, str) for text in (one.device, one.part, one.sequence, *one.facts.values()))
        assert is_instant(one.at)
        for reading in one.readings:
            assert reading.quantity
            assert is_instant(reading.at)
            assert is_json(reading.value), reading


def is_instant(at: Any) -> bool:
    return at is None or (isinstance(at, int) and 0 <= at < LAST)


def is_json(value: Any) -> bool:
    match value:
        case dict():
            return all(isinstance(name, str) and is_json(one) for name, one in value.items())
        case list():
            return all(map(is_json, value))
        case float():
            return math.isfinite(value)
        case str():
            return len(value) <= TEXT_MAX
        case _:
            return value is None or isinstance(value, int)
