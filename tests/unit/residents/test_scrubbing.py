"""Which bytes of a page belong to no cell."""

from __future__ import annotations

from pathlib import Path

import apsw

from broker.stores.sqlite.scrubbing import leftovers

SIZE = 512


def page(kind: int = 13, cells: int = 1, content: int = 500, free: int = 0) -> bytearray:
    """A leaf whose last 12 bytes are its cell."""
    made = bytearray(SIZE)
    made[0], made[3:5], made[5:7], made[1:3] = kind, cells.to_bytes(2), content.to_bytes(2), free.to_bytes(2)
    made[500:512] = b"the one cell"
    return made


def test_what_stands_between_pointers_and_content_is_left_over() -> None:
    made = page()
    assert leftovers(bytes(made), SIZE, first=False) == []
    made[300:304] = b"left"
    assert leftovers(bytes(made), SIZE, first=False) == [(10, 500)]
    assert leftovers(bytes(SIZE) + bytes(made), SIZE, first=True) == [(SIZE + 10, SIZE + 500)]


def test_a_free_block_is_left_over_but_for_its_head() -> None:
    made = page(content=400, free=400)
    made[400:404] = (0).to_bytes(2) + (100).to_bytes(2)
    assert leftovers(bytes(made), SIZE, first=False) == []
    made[450] = 1
    assert leftovers(bytes(made), SIZE, first=False) == [(404, 500)]


def test_pages_of_no_tree_are_left_alone() -> None:
    made = page(kind=0)
    made[300] = 1
    assert leftovers(bytes(made), SIZE, first=False) == []


def test_without_what_is_left_over_a_file_says_the_same(tmp_path: Path) -> None:
    """Every leftover of a real file, zeroed: SQLite finds nothing wrong with it, and every row."""
    path = tmp_path / "real.sqlite"
    db = apsw.Connection(str(path))
    db.execute("CREATE TABLE a (b TEXT PRIMARY KEY, c TEXT) WITHOUT ROWID; CREATE TABLE d (e INTEGER PRIMARY KEY, f)")
    for turn in range(2_000):
        key = str(turn * 7919 % 2_003)
        db.execute("INSERT INTO a VALUES (?, ?)", (key, "x" * (turn % 97)))
        db.execute("INSERT INTO d VALUES (?, ?)", (turn * 7919 % 2_003, "y" * (turn % 1_500)))
        db.execute("DELETE FROM a WHERE b = ?", (str(turn * 31 % 2_003),))
    rows = db.execute("SELECT * FROM a, d WHERE e = 5").fetchall()
    size = int(db.pragma("page_size"))
    db.close()
    data = bytearray(path.read_bytes())
    spans = leftovers(bytes(data), size, first=True)
    assert spans
    for begin, end in spans:
        data[begin:end] = bytes(end - begin)
    path.write_bytes(data)
    again = apsw.Connection(str(path))
    assert [row[0] for row in again.execute("PRAGMA integrity_check")] == ["ok"]
    assert again.execute("SELECT * FROM a, d WHERE e = 5").fetchall() == rows
    assert leftovers(bytes(data), size, first=True) == []
