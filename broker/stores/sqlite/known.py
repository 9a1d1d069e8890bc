"""Where an entity's history is, and what there is of the entity itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import apsw
import orjson

from broker.model.entity import Entity
from broker.model.values import Instant, Json
from broker.stores.past import SCOPE, Past, scope_past, written
from broker.stores.recall import Story, union
from broker.stores.sqlite.codec import ENTITY_COLUMNS, to_entity
from broker.stores.sqlite.instances import CURRENT, ORDINAL_BITS

_ENTITY: Final = ", ".join(f"e.{column}" for column in ENTITY_COLUMNS.split(", "))
KNOWN_COLUMNS: Final = (
    f"h.number, h.types, h.scopes, h.created_at, h.modified_at, h.deleted_at, h.dropped, e.number, {_ENTITY}"
)
_FIND: Final = f"""SELECT {KNOWN_COLUMNS} FROM (SELECT ?1 AS iri) AS asked
    LEFT JOIN history AS h ON h.iri = asked.iri LEFT JOIN entity AS e ON e.iri = asked.iri"""  # noqa: S608 - constants

_IS_KNOWN: Final = """SELECT ifnull((SELECT NOT dropped FROM history WHERE iri = ?1),
    EXISTS (SELECT 1 FROM entity WHERE iri = ?1))"""


@dataclass(slots=True)
class Known:
    """An entity that has, or had, a history.

    `kept` says that it has a row in `history`; else it is as if that were empty. `entity` is None for one that is gone
    or that only history has.
    """

    iri: str
    number: int
    types: tuple[str, ...]
    scopes: tuple[str, ...]
    created_at: Instant
    modified_at: Instant
    deleted_at: Instant | None
    dropped: bool
    kept: bool
    entity: Entity | None

    def story(self, pasts: dict[str, list[Past]] | None = None) -> Story:
        """It as queries see it."""
        types, scopes, modified_at = self.types, self.scopes, self.modified_at
        if self.entity is not None:
            types, scopes = union(self.entity.types, types), union(self.entity.scopes, scopes)
            modified_at = max(modified_at, self.entity.modified_at)
        return Story(self.iri, types, scopes, self.created_at, modified_at, self.deleted_at, pasts or {})

    def current(self, name: str) -> list[Past]:
        """The instances that its entity has now; of the scope, the one that it was created with."""
        entity = self.entity
        if entity is None:
            return []
        if name == SCOPE:
            held = entity.document.get(SCOPE)
            return [] if held is None else [first_scope(held, entity)]
        return [as_current(written(instance, entity, 0)) for instance in entity.instances(name)]


def find(db: apsw.Connection, iri: str) -> Known | None:
    """What is known of an entity; None for nothing."""
    return to_known(iri, db.execute(_FIND, (iri,)).fetchall()[0])


def is_known(db: apsw.Connection, iri: str) -> bool:
    """Whether `find` finds something that is not dropped."""
    rows: list[tuple[Any, ...]] = db.execute(_IS_KNOWN, (iri,)).fetchall()
    return bool(rows[0][0])


@contextmanager
def finding(db: apsw.Connection, iri: str) -> Iterator[Known | None]:
    """What is known of an entity; what is read on the connection meanwhile is of the same moment.

    The open statement holds the moment, for less than it costs to begin and end a transaction.
    """
    cursor = db.execute(_FIND, (iri,))
    try:
        yield to_known(iri, next(cursor))
    finally:
        cursor.close(True)  # noqa: FBT003 - force: its one row is all there is


def to_known(iri: str, row: tuple[Any, ...]) -> Known | None:
    """The entity of a row of KNOWN_COLUMNS."""
    number, types, scopes, created_at, modified_at, deleted_at, dropped, entity_number = row[:8]
    entity = None if entity_number is None else to_entity(row[8:])
    if number is not None:
        return Known(
            iri,
            number,
            tuple(orjson.loads(types)),
            tuple(orjson.loads(scopes)),
            created_at,
            modified_at,
            deleted_at,
            bool(dropped),
            kept=True,
            entity=entity,
        )
    if entity is None:
        return None
    made, changed = entity.created_at, entity.modified_at
    return Known(iri, entity_number, (), (), made, changed, None, dropped=False, kept=False, entity=entity)


def as_current(past: Past) -> Past:
    """With the number that an instance has while its entity has it."""
    past.number = past.modified_at << ORDINAL_BITS | CURRENT
    return past


def first_scope(scope: Json, entity: Entity) -> Past:
    """The scope that an entity was created with: as long as nothing is in history about its scope, it has that."""
    return scope_past(scope, entity.created_at << ORDINAL_BITS | CURRENT, entity.created_at)
