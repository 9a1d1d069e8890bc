"""`misono serve --adapters`: what goes with it, and what does not."""

from __future__ import annotations

from argparse import Namespace
from contextlib import ExitStack
from pathlib import Path

import pytest

from broker.attaching import BadSettings, Commands, attach
from broker.settings import SettingError, read_settings
from broker.wiring import build
from tests.unit.adapters.test_thin_path import ROOMS


def test_one_process_runs_them(tmp_path: Path) -> None:
    given = {"MISONO_ADAPTERS": str(tmp_path), "MISONO_DATA": str(tmp_path / "data")}
    with pytest.raises(SettingError, match="--workers 1"):
        read_settings(Namespace(config=""), {**given, "MISONO_WORKERS": "2"})
    with pytest.raises(SettingError, match="--read-only"):
        read_settings(Namespace(config=""), {**given, "MISONO_READ_ONLY": "true"})
    assert read_settings(Namespace(config=""), given).adapters == tmp_path


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("sensors.yaml", ROOMS["sensors.yaml"].replace("link: hand", "link: pigeon"), "link 'pigeon' is not known"),
        ("sensors.yaml", ROOMS["sensors.yaml"].replace("mapping: rooms", "mapping: halls"), "mapping: halls"),
        ("sensors.yaml", ROOMS["sensors.yaml"].replace("id: sensor-1", "id: a/b"), "devices[0].id"),
        ("rooms.yaml", ROOMS["rooms.yaml"].replace("type: Room", "tipe: Room"), "rooms.yaml"),
    ],
)
def test_a_file_that_cannot_be_keeps_the_hub_from_starting(tmp_path: Path, name: str, text: str, told: str) -> None:
    folder = tmp_path / "city"
    folder.mkdir()
    for file, content in {**ROOMS, name: text}.items():
        (folder / file).write_text(content.replace("link: hand", "link: {kind: mqtt, url: 'mqtt://127.0.0.1:9'}"))
    settings = read_settings(Namespace(config=""), {"MISONO_STORE": "memory", "MISONO_ADAPTERS": str(folder)})
    built = build(settings)
    with ExitStack() as closing:
        closing.callback(built.close)
        with pytest.raises(BadSettings) as refusal:
            attach(settings, built.house, closing, Commands())
    assert told in str(refusal.value)
    assert name in str(refusal.value)
