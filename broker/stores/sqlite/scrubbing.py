"""Overwriting what SQLite leaves of deleted rows inside of its pages.

With `secure_delete` a deleted cell is overwritten where it stood. But pages that were balanced before have copies of
cells, also of that one, between their cell pointers and their content, which belong to nobody and are not overwritten.
So the file is gone through, a stretch at a time, in the writer's transaction:

    nobody may append to the WAL meanwhile, and all that is in it is copied back first: nobody writes to the file
    only bytes that no cell has are set to zero: whoever reads the page meanwhile sees the same cells
    each stretch ends with a commit: other processes forget the pages that they had in memory
"""

from __future__ import annotations

import time
from typing import Final

import apsw

from broker.model.values import Instant
from broker.stores.sqlite.writer import Open

STRETCH_PAGES: Final = 8_192
"""32 MiB, some 50 ms: then other writes have their turn."""
BUSY: Final = -1
DONE: Final = 0
_TREE_PAGES: Final = frozenset({2, 5, 10, 13})
_LEAF_FROM: Final = 10
_HEAD: Final = 100  # of the file, on its first page
_WHOLE_PAGE: Final = 65_536
_PAGES_MAX: Final = 0x0200_0000
"""From this page number on, the first byte of an overflow page can look like that of a tree's."""
_TOUCH: Final = "INSERT OR REPLACE INTO mark (name, value) VALUES ('scrubbed', ?)"


def stretch(first: int, held: Open, _now: Instant) -> int:
    """Go through the pages from `first` (1 at first) on: where the next stretch begins, DONE, or BUSY for a reader.

    In a transaction of its own.
    """
    if not _copied_back(held.db.filename):
        return BUSY
    size = int(held.db.pragma("page_size"))
    file = apsw.VFSFile("", held.db.filename, [apsw.SQLITE_OPEN_MAIN_DB | apsw.SQLITE_OPEN_READWRITE, 0])
    try:
        pages = min(file.xFileSize() // size, _PAGES_MAX)
        count, at = min(STRETCH_PAGES, pages - first + 1), (first - 1) * size
        data = file.xRead(count * size, at)
        for begin, end in leftovers(data, size, first=first == 1):
            file.xWrite(bytes(end - begin), at + begin)
        file.xSync(apsw.SQLITE_SYNC_NORMAL)
    finally:
        file.xClose()
    held.db.release_memory()
    held.db.execute(_TOUCH, (str(time.monotonic_ns()),))
    held.empties_log = True
    return first + count if first + count <= pages else DONE


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
