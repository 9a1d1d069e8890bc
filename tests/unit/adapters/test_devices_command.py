"""`misono devices`: who is provisioned, from the command line."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from adapters.frame import BadFrame
from adapters.provisioning.book import Book
from adapters.provisioning.registry import Devices
from adapters.store import AdapterStore
from broker.__main__ import main
from tests.fakes.clock import FakeClock

FILE = """
adapter: meters
link: hand
codec: iota-json
mapping: rooms
devices: [{id: in-file, address: 192.0.2.9}]
groups: [{name: of-file, key: a-key-that-a-file-has}]
"""
ROOMS = "mapping: rooms\nentities: [{id: 'urn:ngsi-ld:Room:{device}', type: Room, attributes: {temperature: t}}]\n"


class Terminal:
    """Runs the command in a data directory."""

    def __init__(self, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.data, self._capsys = data, capsys
        self.told = ""

    def __call__(self, *words: str, code: int = 0) -> str:
        """What it prints; `told` is what it says beside."""
        assert main(["devices", *words, "--data", str(self.data)]) == code
        printed = self._capsys.readouterr()
        self.told = printed.err
        return printed.out.strip()

    def listed(self, *words: str) -> list[dict[str, Any]]:
        """`list --json`."""
        return [json.loads(line) for line in self("list", "--json", *words).splitlines()]

    def registry(self) -> Devices:
        """As a hub with this directory has it."""
        store = AdapterStore(self.data)
        devices = Devices(Book(store, FakeClock()))
        devices.refresh()
        store.close()
        return devices


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "adapters"
    made.mkdir()
    (made / "meters.yaml").write_text(FILE)
    (made / "rooms.yaml").write_text(ROOMS)
    return made


@pytest.fixture
def misono(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Terminal:
    data = tmp_path / "data"
    data.mkdir()
    return Terminal(data, capsys)


def test_a_device_is_added_listed_and_removed(misono: Terminal) -> None:
    words = ("--address", "192.0.2.1:502", "--entity-id", "urn:x:1", "--rate", "3", "--offline-after", "60")
    misono("add", "meters", "m1", *words, "--option", "unit=3", "--option", "name=west wing", "--tenant", "city")
    (one,) = misono.listed()
    assert one == {
        "adapter": "meters",
        "id": "m1",
        "tenant": "city",
        "entity_id": "urn:x:1",
        "address": "192.0.2.1:502",
        "options": {"unit": 3, "name": "west wing"},
        "rate_per_s": 3.0,
        "offline_after_s": 60.0,
        "source": "book",
    }
    assert misono("list").startswith("meters/m1  192.0.2.1:502  -  tenant city  entity_id urn:x:1  book")
    assert misono.listed("--tenant", "other") == []
    assert misono.registry().find("meters", "m1").address == "192.0.2.1:502"
    misono("remove", "meters", "m1", code=1)
    assert "there is no device 'm1'" in misono.told
    misono("remove", "meters", "m1", "--tenant", "city")
    assert misono.listed() == []


def test_a_new_key_is_shown_once_and_opens(misono: Terminal) -> None:
    key = misono("group", "add", "meters", "sensors", "--takes-new", "--new-key", "--new-max", "5")
    assert misono.registry().find("meters", "made", key).group == "sensors"
    for words in (("list",), ("list", "--json"), ("group", "list"), ("group", "list", "--json"), ("export",)):
        assert key not in misono(*words) + misono.told
    second = misono("key", "meters", "sensors", "--of-group")
    with pytest.raises(BadFrame):
        misono.registry().find("meters", "made", key)
    assert misono.registry().find("meters", "made", second).id == "made"
    assert f"****{second[-4:]}" in misono("group", "list")


def test_a_key_comes_from_a_file_or_the_standard_input(
    misono: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "key").write_text("key of the file\nsecond line\n")
    misono("add", "meters", "m1", "--key-file", str(tmp_path / "key"))
    monkeypatch.setattr("sys.stdin", io.StringIO("key of the input\n"))
    misono("add", "meters", "m2", "--key-file", "-")
    assert misono.registry().find("meters", "m1", "key of the file").id == "m1"
    assert misono.registry().find("meters", "m2", "key of the input").id == "m2"
    (tmp_path / "empty").write_text("\n")
    misono("add", "meters", "m3", "--key-file", str(tmp_path / "empty"), code=1)
    assert "its first line is empty" in misono.told


def test_with_the_files_of_adapters_names_are_checked(misono: Terminal, folder: Path) -> None:
    of = ("--adapters", str(folder))
    misono("add", "meters", "m1", "--mapping", "rooms", *of)
    assert [one["id"] for one in misono.listed(*of)] == ["in-file", "m1"]
    assert [one["id"] for one in misono.listed("--adapter", "others", *of)] == []
    for words, why in (
        (("add", "others", "m2"), "no adapter 'others'; there are meters"),
        (("add", "meters", "m2", "--mapping", "none"), "no mapping 'none'"),
        (("add", "meters", "m2", "--group", "none"), "no group 'none'; there are of-file"),
        (("add", "meters", "in-file"), "device 'in-file' is there already"),
        (("add", "meters", "m1"), "device 'm1' is there already"),
        (("remove", "meters", "in-file"), "is in the file of meters"),
        (("key", "meters", "of-file", "--of-group"), "is in the file of meters"),
        (("group", "remove", "meters", "of-file"), "is in the file of meters"),
        (("add", "meters", "a/b"), "device"),
        (("add", "meters", "m2", "--option", "unit"), "NAME=VALUE is wanted"),
    ):
        misono(*words, *of, code=1)
        assert why in misono.told
    misono("add", "meters", "m3", "--group", "of-file", *of)
    assert misono.listed(*of)[2]["masked_key"] == "****-has"


def test_what_was_exported_is_imported_elsewhere(misono: Terminal, tmp_path: Path) -> None:
    key = misono("group", "add", "meters", "sensors", "--takes-new", "--new-key")
    misono("add", "meters", "m1", "--group", "sensors", "--option", "unit=3")
    misono("add", "meters", "m2", "--entity-type", "Room", "--tenant", "city", "--new-key")
    exported = misono("export")
    (tmp_path / "told.json").write_text(exported)
    here = misono.data
    misono.data = tmp_path / "elsewhere"
    misono("import", str(tmp_path / "told.json"), code=2)
    assert "is no directory" in misono.told
    misono.data.mkdir()
    assert misono("import", str(tmp_path / "told.json")) == "0 mappings, 1 groups and 2 devices told"
    assert misono("import", str(tmp_path / "told.json")) == "0 mappings, 1 groups and 2 devices told"
    assert misono("export") == exported
    assert misono.registry().find("meters", "m1", key).options == {"unit": 3}
    misono.data = here


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[]", "an object with the members mappings, groups and devices"),
        ('{"others": []}', "an object with the members mappings, groups and devices"),
        ('{"devices": [{"id": "m1"}]}', "devices[0].adapter"),
        ('{"devices": [{"adapter": "meters", "id": "m1"}, {"adapter": "meters"}]}', "devices[1].id"),
        ('{"groups": [{"adapter": "meters", "name": "g", "new": true}]}', "groups[0].key"),
        ('{"devices": [{"adapter": "meters", "id": "m1", "as_given": []}]}', "devices[0].as_given"),
    ],
)
def test_what_is_no_export_is_refused_whole(misono: Terminal, tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "told.json").write_text(text)
    misono("import", str(tmp_path / "told.json"), code=1)
    assert why in misono.told
    assert misono.listed() == []


def test_a_mapping_is_added_used_exported_and_removed(misono: Terminal, folder: Path, tmp_path: Path) -> None:
    of = ("--adapters", str(folder))
    (tmp_path / "halls.yaml").write_text(ROOMS.replace("mapping: rooms", "mapping: halls"))
    misono("add", "meters", "m1", "--mapping", "halls", *of, code=1)
    assert misono("mapping", "add", str(tmp_path / "halls.yaml"), *of) == "halls"
    misono("add", "meters", "m1", "--mapping", "halls", *of)
    assert misono("mapping", "list") == "halls"
    misono("mapping", "remove", "halls", code=1)
    assert "mapping 'halls' is that of device m1" in misono.told
    misono("mapping", "add", str(folder / "rooms.yaml"), *of, code=1)
    assert "a file says what mapping 'rooms' is" in misono.told
    (tmp_path / "bad.yaml").write_text("mapping: bad\nentities: []\n")
    misono("mapping", "add", str(tmp_path / "bad.yaml"), code=1)
    (tmp_path / "told.json").write_text(misono("export"))
    misono.data = tmp_path / "elsewhere"
    misono.data.mkdir()
    assert misono("import", str(tmp_path / "told.json"), *of) == "1 mappings, 0 groups and 1 devices told"
    misono("remove", "meters", "m1")
    misono("mapping", "remove", "halls")
    assert misono("mapping", "list") == ""
