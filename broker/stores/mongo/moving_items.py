"""Entities and their history as items and spans, and back into documents.

What comes from elsewhere has leaves of its own: numbers there are shorter, and one number may stand for instances of
several attributes. An id with many instances has leaves of one attribute each (`y` in that of its creation), so that a
span can be written anew without the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from hashlib import blake2b
from heapq import merge
from itertools import chain
from typing import Final

from pymongo import DeleteOne, ReplaceOne
from pymongo.errors import BulkWriteError

from broker.model.entity import Entity
from broker.ports import Labels
from broker.stores.mongo.connection import Bson
from broker.stores.mongo.entities import LIVE, Stamped, to_bson
from broker.stores.mongo.ground import Ground, key, of_tenant
from broker.stores.mongo.history_beside import gone
from broker.stores.mongo.history_heads import Head as Known
from broker.stores.mongo.history_heads import heads, kept_head
from broker.stores.mongo.history_leaves import HISTORY, Entry, Life, bare, leaves, read
from broker.stores.mongo.keys import index_members
from broker.stores.moving import BEGINNING, END, Head, Item, Span, mark_of
from broker.stores.past import SCOPE, Past

CHUNK: Final = 500
SPAN: Final = 2_000
AT_ONCE: Final = 20_000
MANY: Final = 2_000
"""Instances from which on an id has leaves of one attribute each."""
DUPLICATE: Final = 11_000


def marks(ground: Ground, tenant: str) -> Iterator[list[tuple[str, str]]]:
    """Every id and its mark: what is or was an entity by its creation, then what only history has."""
    born = ((one["hf"], one["i"], False) for one in _by(ground, "trail", {"t": tenant, "k": HISTORY}, "hf"))
    there = ((one["o"], one["i"], True) for one in _by(ground, "entities", {"t": tenant, **LIVE}, "o"))
    told = ((one["o"], one["i"], False) for one in _by(ground, "known", {"t": tenant}, "o"))
    for walk in (merge(there, born), told):
        while chunk := [one for _, one in zip(range(CHUNK), walk, strict=False)]:
            found = {item.iri: item for item in items(ground, tenant, [iri for _, iri, _ in chunk])[0]}
            yield [
                (iri, found[iri].mark)
                for number, iri, is_entity in chunk
                if iri in found and _is_place(found[iri], number, is_entity=is_entity)
            ]


def items(ground: Ground, tenant: str, iris: Sequence[str]) -> tuple[list[Item], dict[str, Known]]:
    """Those of these ids that there are, and what is known of them."""
    if not iris:
        return [], {}
    ids: Bson = {"_id": {"$in": [key(tenant, iri) for iri in iris]}, **LIVE}
    rows = {one["i"]: one for one in ground.entities.find(ids, {"i": 1, "o": 1, "p.s": 1})}
    known = heads(ground, tenant, iris)
    return [_item(iri, known[iri], rows.get(iri)) for iri in iris if iri in known], known


def ids(ground: Ground, tenant: str) -> Iterator[list[str]]:
    """Every id that was put here; some come twice. What is put has an entity, or a document of its own in `known`."""
    for collection in (ground.entities, ground.known):
        after = ""
        while found := list(collection.find(of_tenant(tenant, after), {"i": 1}).sort("_id", 1).limit(CHUNK)):
            yield [str(one["i"]) for one in found]
            after = found[-1]["_id"]


def marks_put(ground: Ground, tenant: str, iris: Sequence[str]) -> dict[str, str]:
    """The marks of those of these ids that were put here, without a look at their history."""
    which: Bson = {"_id": {"$in": [key(tenant, iri) for iri in iris]}}
    shown = dict.fromkeys(("i", "v", "c", "m", "g"), 1)
    entities = {
        one["i"]: Entity({}, one["c"], one["m"], None, one["v"])
        for one in ground.entities.find(which, shown)
        if not one.get("g")
    }
    known = {one["i"]: _head(kept_head(one)) for one in ground.known.find(which)}
    return {iri: mark_of(entities.get(iri), known.get(iri)) for iri in iris if iri in entities or iri in known}


def leaves_of(ground: Ground, tenant: str, iris: Sequence[str]) -> dict[str, list[Bson]] | None:
    """The leaves of these ids; None where they are too many at once."""
    which: Bson = {"t": tenant, "i": {"$in": list(iris)}, "k": HISTORY}
    found = list(ground.trail.find(which).limit(AT_ONCE + 1)) if iris else []
    by_iri: dict[str, list[Bson]] = {}
    for one in found:
        by_iri.setdefault(one["i"], []).append(one)
    return by_iri if len(found) <= AT_ONCE else None


def spans(ground: Ground, tenant: str, known: Known, held: list[Bson] | None) -> Iterator[Span]:
    """The instances of an id, attribute by attribute, from its leaves where they are in hand."""
    which: Bson = {"t": tenant, "i": known.iri, "k": HISTORY}
    found = list(ground.trail.find(which).limit(MANY + 1)) if held is None else held
    if len(found) > MANY:
        for name in known.attributes():
            yield from _spans(ground, which, known, name)
        return
    pasts: dict[str, list[Past]] = {}
    for one in found:
        for name, past in read(one).entries:
            if not gone(past, name, known.lives):
                pasts.setdefault(name, []).append(past)
    for name, told in pasts.items():
        yield Span(name, BEGINNING, END, sorted(told, key=_by_time))


def _spans(ground: Ground, which: Bson, known: Known, name: str) -> Iterator[Span]:
    start, size = BEGINNING, SPAN
    while True:
        cursor = ground.trail.find({**which, "a": name, "w": {"$gte": start}}).sort([("w", 1), ("n", 1)])
        found = list(cursor.limit(size + 1))
        end = END if len(found) <= size else found[-1]["w"]
        if end != END and (end == start or name == SCOPE):  # more of one instant than that, or of the scope
            size *= 2
            continue
        entries = chain.from_iterable(read(one).entries for one in found if one["w"] < end)
        pasts = [past for of, past in entries if of == name and not gone(past, name, known.lives)]
        if pasts:
            yield Span(name, start, end, sorted(pasts, key=_by_time))
        if end == END:
            return
        start, size = end, SPAN


def _by_time(past: Past) -> tuple[int, int]:
    return past.time, past.number


def _by(ground: Ground, collection: str, where: Bson, member: str) -> Iterator[Bson]:
    """Ids of documents that have a member, in its order."""
    after: Bson = {"$exists": True}
    while True:
        found = list(
            ground.database[collection].find({**where, member: after}, {"i": 1, member: 1}).sort(member, 1).limit(CHUNK)
        )
        yield from found
        if len(found) < CHUNK:
            return
        after = {"$gt": found[-1][member]}


def _is_place(item: Item, number: int, *, is_entity: bool) -> bool:
    """Whether this is where an id comes, of the places where it was seen."""
    return is_entity if item.entity is not None else number == item.first


def _item(iri: str, known: Known, row: Bson | None) -> Item:
    lived = known.order is None
    first = known.born if lived else known.order
    order = row["o"] if row is not None else first
    is_plain = known.version == 0 and known.entity is not None and not any(life.ended for _, life in known.lives)
    head = None if is_plain else _head(known)
    unsettled = known.plan is not None or bool(row is not None and row.get("p"))
    return Item(iri, order or 0, first or order or 0, lived, known.entity, head, unsettled)


def _head(known: Known) -> Head:
    return Head(known.types, known.scopes, known.created_at, known.modified_at, known.deleted_at, known.dropped)


class Putting:
    """Writes items into a tenant."""

    def __init__(self, ground: Ground, label: Callable[[Entity], Labels]) -> None:
        self._ground, self._label = ground, label

    def put(self, tenant: str, moved: Sequence[tuple[Item, Iterable[Span]]]) -> None:
        """History, then what is known as a whole, then the entities: their marks come last."""
        iris = [item.iri for item, _ in moved]
        there = self._there(tenant, iris)
        documents: list[Bson] = []
        names: dict[str, list[str]] = {}
        for item, found in moved:
            names[item.iri] = []
            made = self._history(tenant, item, found, names[item.iri], there)
            documents += made
        self._insert(documents)
        self._write_heads(tenant, [item for item, _ in moved], names)
        self._write_entities(tenant, [item for item, _ in moved])

    def drop(self, tenant: str, iris: Sequence[str]) -> None:
        """Nothing is left of them; their documents go last."""
        ids = [key(tenant, iri) for iri in iris]
        self._ground.trail.delete_many({"t": tenant, "i": {"$in": list(iris)}, "k": HISTORY})
        self._ground.known.delete_many({"_id": {"$in": ids}})
        self._ground.entities.delete_many({"_id": {"$in": ids}})

    def _there(self, tenant: str, iris: Sequence[str]) -> dict[str, bool]:
        """Ids of which there is something, and whether their leaves are of one attribute each."""
        ids: Bson = {"_id": {"$in": [key(tenant, iri) for iri in iris]}}
        found = {
            str(one["i"]): False
            for collection in (self._ground.entities, self._ground.known)
            for one in collection.find(ids, {"i": 1})
        }
        if found:
            apart = {"t": tenant, "i": {"$in": sorted(found)}, "k": HISTORY, "y": True}
            found |= {str(one["i"]): True for one in self._ground.trail.find(apart, {"i": 1})}
        return found

    def _history(
        self, tenant: str, item: Item, found: Iterable[Span], names: list[str], there: Mapping[str, bool]
    ) -> list[Bson]:
        """Leaves to be inserted; of an id with many instances, they are written here."""
        spans_left, held, count = iter(found), list[Span](), 0
        for span in spans_left:
            held.append(span)
            count += len(span.pasts)
            if count > MANY:
                self._write_many(tenant, item, chain(held, spans_left), names, there)
                return []
        names += [span.name for span in held]
        if item.iri in there:
            self._ground.trail.delete_many({"t": tenant, "i": item.iri, "k": HISTORY})
        entries = [(span.name, past) for span in held for past in _numbered(span)]
        return [*_life(tenant, item, names, apart=False), *_leaves(tenant, item.iri, entries, "")]

    def _write_many(
        self, tenant: str, item: Item, found: Iterable[Span], names: list[str], there: Mapping[str, bool]
    ) -> None:
        which: Bson = {"t": tenant, "i": item.iri, "k": HISTORY}
        apart = there.get(item.iri)
        if apart is False:
            self._ground.trail.delete_many(which)
        for span in found:
            if span.name not in names:
                names.append(span.name)
            entries = [(span.name, past) for past in _numbered(span)]
            made = _leaves(tenant, item.iri, entries, "." + blake2b(span.name.encode(), digest_size=6).hexdigest())
            if apart:
                where = {**which, "a": span.name, "w": {"$gte": span.start, "$lt": span.end}}
                held = {one["_id"]: one for one in self._ground.trail.find(where)}
                wanted = {one["_id"]: one for one in made}
                stale = [name for name, one in held.items() if wanted.get(name) != one]
                if stale:
                    self._ground.trail.delete_many({"_id": {"$in": stale}})
                made = [one for name, one in wanted.items() if held.get(name) != one]
            self._insert(made)
        if apart:
            self._ground.trail.delete_many({**which, "a": {"$nin": names}})
        self._insert(_life(tenant, item, names, apart=True))

    def _insert(self, documents: Sequence[Bson]) -> None:
        """Insert what is not there: a batch that was cut off may have left some of it."""
        for start in range(0, len(documents), CHUNK):
            try:
                self._ground.trail.insert_many(documents[start : start + CHUNK], ordered=False)
            except BulkWriteError as error:
                if any(one["code"] != DUPLICATE for one in error.details["writeErrors"]):
                    raise

    def _write_heads(self, tenant: str, put: Sequence[Item], names: Mapping[str, Sequence[str]]) -> None:
        operations: list[ReplaceOne[Bson] | DeleteOne] = []
        for item in put:
            name: Bson = {"_id": key(tenant, item.iri)}
            if item.head is None:
                operations.append(DeleteOne(name))
                continue
            told = item.head
            known = Known(item.iri, told.created_at, told.modified_at, told.types, told.scopes, told.deleted_at)
            known.dropped, known.names, known.seen = told.dropped, tuple(names[item.iri]), item.order
            known.order = None if item.lived else item.first
            operations.append(ReplaceOne(name, {**known.document(tenant), "v": 1}, upsert=True))
        self._ground.known.bulk_write(operations, ordered=False)

    def _write_entities(self, tenant: str, put: Sequence[Item]) -> None:
        operations: list[ReplaceOne[Bson] | DeleteOne] = []
        for item in put:
            name: Bson = {"_id": key(tenant, item.iri)}
            if item.entity is None:
                operations.append(DeleteOne(name))
            else:
                indexed = index_members(item.entity.document, self._label(item.entity))
                made = to_bson(tenant, item.entity, Stamped(item.order, item.order), indexed)
                operations.append(ReplaceOne(name, made, upsert=True))
        self._ground.entities.bulk_write(operations, ordered=False)


def _life(tenant: str, item: Item, names: Sequence[str], *, apart: bool) -> list[Bson]:
    """The leaf of its creation; none for what only history has."""
    if not item.lived:
        return []
    created_at = item.head.created_at if item.head is not None else item.entity.created_at if item.entity else 0
    types = list(item.entity.types) if item.entity else []
    made = bare(tenant, item.iri, item.first, Life(created_at, list(dict.fromkeys(names)), created_at, types=types))
    return [{**made, "y": True} if apart else made]


def _leaves(tenant: str, iri: str, entries: Sequence[Entry], mark: str) -> list[Bson]:
    """Leaves, each with its time in its id: instances of several times may have one number."""
    made = leaves(tenant, iri, entries, mark=mark)
    for one in made:
        one["_id"] += f".{one['w']}" + (".x" if "x" in one else "") + (".u" if "u" in one else "")
    return made


def _numbered(span: Span) -> Iterator[Past]:
    """The instances with numbers that are theirs alone among those of the attribute."""
    taken: set[int] = set()
    for past in span.pasts:
        number = past.number
        while number in taken:
            number -= 1
        taken.add(number)
        yield past if number == past.number else replace(past, number=number)
