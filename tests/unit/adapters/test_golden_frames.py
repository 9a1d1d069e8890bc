"""Frames that real peers sent, kept under tests/frames/<codec>/: each codec makes of them what is written there."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.frame import BadFrame
from adapters.recorded import Golden, frame_of, read_golden, readings_of, record_of, told
from adapters.table import CODECS, make_codec
from tests.frames.golden import FRAMES, goldens, written_codecs

GOLDEN = goldens()


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_codec_makes_of_a_golden_frame_what_is_written_beside_it(path: Path) -> None:
    golden = read_golden(path)
    codec = make_codec(path.parent.name, {"kind": path.parent.name, **golden.codec})
    if golden.refused:
        with pytest.raises(BadFrame) as refusal:
            codec.decode(golden.frame)
        assert refusal.value.reason == golden.refused
    else:
        assert told(codec.decode(golden.frame)) == told(golden.readings)


@pytest.mark.parametrize("name", written_codecs())
def test_every_codec_has_golden_frames_that_say_something(name: str) -> None:
    told_of = [one for path in GOLDEN if path.parent.name == name for one in read_golden(path).readings]
    assert any(one.readings or one.answers for one in told_of), (
        f"record frames of a real peer as {FRAMES.name}/{name}/NAME.json; `python -m tools.golden_frames` fills them in"
    )


def test_no_frames_lie_where_no_codec_looks() -> None:
    assert {path.parent.name for path in GOLDEN} <= CODECS.keys()


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_what_is_recorded_comes_back_as_it_was(path: Path) -> None:
    golden: Golden = read_golden(path)
    assert frame_of(record_of(golden.frame)) == golden.frame
    assert tuple(map(readings_of, told(golden.readings))) == golden.readings
