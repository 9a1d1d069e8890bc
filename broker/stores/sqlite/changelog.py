"""The change log's rows: written with the change, trimmed by age and size, read on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import apsw
import orjson

from broker.errors import ResourceNotFound
from broker.model.values import Instant
from broker.ports import LoggedChange
from broker.stores.sqlite.codec import load_any

BYTES_MAX: Final = 64 << 20  # images kept a tenant; past it the oldest go
AGE_MAX_US: Final = 7 * 24 * 3600 * 1_000_000
SLICE_MIN: Final = 64  # rows trimmed with one group at least; at most four times what the group adds
ROW_BYTES: Final = 64  # what a row costs beside its images

_INSERT: Final = """INSERT INTO change_log (iri, version, at, before, after, subjects, data_classes, bytes)
    SELECT r.value->>0, r.value->>1, r.value->>2,
        CAST(substr(?2, r.value->>3, r.value->>4) AS TEXT), CAST(substr(?2, r.value->>5, r.value->>6) AS TEXT),
        nullif(r.value->7, 'null'), nullif(r.value->8, 'null'), r.value->>9
    FROM jsonb_each(?1) AS r ORDER BY r.key"""
# Two subqueries: one SELECT of both min and max reads the whole table.
_ENDS: Final = "SELECT (SELECT min(sequence) FROM change_log), (SELECT max(sequence) FROM change_log)"
_ENDS_AND_BYTES: Final = f"{_ENDS}, (SELECT bytes FROM change_log ORDER BY sequence DESC LIMIT 1)"  # noqa: S608 - constants
_COLUMNS: Final = "sequence, iri, version, at, before, after, subjects, data_classes"


def append(db: apsw.Connection, rows: Sequence[list[Any]], bodies: bytes) -> None:
    """Write rows `[iri, version, at, before, length, after, length, subjects, classes]`, images cut from `bodies`."""
    if not rows:
        return
    total = int(
        db.execute(
            "SELECT coalesce(max(bytes), 0) FROM change_log WHERE sequence = (SELECT max(sequence) FROM change_log)"
        ).get
    )
    for row in rows:
        total += ROW_BYTES + len(row[0]) + (row[4] or 0) + (row[6] or 0)
        row.append(total)
    db.execute(_INSERT, (db.execute("SELECT jsonb(?)", (orjson.dumps(rows).decode(),)).get, bodies))


def trim(db: apsw.Connection, now: Instant, added: int, bytes_max: int = BYTES_MAX) -> None:
    """Drop a slice of the oldest rows where the log is too large or they are too old; the newest row stays."""
    ends: tuple[Any, ...] = db.execute(_ENDS_AND_BYTES).fetchall()[0]
    if ends[0] is None:
        return
    oldest, newest, total = ends
    last = min(oldest + max(SLICE_MIN, 4 * added), newest) - 1
    db.execute(
        "DELETE FROM change_log WHERE sequence BETWEEN ? AND ? AND (bytes < ? OR at < ?)",
        (oldest, last, total - bytes_max, now - AGE_MAX_US),
    )


def last_instant(db: apsw.Connection) -> Instant:
    """When the last change was; 0 before the first."""
    return int(db.execute("SELECT at FROM change_log ORDER BY sequence DESC LIMIT 1").get or 0)


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


def _change(row: tuple[Any, ...]) -> LoggedChange:
    before, after, subjects, classes = row[4:]
    return LoggedChange(
        row[0],
        row[1],
        row[2],
        row[3],
        None if before is None else load_any(before),
        None if after is None else load_any(after),
        frozenset(load_any(subjects) if subjects else ()),
        frozenset(load_any(classes) if classes else ()),
    )
