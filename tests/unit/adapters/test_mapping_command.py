"""`misono adapter lint | test | preview`: what a person sees, and how a program is told."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from broker.__main__ import main

MISONO = Path(__file__).resolve().parents[3] / "examples/misono/adapters"
FRAMES = Path(__file__).resolve().parents[2] / "frames"
MAPPING = """
mapping: rooms
context: https://misono.example/contexts/sdm-environment-v1.jsonld
entities:
  - id: "urn:x:{device}:{room}"
    type: IndoorEnvironmentObserved
    attributes: {temperature: {from: t, unit: CEL, least: 0}, peopleCount: n}
samples:
  - about: warm
    device: {options: {room: r1}}
    readings: {device: d1, readings: [{quantity: t, value: 21}]}
    entities: [{id: "urn:x:d1:r1", type: IndoorEnvironmentObserved, temperature: 21}]
"""


@pytest.fixture
def mapping(tmp_path: Path) -> Path:
    path = tmp_path / "rooms.yaml"
    path.write_text(MAPPING)
    return path


def test_the_districts_files_are_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["adapter", "lint", str(MISONO)]) == 0
    assert main(["adapter", "test", str(MISONO)]) == 0
    assert "smart-meters 1: 2 samples" in capsys.readouterr().out


def test_a_sample_that_does_not_come_true_ends_with_1(mapping: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["adapter", "test", str(mapping)]) == 0
    mapping.write_text(mapping.read_text().replace("temperature: 21}", "temperature: 22}"))
    assert main(["adapter", "test", str(mapping)]) == 1
    assert "rooms.yaml: warm: urn:x:d1:r1 temperature: 21, not 22" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["lint", "nowhere"], "nowhere: a folder of adapters, or one of its files"),
        (["lint", "{empty}"], "no file ends with .yaml"),
        (["preview", "{mapping}", "--payload", "{}"], "--codec KIND, or --adapter FILE.yaml"),
        (["preview", "{mapping}", "--hex", "0", "--codec", "json"], "hex: pairs of hexadecimal digits"),
        (["preview", "{mapping}", "--readings", "{"], "no JSON"),
        (["preview", "{mapping}", "--readings", "[]"], "a JSON object"),
        (["preview", "{mapping}", "--payload", "{}", "--codec", "{kind: morse}"], "codec 'morse' is not known"),
        (
            ["preview", "{mapping}", "--payload", "{}", "--adapter", "{mapping}"],
            "`adapter: NAME` says that a file is one",
        ),
    ],
)
def test_what_cannot_begin_ends_with_2_and_says_why(
    mapping: Path, tmp_path: Path, words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    places = {"{mapping}": str(mapping), "{empty}": str(tmp_path / "empty")}
    assert main(["adapter", *(places.get(word, word) for word in words)]) == 2
    assert message in capsys.readouterr().err


def test_a_preview_shows_readings_entities_and_all_that_is_lost(
    mapping: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["adapter", "preview", str(mapping), "--codec", "json", "--device", "d1", "--option", "room=r1"]
    assert main([*words, "--payload", '{"t": -60, "n": 3, "x": 1}']) == 0
    out = capsys.readouterr().out
    assert "readings of d1" in out
    assert "t = -60" in out
    assert '"id": "urn:x:d1:r1"' in out
    assert "left out (out_of_range): t is -60" in out
    assert "no rule takes: x" in out
    assert main([*words, "--payload", '{"x": 1}']) == 1
    assert "quarantined (unmapped): d1: mapping rooms takes none of x" in capsys.readouterr().out


def test_a_preview_reads_standard_input_and_tells_programs(
    mapping: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b'{"t": 21.5}')))
    words = ["adapter", "preview", str(mapping), "--codec", "json", "--device", "d1", "--option", "room=r1", "--json"]
    assert main([*words, "--payload", "-"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["entities"][0]["temperature"]["value"] == 21.5
    assert told["readings"] == [{"device": "d1", "readings": [{"quantity": "t", "value": 21.5}]}]
    assert (told["left_out"], told["unmapped"], told["refused"]) == ([], [], "")


def test_a_preview_takes_a_recorded_frame_and_readings_alone(capsys: pytest.CaptureFixture[str]) -> None:
    meters = str(MISONO / "smart-meters.yaml")
    assert main(["adapter", "preview", meters, "--frame", str(FRAMES / "echonet/smart_meter.json"), "--json"]) == 0
    [entity] = json.loads(capsys.readouterr().out)["entities"]
    assert entity["totalActivePower"]["value"] == -1250
    readings = '{"part": "0288-1", "readings": [{"quantity": "instantaneousElectricPower", "value": 5, "unit": "WTT"}]}'
    assert main(["adapter", "preview", meters, "--readings", readings, "--device", "h9", "--json"]) == 0
    [entity] = json.loads(capsys.readouterr().out)["entities"]
    assert entity["id"] == "urn:ngsi-ld:ACMeasurement:misono:h9"


def test_a_preview_takes_the_codec_of_an_adapters_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    adapter = tmp_path / "rooms.yaml"
    adapter.write_text("adapter: rooms\nlink: {kind: replay}\ncodec: {kind: chirpstack}\n")
    words = ["adapter", "preview", str(MISONO / "room-sensors.yaml"), "--adapter", str(adapter), "--json"]
    assert main([*words, "--frame", str(FRAMES / "chirpstack/object_up.json")]) == 0
    [entity] = json.loads(capsys.readouterr().out)["entities"]
    assert entity["temperature"]["value"] == 21.5
