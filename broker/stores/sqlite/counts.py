"""Types and attributes from the forms that occur, without a look at entities (clauses 5.7.5 to 5.7.10)."""

from __future__ import annotations

from typing import cast

import apsw
import orjson

from broker.model.expiry import live
from broker.model.values import Instant
from broker.stores.forms import Counted, form_of, form_text, merged
from broker.stores.sqlite.codec import ENTITY_COLUMNS, to_entity


def forms(db: apsw.Connection, now: Instant) -> list[Counted]:
    """The forms of live entities; one expired in part counts by what is left of it."""
    found = [_form(row[0], row[1]) for row in db.execute("SELECT form, entities FROM shape WHERE entities > 0")]
    sql = f"SELECT {ENTITY_COLUMNS} FROM expiry CROSS JOIN entity ON number = entity WHERE due <= ?"  # noqa: S608
    for row in db.execute(sql, (now,)).fetchall():
        stored = to_entity(row)
        kept = live(stored, now)
        found.append(_form(orjson.dumps(form_text(form_of(stored.document))).decode(), -1))
        if kept is not None:
            found.append(_form(orjson.dumps(form_text(form_of(kept.document))).decode(), 1))
    return merged(found)


def _form(text: str, entities: int) -> Counted:
    held = orjson.loads(text)
    return cast("list[str]", held["types"]), cast("dict[str, list[str]]", held["attributes"]), entities
