"""Entities and their history as items and spans, and back into a tenant's tables.

What an attribute is now stands in its entity's document only (see `history_rows`): as an item it is an instance like
the others, and back here it is left out again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import apsw
import orjson

from broker.model.entity import Entity
from broker.stores.moving import BEGINNING, END, Head, Item, Span, digest, past_row
from broker.stores.past import SCOPE, Past, times
from broker.stores.sqlite.changelog import Kept as Logs
from broker.stores.sqlite.codec import ENTITY_COLUMNS, to_entity
from broker.stores.sqlite.group import Row, Written
from broker.stores.sqlite.history_rows import KEEP, Kept
from broker.stores.sqlite.instances import COLUMNS, CURRENT, DROPPED, INSERTED, ORDINAL_BITS, WrittenInstances
from broker.stores.sqlite.known import Known, to_known
from broker.stores.sqlite.names import ReadNames, WrittenNames
from broker.stores.sqlite.reading import Forms, past_of
from broker.stores.sqlite.writer import Open

CHUNK: Final = 500
SPAN: Final = 5_000
_HEAD: Final = "h.number, h.types, h.scopes, h.created_at, h.modified_at, h.deleted_at, h.dropped"
_SLIM: Final = "e.number, '', e.created_at, e.modified_at, e.expires_at, e.version, 0, NULL"
_FULL: Final = "e.number, " + ", ".join(f"e.{column}" for column in ENTITY_COLUMNS.split(", "))
_FROM: Final = """FROM (SELECT key, value AS iri FROM json_each(?)) AS asked
    LEFT JOIN history AS h ON h.iri = asked.iri LEFT JOIN entity AS e ON e.iri = asked.iri ORDER BY asked.key"""
_ENTITIES: Final = "SELECT number, iri FROM entity WHERE number > ?1"
_GONE: Final = """SELECT number, iri FROM history WHERE number > ?1
    AND NOT EXISTS (SELECT 1 FROM entity AS e WHERE e.iri = history.iri)"""
_WALK: Final = f"{_ENTITIES} UNION ALL {_GONE} ORDER BY number LIMIT {CHUNK}"
_OTHERS: Final = f"""SELECT number, iri FROM history WHERE number < ?
    AND NOT EXISTS (SELECT 1 FROM entity AS e WHERE e.iri = history.iri) ORDER BY number DESC LIMIT {CHUNK}"""  # noqa: S608
_SPAN: Final = f"""SELECT {COLUMNS} FROM instance WHERE entity = ? AND path = ? AND time >= ? AND observed <> {DROPPED}
    ORDER BY time, number, dataset LIMIT ?"""  # noqa: S608
_PATHS: Final = "SELECT text, number FROM name WHERE number IN (SELECT DISTINCT path FROM instance WHERE entity = ?)"
_IN_SPAN: Final = f"""SELECT {INSERTED} FROM instance
    WHERE entity = ? AND path = ? AND time >= ? AND time < ?"""  # noqa: S608
_DROP: Final = "DELETE FROM instance WHERE entity = ? AND path = ? AND time = ? AND number = ? AND dataset = ?"
_ADD: Final = f"INSERT INTO instance ({INSERTED}) VALUES ({', '.join('?' * 12)})"  # noqa: S608
_OTHER_PATHS: Final = "DELETE FROM instance WHERE entity = ? AND path NOT IN (SELECT value FROM json_each(?))"
_TAKEN: Final = "SELECT 1 FROM entity WHERE number = ?1 UNION ALL SELECT 1 FROM history WHERE number = ?1"
_ANY: Final = "SELECT 1 FROM instance WHERE entity = ? AND path = ?"
_THERE: Final = f"{_ANY} AND time = ? AND number = ? AND dataset = ?"
_NUMBER_MAX: Final = 2**63
_ORDER_MAX: Final = 2**42
_STAMPS_FROM: Final = 1_700_000_000_000_000
_STAMP_BITS: Final = 6
_FAR_BITS: Final = 20  # of the ordinal in numbers of stores whose numbers are longer than a row's


def marks(db: apsw.Connection) -> Iterator[list[tuple[str, str]]]:
    """Every id and its mark: entities, also those that are gone, in the order of creation, then the others."""
    for sql in (_WALK, _OTHERS):
        rows: list[tuple[Any, ...]] = db.execute(sql, (0,)).fetchall()
        while rows:
            yield [(item.iri, item.mark) for item in heads(db, [row[1] for row in rows])]
            rows = db.execute(sql, (rows[-1][0],)).fetchall()


def heads(db: apsw.Connection, iris: Sequence[str]) -> list[Item]:
    """Those of these ids that there are, their entities without their documents."""
    return _items(db, iris, _SLIM)


def items(db: apsw.Connection, iris: Sequence[str]) -> list[Item]:
    """Those of these ids that there are, whole."""
    return _items(db, iris, _FULL)


def _items(db: apsw.Connection, iris: Sequence[str], columns: str) -> list[Item]:
    sql = f"SELECT asked.iri, {_HEAD}, {columns} {_FROM}"
    rows: list[tuple[Any, ...]] = db.execute(sql, (orjson.dumps(list(iris)).decode(),)).fetchall()
    return [_item(row) for row in rows if row[1] is not None or row[8] is not None]


def _item(row: tuple[Any, ...]) -> Item:
    iri, number, types, scopes, created_at, modified_at, deleted_at, dropped = row[:8]
    entity = None
    if row[8] is not None:
        entity = to_entity(row[9:]) if row[9] else Entity({}, row[10], row[11], row[12], row[13])
    head = None
    if number is not None:
        told = tuple(orjson.loads(types)), tuple(orjson.loads(scopes))
        head = Head(*told, created_at, modified_at, deleted_at, bool(dropped))
    order, first = (number if row[8] is None else row[8]), (row[8] if number is None else number)
    return Item(iri, abs(order), abs(first), row[8] is not None or order > 0, entity, head)


def spans(db: apsw.Connection, item: Item) -> Iterator[Span]:
    """The instances of an id, attribute by attribute, with those that its entity has now."""
    known = _known(db, item.iri)
    if known is None:
        return
    paths = {str(text): int(number) for text, number in db.execute(_PATHS, (known.number,))}
    names = [] if known.entity is None else [name for name, _ in known.entity.attributes()]
    if known.entity is not None and SCOPE in known.entity.document:
        names.append(SCOPE)
    for name in dict.fromkeys([*paths, *names]):
        yield from _spans(db, known, name, paths.get(name))


def _spans(db: apsw.Connection, known: Known, name: str, path: int | None) -> Iterator[Span]:
    current = _current(db, known, name, path)
    start, size = BEGINNING, SPAN
    while True:
        rows: list[tuple[Any, ...]] = []
        if path is not None:
            rows = db.execute(_SPAN, (known.number, path, start, size + 1)).fetchall()
        end = END if len(rows) <= size or name == SCOPE else rows[-1][0]
        if end == start or (name == SCOPE and len(rows) > size):  # more of one instant than that, or of the scope
            size *= 2
            continue
        forms = Forms()
        pasts = [past_of(db, row, forms) for row in rows if row[0] < end]
        pasts += [past for past in current if start <= past.time < end]
        if pasts:
            yield Span(name, start, end, pasts)
        if end == END:
            return
        start, size = end, SPAN


def _known(db: apsw.Connection, iri: str) -> Known | None:
    sql = f"SELECT {_HEAD}, {_FULL} {_FROM}"
    return to_known(iri, db.execute(sql, (orjson.dumps([iri]).decode(),)).fetchall()[0])


def _current(db: apsw.Connection, known: Known, name: str, path: int | None) -> list[Past]:
    """The instances that the entity has now, as far as no row says otherwise."""
    found = known.current(name)
    if not found or path is None:
        return found
    if name == SCOPE:
        return found if db.execute(_ANY, (known.number, path)).get is None else []
    names = ReadNames()
    left = []
    for past in found:
        dataset = names.find(db, past.dataset) if past.dataset else 0
        key = (known.number, path, past.time, past.number, -1 if dataset is None else dataset)
        if db.execute(_THERE, key).get is None:
            left.append(past)
    return left


class Putting:
    """Writes items into a tenant's file, inside a transaction of whoever calls."""

    def __init__(self, held: Open) -> None:
        self._held, self._db = held, held.db
        self._instances = WrittenInstances(WrittenNames(held.db))

    def put(self, moved: Sequence[tuple[Item, Iterable[Span]]]) -> None:
        """Write them, or write them anew."""
        self._instances.forget()
        there = self._entities([item.iri for item, _ in moved])
        numbers = self._write_entities([item for item, _ in moved], there)
        for item, found in moved:
            self._put_history(item, numbers[item.iri], found)

    def drop(self, iris: Sequence[str]) -> None:
        """Nothing is left of them."""
        gone = [_removed(row) for row in self._entities(iris).values()]
        numbers = [row.number for row in gone]
        self._held.flush.write(Written(gone, []), {}, Logs.of(self._db))
        asked = orjson.dumps(list(iris)).decode()
        numbers += [
            int(number)
            for (number,) in self._db.execute("SELECT number FROM history JOIN json_each(?) ON iri = value", (asked,))
        ]
        packed = orjson.dumps(numbers).decode()
        self._db.execute("DELETE FROM instance WHERE entity IN (SELECT value FROM json_each(?))", (packed,))
        self._db.execute("DELETE FROM history WHERE number IN (SELECT value FROM json_each(?))", (packed,))

    def _entities(self, iris: Sequence[str]) -> dict[str, Row]:
        sql = f"""SELECT iri, number, shape, {ENTITY_COLUMNS}
            FROM json_each(?) CROSS JOIN entity ON iri = value"""  # noqa: S608 - constants of ours
        rows: list[tuple[Any, ...]] = self._db.execute(sql, (orjson.dumps(list(iris)).decode(),)).fetchall()
        found = {}
        for iri, number, shape, *columns in rows:
            entity = to_entity(tuple(columns))
            found[iri] = Row(number, entity, entity, shape, columns[-1])
        return found

    def _write_entities(self, put: Sequence[Item], there: Mapping[str, Row]) -> dict[str, int]:
        """Write rows of entities; the number under which the history of each id is."""
        numbers, fresh = self._histories(put), _Numbers(self._db)
        rows: list[Row] = []
        for item in put:
            row = there.get(item.iri)
            if row is not None and not _is_same_life(row, item):
                rows.append(_removed(row))
                self._leave(item, row.number, numbers)
                row = None
            if item.entity is not None:
                was = row or Row(fresh.of(item.order), None, None)
                rows.append(Row(was.number, was.stored, item.entity, was.shape, was.next_expiry))
                is_first = item.head is None or item.first == item.order
                numbers.setdefault(item.iri, was.number if is_first else fresh.of(item.first))
            elif item.iri not in numbers:
                numbers[item.iri] = fresh.of(item.first) if item.lived else fresh.before(item.first)
        self._held.flush.write(Written(rows, []), {}, Logs.of(self._db))
        return numbers

    def _histories(self, put: Sequence[Item]) -> dict[str, int]:
        """The numbers of histories that have rows, and go on having them."""
        asked = orjson.dumps([item.iri for item in put]).decode()
        sql = "SELECT iri, number FROM history JOIN json_each(?) ON iri = value"
        numbers = {str(iri): int(number) for iri, number in self._db.execute(sql, (asked,))}
        for item in put:
            if item.head is None and item.iri in numbers:
                self._leave(item, numbers.pop(item.iri), numbers)
        return numbers

    def _leave(self, item: Item, number: int, numbers: dict[str, int]) -> None:
        """An entity is no more what it was: its history goes on under this number, or goes."""
        if item.head is None:
            self._db.execute("DELETE FROM instance WHERE entity = ?", (number,))
        else:
            numbers.setdefault(item.iri, number)

    def _put_history(self, item: Item, number: int, found: Iterable[Span]) -> None:
        if item.head is None:
            self._db.execute("DELETE FROM history WHERE iri = ?", (item.iri,))
        else:
            kept = Kept(number, item.head.created_at)
            kept.types, kept.scopes = item.head.types, item.head.scopes
            kept.deleted_at, kept.dropped = item.head.deleted_at, item.head.dropped
            self._db.execute(KEEP, (orjson.dumps([kept.row(item.iri, item.head.modified_at)]).decode(),))
        current = _Current(item)
        paths = []
        for span in found:
            paths.append(self._instances.names[span.name])
            self._put_span(number, paths[-1], span, current)
        for name in current.unseen():
            paths.append(self._instances.names[name])
            self._put_span(number, paths[-1], Span(name, BEGINNING, END, ()), current)
        self._db.execute(_OTHER_PATHS, (number, orjson.dumps(sorted(set(paths))).decode()))

    def _put_span(self, entity: int, path: int, span: Span, current: _Current) -> None:
        """Make the rows of a span what they have to be; those that are right stay as they are."""
        there: dict[tuple[int, ...], tuple[Any, ...]] = {}
        for row in self._db.execute(_IN_SPAN, (entity, path, span.start, span.end)):
            there[row[:5]] = row
        wanted: dict[tuple[int, ...], tuple[Any, ...]] = {}
        pasts, dropped = current.apart(span)
        for past in pasts:
            key = self._instances.key(entity, path, past)
            while tuple(key) in wanted:
                past.number += 1
                key = key._replace(number=past.number)
            wanted[tuple(key)] = tuple(self._instances.row(key, past))
        for past in dropped:
            key = self._instances.key(entity, path, past)
            wanted[tuple(key)] = (*key, DROPPED, None, None, None, None, None, None)
        gone = [key for key, row in there.items() if not _same(row, wanted.get(key))]
        added = [row for key, row in wanted.items() if not _same(row, there.get(key))]
        self._db.executemany(_DROP, gone)
        self._db.executemany(_ADD, added)


