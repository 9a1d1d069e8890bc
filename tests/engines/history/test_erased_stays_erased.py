"""What was erased after a backup is erased again by its restore; nothing else is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from broker.__main__ import main
from broker.stores.ledger import NAME, Ledger, UnusableLedger
from tests.http.doors import ROOT, Door, broker, front_door

ONE, TWO = "urn:ngsi-ld:Person:1", "urn:ngsi-ld:Person:2"
TENANT = {"NGSILD-Tenant": "city"}


@contextmanager
def opened(data: Path, erasures: str = "") -> Iterator[Door]:
    with broker(store="sqlite", data=str(data), erasures=erasures) as (_, doors):
        yield front_door(doors)


def create(door: Door, entity_id: str, **headers: str) -> None:
    body = json.dumps({"id": entity_id, "type": "Person", "name": {"type": "Property", "value": "Aoi"}}).encode()
    assert door("POST", f"{ROOT}/entities", {**TENANT, **headers}, body).status == 201


def erase(door: Door, entity_id: str) -> None:
    assert door("POST", "/admin/erasures", TENANT, json.dumps({"entityId": entity_id}).encode()).status == 200


def known(door: Door, entity_id: str) -> tuple[int, int]:
    """How the entity and its history are answered."""
    return tuple(door("GET", f"{ROOT}/{part}/{entity_id}", TENANT).status for part in ("entities", "temporal/entities"))  # type: ignore[return-value]


def there(data: Path, text: str) -> list[str]:
    """The files of a directory that hold this text anywhere."""
    return [path.name for path in data.rglob("*") if path.is_file() and text.encode() in path.read_bytes()]


@pytest.fixture(name="backed_up")
def one_backup(tmp_path: Path) -> tuple[Path, Path]:
    """A data directory with two persons, and its backup."""
    data, backup = tmp_path / "data", tmp_path / "backup"
    with opened(data) as door:
        create(door, ONE)
        create(door, TWO)
    assert main(["backup", "--data", str(data), "--to", str(backup)]) == 0
    return data, backup


def test_a_restore_erases_what_was_erased_since(backed_up: tuple[Path, Path], capsys: Any) -> None:
    data, backup = backed_up
    with opened(data) as door:
        erase(door, ONE)
    assert not there(data, ONE)
    assert there(backup, ONE)
    assert main(["restore", "--from", str(backup), "--data", str(data), "--replace"]) == 0
    assert "1 entities erased again, of 1 erased since the backup" in capsys.readouterr().out
    assert not there(data, ONE)
    with opened(data) as door:
        assert known(door, ONE) == (404, 404)
        assert known(door, TWO) == (200, 200)
    assert len(Ledger(data / NAME).since(0)) == 1


def test_a_ledger_elsewhere_serves_a_restore_into_another_directory(
    backed_up: tuple[Path, Path], tmp_path: Path
) -> None:
    data, backup = backed_up
    ledger, elsewhere = tmp_path / "kept" / "ledger.ndjson", tmp_path / "elsewhere"
    with opened(data, erasures=str(ledger)) as door:
        erase(door, ONE)
    restored = main(["restore", "--from", str(backup), "--data", str(elsewhere), "--erasures", str(ledger)])
    assert restored == 0
    with opened(elsewhere) as door:
        assert known(door, ONE) == (404, 404)
        assert known(door, TWO) == (200, 200)


def test_who_came_back_before_the_backup_stays(tmp_path: Path) -> None:
    data, backup = tmp_path / "data", tmp_path / "backup"
    with opened(data) as door:
        create(door, ONE)
        erase(door, ONE)
        create(door, ONE)
    assert main(["backup", "--data", str(data), "--to", str(backup)]) == 0
    assert main(["restore", "--from", str(backup), "--data", str(data), "--replace"]) == 0
    with opened(data) as door:
        assert known(door, ONE) == (200, 200)


def test_a_restored_snapshot_gives_nothing_back(tmp_path: Path) -> None:
    data, backup = tmp_path / "data", tmp_path / "backup"
    snapshot = {"id": "urn:ngsi-ld:Snapshot:1", "type": "Snapshot", "snapshotQueries": [
        {"type": "Query", "entities": [{"type": "Person"}]}
    ]}  # fmt: skip
    with broker(store="sqlite", data=str(data)) as (built, doors):
        door = front_door(doors)
        create(door, ONE)
        assert door("POST", f"{ROOT}/snapshots", TENANT, json.dumps(snapshot).encode()).status == 201
        built.house.broker.background.settle()  # type: ignore[attr-defined]
        inside = {**TENANT, "NGSILD-Snapshot": "urn:ngsi-ld:Snapshot:1"}
        assert door("GET", f"{ROOT}/entities/{ONE}", inside).status == 200
    assert main(["backup", "--data", str(data), "--to", str(backup)]) == 0
    with opened(data) as door:
        erase(door, ONE)
    assert main(["restore", "--from", str(backup), "--data", str(data), "--replace"]) == 0
    with opened(data) as door:
        assert door("GET", f"{ROOT}/entities/{ONE}", inside).status == 404
    assert not there(data, ONE)


def test_the_ledger_names_nobody_and_no_backup_holds_it(backed_up: tuple[Path, Path]) -> None:
    data, backup = backed_up
    with opened(data) as door:
        erase(door, ONE)
    text = (data / NAME).read_text()
    assert ONE not in text
    assert "Person" not in text
    assert not (backup / NAME).exists()
    due = Ledger(data / NAME).since(0)
    assert due.covers("city", ONE)
    assert not due.covers("", ONE)
    assert not due.covers("city", TWO)


@pytest.mark.parametrize(
    "text", ["", "{}\n", "nonsense\n", '{"format": 2, "salt": "00"}\n', '{"format": 1, "salt": "00"}\n{"at": 3}\n']
)
def test_a_ledger_that_cannot_be_read_stops_the_restore(backed_up: tuple[Path, Path], text: str, capsys: Any) -> None:
    data, backup = backed_up
    (data / NAME).write_text(text)
    assert main(["restore", "--from", str(backup), "--data", str(data), "--replace"]) == 2
    assert str(data / NAME) in capsys.readouterr().err
    with opened(data) as door:
        assert known(door, ONE) == (200, 200)


def test_a_line_cut_short_was_never_acknowledged(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / NAME)
    ledger.note("city", 5, ONE)
    with (tmp_path / NAME).open("ab") as file:
        file.write(b'{"at": "2026-')
    assert len(ledger.since(0)) == 1
    ledger.note("city", 6, TWO)
    with pytest.raises(UnusableLedger):
        ledger.since(0)
