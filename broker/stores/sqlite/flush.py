"""The rows of a group, written in a few statements that SQLite runs without Python in between.

All rows go in as one JSONB parameter and all documents as one blob, from which the statements take their parts: every
statement of a driver is a moment where another thread may take the interpreter, and a row is far less work than that.

    puts   [[number, iri, offset, length, created_at, modified_at, expires_at, next_expiry, version, exact, shape,
             {path: [values]} (for an update: what changed, null: gone), {path: [added]}, {path: [removed]},
             [types added], [types gone], [scopes added], [scopes gone], [[box id, w, e, s, n, path]], [box ids gone],
             [uncovered added], [uncovered gone], subject, data_class, expiry that was, new]]
    drops  [[number, {path: [values]}, [types], [scopes], [box ids], [uncovered], expiry that was]]
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Final

import apsw
import orjson

from broker.model.entity import ENTITY_MEMBERS, Document, Entity, as_list
from broker.model.expiry import next_expiry
from broker.model.geometry import Bounds
from broker.model.values import Json
from broker.ports import Labels
from broker.stores.sqlite.codec import dump
from broker.stores.sqlite.group import Row, Written
from broker.stores.sqlite.index import BOX_BITS, boxes, difference, form_of, index, normal_scope
from broker.stores.sqlite.names import WrittenForms, WrittenNames

_VALUE: Final = "CASE v.type WHEN 'true' THEN x'01' WHEN 'false' THEN x'00' WHEN 'null' THEN x'' ELSE v.value END"
_PUTS: Final = (
    """INSERT INTO entity (number, iri, document, created_at, modified_at, expires_at, next_expiry, version,
           exact_integers, shape, subject, data_class)
       SELECT r.value->>0, r.value->>1, CAST(substr(?2, r.value->>2, r.value->>3) AS TEXT), r.value->>4, r.value->>5,
           r.value->>6, r.value->>7, r.value->>8, r.value->>9, r.value->>10, r.value->>22, r.value->>23
       FROM jsonb_each(?1) AS r WHERE true
       ON CONFLICT (number) DO UPDATE SET document = excluded.document, modified_at = excluded.modified_at,
           expires_at = excluded.expires_at, next_expiry = excluded.next_expiry, version = excluded.version,
           exact_integers = excluded.exact_integers, shape = excluded.shape, subject = excluded.subject,
           data_class = excluded.data_class""",
    """INSERT INTO probe (entity, leaves) SELECT r.value->>0, jsonb_extract(r.value, '$[11]')
       FROM jsonb_each(?1) AS r WHERE r.value->11 <> '{}' OR r.value->>25
       ON CONFLICT (entity) DO UPDATE SET leaves = jsonb_patch(leaves, excluded.leaves)""",
    f"""INSERT OR IGNORE INTO leaf (path, value, entity)
       SELECT CAST(p.key AS INTEGER), {_VALUE}, r.value->>0
       FROM jsonb_each(?1) AS r, jsonb_each(r.value, iif(r.value->>25, '$[11]', '$[12]')) AS p,
           jsonb_each(p.value) AS v ORDER BY 1, 2, 3""",  # noqa: S608 - a constant of ours
)
_PUT_PARTS: Final = {
    "leaves_gone": f"""DELETE FROM leaf WHERE (path, value, entity) IN (
        SELECT CAST(p.key AS INTEGER), {_VALUE}, r.value->>0
        FROM jsonb_each(?1) AS r, jsonb_each(r.value, '$[13]') AS p, jsonb_each(p.value) AS v)""",  # noqa: S608
    "types": """INSERT INTO entity_type (type, entity) SELECT DISTINCT t.value, r.value->>0
        FROM jsonb_each(?1) AS r, jsonb_each(r.value, '$[14]') AS t""",
    "types_gone": """DELETE FROM entity_type WHERE (type, entity) IN (
        SELECT t.value, r.value->>0 FROM jsonb_each(?1) AS r, jsonb_each(r.value, '$[15]') AS t)""",
    "scopes": """INSERT OR IGNORE INTO entity_scope (scope, entity) SELECT s.value, r.value->>0
        FROM jsonb_each(?1) AS r, jsonb_each(r.value, '$[16]') AS s""",
    "scopes_gone": """DELETE FROM entity_scope WHERE (scope, entity) IN (
        SELECT s.value, r.value->>0 FROM jsonb_each(?1) AS r, jsonb_each(r.value, '$[17]') AS s)""",
    "boxes_gone": """DELETE FROM bounds WHERE id IN (
        SELECT b.value FROM jsonb_each(?1) AS r, jsonb_each(r.value, '$[19]') AS b)""",
    "boxes": """INSERT INTO bounds (id, west, east, south, north, path)
        SELECT b.value->>0, b.value->>1, b.value->>2, b.value->>3, b.value->>4, b.value->>5
        FROM jsonb_each(?1) AS r, jsonb_each(r.value, '$[18]') AS b""",
    "uncovered": """INSERT OR IGNORE INTO uncovered (path, entity) SELECT u.value, r.value->>0
        FROM jsonb_each(?1) AS r, jsonb_each(r.value, '$[20]') AS u""",
    "uncovered_gone": """DELETE FROM uncovered WHERE (path, entity) IN (
        SELECT u.value, r.value->>0 FROM jsonb_each(?1) AS r, jsonb_each(r.value, '$[21]') AS u)""",
    "expiry_gone": """DELETE FROM expiry WHERE (due, entity) IN (
        SELECT r.value->>24, r.value->>0 FROM jsonb_each(?1) AS r WHERE r.value->>24 IS NOT NULL)""",
    "expiry": """INSERT OR IGNORE INTO expiry (due, entity) SELECT r.value->>7, r.value->>0
        FROM jsonb_each(?1) AS r WHERE r.value->>7 IS NOT NULL""",
}
_DROPS: Final = (
    "DELETE FROM entity WHERE number IN (SELECT r.value->>0 FROM jsonb_each(?1) AS r)",
    "DELETE FROM probe WHERE entity IN (SELECT r.value->>0 FROM jsonb_each(?1) AS r)",
    f"""DELETE FROM leaf WHERE (path, value, entity) IN (
        SELECT CAST(p.key AS INTEGER), {_VALUE}, r.value->>0
        FROM jsonb_each(?1) AS r, jsonb_each(r.value, '$[1]') AS p, jsonb_each(p.value) AS v)""",  # noqa: S608
    """DELETE FROM entity_type WHERE (type, entity) IN (
        SELECT t.value, r.value->>0 FROM jsonb_each(?1) AS r, jsonb_each(r.value, '$[2]') AS t)""",
    """DELETE FROM entity_scope WHERE (scope, entity) IN (
        SELECT s.value, r.value->>0 FROM jsonb_each(?1) AS r, jsonb_each(r.value, '$[3]') AS s)""",
    "DELETE FROM bounds WHERE id IN (SELECT b.value FROM jsonb_each(?1) AS r, jsonb_each(r.value, '$[4]') AS b)",
    """DELETE FROM uncovered WHERE (path, entity) IN (
        SELECT u.value, r.value->>0 FROM jsonb_each(?1) AS r, jsonb_each(r.value, '$[5]') AS u)""",
    """DELETE FROM expiry WHERE (due, entity) IN (
        SELECT r.value->>6, r.value->>0 FROM jsonb_each(?1) AS r WHERE r.value->>6 IS NOT NULL)""",
)
_LABEL: Final = "UPDATE leaf SET subject = ?, data_class = ? WHERE path = ? AND value = ? AND entity = ?"


class Flush:
    """Writes what groups come to, on one tenant's connection."""

    def __init__(self, db: apsw.Connection, label: Callable[[Entity], Labels]) -> None:
        self._db = db
        self._label = label
        self._names = WrittenNames(db)
        self._forms = WrittenForms(db)
        self._bodies: list[bytes] = []
        self._offset = 1
        self._parts: set[str] = set()
        self._labelled: list[tuple[Any, ...]] = []

    def forget(self) -> None:
        """After a rollback: numbers given in it are not."""
        self._names.clear()
        self._forms.clear()

    def write(self, written: Written, log: Callable[[Sequence[list[Any]], bytes], None]) -> None:
        """Write rows and log; `log(rows, bodies)` gets `[iri, version, at, before, length, after, length, …]`."""
        self._bodies, self._offset, self._labelled = [], 1, []
        self._parts = set()
        deltas: Counter[int] = Counter()
        placed: dict[int, tuple[int, int]] = {}
        drops = [self._drop(row, deltas) for row in written.rows if row.current is None]
        puts = [self._put(row, row.current, deltas, placed) for row in written.rows if row.current is not None]
        logged = [self._logged(one, placed) for one in written.log]
        bodies = b"".join(self._bodies)
        if drops:
            self._run(_DROPS, drops, b"")
        if puts:
            self._run([*_PUTS, *(sql for name, sql in _PUT_PARTS.items() if name in self._parts)], puts, bodies)
        if self._labelled:
            self._db.executemany(_LABEL, self._labelled)
        for shape, delta in deltas.items():
            if delta:
                self._db.execute("UPDATE shape SET entities = entities + ? WHERE number = ?", (delta, shape))
        log(logged, bodies)

    def _run(self, statements: Sequence[str], rows: list[Any], bodies: bytes) -> None:
        text = orjson.dumps(rows, option=orjson.OPT_NON_STR_KEYS).decode()
        packed = self._db.execute("SELECT jsonb(?)", (text,)).get
        for sql in statements:
            self._db.execute(sql, (packed, bodies) if "?2" in sql else (packed,))

    def _drop(self, row: Row, deltas: Counter[int]) -> list[Any]:
        assert row.stored is not None
        document = row.stored.document
        deltas[row.shape] -= 1
        held = index(document, self._names.__getitem__)
        return [
            row.number,
            held.paths,
            [self._names[iri] for iri in row.stored.types],
            _scopes(document),
            _box_ids(row.number, held.boxes),
            list(held.uncovered),
            row.next_expiry,
        ]

    def _put(self, row: Row, entity: Entity, deltas: Counter[int], placed: dict[int, tuple[int, int]]) -> list[Any]:
        text, exact = dump(entity.document)
        place = placed[id(entity.document)] = self._place(text)
        shape = self._forms[form_of(entity)]
        due = next_expiry(entity) if entity.expires_at is not None or b'"expiresAt"' in text else None
        labels = self._label(entity)
        own = labels.of.get(None) if labels.of else None
        if shape != row.shape:
            deltas[shape] += 1
            deltas[row.shape] -= row.stored is not None
        head = [row.number, entity.id, *place, entity.created_at, entity.modified_at, entity.expires_at, due]
        head += [entity.version, int(exact), shape]
        rows = self._fresh(row.number, entity) if row.stored is None else self._changed(row.number, row.stored, entity)
        self._need("expiry", due)
        self._need("expiry_gone", row.next_expiry)
        if labels.of:
            self._labels(row.number, entity, labels)
        return [*head, *rows, own and own[0], own and own[1], row.next_expiry, int(row.stored is None)]

    def _fresh(self, number: int, entity: Entity) -> list[Any]:
        held = index(entity.document, self._names.__getitem__)
        scopes = _scopes(entity.document) if "scope" in entity.document else []
        self._need("types", entity.document)
        self._need("scopes", scopes)
        self._need("boxes", held.boxes)
        self._need("uncovered", held.uncovered)
        types = [self._names[iri] for iri in entity.types]
        return [held.paths, {}, {}, types, [], scopes, [], _boxes(number, held.boxes), [], list(held.uncovered), []]

    def _changed(self, number: int, stored: Entity, entity: Entity) -> list[Any]:
        before, after = stored.document, entity.document
        old_part, new_part = _differing(before, after), _differing(after, before)
        old, new = index(old_part, self._names.__getitem__), index(new_part, self._names.__getitem__)
        gone, added = difference(old.paths, new.paths)
        patch: dict[int, Any] = dict.fromkeys(path for path in old.paths if path not in new.paths)
        patch.update(new.paths)
        rows: list[Any] = [patch, added, gone]
        for name, of in (("types", self._types), ("scopes", _scopes)):
            held, wanted = of(before), of(after)
            rows += [[one for one in wanted if one not in held], [one for one in held if one not in wanted]]
            self._need(name, rows[-2])
            self._need(f"{name}_gone", rows[-1])
        rows += self._moved(number, old.boxes or new.boxes, stored, entity)
        rows += [list(new.uncovered - old.uncovered), list(old.uncovered - new.uncovered)]
        self._need("uncovered", rows[-2])
        self._need("uncovered_gone", rows[-1])
        self._need("leaves_gone", gone)
        return rows

    def _moved(self, number: int, touched: object, stored: Entity, entity: Entity) -> list[Any]:
        """New boxes and the ids of old ones: all of the entity's where one changed, as their ids count up."""
        if not touched:
            return [[], []]
        old, new = (boxes(one.document, self._names.__getitem__) for one in (stored, entity))
        self._need("boxes", new)
        self._need("boxes_gone", old)
        return [_boxes(number, new), _box_ids(number, old)]

    def _labels(self, number: int, entity: Entity, labels: Labels) -> None:
        for name, (subject, data_class) in labels.of.items():
            if name is None or name not in entity.document:
                continue
            held = index({name: entity.document[name]}, self._names.__getitem__)
            for path, values in held.paths.items():
                self._labelled += [(subject, data_class, path, sql_value(value), number) for value in values]

    def _types(self, document: Document) -> list[int]:
        return [self._names[iri] for iri in as_list(document["type"])]

    def _logged(self, one: Any, placed: dict[int, tuple[int, int]]) -> list[Any]:  # noqa: ANN401
        change, entity = one.change, one.entity
        before = (None, None) if change.before is None else self._place(dump(change.before)[0])
        if change.after is None:
            after: tuple[int | None, int | None] = (None, None)
        else:
            after = placed.get(id(change.after)) or self._place(dump(change.after)[0])
        subjects = sorted(one.subjects) or None
        classes = sorted(one.data_classes) or None
        return [entity.id, entity.version, entity.modified_at, *before, *after, subjects, classes]

    def _place(self, text: bytes) -> tuple[int, int]:
        place = (self._offset, len(text))
        self._bodies.append(text)
        self._offset += len(text)
        return place

    def _need(self, part: str, rows: object) -> None:
        if rows:
            self._parts.add(part)


def sql_value(value: object) -> Any:  # noqa: ANN401 - what SQLite takes
    """A leaf's value as it stands in the index."""
    if value is None:
        return b""
    return bytes([value]) if isinstance(value, bool) else value


def _differing(document: Document, other: Document) -> Document:
    """The attributes of `document` that are not the same in `other`."""
    return {
        name: value
        for name, value in document.items()
        if name not in ENTITY_MEMBERS and not (name in other and _same(value, other[name]))
    }


def _same(one: Json, other: Json) -> bool:
    """Whether the two are indexed alike; to Python True equals 1, but their texts differ."""
    return one is other or (one == other and repr(one) == repr(other))


def _scopes(document: Document) -> list[str]:
    return [normal_scope(scope) for scope in as_list(document.get("scope"))]


def _boxes(number: int, found: list[tuple[int, Bounds]]) -> list[list[Any]]:
    first = number << BOX_BITS
    return [
        [first + ordinal, west, east, south, north, path]
        for ordinal, (path, (west, south, east, north)) in enumerate(found)
    ]


def _box_ids(number: int, found: list[tuple[int, Bounds]]) -> list[int]:
    first = number << BOX_BITS
    return list(range(first, first + len(found)))
