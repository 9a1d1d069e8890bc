"""Where and when the entities of each type are, and since when, from the tables beside their documents."""

from __future__ import annotations

from typing import Final

import apsw
import orjson

from broker.model.values import Instant
from broker.ports import TypeExtent
from broker.stores.discovery import extents_of
from broker.stores.sqlite.instances import DROPPED

_LIVE: Final = "(e.expires_at IS NULL OR e.expires_at > ?)"
_TIMES: Final = f"""
    SELECT s.form, min(e.created_at), max(e.modified_at) FROM entity e JOIN shape s ON s.number = e.shape
    WHERE {_LIVE} GROUP BY e.shape
"""  # noqa: S608  our own text
_BOXES: Final = f"""
    SELECT s.form, min(b.west), min(b.south), max(b.east), max(b.north)
    FROM bounds b JOIN entity e ON e.number = (b.id >> 20) JOIN shape s ON s.number = e.shape
    WHERE {_LIVE} GROUP BY e.shape
"""  # noqa: S608  our own text


_NEXT_PATH: Final = f"""
    SELECT entity, path, time FROM instance WHERE entity = ? AND path > ? AND observed <> {DROPPED}
    ORDER BY path, time LIMIT 1
"""  # noqa: S608  our own text
_NEXT_ENTITY: Final = f"""
    SELECT entity, path, time FROM instance WHERE entity > ? AND observed <> {DROPPED}
    ORDER BY entity, path, time LIMIT 1
"""  # noqa: S608  our own text
_FORM_OF: Final = "SELECT form FROM shape JOIN entity ON entity.shape = shape.number WHERE entity.number = ?"
_TYPES_OF: Final = "SELECT types FROM history WHERE number = ? AND dropped = 0"
_BEFORE_ALL: Final = -(2**63)


def extents(db: apsw.Connection, now: Instant) -> list[TypeExtent]:
    """Each type, by IRI. An entity that is expired in part counts whole; a box may be a rounding (32 bit) too large."""
    times = [(_types(form), created, modified) for form, created, modified in db.execute(_TIMES, (now,))]
    boxes = [(_types(row[0]), row[1:]) for row in db.execute(_BOXES, (now,))]
    return extents_of(times, boxes)


def begun(db: apsw.Connection) -> dict[str, Instant]:
    """The earliest time of a row of history, by type: two looks into the index for each attribute of each entity."""
    found: dict[str, Instant] = {}
    row = db.execute(_NEXT_ENTITY, (_BEFORE_ALL,)).fetchone()
    while row is not None:
        entity, earliest = row[0], row[2]
        while (below := db.execute(_NEXT_PATH, (entity, row[1])).fetchone()) is not None:
            row, earliest = below, min(earliest, below[2])
        for iri in _types_of(db, entity):
            found[iri] = min(earliest, found.get(iri, earliest))
        row = db.execute(_NEXT_ENTITY, (entity,)).fetchone()
    return found


def _types_of(db: apsw.Connection, entity: int) -> list[str]:
    row = db.execute(_FORM_OF, (entity,)).fetchone()
    if row is not None:
        return _types(row[0])
    row = db.execute(_TYPES_OF, (entity,)).fetchone()
    found: list[str] = [] if row is None else orjson.loads(row[0])
    return found


def _types(form: str) -> list[str]:
    found: list[str] = orjson.loads(form)["types"]
    return found
