"""Whether the outbox is whole: every row has its image and its subscription, and nothing is kept for no row."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import apsw

from broker.ports.outbox import SUBSCRIPTION
from broker.stores.sqlite.codec import load_any
from broker.stores.sqlite.dues import next_due
from broker.stores.sqlite.files import READ_CACHE_KIB, connect
from broker.stores.sqlite.flush import NEVER
from broker.stores.sqlite.outbox_rows import NEWEST

_WITHOUT_IMAGE: Final = """SELECT number FROM {table} WHERE number > coalesce(
    (SELECT last FROM outbox_image WHERE first <= {table}.number ORDER BY first DESC LIMIT 1), 0)"""
_WITHOUT_SUBSCRIPTION: Final = """SELECT DISTINCT subscription FROM {table}
    WHERE subscription NOT IN (SELECT id FROM held WHERE kind = ?)"""
_TWICE: Final = "SELECT number FROM outbox INTERSECT SELECT number FROM dead_letter"
_IMAGES: Final = "SELECT first, last, iri, before, after FROM outbox_image ORDER BY first"
_USED: Final = """SELECT EXISTS (SELECT 1 FROM outbox WHERE number BETWEEN ?1 AND ?2)
    OR EXISTS (SELECT 1 FROM dead_letter WHERE number BETWEEN ?1 AND ?2)"""


def outbox_faults(db: apsw.Connection) -> Iterator[str]:
    """What does not agree in one tenant's file, in words; `db` is inside a read transaction."""
    newest = int(db.execute(NEWEST).get or 0)
    for table in ("outbox", "dead_letter"):
        for number in _column(db, _WITHOUT_IMAGE.format(table=table)):
            yield f"{table} {number} has no image"
        for number in _column(db, f"SELECT number FROM {table} WHERE number > ?", newest):  # noqa: S608 - constants
            yield f"{table} {number} is above {newest}, the last number given"
    for table in ("outbox", "dead_letter", "delivery"):
        for name in _column(db, _WITHOUT_SUBSCRIPTION.format(table=table), SUBSCRIPTION):
            yield f"{table} has rows of {name}, which is no subscription"
    for number in _column(db, _TWICE):
        yield f"outbox {number} is waiting and dead"
    yield from _image_faults(db)


def hub_faults(hub: Path, path: Path, tenant: str) -> Iterator[str]:
    """What the hub says of a tenant and is not so, in words; brokers may be at work on both."""
    before = _expires(path)
    db = connect(hub, cache_kib=READ_CACHE_KIB, writes=False)
    try:
        due: list[tuple[Any, ...]] = db.execute("SELECT at, sweeping FROM due WHERE tenant = ?", (tenant,)).fetchall()
        kept = db.execute("SELECT 1 FROM kept WHERE tenant = ? AND kind = ?", (tenant, SUBSCRIPTION)).get is not None
    finally:
        db.close()
    at, sweeping = due[0] if due else (NEVER, 0)
    # A sweep between the two looks at the tenant would have changed what they find.
    if before < at and not sweeping and before == _expires(path):
        yield f"something of tenant {tenant!r} expires at {before}, and the hub says {at}"
    if not kept and _subscribed(path):
        yield f"tenant {tenant!r} has subscriptions, and the hub does not say so"


def _image_faults(db: apsw.Connection) -> Iterator[str]:
    end = 0
    for first, last, iri, before, after in _rows(db, _IMAGES):
        if first <= end or last < first:
            yield f"outbox_image {first} to {last} follows one that ends at {end}"
        end = last
        if not db.execute(_USED, (first, last)).get:
            yield f"outbox_image {first} to {last} is of no row"
        try:
            ids = {load_any(image)[-1]["id"] for image in (before, after) if image is not None}
        except (ValueError, LookupError, TypeError):
            yield f"outbox_image {first} to {last} cannot be read"
        else:
            if ids != {iri}:
                yield f"outbox_image {first} to {last} is of {sorted(ids)}, and not of {iri}"


def _expires(path: Path) -> int:
    """When something of the tenant expires next."""
    db = connect(path, cache_kib=READ_CACHE_KIB, writes=False)
    try:
        at = next_due(db)
        return NEVER if at is None else at
    finally:
        db.close()


def _subscribed(path: Path) -> bool:
    db = connect(path, cache_kib=READ_CACHE_KIB, writes=False)
    try:
        return db.execute("SELECT 1 FROM held WHERE kind = ?", (SUBSCRIPTION,)).get is not None
    finally:
        db.close()


def _column(db: apsw.Connection, sql: str, *given: str | int) -> Iterator[Any]:
    return (row[0] for row in _rows(db, sql, *given))


def _rows(db: apsw.Connection, sql: str, *given: str | int) -> Iterator[tuple[Any, ...]]:
    return iter(db.execute(sql, given).fetchall())