class _Numbers:
    """Numbers that no entity and no history has, in the order of those of the store that they come from."""

    def __init__(self, db: apsw.Connection) -> None:
        self._db, self._given = db, set[int]()

    def of(self, order: int) -> int:
        """For what is or was an entity."""
        return self._free(_short(order), 1)

    def before(self, order: int) -> int:
        """For what only history has."""
        return self._free(-_short(order), -1)

    def _free(self, number: int, step: int) -> int:
        while number in self._given or self._db.execute(_TAKEN, (number,)).get is not None:
            number += step
        self._given.add(number)
        return number


def _short(order: int) -> int:
    """A number that leaves room for those of boxes, made of a stamp of microseconds where it does not."""
    return order if order < _ORDER_MAX else (order - _STAMPS_FROM) >> _STAMP_BITS


def _is_same_life(row: Row, item: Item) -> bool:
    """Whether the entity that is there is the one that is put, not one that had its id before."""
    return row.stored is not None and item.entity is not None and row.stored.created_at == item.entity.created_at


def _removed(row: Row) -> Row:
    return Row(row.number, row.stored, None, row.shape, row.next_expiry)


class _Current:
    """The instances that an item's entity has now: they need no rows, and where history has them no more, a mark."""

    def __init__(self, item: Item) -> None:
        self._of: dict[str, list[Past]] = {}
        self._has_head = item.head is not None
        entity = item.entity
        if entity is not None:
            held = Known(item.iri, 0, (), (), 0, 0, None, dropped=False, kept=False, entity=entity)
            names = [*(name for name, _ in entity.attributes()), *([SCOPE] if SCOPE in entity.document else [])]
            self._of = {name: held.current(name) for name in names}
        self._seen: set[str] = set()

    def apart(self, span: Span) -> tuple[list[Past], list[Past]]:
        """Instances of the span that need a row, and those of the entity that history does not have."""
        self._seen.add(span.name)
        current = [past for past in self._of.get(span.name, ()) if span.start <= past.time < span.end]
        if span.name == SCOPE:
            if [times(past) for past in span.pasts] == [times(past) for past in current]:
                return [], []
            return [_fitting(past) for past in span.pasts], ([] if span.pasts else current)
        left, missing = list(span.pasts), []
        for past in current:
            found = next((place for place, one in enumerate(left) if _is_as(one, past)), None)
            if found is None:
                missing.append(past)
            else:
                del left[found]
        return [_fitting(past) for past in left], missing if self._has_head else []

    def unseen(self) -> list[str]:
        """Attributes of the entity of which history has nothing."""
        return [name for name in self._of if name not in self._seen]


def _is_as(past: Past, other: Past) -> bool:
    return times(past) == times(other) and digest(past_row(past)) == digest(past_row(other))


def _fitting(past: Past) -> Past:
    """An instance whose number fits into a row, in the same order."""
    number = past.number
    if number >= _NUMBER_MAX:
        ordinal = min(number & ((1 << _FAR_BITS) - 1), CURRENT - 1)
        number = (number >> _FAR_BITS) << ORDINAL_BITS | ordinal
    return Past(number, past.body, past.created_at, past.modified_at, past.observed_at, past.deleted_at)


def _same(row: tuple[Any, ...], other: tuple[Any, ...] | None) -> bool:
    return other is not None and len(row) == len(other) and repr(row) == repr(other)
