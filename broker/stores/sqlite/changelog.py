"""The change log's rows: written with the change (`rows`), trimmed by age and size, read on."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

import apsw

from broker.errors import ResourceNotFound
from broker.model.entity import as_list
from broker.model.values import Instant
from broker.ports import LoggedChange
from broker.stores.sqlite.codec import load_any

BYTES_MAX: Final = 64 << 20  # images kept a tenant; past it the oldest go
AGE_MAX_US: Final = 7 * 24 * 3600 * 1_000_000
SLICE_MIN: Final = 64  # rows trimmed with one group at least; at most four times what the group adds
ROW_BYTES: Final = 64  # what a row costs beside its images

# Two subqueries: one SELECT of both min and max reads the whole table.
_ENDS: Final = "SELECT (SELECT min(sequence) FROM change_log), (SELECT max(sequence) FROM change_log)"
_KEPT: Final = """SELECT (SELECT min(sequence) FROM change_log), sequence, at, bytes
    FROM change_log ORDER BY sequence DESC LIMIT 1"""
_COLUMNS: Final = "sequence, iri, version, at, before, after, subjects, data_classes, about"
_HEADS: Final = """SELECT sequence, iri, coalesce(about, after, before) -> '$.type', after IS NULL FROM change_log
    WHERE sequence > ? ORDER BY sequence LIMIT ?"""
ABOUT: Final = ("type", "scope")
"""Members of `about`: what a row of an update tells of its entity beside what changed."""


class Kept(NamedTuple):
    """What a transaction finds: the log's ends, when its last row was written and its bytes up to there."""

    oldest: int
    newest: int
    at: Instant
    total: int

    @classmethod
    def of(cls, db: apsw.Connection) -> Kept:
        """What it is now; `db` is inside BEGIN IMMEDIATE."""
        found: tuple[Any, ...] | None = db.execute(_KEPT).fetchone()
        return cls(0, 0, 0, 0) if found is None else cls(*found)

    def after(self, rows: Sequence[list[Any]], bytes_max: int = BYTES_MAX) -> tuple[int, int, int, int]:
        """Add to rows `[iri, version, at, before, length, after, length, …]` the bytes up to each.

        Gives the slice to trim (oldest, last) and what of it goes: rows up to so many bytes, rows before that instant.
        The newest row stays.
        """
        total = self.total
        for row in rows:
            total += ROW_BYTES + len(row[0]) + (row[4] or 0) + (row[6] or 0)
            row.append(total)
        last = min(self.oldest + max(SLICE_MIN, 4 * len(rows)), self.newest + len(rows)) - 1
        return self.oldest, last, total - bytes_max, (rows[-1][2] if rows else self.at) - AGE_MAX_US


def bounds(db: apsw.Connection) -> tuple[int, int]:
    """The oldest and the newest sequence kept; (0, 0) for an empty log."""
    ends: tuple[Any, ...] = db.execute(_ENDS).fetchall()[0]
    oldest, newest = ends
    return (oldest or 0, newest or 0)


def since(db: apsw.Connection, sequence: int, limit: int) -> list[LoggedChange]:
    """Rows after `sequence`. Raises ResourceNotFound where some are gone."""
    oldest, _ = bounds(db)
    if oldest and sequence < oldest - 1:
        raise ResourceNotFound(
            f"The change log starts at {oldest}.", pointer="sequence", remedy=f"Start again from {oldest - 1}."
        )
    sql = f"SELECT {_COLUMNS} FROM change_log WHERE sequence > ? ORDER BY sequence LIMIT ?"  # noqa: S608 - constants
    return [_change(row) for row in db.execute(sql, (sequence, limit)).fetchall()]


def heads_since(db: apsw.Connection, sequence: int, limit: int) -> list[tuple[int, str, Sequence[str], bool]]:
    """`(sequence, entity id, types, whether it was deleted)` of the same rows, whose images are not read."""
    oldest, _ = bounds(db)
    if oldest and sequence < oldest - 1:
        raise ResourceNotFound(f"The change log starts at {oldest}.", pointer="sequence")
    rows: list[tuple[Any, ...]] = db.execute(_HEADS, (sequence, limit)).fetchall()
    return [(row[0], row[1], _types(row[2]), bool(row[3])) for row in rows]


@lru_cache(maxsize=4_096)
def _types(text: str | None) -> tuple[str, ...]:
    """The types of a JSON text, a name or a list of them: most rows have one of a few."""
    return tuple(as_list(load_any(text or "null")))


def _change(row: tuple[Any, ...]) -> LoggedChange:
    before, after, subjects, classes = (None if text is None else load_any(text) for text in row[4:8])
    about = (load_any(row[8]) if row[8] else after or before) or {}
    return LoggedChange(
        row[0],
        row[1],
        row[2],
        row[3],
        before,
        after,
        frozenset(subjects or ()),
        frozenset(classes or ()),
        tuple(as_list(about.get("type"))),
        tuple(as_list(about.get("scope"))),
    )
