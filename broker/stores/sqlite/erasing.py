"""Erasing what is known of an entity from every table of a tenant's file (ARCHITECTURE: history, delete, erase).

The entity itself goes first, as a delete does, and takes its index rows along; then every trace of it. Pages are
overwritten as they are given up, and the WAL is copied back and emptied as soon as no reader holds it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import apsw

from broker.model.values import Instant, Json
from broker.stores.images import ERASED
from broker.stores.sqlite import outbox_rows
from broker.stores.sqlite.known import find
from broker.stores.sqlite.outbox_rows import text
from broker.stores.sqlite.writer import Open

_NEWEST: Final = "(SELECT max(sequence) FROM change_log)"
_BLACKEN: Final = f"""UPDATE change_log SET iri = ?, before = '{{}}', after = NULL, subjects = NULL,
    data_classes = NULL, about = '{{}}' WHERE iri IN (SELECT value FROM json_each(?)) AND sequence = {_NEWEST}"""  # noqa: S608 - constants of ours
_COUNTED: Final = "SELECT count(*) FROM instance WHERE entity IN (SELECT value FROM json_each(?)) AND observed >= 0"


_KNOWN: Final = """SELECT iri FROM entity UNION SELECT iri FROM history UNION SELECT iri FROM change_log
    UNION SELECT iri FROM outbox_image"""


def known_ids(db: apsw.Connection) -> list[str]:
    """Every id that stands in any of the tables that `erase` looks at."""
    return [iri for (iri,) in db.execute(_KNOWN)]


def begin(held: Open, _now: Instant) -> None:
    """From here on, what is given up is overwritten."""
    held.db.pragma("secure_delete", value=True)


def erase(iris: Sequence[str], held: Open, now: Instant) -> dict[str, Json]:
    """Every row about entities that are gone by now: how many there were, by table."""
    gone: dict[str, Json] = {"instance": 0, "history": 0}
    known = [one for iri in iris if (one := find(held.db, iri)) is not None]
    numbers = text([one.number for one in known])
    gone["instance"] = held.db.execute(_COUNTED, (numbers,)).get
    _delete(held.db, "DELETE FROM instance WHERE entity IN (SELECT value FROM json_each(?))", numbers)
    gone["history"] = _delete(held.db, "DELETE FROM history WHERE number IN (SELECT value FROM json_each(?))", numbers)
    return {table: number for table, number in {**gone, **erase_traces(iris, held, now)}.items() if number}


def erase_traces(iris: Sequence[str], held: Open, _now: Instant) -> dict[str, Json]:
    """What the change log and the outbox tell of entities: how many rows, by table."""
    named = text(iris)
    # The newest row stays, and tells nothing: the log's next number and time are taken from it.
    blackened = _delete(held.db, _BLACKEN, ERASED, named)
    logged = _delete(held.db, "DELETE FROM change_log WHERE iri IN (SELECT value FROM json_each(?))", named)
    held.empties_log = True
    gone = {"change_log": blackened + logged, "outbox": outbox_rows.erase(held.db, iris)}
    return {table: number for table, number in gone.items() if number}


def end(held: Open, _now: Instant) -> None:
    """As before."""
    held.db.pragma("secure_delete", value=held.overwrites)


def _delete(db: apsw.Connection, sql: str, *values: str | int) -> int:
    db.execute(sql, values)
    return db.changes()
