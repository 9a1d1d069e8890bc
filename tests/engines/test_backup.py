"""Backup, restore and check, as a person runs them, over a small house of several tenants."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import apsw
import pytest

from broker.__main__ import main
from broker.model.entity import Entity
from broker.ports import Command, Put, Remove
from broker.stores.sqlite import open_store, schema
from broker.stores.sqlite.backup import MANIFEST
from tests.engines.replayed import replayed
from tests.fakes.clock import FakeClock

TENANTS = ("", "city", "市/1")


def fill(directory: Path) -> dict[str, dict[str, Any]]:
    """Make a store with some history; tenant -> what its log tells of."""
    clock = FakeClock()
    store = open_store(directory, clock)
    for tenant in TENANTS:
        for number in range(20):
            clock.advance()
            store.apply(tenant, [put(number, number * 1.5)]).result()
        store.apply(tenant, [put(3, "a text"), Command("urn:e:4", lambda _c, _n: Remove())]).result()
    store.put("context", "c1", {"@context": {"a": "https://x.org/a"}}, clock.now())
    told: dict[str, dict[str, Any]] = {tenant: dict(replayed(store, tenant)) for tenant in TENANTS}
    store.close()
    return told


def put(number: int, value: Any) -> Command:
    place: Any = {"type": "Point", "coordinates": [number, 1.5]}
    document: Any = {
        "id": f"urn:e:{number}", "type": "https://x.org/A", "scope": "/a/b",
        "https://x.org/value": {"type": "Property", "value": value},
        "https://x.org/place": {"type": "GeoProperty", "value": place},
    }  # fmt: skip
    return Command(document["id"], lambda _c, _n: Put(Entity(document, 0, 0)), creates=True)


def held(directory: Path) -> dict[str, dict[str, Any]]:
    store = open_store(directory, FakeClock())
    try:
        assert store.find("context", "c1") is not None
        return {
            tenant: {one.id: (one.document, one.created_at, one.modified_at, one.version) for one in store.scan(tenant)}
            for tenant in store.names()
        }
    finally:
        store.close()


@pytest.mark.parametrize("name", ["backup", "backup.tar", "backup.tar.gz"])
def test_what_is_restored_is_what_was_backed_up(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = fill(tmp_path / "data")
    assert main(["backup", "--data", str(tmp_path / "data"), "--to", str(tmp_path / name)]) == 0
    assert "tenant 'city'\tsequence 22\t" in capsys.readouterr().out
    assert main(["restore", "--from", str(tmp_path / name), "--data", str(tmp_path / "new")]) == 0
    assert held(tmp_path / "new") == told
    assert main(["check", "--data", str(tmp_path / "new")]) == 0
    assert "4 files, 57 entities: all is well" in capsys.readouterr().out
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["data", name, "new"]), "something was left over"


def test_the_manifest_names_schema_sequence_and_hash_of_every_file(tmp_path: Path) -> None:
    fill(tmp_path / "data")
    main(["backup", "--data", str(tmp_path / "data"), "--to", str(tmp_path / "backup")])
    files = json.loads((tmp_path / "backup" / MANIFEST).read_bytes())["files"]
    assert [(one["tenant"], one["sequence"]) for one in files] == [(None, 0), ("", 22), ("city", 22), ("市/1", 22)]
    for one in files:
        known = len(schema.HUB_STEPS if one["tenant"] is None else schema.TENANT_STEPS)
        assert (one["schema"], len(one["sha256"])) == (known, 64)
        assert (tmp_path / "backup" / one["file"]).stat().st_size == one["size"]


def test_nothing_is_written_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = fill(tmp_path / "data")
    data, backup = str(tmp_path / "data"), str(tmp_path / "backup")
    assert main(["backup", "--data", data, "--to", backup]) == 0
    assert main(["backup", "--data", data, "--to", backup]) == 2
    assert f"{backup} is there already" in capsys.readouterr().err
    assert main(["restore", "--from", backup, "--data", data]) == 2
    assert f"{data} is not empty" in capsys.readouterr().err
    assert main(["restore", "--from", backup, "--data", data, "--replace"]) == 0
    assert "what was there is in" in capsys.readouterr().out
    assert held(tmp_path / "data") == held(tmp_path / "data.replaced-1") == told


def test_a_directory_in_use_is_not_replaced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fill(tmp_path / "data")
    main(["backup", "--data", str(tmp_path / "data"), "--to", str(tmp_path / "backup")])
    store = open_store(tmp_path / "data", FakeClock())
    store.apply("", [put(1, 2)]).result()
    words = ["restore", "--from", str(tmp_path / "backup"), "--data", str(tmp_path / "data"), "--replace"]
    assert main(words) == 2
    assert "is in use by a broker" in capsys.readouterr().err
    store.apply("", [put(1, 3)]).result()
    store.close()
    assert main(words) == 0


def test_places_that_hold_no_store_and_no_backup(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["backup", "--data", str(tmp_path), "--to", str(tmp_path / "b")]) == 2
    assert main(["check", "--data", str(tmp_path)]) == 2
    assert main(["restore", "--from", str(tmp_path), "--data", str(tmp_path / "new")]) == 2
    assert main(["restore", "--from", str(tmp_path / "none.tar"), "--data", str(tmp_path / "new")]) == 2
    said = capsys.readouterr().err
    assert said.count("holds no store") == 2
    assert f"{MANIFEST} cannot be read" in said
    assert "none.tar is no backup" in said
    assert not list(tmp_path.iterdir())


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-100] ^= 1
    path.write_bytes(content)


def _rewrite(path: Path, change: tuple[str, Any]) -> None:
    manifest = json.loads(path.read_bytes())
    manifest["files"][1][change[0]] = change[1]
    path.write_text(json.dumps(manifest))


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda backup: _flip(backup / "default.sqlite"), "default.sqlite is not the file that was backed up"),
        (lambda backup: (backup / "hub.sqlite").unlink(), "hub.sqlite cannot be read"),
        (lambda backup: (backup / MANIFEST).write_text("{}"), "manifest.json is no manifest"),
        (lambda backup: _rewrite(backup / MANIFEST, ("file", "../x.sqlite")), "names files that no data directory has"),
        (lambda backup: _rewrite(backup / MANIFEST, ("tenant", "x")), "names files that no data directory has"),
        (lambda backup: _rewrite(backup / MANIFEST, ("sequence", 7)), "stands at 22, schema "),
        (lambda backup: _rewrite(backup / MANIFEST, ("more", 7)), "manifest.json is no manifest"),
    ],
)
def test_a_backup_that_was_touched_is_refused(
    harm: Any, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(tmp_path / "data")
    main(["backup", "--data", str(tmp_path / "data"), "--to", str(tmp_path / "backup")])
    harm(tmp_path / "backup")
    assert main(["restore", "--from", str(tmp_path / "backup"), "--data", str(tmp_path / "new")]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def test_a_packed_backup_that_was_cut_short_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fill(tmp_path / "data")
    packed = tmp_path / "backup.tar.gz"
    main(["backup", "--data", str(tmp_path / "data"), "--to", str(packed)])
    whole = packed.read_bytes()
    for size in (0, 10, 500, len(whole) // 2, len(whole) - 1_000):
        packed.write_bytes(whole[:size])
        assert main(["restore", "--from", str(packed), "--data", str(tmp_path / "new")]) == 2
        assert "misono restore: " in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["backup.tar.gz", "data"]


def test_a_file_of_another_kind_under_the_right_hash_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(tmp_path / "data")
    backup = tmp_path / "backup"
    main(["backup", "--data", str(tmp_path / "data"), "--to", str(backup)])
    (backup / "default.sqlite").write_bytes((backup / "hub.sqlite").read_bytes())
    _rewrite(backup / MANIFEST, ("sha256", json.loads((backup / MANIFEST).read_bytes())["files"][0]["sha256"]))
    assert main(["restore", "--from", str(backup), "--data", str(tmp_path / "new")]) == 2
    assert "default.sqlite is no file of a store" in capsys.readouterr().err


def test_a_backup_of_a_newer_release_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(tmp_path / "data")
    db = apsw.Connection(str(tmp_path / "data" / "tenants" / "city.sqlite"))
    db.pragma("user_version", len(schema.TENANT_STEPS) + 1)
    db.close()
    assert main(["backup", "--data", str(tmp_path / "data"), "--to", str(tmp_path / "backup")]) == 2
    known = len(schema.TENANT_STEPS)
    assert f"city.sqlite has schema {known + 1}; this release knows 1 to {known}" in capsys.readouterr().err
    assert main(["check", "--data", str(tmp_path / "data")]) == 1
    assert f"schema {known + 1} is newer than {known}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("table", "harm"),
    [
        ("leaf", "DELETE FROM leaf WHERE value = 15"),
        ("leaf", "INSERT INTO leaf (path, value, entity) VALUES (1, 99, 1)"),
        ("entity_type", "DELETE FROM entity_type WHERE entity = 3"),
        ("entity_scope", "UPDATE entity_scope SET scope = 'a' WHERE entity = 3"),
        ("probe", "UPDATE probe SET leaves = jsonb('{}') WHERE entity = 3"),
        ("bounds", "UPDATE bounds SET east = 99 WHERE id = (SELECT min(id) FROM bounds)"),
        ("bounds", "DELETE FROM bounds WHERE id = (SELECT min(id) FROM bounds)"),
        ("uncovered", "INSERT INTO uncovered (path, entity) VALUES (1, 1)"),
        ("expiry", "INSERT INTO expiry (due, entity) VALUES (1, 1)"),
        ("shape", "UPDATE shape SET entities = entities + 1"),
        ("shape", """UPDATE shape SET form = '{"types": [], "attributes": {}}' WHERE entities > 0"""),
        ("id", "UPDATE entity SET iri = 'urn:other' WHERE number = 2"),
    ],
)
def test_check_finds_index_rows_that_disagree_with_documents(
    table: str, harm: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(tmp_path / "data")
    db = apsw.Connection(str(tmp_path / "data" / "default.sqlite"))
    db.execute(harm)
    db.close()
    assert main(["check", "--data", str(tmp_path / "data")]) == 1
    said = capsys.readouterr().out
    assert table in said
    assert "1 files are damaged" in said


def test_check_finds_files_that_are_damaged_missing_or_nobody_s(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(tmp_path / "data")
    tenants = tmp_path / "data" / "tenants"
    (tenants / "city.sqlite").rename(tenants / "village.sqlite")
    content = bytearray((tmp_path / "data" / "default.sqlite").read_bytes())
    content[4096 * 3 : 4096 * 9] = bytes(4096 * 6)
    (tmp_path / "data" / "default.sqlite").write_bytes(content)
    assert main(["check", "--data", str(tmp_path / "data")]) == 1
    said = capsys.readouterr().out
    assert "village.sqlite belongs to no tenant" in said
    assert "its file is not there" in said
    assert "2 files are damaged" in said
