"""Overwriting what SQLite leaves of deleted rows inside of its pages.

With `secure_delete` a deleted cell is overwritten where it stood. But pages that were balanced before have copies of
cells, also of that one, between their cell pointers and their content, which belong to nobody and are not overwritten.
So the file is gone through, a stretch at a time, in the writer's transaction:

    nobody may append to the WAL meanwhile, and all that is in it is copied back first: nobody writes to the file
    only bytes that no cell has are set to zero: whoever reads the page meanwhile sees the same cells
    a commit at the end makes other processes forget the pages that they have in memory; where one of them wrote
    something in between it is gone through again

The zeros are on the disk with the next checkpoint, or whenever the system writes its files back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import apsw

from broker.model.values import Instant
from broker.stores.sqlite.writer import Open

STRETCH_PAGES: Final = 8_192
"""32 MiB, some 50 ms: then other writes have their turn."""
EVERY_US: Final = 24 * 3_600_000_000
"""Each day, so that an erasure finds little to overwrite."""
_TREE_PAGES: Final = frozenset({2, 5, 10, 13})
_LEAF_FROM: Final = 10
_HEAD: Final = 100  # of the file, on its first page
_WHOLE_PAGE: Final = 65_536
_PAGES_MAX: Final = 0x0200_0000
"""From this page number on, the first byte of an overflow page can look like that of a tree's."""
_PIECE: Final = 65_536
"""SQLite's files take no more than 128 KiB at once."""
_TOUCH: Final = "INSERT OR REPLACE INTO mark (name, value) VALUES ('scrubbed', ?)"


@dataclass(frozen=True, slots=True)
class Went:
    """How far a stretch went: where the next one begins (0: the file ends), and how many pages it cleaned.

    `busy`: a reader holds the WAL, nothing was done. `version` changes with what other processes write.
    """

    then: int
    cleaned: int = 0
    busy: bool = False
    version: int = 0


def stretch(first: int, held: Open, _now: Instant) -> Went:
    """Go through the pages from `first` (1 at first) on, in a transaction of its own."""
    if not _copied_back(held.db.filename):
        return Went(first, busy=True)
    size = int(held.db.pragma("page_size"))
    file = apsw.VFSFile("", held.db.filename, [apsw.SQLITE_OPEN_MAIN_DB | apsw.SQLITE_OPEN_READWRITE, 0])
    try:
        pages = min(file.xFileSize() // size, _PAGES_MAX)
        count, at = min(STRETCH_PAGES, pages - first + 1), (first - 1) * size
        data = file.xRead(count * size, at)
        spans = leftovers(data, size, first=first == 1)
        _clean(file, at, data, spans)
    finally:
        file.xClose()
    if spans:
        held.db.release_memory()
    return Went(first + count if first + count <= pages else 0, len(spans), version=_version(held))


def touch(held: Open, now: Instant) -> int:
    """Commit when it was done: other processes read their pages anew. The version that there was before."""
    held.db.execute(_TOUCH, (str(now),))
    return _version(held)


def due(db: apsw.Connection, now: Instant) -> bool:
    """Whether it is a day since the file was gone through."""
    last = db.execute("SELECT value FROM mark WHERE name = 'scrubbed'").get
    return last is None or now - int(str(last)) >= EVERY_US


def leftovers(data: bytes, size: int, *, first: bool) -> list[tuple[int, int]]:
    """Spans of bytes, of whole pages, that no cell has and that are not zero; `first`: the file begins there."""
    found: list[tuple[int, int]] = []
    for base in range(0, len(data) - size + 1, size):
        head = base + _HEAD if first and base == 0 else base
        kind = data[head]
        if kind not in _TREE_PAGES:
            continue
        cells, content = data[head + 3] << 8 | data[head + 4], data[head + 5] << 8 | data[head + 6]
        begin = head + (8 if kind >= _LEAF_FROM else 12) + 2 * cells
        end = base + (content or _WHOLE_PAGE)
        if data.count(0, begin, end) != end - begin:
            found.append((begin, end))
        free = data[head + 1] << 8 | data[head + 2]
        while free:
            at = base + free
            begin, end = at + 4, at + (data[at + 2] << 8 | data[at + 3])
            if data.count(0, begin, end) != end - begin:
                found.append((begin, end))
            free = data[at] << 8 | data[at + 1]
    return found


def _clean(file: apsw.VFSFile, at: int, data: bytes, spans: list[tuple[int, int]]) -> None:
    """Write the pieces that have such spans, with zeros there: all else is as it is in the file."""
    if not spans:
        return
    cleaned = bytearray(data)
    pieces: dict[int, None] = {}
    for begin, end in spans:
        cleaned[begin:end] = bytes(end - begin)
        pieces[begin // _PIECE] = None
    for piece in pieces:
        file.xWrite(bytes(cleaned[piece * _PIECE : (piece + 1) * _PIECE]), at + piece * _PIECE)


def _version(held: Open) -> int:
    return int(held.db.pragma("data_version"))


def _copied_back(path: str) -> bool:
    """Copy all of the WAL back, as the writer's lock is held; whether no reader held any of it."""
    db = apsw.Connection(path)
    try:
        in_log, copied = db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
    except apsw.Error:
        return False
    finally:
        db.close()
    return in_log == copied
