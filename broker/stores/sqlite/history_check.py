"""Whether history is whole: every row can be read, stands where it says, and belongs to somebody."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import apsw
import orjson

from broker.stores.past import moment
from broker.stores.sqlite.instances import COLUMNS, DROPPED
from broker.stores.sqlite.reading import Forms, past_of

_CHUNK: Final = 1_000
_KEY: Final = "entity, path, time, number, dataset"
_INSTANCES: Final = f"""SELECT entity, path, {COLUMNS} FROM instance
    WHERE ({_KEY}) > (?, ?, ?, ?, ?) ORDER BY {_KEY} LIMIT {_CHUNK}"""  # noqa: S608 - constants of ours
_FIRST: Final = (-(2**63),) * 5
_NOBODY: Final = """WITH RECURSIVE walk (entity) AS (
        SELECT min(entity) FROM instance
        UNION ALL SELECT (SELECT min(entity) FROM instance WHERE entity > walk.entity)
        FROM walk WHERE walk.entity IS NOT NULL)
    SELECT entity FROM walk WHERE entity IS NOT NULL AND entity NOT IN (SELECT number FROM history)
        AND entity NOT IN (SELECT number FROM entity)"""
_UNNAMED: Final = """SELECT DISTINCT {column} FROM instance
    WHERE {column} <> 0 AND {column} NOT IN (SELECT number FROM name)"""
_TAKEN: Final = """SELECT h.iri, e.iri FROM history AS h JOIN entity AS e ON e.number = h.number
    WHERE e.iri <> h.iri"""
_DELETED: Final = "SELECT iri FROM history JOIN entity USING (iri) WHERE deleted_at IS NOT NULL"
_HEADS: Final = "SELECT iri, types, scopes FROM history"


def history_faults(db: apsw.Connection) -> Iterator[str]:
    """What does not agree in one tenant's file, in words; `db` is inside a read transaction."""
    for (number,) in _rows(db, _NOBODY):
        yield f"instance has rows of {number}, which is no entity and has no history"
    for column in ("path", "form", "dataset"):
        for (number,) in _rows(db, _UNNAMED.format(column=column)):
            yield f"instance has the {column} {number}, which has no name"
    for iri, other in _rows(db, _TAKEN):
        yield f"history of {iri} is under the number of {other}"
    for (iri,) in _rows(db, _DELETED):
        yield f"history says that {iri} is deleted, and it is there"
    for iri, *lists in _rows(db, _HEADS):
        if not all(_is_list(text) for text in lists):
            yield f"history of {iri} has no lists of types and scopes"
    yield from _instance_faults(db)


def _instance_faults(db: apsw.Connection) -> Iterator[str]:
    after, forms = _FIRST, Forms()
    while rows := _rows(db, _INSTANCES, *after):
        after = (*rows[-1][:2], *rows[-1][2:5])
        for entity, path, *row in rows:
            if row[3] == DROPPED:
                continue
            try:
                past = past_of(db, tuple(row), forms)
                told = moment(past.body, "observedAt")
            except (ValueError, LookupError, TypeError):
                yield f"instance {entity}, {path}, {row[0]}, {row[1]} cannot be read"
                continue
            if told != past.observed_at or (told is None and past.modified_at != row[0]):
                yield f"instance {entity}, {path}, {row[0]}, {row[1]} does not stand at its time"


def _is_list(text: str) -> bool:
    try:
        return isinstance(orjson.loads(text), list)
    except orjson.JSONDecodeError:
        return False


def _rows(db: apsw.Connection, sql: str, *given: int) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = db.execute(sql, given).fetchall()
    return found
