"""Whether a tenant's index rows say what its documents say: every row is worked out again and looked up.

A row that must be there is asked for by its key; rows that must not be are found by counting. So the work is one pass
over the entities, in the order of their numbers, on one read transaction.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, Final

import apsw
import orjson

from broker.model.entity import Entity, as_list
from broker.model.expiry import next_expiry
from broker.model.geometry import Bounds
from broker.stores.forms import form_of, form_text
from broker.stores.images import same
from broker.stores.sqlite.codec import ENTITY_COLUMNS, to_entity
from broker.stores.sqlite.flush import sql_value
from broker.stores.sqlite.history_check import history_faults
from broker.stores.sqlite.index import BOX_BITS, index, normal_scope
from broker.stores.sqlite.names import ReadNames
from broker.stores.sqlite.outbox_check import outbox_faults

_CHUNK: Final = 500
_ENTITIES: Final = (
    f"SELECT number, iri, shape, {ENTITY_COLUMNS} FROM entity WHERE number > ? ORDER BY number LIMIT {_CHUNK}"  # noqa: S608
)
_TABLES: Final = ("entity_type", "entity_scope", "probe", "leaf", "uncovered", "bounds", "expiry")
_UNKNOWN: Final = -1
_FLOAT32: Final = 2.0**-22  # the R*Tree keeps 32-bit floats, rounded outwards: how far, relative to the value
_LOOK_UP: Final = {
    "entity_type": "SELECT 1 FROM entity_type WHERE type = ? AND entity = ?",
    "entity_scope": "SELECT 1 FROM entity_scope WHERE scope = ? AND entity = ?",
    "leaf": "SELECT 1 FROM leaf WHERE path = ? AND value = ? AND entity = ?",
    "uncovered": "SELECT 1 FROM uncovered WHERE path = ? AND entity = ?",
    "expiry": "SELECT 1 FROM expiry WHERE due = ? AND entity = ?",
}


class Crosscheck:
    """One look through a tenant's file; `db` is inside a read transaction. `entities` counts those seen."""

    def __init__(self, db: apsw.Connection) -> None:
        self._db = db
        self._names = ReadNames()
        self._expected: Counter[str] = Counter()
        self._forms: Counter[int] = Counter()
        self.entities = 0

    def faults(self, told: Callable[[int], None] = lambda _: None) -> Iterator[str]:
        """What does not agree, in words; `told` gets the number of entities looked at so far."""
        after, rows = 0, list[tuple[Any, ...]]()
        while rows := self._db.execute(_ENTITIES, (after,)).fetchall():
            after = rows[-1][0]
            for row in rows:
                self.entities += 1
                yield from self._entity(row)
            told(self.entities)
        for table in _TABLES:
            held = int(self._db.execute(f"SELECT count(*) FROM {table}").get)  # noqa: S608 - constants of ours
            if held != self._expected[table]:
                yield f"{table} has {held} rows where the documents give {self._expected[table]}"
        yield from self._shapes()
        yield from outbox_faults(self._db)
        yield from history_faults(self._db)

    def _entity(self, row: tuple[Any, ...]) -> Iterator[str]:
        number, iri, shape = row[:3]
        entity = to_entity(row[3:])
        if entity.id != iri:
            yield f"{iri}: its document has the id {entity.id}"
        held = index(entity.document, self._number)
        yield from self._rows(number, entity, row[-1], held.paths, held.uncovered)
        yield from self._probe(number, iri, held.paths)
        yield from self._boxes(number, iri, held.boxes)
        self._forms[shape] += 1
        form = self._db.execute("SELECT form FROM shape WHERE number = ?", (shape,)).get
        if form is None or _form(orjson.loads(form)) != _form(form_text(form_of(entity.document))):
            yield f"{iri}: shape {shape} is not its form"

    def _number(self, text: str) -> int:
        number = self._names.find(self._db, text)
        return _UNKNOWN if number is None else number

    def _rows(
        self, number: int, entity: Entity, due: int | None, paths: dict[int, list[Any]], uncovered: set[int]
    ) -> Iterator[str]:
        wanted = next_expiry(entity)
        if wanted != due:
            yield f"{entity.id}: next_expiry is {due}, and not {wanted}"
        rows: set[tuple[Any, ...]] = {("entity_type", self._number(iri), number) for iri in entity.types}
        rows |= {("entity_scope", normal_scope(scope), number) for scope in as_list(entity.document.get("scope"))}
        rows |= {("leaf", path, sql_value(value), number) for path, values in paths.items() for value in values}
        rows |= {("uncovered", path, number) for path in uncovered}
        if wanted is not None:
            rows.add(("expiry", wanted, number))
        for table, *key in rows:
            self._expected[table] += 1
            if self._db.execute(_LOOK_UP[table], tuple(key)).get is None:
                yield f"{entity.id}: {table} lacks the row {tuple(key)}"

    def _probe(self, number: int, iri: str, paths: dict[int, list[Any]]) -> Iterator[str]:
        self._expected["probe"] += 1
        text = self._db.execute("SELECT json(leaves) FROM probe WHERE entity = ?", (number,)).get
        held = None if text is None else orjson.loads(text)
        wanted = {str(path): values for path, values in paths.items()}
        if held is None or not same(dict(sorted(held.items())), dict(sorted(wanted.items()))):
            yield f"{iri}: probe holds other leaves than its document"

    def _boxes(self, number: int, iri: str, boxes: list[tuple[int, Bounds]]) -> Iterator[str]:
        for ordinal, (path, box) in enumerate(boxes):
            self._expected["bounds"] += 1
            held: list[tuple[Any, ...]] = self._db.execute(
                "SELECT path, west, south, east, north FROM bounds WHERE id = ?", ((number << BOX_BITS) + ordinal,)
            ).fetchall()
            if not held or held[0][0] != path or not _encloses(held[0][1:], box):
                yield f"{iri}: bounds lacks box {ordinal}"

    def _shapes(self) -> Iterator[str]:
        counted: list[tuple[Any, ...]] = self._db.execute("SELECT number, entities FROM shape").fetchall()
        for number, entities in counted:
            if entities != self._forms[number]:
                yield f"shape {number} counts {entities} entities where {self._forms[number]} have it"


def _form(form: dict[str, Any]) -> tuple[Any, ...]:
    return (form["types"], {name: list(kinds) for name, kinds in form["attributes"].items()})


def _encloses(held: tuple[float, ...], box: Bounds) -> bool:
    """Whether the rounded box holds the exact one, and is hardly larger."""
    west, south, east, north = held
    near = all(abs(a - b) <= abs(b) * _FLOAT32 + 1e-30 for a, b in zip(held, box, strict=True))
    return near and west <= box[0] and south <= box[1] and east >= box[2] and north >= box[3]
