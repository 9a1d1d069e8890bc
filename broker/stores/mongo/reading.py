"""Reads of entities: pages, walks, counts. What a store answers queries with.

A page is one command where keys decide (types, scopes, ids), mostly one or two where `query.match` has to; one more
counts. None of them is of one moment: each command sees what is committed then.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Final

from pymongo import ASCENDING, DESCENDING

from broker.model.entity import Entity
from broker.ports import AttributeCount, Page, Restriction, TypeCount, TypeExtent
from broker.query.ast import EVERYTHING, Selection, Window
from broker.stores.discovery import count_attributes, count_types, measure_types
from broker.stores.forms import Counted, count_attributes_of, count_types_of
from broker.stores.mongo.budget import READ_S_MAX, Budget
from broker.stores.mongo.compile import Able
from broker.stores.mongo.connection import asking
from broker.stores.mongo.counts import Forms
from broker.stores.mongo.entities import to_live
from broker.stores.mongo.ground import Ground
from broker.stores.mongo.keys import EVERY
from broker.stores.mongo.offsets import Offsets
from broker.stores.mongo.select import SHOWN_IN_ORDER, Asked, Reading
from broker.stores.refusals import no_tenant

SCANNED: Final = 500  # entities of one command


class Reads:
    """The reading half of an EntityStore, and Walking. `exists(tenant)` answers without a network mostly."""

    def __init__(self, ground: Ground, exists: Callable[[str], bool], able: Able) -> None:
        self._ground, self._exists, self.able = ground, exists, able
        self._offsets = Offsets()
        self._forms = Forms(ground.entities)

    def changed(self, tenant: str) -> None:
        """Something of a tenant was written by this process: what was known of pages is forgotten."""
        self._offsets.forget(tenant)

    def select(self, tenant: str, selection: Selection, window: Window, restriction: Restriction) -> Page:
        """The window of the answer. Raises TooComplexQuery past the work budget."""
        self._must_exist(tenant)
        budget = Budget(READ_S_MAX)
        with asking(), budget.kept():
            return self._query(tenant, selection, window, restriction, budget).page(self._offsets)

    def walk(self, tenant: str, selection: Selection, restriction: Restriction) -> Iterator[Entity]:
        """The selected entities as the principal sees them, in order, however long that takes."""
        self._must_exist(tenant)
        budget = Budget(math.inf)
        with asking(), budget.told():
            yield from self._query(tenant, selection, Window(0), restriction, budget).all()

    def walk_ids(self, tenant: str, selection: Selection, restriction: Restriction) -> Iterator[str]:
        """The ids of the same, without reading documents where the filter is exact."""
        self._must_exist(tenant)
        budget = Budget(math.inf)
        with asking(), budget.told():
            yield from self._query(tenant, selection, Window(0), restriction, budget).all_ids()

    def types(self, tenant: str, restriction: Restriction) -> list[TypeCount]:
        """Every type of live visible entities, by IRI."""
        if _hides(restriction):
            return count_types(self._visible(tenant, restriction))
        return count_types_of(self._counted(tenant))

    def attributes(self, tenant: str, restriction: Restriction) -> list[AttributeCount]:
        """Every attribute name of live visible entities, by IRI."""
        if _hides(restriction):
            return count_attributes(self._visible(tenant, restriction))
        return count_attributes_of(self._counted(tenant))

    def extents(self, tenant: str, restriction: Restriction) -> list[TypeExtent]:
        """Where and when the live visible entities of each type are, by IRI."""
        if _hides(restriction) or not self.able.groups:
            return measure_types(self._visible(tenant, restriction))
        self._must_exist(tenant)
        with asking(), Budget(READ_S_MAX).kept():
            return self._forms.extents(tenant, self._ground.clock.now())

    def scan(self, tenant: str) -> Iterator[Entity]:
        """All live entities in creation order, read by key as they are asked for.

        Those that are created meanwhile are left out; changes and deletions of the others are seen.
        """
        self._must_exist(tenant)
        return self._scanned(tenant)

    def _scanned(self, tenant: str) -> Iterator[Entity]:
        entities, every = self._ground.entities, {"t": tenant, "k": EVERY}
        with asking():
            newest = entities.find_one(every, {"o": 1}, sort=[("o", DESCENDING)])
        after, last = 0, 0 if newest is None else newest["o"]
        while True:
            with asking():
                found = entities.find({**every, "o": {"$gt": after, "$lte": last}}, SHOWN_IN_ORDER)
                rows = list(found.sort("o", ASCENDING).limit(SCANNED).batch_size(SCANNED))
            now = self._ground.clock.now()
            for row in rows:
                entity = to_live(row, now)
                if entity is not None:
                    yield entity
            if len(rows) < SCANNED:
                return
            after = rows[-1]["o"]

    def _counted(self, tenant: str) -> list[Counted]:
        self._must_exist(tenant)
        with asking(), Budget(READ_S_MAX).kept():
            return self._forms.counted(tenant, self._ground.clock.now())

    def _visible(self, tenant: str, restriction: Restriction) -> Iterator[Entity]:
        """Everything that a restriction leaves, as it leaves it."""
        return self.walk(tenant, Selection(EVERYTHING), restriction)

    def _query(
        self, tenant: str, selection: Selection, window: Window, restriction: Restriction, budget: Budget
    ) -> Reading:
        asked = Asked(tenant, selection, window, restriction, self._ground.clock.now())
        return Reading(self._ground.entities, asked, self.able, budget)

    def _must_exist(self, tenant: str) -> None:
        if not self._exists(tenant):
            raise no_tenant(tenant)


def _hides(restriction: Restriction) -> bool:
    return restriction.view is not None or restriction.where != EVERYTHING
