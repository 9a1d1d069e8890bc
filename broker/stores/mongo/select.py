"""One query: the filter finds candidates in order, `query.match` decides where the filter does not, pages fill by key.

Every read is `find(filter and o > last).sort(o).limit(n)`, so that no cursor outlives a command for long; a page whose
filter decides is one command, another one mostly too: it asks for half as many candidates again as it needs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from operator import itemgetter
from typing import Final

from pymongo import ASCENDING
from pymongo.collection import Collection

from broker.model.entity import Entity
from broker.model.values import Instant
from broker.ports import Page, Restriction
from broker.query.ast import And, Node, Selection, Window
from broker.query.match import compile_match
from broker.query.ordering import sort
from broker.stores.mongo.budget import Budget
from broker.stores.mongo.compile import Able, compile_node, conjuncts, leads, named
from broker.stores.mongo.connection import Bson
from broker.stores.mongo.entities import SHOWN, to_entity, to_live
from broker.stores.mongo.ground import key
from broker.stores.mongo.keys import EVERY
from broker.stores.mongo.offsets import Known, Offsets
from broker.stores.narrowing import beneath

FIRST_MIN: Final = 24  # candidates of a first command: a page of one may need a few
CHUNK_MAX: Final = 1_000
ROWS_MAX: Final = 2**31 - 1  # limits and offsets are numbers of 32 bits on some servers
DECIDED: Final = 128  # candidates in hand at once: each may be as large as a body
SEEN_MAX: Final = 10_000  # linked entities in hand
SHOWN_IN_ORDER: Final = {**SHOWN, "o": 1}

Placed = tuple[int, Entity]
"""An entity with the stamp of its creation."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A query as it came."""

    tenant: str
    selection: Selection
    window: Window
    restriction: Restriction
    now: Instant


