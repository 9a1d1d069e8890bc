"""Frames and readings as JSON: nothing of a record is passed over, and a key is never in one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.frame import Frame
from adapters.readings import Answered, Reading, Readings
from adapters.recorded import BadRecord, frame_of, read_golden, readings_of, record_of, told
from broker.model.values import Json

INSTANTS = st.integers(0, 4_102_444_800_000_000)
TEXTS = st.text(max_size=10)
VALUES: st.SearchStrategy[Json] = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), TEXTS, st.lists(st.integers(), max_size=2)
)


@given(
    st.builds(Frame, st.binary(max_size=20), INSTANTS, TEXTS, TEXTS, st.just("secret"), st.dictionaries(TEXTS, TEXTS))
)
def test_a_frame_comes_back_as_it_was_but_for_its_key(frame: Frame) -> None:
    record = record_of(frame)
    assert "secret" not in json.dumps(record) or b"secret" in frame.payload
    back = frame_of(json.loads(json.dumps(record)))
    assert (back.payload, back.received_at, back.device, back.channel, back.about, back.key) == (
        frame.payload, frame.received_at, frame.device, frame.channel, frame.about, "",
    )  # fmt: skip


@given(
    st.builds(
        Readings,
        TEXTS,
        st.lists(
            st.builds(
                Reading, TEXTS, VALUES, TEXTS, st.none() | INSTANTS, st.sampled_from(["good", "uncertain", "bad"])
            ),
            max_size=3,
        ).map(tuple),
        TEXTS,
        st.none() | INSTANTS,
        TEXTS,
        st.dictionaries(TEXTS, TEXTS, max_size=2),
        st.none() | st.builds(Answered, TEXTS, st.sampled_from(["DELIVERED", "OK", "ERROR"]), VALUES),
    )
)
def test_readings_come_back_as_they_were(readings: Readings) -> None:
    assert readings_of(json.loads(json.dumps(told([readings])))[0]) == readings


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ([], "frame: an object"),
        ({}, "payload: one of"),
        ({"payload": 1}, "payload: a text"),
        ({"payload": "", "colour": 1}, "frame: colour: not known"),
        ({"hex": "0g"}, "hex: pairs"),
        ({"payload": "", "received_at": "noon"}, "received_at: an instant"),
        ({"payload": "", "about_link": {"a": 1}}, "about_link: texts"),
        ({"payload": "", "about_link": []}, "about_link: an object"),
    ],
)
def test_a_frame_that_is_none_is_refused(body: Any, message: str) -> None:
    with pytest.raises(BadRecord) as refusal:
        frame_of(body)
    assert message in str(refusal.value)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"readings": {}}, "readings: a list"),
        ({"readings": [{"quality": "fair"}]}, "quality: one of good"),
        ({"readings": [{"at": 1}]}, "at: an instant"),
        ({"answers": {"status": "MAYBE"}}, "answers.status: DELIVERED, OK or ERROR"),
        ({"sequence": 1}, "sequence: a text"),
    ],
)
def test_readings_that_are_none_are_refused(body: Any, message: str) -> None:
    with pytest.raises(BadRecord) as refusal:
        readings_of(body)
    assert message in str(refusal.value)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"payload": "", "readings": []}, "about: a text"),
        ({"about": "a", "payload": ""}, "readings: what the codec makes of it, or `refused`"),
        ({"about": "a", "payload": "", "readings": [], "refused": "x"}, "readings: what the codec makes of it"),
    ],
)
def test_a_golden_frame_says_what_it_is_and_what_becomes_of_it(tmp_path: Path, body: Any, message: str) -> None:
    path = tmp_path / "frame.json"
    path.write_text(json.dumps(body))
    with pytest.raises(BadRecord, match=r"frame\.json") as refusal:
        read_golden(path)
    assert message in str(refusal.value)
    path.write_text("{")
    with pytest.raises(BadRecord, match=r"frame\.json"):
        read_golden(path)
