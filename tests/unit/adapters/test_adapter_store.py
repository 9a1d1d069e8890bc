"""One file, one writer: what was said to be kept is kept, and what fails fails alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from apsw import Connection, ConstraintError

from adapters.store import AdapterStore, NotKept, UnusableFile

NOTES = ("CREATE TABLE note (text TEXT PRIMARY KEY) STRICT",)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[AdapterStore]:
    made = AdapterStore(tmp_path)
    made.tables("notes", NOTES)
    yield made
    made.close()


def note(store: AdapterStore, text: str) -> None:
    store.write(lambda db: void(db, text)).result()


def void(db: Connection, text: str) -> None:
    db.execute("INSERT INTO note VALUES (?)", (text,))


def test_what_fails_fails_alone(store: AdapterStore) -> None:
    pending = [store.write(lambda db, text=text: void(db, text)) for text in ("a", "b", "a", "c")]  # type: ignore[misc]
    assert [one.exception() is None for one in pending] == [True, True, False, True]
    assert isinstance(pending[2].exception(), ConstraintError)
    assert store.read("SELECT text FROM note ORDER BY text") == [("a",), ("b",), ("c",)]


def test_who_waits_is_told_in_the_order_of_the_writes(store: AdapterStore) -> None:
    told: list[int] = []
    pending = [store.write(lambda _db, number=number: number, told.append) for number in range(100)]  # type: ignore[misc]
    assert [one.result() for one in pending] == told == [*range(100)]


def test_another_process_is_seen(store: AdapterStore, tmp_path: Path) -> None:
    before = store.generation()
    other = AdapterStore(tmp_path)
    other.tables("notes", NOTES)
    note(other, "from elsewhere")
    other.close()
    assert store.generation() != before
    assert store.read("SELECT text FROM note") == [("from elsewhere",)]


def test_only_one_process_runs_adapters_on_a_file(store: AdapterStore, tmp_path: Path) -> None:
    store.run_alone()
    store.run_alone()
    other = AdapterStore(tmp_path)
    with pytest.raises(UnusableFile, match="another process"):
        other.run_alone()
    other.close()


def test_steps_are_added_and_never_taken_back(store: AdapterStore) -> None:
    store.tables("notes", (*NOTES, "ALTER TABLE note ADD COLUMN more TEXT"))
    note_of_two = store.read("SELECT count(*) FROM pragma_table_info('note')")
    assert note_of_two == [(2,)]
    with pytest.raises(UnusableFile, match="later version"):
        store.tables("notes", NOTES)


def test_a_file_of_somebody_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "adapters.sqlite").write_bytes(b"no database at all, but long enough to look at it" * 100)
    with pytest.raises(UnusableFile):
        AdapterStore(tmp_path)


def test_a_store_that_is_closed_takes_nothing(tmp_path: Path) -> None:
    store = AdapterStore(tmp_path)
    pending = store.write(lambda _db: 7)
    store.close()
    assert pending.result() == 7
    with pytest.raises(NotKept):
        store.write(lambda _db: 8)
