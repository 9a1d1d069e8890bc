"""`misono backup` takes along what adapters keep; out of it nothing commands again, what was erased stays erased."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from adapters.commands.audit import Audit
from adapters.commands.book import CommandBook
from adapters.store import AdapterStore
from broker.__main__ import main
from broker.stores.sqlite.backup import MANIFEST
from broker.stores.sqlite.beside import BESIDE
from tests.fakes.clock import FakeClock
from tests.fakes.commanded import CHARGER, READY, START, City, commanded, limit

SECOND = f"{CHARGER[:-1]}2"


def ordered(city: City, charger: str, fragment: Any) -> None:
    assert city.patch(charger, fragment).status == 204
    city.settle()


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One command was handed over, two wait; the second charger is erased after the backup."""
    tmp_path = tmp_path_factory.mktemp("filled")
    with commanded(tmp_path, store="sqlite") as city:
        for charger in (CHARGER, SECOND):
            assert city.create({**READY, "id": charger}).status == 201
        ordered(city, CHARGER, START)
        city.link.outcome = city.link.not_reached
        ordered(city, CHARGER, limit(3000))
        ordered(city, SECOND, limit(2000))
        assert main(["backup", "--data", str(tmp_path / "data"), "--to", str(tmp_path / "backup")]) == 0
        body = json.dumps({"entityId": SECOND}).encode()
        erased = city.door("POST", "/admin/erasures", {"Content-Type": "application/json"}, body)
        assert "command" in erased.json()["gone"]
    return tmp_path


@pytest.fixture
def backup(filled: Path, tmp_path: Path) -> Path:
    """One that a test may spoil."""
    return Path(shutil.copytree(filled / "backup", tmp_path / "backup"))


def test_what_is_restored_commands_nothing_again_and_has_nothing_of_what_was_erased(
    filled: Path, backup: Path, tmp_path: Path
) -> None:
    ledger = str(filled / "data" / "erasures.ndjson")
    assert main(["restore", "--from", str(backup), "--data", str(tmp_path / "data"), "--erasures", ledger]) == 0
    assert SECOND.encode() not in b"".join(one.read_bytes() for one in (tmp_path / "data").glob("adapters.*"))
    store = AdapterStore(tmp_path / "data")
    book = CommandBook(store, FakeClock())
    (start, waited) = book.listed({})
    assert (start.name, start.status) == ("RemoteStart", "ERROR")  # it was handed over, and not answered
    assert (waited.status, waited.result) == ("ERROR", "brought back from a backup")
    assert book.position("") is None
    assert Audit(store).verify()[0] > 0
    store.close()
    with commanded(tmp_path, store="sqlite") as city:
        city.settle()
        assert city.link.orders == []
        assert city.status() == "ERROR"
        city.give(limit(1000))
        assert [order.value for order in city.link.orders] == [1000]


def test_a_packed_one_has_it_too(filled: Path, tmp_path: Path) -> None:
    packed, data = tmp_path / "all.tar.gz", tmp_path / "again"
    assert main(["backup", "--data", str(filled / "data"), "--to", str(packed)]) == 0
    assert main(["restore", "--from", str(packed), "--data", str(data)]) == 0
    with closing(sqlite3.connect(data / BESIDE[0])) as db:
        assert db.execute("SELECT count(*) FROM command").fetchone() == (2,)


@pytest.mark.parametrize("name", ["../adapters.sqlite", "hub.sqlite", "other.sqlite"])
def test_a_name_that_is_none_of_theirs_is_refused(backup: Path, tmp_path: Path, name: str) -> None:
    manifest = backup / MANIFEST
    told = json.loads(manifest.read_text())
    told["beside"][0]["file"] = name
    manifest.write_text(json.dumps(told))
    assert main(["restore", "--from", str(backup), "--data", str(tmp_path / "no")]) == 2
    assert not (tmp_path / "no").exists()


def test_one_that_was_changed_is_refused(backup: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with (backup / BESIDE[0]).open("ab") as file:
        file.write(b"PENDING")
    assert main(["restore", "--from", str(backup), "--data", str(tmp_path / "no")]) == 2
    assert "adapters.sqlite" in capsys.readouterr().err
