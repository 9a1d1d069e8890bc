"""Places in files: seen by other processes, backed up with their tenant, checked, gone when they are dropped."""

from __future__ import annotations

from pathlib import Path

import pytest

from broker.__main__ import main
from broker.model.entity import Entity
from broker.model.values import to_instant
from broker.ports import UNRESTRICTED, Command, Put
from broker.ports.places import place_of
from broker.query.ast import HasType, Selection, Window
from broker.stores.sqlite import backup, open_store
from tests.fakes.clock import START, FakeClock

PLACE = place_of("city", "1", "urn:s:1")
THINGS = Selection(HasType("https://x.org/A"))


def thing(number: int, expires_at: int | None = None) -> Entity:
    value = {"type": "Property", "value": number}
    document = {"id": f"urn:e:{number}", "type": "https://x.org/A", "https://x.org/value": value}
    return Entity(document, START, START, expires_at)  # type: ignore[arg-type]


def put(number: int) -> Command:
    return Command(f"urn:e:{number}", lambda _current, _now: Put(thing(number)), creates=True)


def make(directory: Path) -> None:
    store = open_store(directory, FakeClock())
    store.apply("city", [put(1)]).result()
    store.places.make_place(PLACE)
    store.places.fill_place(PLACE, [thing(number) for number in range(30)]).result()
    store.close()


def test_a_place_is_every_process_s(tmp_path: Path) -> None:
    one, other = open_store(tmp_path, FakeClock()), open_store(tmp_path, FakeClock())
    one.places.make_place(PLACE)
    one.places.fill_place(PLACE, [thing(1)]).result()
    assert other.get(PLACE, "urn:e:1") == thing(1)
    other.apply(PLACE, [put(2)]).result()
    other.places.drop_place(PLACE)
    assert PLACE not in one.names()
    assert not list((tmp_path / "tenants").glob("[!.]*"))
    for store in (one, other):
        store.close()


@pytest.mark.parametrize("name", ["backup", "backup.tar.gz"])
def test_a_place_is_backed_up_with_its_tenant(tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    make(tmp_path / "data")
    assert main(["backup", "--to", str(tmp_path / name), "--data", str(tmp_path / "data")]) == 0
    assert main(["restore", "--from", str(tmp_path / name), "--data", str(tmp_path / "again")]) == 0
    assert main(["check", "--data", str(tmp_path / "again")]) == 0
    capsys.readouterr()
    store = open_store(tmp_path / "again", FakeClock())
    assert len(store.select(PLACE, THINGS, Window(100), UNRESTRICTED).entities) == 30
    store.close()


def test_a_place_that_goes_while_a_backup_is_made_is_not_in_it(tmp_path: Path) -> None:
    make(tmp_path / "data")

    def told(file: str, done: int, size: int) -> None:
        """The snapshot is deleted once the hub is copied."""
        if file == "hub.sqlite" and done == size:
            store = open_store(tmp_path / "data", FakeClock())
            store.places.drop_place(PLACE)
            store.close()

    at = to_instant("2026-01-01T00:00:00Z")
    assert at is not None
    made = backup.back_up(tmp_path / "data", tmp_path / "backup", at, told)
    assert [one.tenant for one in made] == [None, "", "city"]
    assert main(["restore", "--from", str(tmp_path / "backup"), "--data", str(tmp_path / "again")]) == 0
    assert main(["check", "--data", str(tmp_path / "again")]) == 0
    store = open_store(tmp_path / "again", FakeClock())
    assert store.names() == ["", "city"]
    store.close()


def test_what_expires_in_a_place_is_swept_there(tmp_path: Path) -> None:
    clock = FakeClock()
    store = open_store(tmp_path, clock)
    store.places.make_place(PLACE)
    store.places.fill_place(PLACE, [thing(1, START + 1_000_000), thing(2)]).result()
    clock.advance(2)
    assert [one.id for one in store.select(PLACE, THINGS, Window(9), UNRESTRICTED).entities] == ["urn:e:2"]
    assert store.sweep() == 1
    store.places.drop_place(PLACE)
    clock.advance(1000)
    assert store.sweep() == 0
    assert store.names() == [""]
    store.close()
