"""Erasing what is known of an entity from every table of a tenant's file (ARCHITECTURE: history, delete, erase).

The entity itself goes first, as a delete does, and takes its index rows along; then every trace of it. Pages are
overwritten as they are given up; what the WAL still holds of them goes as it starts again.
"""

from __future__ import annotations

from typing import Final

import apsw

from broker.model.values import Instant, Json
from broker.stores.images import ERASED
from broker.stores.sqlite import outbox_rows
from broker.stores.sqlite.known import find
from broker.stores.sqlite.writer import Open

_NEWEST: Final = "(SELECT max(sequence) FROM change_log)"
_BLACKEN: Final = f"""UPDATE change_log SET iri = ?, before = '{{}}', after = NULL, subjects = NULL,
    data_classes = NULL, about = '{{}}' WHERE iri = ? AND sequence = {_NEWEST}"""  # noqa: S608 - constants of ours
_COUNTED: Final = "SELECT count(*) FROM instance WHERE entity = ? AND observed >= 0"


_KNOWN: Final = """SELECT iri FROM entity UNION SELECT iri FROM history UNION SELECT iri FROM change_log
    UNION SELECT iri FROM outbox_image"""


def known_ids(db: apsw.Connection) -> list[str]:
    """Every id that stands in any of the tables that `erase` looks at."""
    return [iri for (iri,) in db.execute(_KNOWN)]


def begin(held: Open, _now: Instant) -> None:
    """From here on, what is given up is overwritten."""
    held.db.pragma("secure_delete", value=True)


def erase(iri: str, held: Open, _now: Instant) -> dict[str, Json]:
    """Every row about an entity that is gone by now: how many there were, by table."""
    db = held.db
    gone: dict[str, Json] = {}
    known = find(db, iri)
    if known is not None:
        gone["instance"] = db.execute(_COUNTED, (known.number,)).get
        db.execute("DELETE FROM instance WHERE entity = ?", (known.number,))
        gone["history"] = _delete(db, "DELETE FROM history WHERE number = ?", known.number)
    # The newest row stays, and tells nothing: the log's next number and time are taken from it.
    gone["change_log"] = _delete(db, _BLACKEN, ERASED, iri) + _delete(db, "DELETE FROM change_log WHERE iri = ?", iri)
    gone["outbox"] = outbox_rows.erase(db, iri)
    return {table: number for table, number in gone.items() if number}


def end(held: Open, _now: Instant) -> None:
    """As before."""
    held.db.pragma("secure_delete", value=False)


def _delete(db: apsw.Connection, sql: str, *values: str | int) -> int:
    db.execute(sql, values)
    return db.changes()
