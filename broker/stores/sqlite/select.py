"""One query on one connection, inside one read transaction.

Where the filter is exact, index rows decide and documents are read for the page alone; otherwise `query.match` decides
over the candidates, in order, until the page is full (or all are counted).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import apsw
import orjson

from broker.model.entity import Entity
from broker.model.expiry import live
from broker.model.values import Instant
from broker.ports import Page, Restriction
from broker.query.ast import And, Node, Selection, Window
from broker.query.match import Matches, compile_match
from broker.query.ordering import sort
from broker.stores.narrowing import beneath, subjects_in
from broker.stores.sqlite import plan as plans
from broker.stores.sqlite.budget import Budget
from broker.stores.sqlite.codec import ENTITY_COLUMNS, to_entity
from broker.stores.sqlite.compile import Catalogue
from broker.stores.sqlite.names import ReadNames
from broker.stores.sqlite.offsets import Known, Offsets

_BY_NUMBER: Final = f"SELECT number, subject, {ENTITY_COLUMNS} FROM json_each(?) CROSS JOIN entity ON number = value"  # noqa: S608 - constants
_BY_IRI: Final = f"SELECT {ENTITY_COLUMNS} FROM entity WHERE iri = ?"  # noqa: S608
_IRIS: Final = "SELECT iri FROM json_each(?) CROSS JOIN entity ON number = value"
EXPIRED_MAX: Final = 1_000  # expired and not yet swept; with more, every candidate is looked at
OFFSET_MIN: Final = 100  # from here on an offset is worth remembering


@dataclass(frozen=True, slots=True)
class Asked:
    """A query as a reader gets it."""

    selection: Selection
    window: Window
    restriction: Restriction
    now: Instant


class Reading:
    """A query's work on one connection; `db` is in a read transaction."""

    def __init__(self, db: apsw.Connection, names: ReadNames, budget: Budget, asked: Asked) -> None:
        self._db, self._budget, self._asked = db, budget, asked
        restriction = asked.restriction
        where = asked.selection.where if restriction.view is None else beneath(asked.selection.where)
        self._where = _bound(where, restriction.where)
        self._subjects = None if restriction.view is None else subjects_in(restriction.where)
        catalogue = Catalogue(lambda text: names.find(db, text), self._is_uncovered)
        self._plan = plans.make_plan(db, self._where, catalogue)
        self._stale = self._expired()
        self._exact = self._plan.filter.exact and asked.restriction.view is None and self._stale is not None

    def page(self, offsets: Offsets) -> Page:
        """The window of the answer."""
        window, order = self._asked.window, self._asked.selection.order
        if order is not None:
            found = sort([entity for _, entity in self._matching(None)], order)
            end = window.offset + window.limit
            count = len(found) if window.count else None
            return Page(found[window.offset : end], count, len(found) > end)
        if self._exact and not self._stale and self._plan.few is None:
            return self._indexed_page(offsets)
        return self._matched_page()

    def all(self) -> Iterator[Entity]:
        """Everything, in order; the window does not count."""
        order = self._asked.selection.order
        found = (entity for _, entity in self._matching(None))
        return found if order is None else iter(sort(list(found), order))

    def all_ids(self) -> Iterator[str]:
        """The ids of everything, in order."""
        if self._asked.selection.order is not None or not self._exact or self._stale:
            yield from (entity.id for entity in self.all())
            return
        for chunk in _chunked(plans.candidates(self._db, self._plan, None), None):
            rows: list[tuple[Any, ...]] = self._db.execute(_IRIS, (orjson.dumps(chunk).decode(),)).fetchall()
            yield from (row[0] for row in rows)

    def _indexed_page(self, offsets: Offsets) -> Page:
        """Index rows decide, and there are many of them: find the place, read the page, count apart."""
        window = self._asked.window
        known = None
        if window.count or window.offset >= OFFSET_MIN:
            known = offsets.of(self._db, self._where)
        numbers = self._page_numbers(known)
        total = None
        if known is not None and window.count:
            total = known.total
            if total is None:
                total = known.total = plans.total(self._db, self._plan)
        kept = numbers[: window.limit]
        if kept and known is not None:
            known.place(window.offset + len(kept), kept[-1])
        return Page([entity for _, entity in self._entities(kept)], total, len(numbers) > window.limit)

    def _page_numbers(self, known: Known | None) -> list[int]:
        window = self._asked.window
        if known is None or window.offset < OFFSET_MIN:
            wanted = window.offset + window.limit + 1
            return _take(plans.candidates(self._db, self._plan, wanted), wanted)[window.offset :]
        after = known.after(window.offset)
        if after is None:
            after = plans.before_offset(self._db, self._plan, window.offset)
            known.place(window.offset, after)
        return plans.following(self._db, self._plan, after, window.limit + 1)

    def _matched_page(self) -> Page:
        """Candidates are decided one after the other."""
        window = self._asked.window
        wanted = None if window.count else window.offset + window.limit + 1
        if self._exact and not self._stale:
            numbers = _take(plans.candidates(self._db, self._plan, wanted), wanted)
            page = numbers[window.offset : window.offset + window.limit]
            found = [entity for _, entity in self._entities(page)]
            more = len(numbers) > window.offset + window.limit
            return Page(found, len(numbers) if window.count else None, more)
        found, number = [], 0
        for _, entity in self._matching(wanted):
            if window.offset <= number < window.offset + window.limit:
                found.append(entity)
            number += 1
            if number == wanted:
                break
        return Page(found, number if window.count else None, number > window.offset + window.limit)

    def _matching(self, wanted: int | None) -> Iterator[tuple[int, Entity]]:
        """The visible entities that match, in creation order."""
        matches = compile_match(self._where_of_view())
        for chunk in _chunked(plans.candidates(self._db, self._plan, wanted), wanted):
            self._budget.spend()
            for number, entity in self._entities(chunk):
                shown = self._decide(number, entity, matches)
                if shown is not None:
                    yield number, shown
                self._budget.spend()

    def _decide(self, number: int, entity: Entity, matches: Matches) -> Entity | None:
        stale = self._stale is None or number in self._stale
        if self._exact and not stale:
            return entity
        kept = live(entity, self._asked.now) if stale else entity
        if kept is None:
            return None
        restriction = self._asked.restriction
        if restriction.view is None:
            return kept if matches(kept, self._linked) else None
        shown = restriction.view(kept)
        if shown is None or not matches(shown, self._visible):
            return None
        return shown if compile_match(restriction.where)(kept, self._linked) else None

    def _where_of_view(self) -> Node:
        """What the visible entity must meet; the restriction's own condition is on all of it."""
        return self._where if self._asked.restriction.view is None else self._asked.selection.where

    def _linked(self, entity_id: str) -> Entity | None:
        found = self._db.execute(_BY_IRI, (entity_id,)).fetchall()
        return live(to_entity(found[0]), self._asked.now) if found else None

    def _visible(self, entity_id: str) -> Entity | None:
        return self._asked.restriction.show(self._linked(entity_id))

    def _entities(self, numbers: Sequence[int]) -> Iterator[tuple[int, Entity]]:
        """The stored entities of these numbers, in their order, but for those of persons that nothing is shown of.

        All rows are read at once, and each is made an entity when it is asked for.
        """
        if not numbers:
            return iter(())
        rows: list[tuple[Any, ...]] = self._db.execute(_BY_NUMBER, (orjson.dumps(numbers).decode(),)).fetchall()
        wanted = self._subjects
        if wanted is None:
            return ((row[0], to_entity(row[2:])) for row in rows)
        return ((row[0], to_entity(row[2:])) for row in rows if not row[1] or row[1] in wanted)

    def _expired(self) -> frozenset[int] | None:
        """What has expired, in whole or in part, and is not swept yet; None where there is too much of it."""
        rows: list[tuple[Any, ...]] = self._db.execute(
            "SELECT entity FROM expiry WHERE due <= ? LIMIT ?", (self._asked.now, EXPIRED_MAX + 1)
        ).fetchall()
        return None if len(rows) > EXPIRED_MAX else frozenset(row[0] for row in rows)

    def _is_uncovered(self, attribute: int) -> bool:
        return self._db.execute("SELECT 1 FROM uncovered WHERE path = ? LIMIT 1", (attribute,)).get is not None


def _bound(where: Node, restriction: Node) -> Node:
    return where if restriction == And(()) else And((where, restriction))


def _take(numbers: Iterator[int], wanted: int | None) -> list[int]:
    if wanted is None:
        return list(numbers)
    found = []
    for number in numbers:
        found.append(number)
        if len(found) == wanted:
            break
    return found


def _chunked(numbers: Iterator[int], wanted: int | None) -> Iterator[list[int]]:
    """Small chunks first: a page of twenty is often full after thirty candidates."""
    size, chunk = plans.CHUNK if wanted is None else min(wanted + wanted // 2, plans.CHUNK), list[int]()
    for number in numbers:
        chunk.append(number)
        if len(chunk) == size:
            yield chunk
            chunk, size = [], min(size * 2, plans.CHUNK)
    if chunk:
        yield chunk
