"""The entities that a query of evolutions must look at, in the order of the answer, each with what is known of it.

Those of the tenant's entities come first, in the order of their creation, also those that are gone; then those that
only history ever had.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, Literal

import apsw
import orjson

from broker.query.ast import Node
from broker.stores.narrowing import ids_in, types_in
from broker.stores.sqlite.known import KNOWN_COLUMNS, Known, to_known
from broker.stores.sqlite.names import ReadNames

CHUNK: Final = 200
_ENTITIES: Final = "SELECT e.number AS number, e.iri AS iri FROM entity AS e"
_OF_TYPE: Final = (
    "SELECT e.number AS number, e.iri AS iri FROM entity_type AS t JOIN entity AS e ON e.number = t.entity"
)
_NO_HISTORY: Final = "NOT EXISTS (SELECT 1 FROM history AS o WHERE o.iri = e.iri)"
_HISTORIES: Final = "SELECT number, iri FROM history WHERE dropped = 0"
_READ: Final = f"""SELECT asked.value, {KNOWN_COLUMNS} FROM json_each(?) AS asked
    LEFT JOIN history AS h ON h.iri = asked.value LEFT JOIN entity AS e ON e.iri = asked.value
    ORDER BY asked.key"""  # noqa: S608 - constants of ours

Order = Literal["ascending", "descending"] | None


def candidates(db: apsw.Connection, names: ReadNames, where: Node, order: Order) -> Iterator[Known]:
    """Every entity with a history that may meet the condition."""
    ids = ids_in(where)
    if ids is not None:
        found = [known for known in _read(db, sorted(ids)) if not known.dropped]
        yield from sorted(found, key=_by_id if order else _by_number, reverse=order == "descending")
        return
    walk = _by_ids(db, descending=order == "descending") if order else _by_creation(db, names, where)
    while chunk := [row[1] for _, row in zip(range(CHUNK), walk, strict=False)]:
        yield from (known for known in _read(db, chunk) if not known.dropped)


def _read(db: apsw.Connection, iris: list[str]) -> Iterator[Known]:
    rows: list[tuple[Any, ...]] = db.execute(_READ, (orjson.dumps(iris).decode(),)).fetchall()
    for row in rows:
        known = to_known(row[0], row[1:])
        if known is not None:
            yield known


def _by_creation(db: apsw.Connection, names: ReadNames, where: Node) -> Iterator[tuple[Any, ...]]:
    """`(number, iri)`: positive numbers rising, then negative ones falling, as they were given."""
    types = types_in(where)
    numbers = [] if types is None else [names.find(db, iri) for iri in types]
    entities, values = f"{_ENTITIES} WHERE {_NO_HISTORY}", list[Any]()
    if types is not None and len(types) == 1:
        entities, values = f"{_OF_TYPE} WHERE t.type = ? AND {_NO_HISTORY}", [numbers[0]]
    key = "t.entity" if values else "e.number"
    after: Any = 0
    sql = f"{entities} AND {key} > ? UNION ALL {_HISTORIES} AND number > ? ORDER BY number LIMIT {CHUNK}"
    while rows := db.execute(sql, (*values, after, after)).fetchall():
        yield from rows
        after = rows[-1][0]
    after = 0
    sql = f"{_HISTORIES} AND number < ? ORDER BY number DESC LIMIT {CHUNK}"
    while rows := db.execute(sql, (after,)).fetchall():
        yield from rows
        after = rows[-1][0]


def _by_ids(db: apsw.Connection, *, descending: bool) -> Iterator[tuple[Any, ...]]:
    side, order = ("<", "DESC") if descending else (">", "ASC")
    sql = f"""{_ENTITIES} WHERE {_NO_HISTORY} AND (?1 IS NULL OR e.iri {side} ?1)
        UNION ALL {_HISTORIES} AND (?1 IS NULL OR iri {side} ?1) ORDER BY iri {order} LIMIT {CHUNK}"""
    after = None
    while rows := db.execute(sql, (after,)).fetchall():
        yield from rows
        after = rows[-1][1]


def _by_id(known: Known) -> Any:  # noqa: ANN401 - a key
    return known.iri


def _by_number(known: Known) -> Any:  # noqa: ANN401 - a key
    return (known.number < 0, abs(known.number))
