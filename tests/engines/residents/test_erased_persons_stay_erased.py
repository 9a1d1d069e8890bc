"""Backup, erase, restore: who was erased is still gone, also what the erasure could not see any more."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from broker.__main__ import main
from broker.model.subjects import DATA_SUBJECT
from tests.http.doors import ROOT, Door, broker, front_door

HANA, KEN = "urn:misono:subject:hana", "urn:misono:subject:ken"
TENANT = {"NGSILD-Tenant": "misono"}
MARK = "planted-c0ffee"


@contextmanager
def opened(data: Path) -> Iterator[Door]:
    with broker(store="sqlite", data=str(data)) as (_, doors):
        yield front_door(doors)


def put(door: Door, name: str, subject: str | list[str], kind: str = "Weight") -> None:
    about = {"type": "Property", "value": subject}
    body = {"id": f"urn:x:{name}", "type": kind, "note": {"type": "Property", "value": MARK}, DATA_SUBJECT: about}
    assert door("POST", f"{ROOT}/entities", TENANT, json.dumps(body).encode()).status == 201


def there(door: Door, name: str) -> bool:
    parts = ("entities", "temporal/entities")
    return any(door("GET", f"{ROOT}/{part}/urn:x:{name}", TENANT).status == 200 for part in parts)


def erase(door: Door, **asked: object) -> dict[str, object]:
    reply = door("POST", "/admin/erasures", TENANT, json.dumps({"subject": HANA, **asked}).encode())
    assert reply.status == 200
    told: dict[str, object] = json.loads(reply.body)
    return told


def files_with(data: Path, text: str) -> list[str]:
    return [path.name for path in data.rglob("*") if path.is_file() and text.encode() in path.read_bytes()]


@pytest.fixture(name="places")
def one_backup(tmp_path: Path) -> tuple[Path, Path]:
    data, backup = tmp_path / "data", tmp_path / "backup"
    with opened(data) as door:
        put(door, "one", HANA)
        put(door, "two", HANA)
        put(door, "both", [HANA, KEN])
        put(door, "ken", KEN)
        put(door, "kept", HANA, "Receipt")
    assert main(["backup", "--data", str(data), "--to", str(backup)]) == 0
    return data, backup


def test_a_restore_brings_nobody_back(places: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    data, backup = places
    receipt = "https://uri.etsi.org/ngsi-ld/default-context/Receipt"
    with opened(data) as door:
        # so thoroughly that the erasure sees nothing of it: the backup has it
        door("DELETE", f"{ROOT}/entities/urn:x:two", TENANT)
        erased = json.dumps({"entityId": "urn:x:two"}).encode()
        assert door("POST", "/admin/erasures", TENANT, erased).status == 200
        told = erase(door, keep=[receipt])
        assert told["erased"] == ["urn:x:one"]
        assert (told["joint"], list(told["kept"])) == (["urn:x:both"], ["urn:x:kept"])  # type: ignore[call-overload]
    assert main(["restore", "--from", str(backup), "--data", str(data), "--replace"]) == 0
    assert "erased again" in capsys.readouterr().out
    with opened(data) as door:
        assert [name for name in ("one", "two", "both", "ken", "kept") if there(door, name)] == ["both", "ken", "kept"]


def test_what_was_deleted_before_is_erased_from_a_restore_too(tmp_path: Path) -> None:
    data, backup, again = tmp_path / "data", tmp_path / "backup", tmp_path / "again"
    with opened(data) as door:
        put(door, "one", HANA)
    assert main(["backup", "--data", str(data), "--to", str(backup)]) == 0
    with opened(data) as door:
        assert door("POST", "/admin/erasures", TENANT, b'{"entityId": "urn:x:one"}').status == 200
    (data / "erasures.ndjson").unlink()  # as if nobody had noted that
    with opened(data) as door:
        assert erase(door)["erased"] == []
    ledger = str(data / "erasures.ndjson")
    assert main(["restore", "--from", str(backup), "--data", str(again), "--erasures", ledger]) == 0
    with opened(again) as door:
        assert not there(door, "one")
    assert files_with(again, MARK) == []
    assert files_with(again, HANA) == []


def test_a_part_of_anothers_goes_alone(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with opened(data) as door:
        put(door, "house", KEN)
        for value, subject in ((1, HANA), (2, KEN)):
            about = {DATA_SUBJECT: {"type": "Property", "value": subject}}
            body = {"bath": {"type": "Property", "value": value, "observedAt": f"2026-01-0{value}T00:00:00Z", **about}}
            reply = door("POST", f"{ROOT}/entities/urn:x:house/attrs", TENANT, json.dumps(body).encode())
            assert reply.status == 204
        assert erase(door)["parts"] == ["urn:x:house"]
        past = json.loads(door("GET", f"{ROOT}/temporal/entities/urn:x:house", TENANT).body)
        found = past["bath"] if isinstance(past["bath"], list) else [past["bath"]]
        assert [one["value"] for one in found] == [2]
