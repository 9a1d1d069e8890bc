"""The files that docs/devices.md shows are in order: each is read, linted and tried as the page says."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from adapters.checking import check_files, check_folder
from adapters.codecs.lorawan import NAMES
from adapters.frame import Frame
from adapters.mapping.members import members
from adapters.mapping.reading import _ATTRIBUTE
from adapters.mapping_files import packaged_contexts
from adapters.table import CODECS, LINKS, make_codec
from broker.__main__ import main
from datamodels.library import read_beside_built_in
from datamodels.yaml_text import parse_yaml

PAGE = Path(__file__).resolve().parents[3] / "docs/devices.md"
SECRET = re.compile(r"_file: ([\w.-]+)")
SHELL = re.compile(r"```sh\n(.*?)```", re.DOTALL)
SECRETS = ("broker.pem", "hook.secret", "mqtt.password")
BLOCK = re.compile(r"```yaml\n# ([\w.-]+)\n(.*?)```", re.DOTALL)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("city") / "adapters"
    home.mkdir()
    for name, text in BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        (home / name).write_text(text, encoding="utf-8")
    for name in SECRETS:
        (home / name).write_text("try-out\n")
    return home


def test_the_files_of_the_page_are_in_order(folder: Path) -> None:
    checked = check_folder(folder, read_beside_built_in(), packaged_contexts())
    assert checked.faults == []
    assert {"rooms", "soil"} <= {one.name for one in checked.adapters}
    assert "rooms" in checked.mappings
    assert checked.samples >= 2


def test_links_of_the_page_that_need_no_secret_could_begin(folder: Path) -> None:
    without = [path for path in sorted(folder.glob("*.yaml")) if "_file: " not in path.read_text(encoding="utf-8")]
    assert folder / "soil.yaml" in without
    assert check_files(without, read_beside_built_in(), packaged_contexts()).faults == []


def test_the_payloads_of_the_page_are_read_as_it_says(folder: Path) -> None:
    body = members(parse_yaml((folder / "soil.yaml").read_text(encoding="utf-8")), "soil.yaml")
    codec = make_codec("ttn", body.below("codec").of)
    uplink = (
        '{"end_device_ids": {"device_id": "soil-1"}, "uplink_message": {"f_port": 3, "frm_payload": "y7YLDQJfAbYB"}}'
    )
    [readings] = codec.decode(Frame(uplink.encode(), 0))
    assert [(one.quantity, one.value, one.unit) for one in readings.readings] == [
        ("status", "good", ""),
        ("voltage", 2.998, "VLT"),
        ("t", 28.29, "CEL"),
        ("soil", 43.8, "CEL"),
    ]


def test_the_commands_of_the_page_work(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in folder.glob("*.yaml"):
        for name in SECRET.findall(path.read_text(encoding="utf-8")):
            (folder / name).write_text("a secret")
    monkeypatch.chdir(folder.parent)
    block = next(one for one in SHELL.findall(PAGE.read_text(encoding="utf-8")) if "misono adapter" in one)
    commands = [shlex.split(line, comments=True) for line in block.replace("\\\n", " ").splitlines()]
    assert [words[2] for words in commands] == ["lint", "test", "preview"]
    for program, *words in commands:
        assert program == "misono"
        assert main(words) == 0, words
    assert '"value": 21.5' in capsys.readouterr().out


def test_the_page_names_every_member_of_an_attribute_and_every_link_and_codec() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for name in _ATTRIBUTE:
        assert re.search(rf"`[^`]*\b{name}\b[^`]*`", text), name
    for name in (*LINKS, *CODECS):
        assert f"`{name}`" in text, f"{name}: make docs"
    assert NAMES[0] == "device_id"
