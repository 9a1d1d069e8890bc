"""An adapter's file that cannot be is refused with its name, the member, and what would do."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.configuring import read_adapter, read_adapters
from adapters.link import BadSettings

GOOD = "adapter: meters\nlink: {kind: mqtt, url: x}\ncodec: json\nmapping: rooms\n"


def test_a_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "meters.yaml"
    file.write_text(GOOD + "clock: {early_s: 5}\ntenant: annex\nsimulated: {count: 3}\n")
    found = read_adapter(file)
    assert found is not None
    assert (found.name, found.link["kind"], found.codec["kind"], found.tenant) == ("meters", "mqtt", "json", "annex")
    assert (found.leeway.early_s, found.leeway.late_s) == (5, 604_800)
    assert found.simulated == {"count": 3}


def test_other_files_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(GOOD)
    (tmp_path / "b.yaml").write_text("mapping: rooms\nversion: 1\nentities: []\n")
    (tmp_path / "c.txt").write_text("adapter: other")
    assert [one.name for one in read_adapters(tmp_path)] == ["meters"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("adapter: Meters!\nlink: x\ncodec: y\n", "adapter: a name of small letters"),
        ("adapter: meters\ncodec: json\n", "link: an object such as"),
        ("adapter: meters\nlink: mqtt\n", "codec: an object such as"),
        (GOOD + "colour: red\n", "colour: not known; there are adapter, link"),
        (GOOD + "clock: {early: 5}\n", "clock/early: not known"),
        (GOOD + "clock: {early_s: -5}\n", "clock/early_s: a number from 0"),
        ("adapter: meters\nadapter: again\n", "twice"),
        ("adapter: [", "line"),
    ],
)
def test_a_file_that_cannot_be(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "meters.yaml"
    file.write_text(text)
    with pytest.raises(BadSettings) as refusal:
        read_adapter(file)
    assert str(refusal.value).startswith("meters.yaml: ")
    assert told in str(refusal.value)


def test_two_files_with_one_name(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(GOOD)
    (tmp_path / "b.yaml").write_text(GOOD)
    with pytest.raises(BadSettings, match=r"b\.yaml: adapter: a\.yaml has the name meters already"):
        read_adapters(tmp_path)
