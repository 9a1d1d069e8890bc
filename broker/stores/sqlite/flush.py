"""From what a group of commands comes to, to the rows that `rows` puts into the tables.

What follows from a document alone may have been worked out before (`prepare`); numbers for paths and types are the
transaction's own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Final

import apsw
import orjson

from broker.model.entity import ENTITY_MEMBERS, Document, Entity, as_list
from broker.model.expiry import next_expiry
from broker.model.geometry import Bounds
from broker.model.values import Json
from broker.ports import Labels
from broker.stores.forms import form_of
from broker.stores.sqlite.changelog import ABOUT, Kept
from broker.stores.sqlite.codec import dump
from broker.stores.sqlite.group import Logged, Row, Written
from broker.stores.sqlite.index import BOX_BITS, boxes, difference, index
from broker.stores.sqlite.names import WrittenForms, WrittenNames
from broker.stores.sqlite.prepare import Prepared, prepare, scopes_of
from broker.stores.sqlite.rows import ADDED, BOXES, BOXES_GONE, GONE, LABEL, PARTS, PARTS_GONE, SET_UP

NEVER: Final = 2**62  # the instant of what does not expire


class Flush:
    """Writes what groups come to, on one tenant's connection; `soonest` is when something of it expires first."""

    def __init__(self, db: apsw.Connection, label: Callable[[Entity], Labels]) -> None:
        self._db = db
        self._label = label
        self._names = WrittenNames(db)
        self._forms = WrittenForms(db)
        self._bodies: list[bytes] = []
        self._boxes: list[list[Any]] = []
        self._boxes_gone: list[int] = []
        self._offset = 1
        self._parts = 0
        self._labelled: list[tuple[Any, ...]] = []
        self.soonest = NEVER
        db.execute(SET_UP)

    def forget(self) -> None:
        """After a rollback: numbers given in it are not."""
        self._names.clear()
        self._forms.clear()
        self.soonest = NEVER

    def write(self, written: Written, ready: Mapping[int, Prepared], kept: Kept) -> None:
        """Write rows and log; `ready` holds, by their `id()`, documents prepared before."""
        self._bodies, self._offset, self._labelled = [], 1, []
        self._boxes, self._boxes_gone, self._parts = [], [], 0
        deltas: Counter[int] = Counter()
        placed: dict[int, tuple[int, int]] = {}
        drops = [self._drop(row, deltas) for row in written.rows if row.current is None]
        puts = [self._put(row, row.current, deltas, placed, ready) for row in written.rows if row.current is not None]
        logged = [self._logged(one, placed) for one in written.log]
        trim = kept.after(logged)
        shapes = [[shape, delta] for shape, delta in deltas.items() if delta]
        packed = _text(puts)
        if drops or self._parts & PARTS_GONE:
            self._db.execute(GONE, (_text(drops), packed, self._parts))
        bodies = b"".join(self._bodies)
        self._db.execute(ADDED, (packed, bodies, _text(logged), _text(shapes), self._parts, *trim))
        if self._boxes_gone:
            self._db.execute(BOXES_GONE, (_text(self._boxes_gone),))
        if self._boxes:
            self._db.execute(BOXES, (_text(self._boxes),))
        if self._labelled:
            self._db.executemany(LABEL, self._labelled)

    def _drop(self, row: Row, deltas: Counter[int]) -> list[Any]:
        assert row.stored is not None
        document = row.stored.document
        deltas[row.shape] -= 1
        held = index(document, self._names.__getitem__)
        self._boxes_gone += _box_ids(row.number, held.boxes)
        return [
            row.number,
            held.paths,
            [self._names[iri] for iri in row.stored.types],
            scopes_of(document),
            list(held.uncovered),
            row.next_expiry,
        ]

    def _put(
        self,
        row: Row,
        entity: Entity,
        deltas: Counter[int],
        placed: dict[int, tuple[int, int]],
        ready: Mapping[int, Prepared],
    ) -> list[Any]:
        document = entity.document
        if row.stored is None:
            prepared = ready.get(id(document)) or prepare(document)
            text, exact, form = prepared.text, prepared.exact, prepared.form
            rows = self._fresh(row.number, entity, prepared)
        else:
            (text, exact), form = dump(document), form_of(document)
            rows = self._changed(row.number, row.stored, entity)
        place = placed[id(document)] = self._place(text)
        shape = self._forms[form]
        due = next_expiry(entity) if entity.expires_at is not None or b'"expiresAt"' in text else None
        labels = self._label(entity) if row.labels is None else row.labels
        own = labels.of.get(None) if labels.of else None
        if shape != row.shape:
            deltas[shape] += 1
            deltas[row.shape] -= row.stored is not None
        head = [row.number, entity.id, *place, entity.created_at, entity.modified_at, entity.expires_at, due]
        head += [entity.version, int(exact), shape]
        if due is not None and due < self.soonest:
            self.soonest = due
        self._need("expiry", due)
        self._need("expiry_gone", row.next_expiry)
        if labels.of and (len(labels.of) > 1 or own is None):
            self._labels(row.number, entity, labels)
        return [*head, *rows, own and own[0], own and own[1], row.next_expiry, int(row.stored is None)]

    def _fresh(self, number: int, entity: Entity, prepared: Prepared) -> list[Any]:
        names, held = self._names, prepared.indexed
        paths = {names[path]: values for path, values in held.paths.items()}
        types = [names[iri] for iri in entity.types]
        self._boxes += _boxes(number, [(names[path], box) for path, box in held.boxes])
        uncovered = [names[path] for path in held.uncovered]
        self._need("types", types)
        self._need("scopes", prepared.scopes)
        self._need("uncovered", uncovered)
        return [paths, {}, {}, types, [], prepared.scopes, [], uncovered, []]

    def _changed(self, number: int, stored: Entity, entity: Entity) -> list[Any]:
        before, after = stored.document, entity.document
        old_part, new_part = _differing(before, after), _differing(after, before)
        old, new = index(old_part, self._names.__getitem__), index(new_part, self._names.__getitem__)
        gone, added = difference(old.paths, new.paths)
        patch: dict[int, Any] = dict.fromkeys(path for path in old.paths if path not in new.paths)
        patch.update(new.paths)
        rows: list[Any] = [patch, added, gone]
        for name, of in (("types", self._types), ("scopes", scopes_of)):
            held, wanted = of(before), of(after)
            rows += [[one for one in wanted if one not in held], [one for one in held if one not in wanted]]
            self._need(name, rows[-2])
            self._need(f"{name}_gone", rows[-1])
        if old.boxes or new.boxes:
            self._move(number, stored, entity)
        rows += [list(new.uncovered - old.uncovered), list(old.uncovered - new.uncovered)]
        self._need("uncovered", rows[-2])
        self._need("uncovered_gone", rows[-1])
        self._need("leaves_gone", gone)
        return rows

    def _move(self, number: int, stored: Entity, entity: Entity) -> None:
        """All of the entity's boxes where one changed, as their ids count up."""
        old, new = (boxes(one.document, self._names.__getitem__) for one in (stored, entity))
        self._boxes_gone += _box_ids(number, old)
        self._boxes += _boxes(number, new)

    def _labels(self, number: int, entity: Entity, labels: Labels) -> None:
        for name, (subject, data_class) in labels.of.items():
            if name is None or name not in entity.document:
                continue
            held = index({name: entity.document[name]}, self._names.__getitem__)
            for path, values in held.paths.items():
                self._labelled += [(subject, data_class, path, sql_value(value), number) for value in values]

    def _types(self, document: Document) -> list[int]:
        return [self._names[iri] for iri in as_list(document["type"])]

    def _logged(self, one: Logged, placed: dict[int, tuple[int, int]]) -> list[Any]:
        change, entity = one.change, one.entity
        before = (None, None) if change.before is None else self._place(dump(change.before)[0])
        if change.after is None:
            after: tuple[int | None, int | None] = (None, None)
        else:
            after = placed.get(id(change.after)) or self._place(dump(change.after)[0])
        subjects = sorted(one.subjects) or None
        classes = sorted(one.data_classes) or None
        whole = change.before is None or change.after is None
        about = None if whole else {name: entity.document[name] for name in ABOUT if name in entity.document}
        return [entity.id, entity.version, entity.modified_at, *before, *after, subjects, classes, about]

    def _place(self, text: bytes) -> tuple[int, int]:
        place = (self._offset, len(text))
        self._bodies.append(text)
        self._offset += len(text)
        return place

    def _need(self, part: str, rows: object) -> None:
        if rows:
            self._parts |= PARTS[part]


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


def _boxes(number: int, found: list[tuple[int, Bounds]]) -> list[list[Any]]:
    first = number << BOX_BITS
    return [
        [first + ordinal, west, east, south, north, path]
        for ordinal, (path, (west, south, east, north)) in enumerate(found)
    ]


def _box_ids(number: int, found: list[tuple[int, Bounds]]) -> list[int]:
    first = number << BOX_BITS
    return list(range(first, first + len(found)))


def _text(rows: list[Any]) -> str:
    return orjson.dumps(rows, option=orjson.OPT_NON_STR_KEYS).decode() if rows else "[]"
