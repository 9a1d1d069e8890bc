"""Where and when the entities of each type are, from the tables beside their documents."""

from __future__ import annotations

from typing import Final

import apsw
import orjson

from broker.model.values import Instant
from broker.ports import TypeExtent
from broker.stores.discovery import extents_of

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


def extents(db: apsw.Connection, now: Instant) -> list[TypeExtent]:
    """Each type, by IRI. An entity that is expired in part counts whole; a box may be a rounding (32 bit) too large."""
    times = [(_types(form), created, modified) for form, created, modified in db.execute(_TIMES, (now,))]
    boxes = [(_types(row[0]), row[1:]) for row in db.execute(_BOXES, (now,))]
    return extents_of(times, boxes)


def _types(form: str) -> list[str]:
    found: list[str] = orjson.loads(form)["types"]
    return found
