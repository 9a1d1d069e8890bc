"""The rows of the outbox: how they are written with a change, read with their images, and let go.

A change has one image, for all the rows that it made: their numbers follow each other, so the image says from which to
which. A row that is revived gets a new number, and an image of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import apsw
import orjson

from broker.model.entity import Entity
from broker.ports.outbox import EntityChange, OutboxRow, notification_id
from broker.stores.sqlite.codec import dump, load_any

_ADD: Final = """INSERT INTO outbox (subscription, due, attempts, redelivered, reason)
    SELECT value, ?2, 0, 0, '' FROM json_each(?1) ORDER BY key"""
_ADD_IMAGES: Final = """INSERT INTO outbox_image (first, last, sequence, at, iri, before, after)
    SELECT r.value->>0, r.value->>1, r.value->>2, r.value->>3, r.value->>4,
        CAST(substr(?2, r.value->>5, r.value->>6) AS TEXT), CAST(substr(?2, r.value->>7, r.value->>8) AS TEXT)
    FROM json_each(?1) AS r ORDER BY r.key"""
_IMAGE_OF: Final = "(SELECT max(first) FROM outbox_image WHERE first <= {number})"
_ROWS: Final = """SELECT number, subscription, due, attempts, redelivered, reason, {image}
    FROM {table} WHERE number > ? {condition} ORDER BY number LIMIT ?"""
_IMAGES: Final = (
    "SELECT first, sequence, at, before, after FROM outbox_image WHERE first IN (SELECT value FROM json_each(?))"
)
_UNUSED: Final = f"""DELETE FROM outbox_image WHERE first IN (
        SELECT {_IMAGE_OF.format(number="value")} FROM json_each(?))
    AND NOT EXISTS (SELECT 1 FROM outbox WHERE number BETWEEN first AND last)
    AND NOT EXISTS (SELECT 1 FROM dead_letter WHERE number BETWEEN first AND last)"""  # noqa: S608 - constants of ours
_COPY_IMAGE: Final = f"""INSERT INTO outbox_image (first, last, sequence, at, iri, before, after)
    SELECT ?2, ?2, sequence, at, iri, before, after FROM outbox_image
    WHERE first = {_IMAGE_OF.format(number="?1")}"""  # noqa: S608
_REVIVE: Final = """INSERT INTO outbox (subscription, due, attempts, redelivered, reason)
    SELECT subscription, ?2, 0, 1, '' FROM dead_letter WHERE number = ?1"""
NEWEST: Final = "SELECT seq FROM sqlite_sequence WHERE name = 'outbox'"


def add(db: apsw.Connection, tenant: str, found: Sequence[tuple[EntityChange, Sequence[str]]]) -> list[OutboxRow]:
    """Write a row for each subscription that each change matched, and one image a change; all of one instant."""
    at = found[0][0].at
    names = [name for _, matched in found for name in matched]
    db.execute(_ADD, (text(names), at))
    number = db.last_insert_rowid() - len(names) + 1
    images, bodies, rows = list[list[Any]](), [b" "], list[OutboxRow]()
    offset = 2
    for change, matched in found:
        kept: list[Any] = [number, number + len(matched) - 1, change.sequence, change.at, change.entity.id]
        for entity in (change.before, change.after):
            body = b"" if entity is None else image(entity)
            kept += [None, None] if entity is None else [offset, len(body)]
            bodies.append(body)
            offset += len(body)
        images.append(kept)
        for name in matched:
            rows.append(OutboxRow(number, notification_id(tenant, name, str(change.sequence)), name, change, at))
            number += 1
    db.execute(_ADD_IMAGES, (text(images), b"".join(bodies)))
    return rows


@dataclass(frozen=True, slots=True)
class Asked:
    """Rows of `outbox` or `dead_letter` above a number, of one subscription where it is named."""

    table: str
    after: int
    limit: int
    subscription: str = ""


def read(db: apsw.Connection, tenant: str, asked: Asked) -> list[OutboxRow]:
    """The rows, each with its change."""
    sql = _ROWS.format(
        table=asked.table,
        image=_IMAGE_OF.format(number=f"{asked.table}.number"),
        condition="AND subscription = ?" if asked.subscription else "",
    )
    named = (asked.subscription,) if asked.subscription else ()
    rows: list[tuple[Any, ...]] = db.execute(sql, (asked.after, *named, asked.limit)).fetchall()
    changes = _changes(db, {row[-1] for row in rows})
    return [_row(tenant, row, changes[row[-1]]) for row in rows]


def revive(db: apsw.Connection, tenant: str, numbers: Iterable[int], now: int) -> list[OutboxRow]:
    """Move dead rows to the end of those waiting; those that there were, as they are now."""
    newest = int(db.execute(NEWEST).get or 0)
    moved = []
    for number in sorted(set(numbers)):
        db.execute(_REVIVE, (number, now))
        if db.changes():
            db.execute(_COPY_IMAGE, (number, db.last_insert_rowid()))
            moved.append(number)
    take_out(db, "dead_letter", moved)
    return read(db, tenant, Asked("outbox", newest, len(moved))) if moved else []


def take_out(db: apsw.Connection, table: str, numbers: Sequence[int]) -> list[tuple[Any, ...]]:
    """Delete rows and images that nobody needs any more; what was deleted: number, subscription, attempts, redelivered.

    `number` may be of rows that are not there.
    """
    sql = f"""DELETE FROM {table} WHERE number IN (SELECT value FROM json_each(?))
        RETURNING number, subscription, attempts, redelivered"""  # noqa: S608 - constants of ours
    gone: list[tuple[Any, ...]] = db.execute(sql, (text(numbers),)).fetchall()
    drop_unused_images(db, [row[0] for row in gone])
    return gone


def drop_unused_images(db: apsw.Connection, numbers: Sequence[int]) -> None:
    """Delete the images of these rows where no other row needs them."""
    if numbers:
        db.execute(_UNUSED, (text(numbers),))


def drop_oldest_dead(db: apsw.Connection, kept: int) -> None:
    """Delete dead rows but for the newest so many."""
    sql = "SELECT number FROM dead_letter ORDER BY number DESC LIMIT -1 OFFSET ?"
    rows: list[tuple[Any, ...]] = db.execute(sql, (kept,)).fetchall()
    if rows:
        take_out(db, "dead_letter", [row[0] for row in rows])


def drop_subscription(db: apsw.Connection, subscription: str) -> None:
    """Delete what hangs on a subscription: its rows, dead or not, and its counters."""
    numbers: list[int] = []
    for table in ("outbox", "dead_letter"):
        sql = f"DELETE FROM {table} WHERE subscription = ? RETURNING number"  # noqa: S608
        gone: list[tuple[Any, ...]] = db.execute(sql, (subscription,)).fetchall()
        numbers += [row[0] for row in gone]
    drop_unused_images(db, numbers)
    db.execute("DELETE FROM delivery WHERE subscription = ?", (subscription,))


def erase(db: apsw.Connection, iris: Sequence[str]) -> int:
    """Delete every row and image of changes of entities; how many rows, dead or not."""
    sql = "DELETE FROM outbox_image WHERE iri IN (SELECT value FROM json_each(?)) RETURNING first, last"
    spans: list[tuple[Any, ...]] = db.execute(sql, (text(iris),)).fetchall()
    gone = 0
    for table in ("outbox", "dead_letter"):
        for span in spans:
            db.execute(f"DELETE FROM {table} WHERE number BETWEEN ? AND ?", span)  # noqa: S608
            gone += db.changes()
    return gone


def text(rows: Sequence[Any]) -> str:
    """A parameter for json_each."""
    return orjson.dumps(rows).decode()


def image(entity: Entity) -> bytes:
    """What a row keeps of an entity: its instants, its version and its document, as a JSON array."""
    head = [entity.created_at, entity.modified_at, entity.expires_at, entity.version]
    return dump([*head, entity.document])[0]


def _changes(db: apsw.Connection, images: set[int]) -> dict[int, EntityChange]:
    found: list[tuple[Any, ...]] = db.execute(_IMAGES, (text(list(images)),)).fetchall()
    return {row[0]: EntityChange(row[1], row[2], _entity(row[3]), _entity(row[4])) for row in found}


def _entity(image: str | None) -> Entity | None:
    if image is None:
        return None
    created_at, modified_at, expires_at, version, document = load_any(image)
    return Entity(document, created_at, modified_at, expires_at, version)


def _row(tenant: str, row: tuple[Any, ...], change: EntityChange) -> OutboxRow:
    number, subscription, due, attempts, redelivered, reason = row[:6]
    name = notification_id(tenant, subscription, str(change.sequence))
    return OutboxRow(number, name, subscription, change, due, attempts, bool(redelivered), reason)