class Reading:
    """The work on one query, on one thread."""

    def __init__(self, entities: Collection[Bson], asked: Asked, able: Able, budget: Budget) -> None:
        self._entities, self._asked, self._budget = entities, asked, budget
        restriction = asked.restriction
        where = asked.selection.where if restriction.view is None else beneath(asked.selection.where)
        self._where = _both(where, restriction.where)
        compiled = compile_node(self._where, asked.tenant, able)
        self._filter = compiled.where
        self._named = None if compiled.where is None else named(compiled.where)
        self._exact = compiled.exact and asked.restriction.view is None and self._named is None
        self._seen: dict[str, Entity | None] = {}
        self._unseen: set[str] = set()

    def page(self, offsets: Offsets) -> Page:
        """The window of the answer."""
        if self._filter is None:
            return Page([], 0 if self._asked.window.count else None, more=False)
        if self._asked.selection.order is not None:
            return self._ordered_page()
        known = Known() if self._asked.restriction.view is not None else offsets.of(self._asked.tenant, self._where)
        return self._exact_page(known, offsets) if self._exact else self._matched_page(known)

    def all(self) -> Iterator[Entity]:
        """Everything, in order; the window does not count."""
        order = self._asked.selection.order
        found = (entity for _, entity in self._matching(None))
        return found if order is None else iter(sort(list(found), order))

    def all_ids(self) -> Iterator[str]:
        """The ids of everything, in order."""
        if self._asked.selection.order is not None or not self._exact:
            yield from (entity.id for entity in self.all())
            return
        for found in self._candidates(self._unexpired(), None, 0, {"i": 1, "o": 1}):
            yield found["i"]

    def _exact_page(self, known: Known, offsets: Offsets) -> Page:
        """The filter decides: find the place, read the page, count apart."""
        window, now = self._asked.window, self._asked.now
        after = known.after(window.offset, now)
        total = known.total(now) if window.count and window.offset else None
        counting = window.count and total is None
        where = self._unexpired()
        if (counting or after is None) and not offsets.is_stale(self._asked.tenant, now, self._is_stale):
            where = self._filter or {}  # entries of the index tell all, no document has to be looked into
        size = min(window.limit + 1, ROWS_MAX)
        filtered = self._full(where, after or 0)
        cursor = self._entities.find(filtered, SHOWN_IN_ORDER)
        cursor = cursor.sort("o", ASCENDING).limit(size).batch_size(size)
        rows = list(cursor.skip(min(window.offset, ROWS_MAX)) if after is None else cursor)
        kept = rows[: window.limit]
        if kept:
            known.place(window.offset + len(kept), kept[-1]["o"], now)
        if counting:
            total = self._entities.count_documents(self._full(where))
            known.count(total, now)
        return Page([self._whole(row) for row in kept], total, len(rows) > window.limit)

    def _is_stale(self) -> bool:
        expired = {"t": self._asked.tenant, "nx": {"$lte": self._asked.now}}
        return self._entities.find_one(expired, {"_id": 1}) is not None

    def _whole(self, row: Bson) -> Entity:
        """The entity without what has expired of it; it has not expired as such."""
        return to_live(row, self._asked.now) or to_entity(row)

    def _matched_page(self, known: Known) -> Page:
        """Candidates are decided one after the other, from the place that is known."""
        window, now = self._asked.window, self._asked.now
        total = known.total(now) if window.count and window.offset else None
        counting = window.count and total is None
        after = None if counting else known.after(window.offset, now)
        number = 0 if after is None else window.offset
        end = window.offset + window.limit
        found, last = list[Entity](), 0
        for stamp, entity in self._matching(None if counting else end + 1 - number, after or 0):
            if window.offset <= number < end:
                found.append(entity)
                last = stamp
            number += 1
            if not counting and number > end:
                break
        if found:
            known.place(window.offset + len(found), last, now)
        if counting:
            known.count(total := number, now)
        return Page(found, total, number > end)

    def _ordered_page(self) -> Page:
        """All that matches has to be seen, but no more of it is held than the window and what comes before it."""
        window, order = self._asked.window, self._asked.selection.order
        assert order is not None
        end = window.offset + window.limit
        held, number = list[Entity](), 0
        for _, entity in self._matching(None):
            held.append(entity)
            number += 1
            if len(held) > 2 * end + CHUNK_MAX:
                held = sort(held, order)[:end]  # the sort is stable, and what comes later comes after
        held = sort(held, order)
        return Page(held[window.offset : end], number if window.count else None, number > end)

    def _matching(self, wanted: int | None, after: int = 0) -> Iterator[Placed]:
        """The visible entities that match, in creation order; about `wanted` of them will be taken (None: all)."""
        if self._filter is None:
            return
        if self._named is None:
            rows = self._candidates(self._filter, wanted, after, SHOWN_IN_ORDER)
        else:
            rows = self._of_ids(self._named, after)
        for chunk in _chunked(rows, DECIDED if wanted is None else min(DECIDED, wanted + wanted // 2)):
            self._budget.spend()
            if len(self._seen) > SEEN_MAX:
                self._seen.clear()
            yield from self._decided(chunk)

    def _candidates(self, where: Bson, wanted: int | None, after: int, shown: Bson) -> Iterator[Bson]:
        """What the filter finds after a stamp, in order, read in steps that grow."""
        size = CHUNK_MAX if wanted is None else min(max(wanted + wanted // 2, FIRST_MIN), CHUNK_MAX)
        while True:
            filtered, number = self._full(where, after), 0
            cursor = self._entities.find(filtered, shown)
            for found in cursor.sort("o", ASCENDING).limit(size).batch_size(size):
                yield found
                after, number = found["o"], number + 1
            if number < size:
                return
            size = min(size * 4, CHUNK_MAX)

    def _of_ids(self, ids: list[str], after: int) -> Iterator[Bson]:
        """Documents that the query names, after a stamp, in order; of many of them the order is read first."""
        chunks = [ids[start : start + CHUNK_MAX] for start in range(0, len(ids), CHUNK_MAX)]
        if len(chunks) > 1:
            placed = [row for chunk in chunks for row in self._find_ids(chunk, {"o": 1})]
            ids = [row["_id"] for row in sorted(placed, key=_place) if row["o"] > after]
            chunks = [ids[start : start + CHUNK_MAX] for start in range(0, len(ids), CHUNK_MAX)]
        for chunk in chunks:
            yield from sorted((row for row in self._find_ids(chunk, SHOWN_IN_ORDER) if row["o"] > after), key=_place)

    def _find_ids(self, ids: list[str], shown: Bson) -> list[Bson]:
        """By `_id` and nothing else: all servers do that by its index, and routers of shards by their key."""
        return list(self._entities.find({"_id": {"$in": ids}}, shown))

    def _decided(self, rows: list[Bson]) -> list[Placed]:
        """Those that match. What their Relationships lead to is read for all of them together, as often as needed."""
        candidates = [(row["o"], to_live(row, self._asked.now)) for row in rows]
        while True:
            self._unseen.clear()
            found = [(stamp, shown) for stamp, kept in candidates if (shown := self._decide(kept)) is not None]
            if not self._unseen:
                return found
            self._look(self._unseen)

    def _decide(self, kept: Entity | None) -> Entity | None:
        restriction = self._asked.restriction
        if kept is None or self._exact:
            return kept
        if restriction.view is None:
            return kept if compile_match(self._where)(kept, self._linked) else None
        shown = restriction.view(kept)
        if shown is None or not compile_match(self._asked.selection.where)(shown, self._visible):
            return None
        return shown if compile_match(restriction.where)(kept, self._linked) else None

    def _linked(self, entity_id: str) -> Entity | None:
        if entity_id not in self._seen:
            self._unseen.add(entity_id)
            return None
        return self._seen[entity_id]

    def _visible(self, entity_id: str) -> Entity | None:
        return self._asked.restriction.show(self._linked(entity_id))

    def _look(self, ids: Iterable[str]) -> None:
        """Read what Relationships point to."""
        wanted = sorted(ids)
        rows = self._find_ids([key(self._asked.tenant, one) for one in wanted], SHOWN)
        found = {entity.id: entity for row in rows if (entity := to_live(row, self._asked.now)) is not None}
        self._seen.update({one: found.get(one) for one in wanted})

    def _unexpired(self) -> Bson:
        """The filter, where it alone decides: without entities that have expired."""
        alive = {"$or": [{"x": {"$exists": False}}, {"x": {"$gt": self._asked.now}}]}
        where = self._filter
        return {"$and": [*conjuncts(where), alive]} if where else alive

    def _full(self, where: Bson, after: int = 0) -> Bson:
        """The filter for the server: of this tenant, along an index. What is deleted has no keys, and is in none."""
        full: Bson = {"t": self._asked.tenant}
        if not leads(self._filter or {}):
            full["k"] = EVERY
        if after:
            full["o"] = {"$gt": after}
        return {**full, "$and": list(conjuncts(where))} if where else full


def _both(where: Node, restriction: Node) -> Node:
    return where if restriction == And(()) else And((where, restriction))


_place = itemgetter("o")


def _chunked(rows: Iterator[Bson], size: int) -> Iterator[list[Bson]]:
    """Small chunks first: a page of twenty is often full after thirty candidates."""
    chunk: list[Bson] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == size:
            yield chunk
            chunk, size = [], DECIDED
    if chunk:
        yield chunk
