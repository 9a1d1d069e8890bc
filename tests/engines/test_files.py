"""Files at the start: damaged ones and newer ones are refused by name, older ones are brought up to date."""

from __future__ import annotations

from pathlib import Path
from threading import Thread

import apsw
import pytest

from broker.model.entity import Entity
from broker.model.values import Json
from broker.ports import Command, Put
from broker.stores.sqlite import UnusableFile, files, open_store, readers, writer
from broker.stores.sqlite.schema import TENANT_STEPS, migrate, version
from tests.fakes.clock import FakeClock

STEPS = (*TENANT_STEPS, "CREATE TABLE added (number INTEGER PRIMARY KEY) STRICT; INSERT INTO added VALUES (1);")


def fill(directory: Path) -> None:
    store = open_store(directory, FakeClock())
    for tenant in ("", "city"):
        store.apply(tenant, [put(number) for number in range(200)]).result()
    store.close()


def put(number: int) -> Command:
    value: Json = {"type": "Property", "value": f"{number} of them"}
    entity = Entity({"id": f"urn:e:{number}", "type": "https://x.org/A", "https://x.org/a": value}, 0, 0)
    return Command(entity.id, lambda _c, _n: Put(entity), creates=True)


def damage(path: Path) -> None:
    """Zero pages from the third on, the first two being header and a table's root."""
    content = bytearray(path.read_bytes())
    content[8192 : 8192 + 4096 * 8] = bytes(4096 * 8)
    path.write_bytes(content)


@pytest.mark.parametrize("harm", ["pages", "header"])
@pytest.mark.parametrize("name", ["hub.sqlite", "default.sqlite"])
def test_a_damaged_file_refuses_the_start_and_is_named(name: str, harm: str, tmp_path: Path) -> None:
    fill(tmp_path)
    path = tmp_path / name
    if harm == "pages":
        damage(path)
    else:
        path.write_bytes(b"no database at all, " * 500)
    with pytest.raises(UnusableFile) as refusal:
        open_store(tmp_path, FakeClock())
    assert str(path) in str(refusal.value)


def test_a_damaged_tenant_is_refused_when_it_is_first_used_and_harms_no_other(tmp_path: Path) -> None:
    fill(tmp_path)
    path = files.tenant_path(tmp_path, "city")
    damage(path)
    store = open_store(tmp_path, FakeClock())
    try:
        assert store.get("", "urn:e:7") is not None
        with pytest.raises(UnusableFile, match="is damaged") as refusal:
            store.get("city", "urn:e:7")
        assert str(path) in str(refusal.value)
    finally:
        store.close()


def test_an_older_file_gets_the_steps_it_lacks_and_keeps_what_it_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path)
    for module in (files, readers, writer):
        monkeypatch.setattr(module, "TENANT_STEPS", STEPS)
    store = open_store(tmp_path, FakeClock())
    try:
        for tenant in ("", "city"):
            store.apply(tenant, [put(7)]).result()
            assert store.get(tenant, "urn:e:7") is not None
            db = files.connect(files.tenant_path(tmp_path, tenant), cache_kib=100, writes=False)
            assert version(db) == len(STEPS)
            assert db.execute("SELECT number FROM added").get == 1
            db.close()
    finally:
        store.close()


def test_a_step_runs_once_however_many_open_the_file(tmp_path: Path) -> None:
    path = tmp_path / "t.sqlite"
    files.create(path, TENANT_STEPS)
    together = [Thread(target=files.upgrade, args=(path, STEPS)) for _ in range(4)]
    for one in together:
        one.start()
    for one in together:
        one.join()
    db = files.connect(path, cache_kib=100, writes=False)
    assert (version(db), db.execute("SELECT count(*) FROM added").get) == (len(STEPS), 1)
    db.close()


def test_a_step_that_fails_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "t.sqlite"
    files.create(path, TENANT_STEPS)
    db = files.connect(path, cache_kib=100, writes=True)
    with pytest.raises(apsw.SQLError):
        migrate(db, (*TENANT_STEPS, "CREATE TABLE half (a); CREATE TABLE half (a);"))
    assert version(db) == len(TENANT_STEPS)
    assert db.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'half'").get == 0
    db.close()


@pytest.mark.parametrize("name", ["hub.sqlite", "default.sqlite", "tenants/city.sqlite"])
def test_a_newer_file_is_refused_and_left_alone(name: str, tmp_path: Path) -> None:
    fill(tmp_path)
    db = apsw.Connection(str(tmp_path / name))
    db.pragma("user_version", 77)
    db.close()
    with pytest.raises(
        UnusableFile, match=r"has schema 77; this release knows \d+\. Use the release that wrote it"
    ) as said:
        open_store(tmp_path, FakeClock()).get("city", "urn:e:1")
    assert name in str(said.value)
