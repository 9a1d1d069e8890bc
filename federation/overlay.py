"""Entities here with what sources know of some of them over them, so that local operations show the whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace

from broker.http.exchange import Exchange
from broker.model.entity import Entity
from broker.ports import AttributeCount, Command, EntityStore, Page, Restriction, TypeCount
from broker.query.ast import Selection, Window


class Overlay:
    """A store that answers with merged entities first; the rest goes to the store below.

    `entities` are merged ones by id, None for what is not there; `page` is the answer to the one query that is asked.
    """

    def __init__(self, store: EntityStore, entities: Mapping[str, Entity | None], page: Page | None = None) -> None:
        self._store = store
        self._entities = entities
        self._page = page

    def get(self, tenant: str, entity_id: str) -> Entity | None:
        """The merged entity, or that of the store."""
        if entity_id in self._entities:
            return self._entities[entity_id]
        return self._store.get(tenant, entity_id)

    def get_many(self, tenant: str, entity_ids: Sequence[str]) -> dict[str, Entity]:
        """Those there are."""
        found = self._store.get_many(tenant, [one for one in entity_ids if one not in self._entities])
        merged = {one: self._entities.get(one) for one in entity_ids}
        return found | {one: entity for one, entity in merged.items() if entity is not None}

    def apply(self, tenant: str, commands: Sequence[Command]) -> Future[list[object]]:
        """Write."""
        return self._store.apply(tenant, commands)

    def select(self, tenant: str, selection: Selection, window: Window, restriction: Restriction) -> Page:
        """The page that was made before."""
        if self._page is None:
            return self._store.select(tenant, selection, window, restriction)
        return self._page

    def types(self, tenant: str, restriction: Restriction) -> list[TypeCount]:
        """The types here."""
        return self._store.types(tenant, restriction)

    def attributes(self, tenant: str, restriction: Restriction) -> list[AttributeCount]:
        """The attributes here."""
        return self._store.attributes(tenant, restriction)

    def scan(self, tenant: str) -> Iterator[Entity]:
        """All of them here."""
        return self._store.scan(tenant)


def over(exchange: Exchange, entities: Mapping[str, Entity | None], page: Page | None = None) -> Exchange:
    """The exchange of a request, with these entities over those that are here."""
    house = exchange.house
    store = Overlay(house.broker.entities, entities, page)
    return replace(exchange, house=replace(house, broker=replace(house.broker, entities=store)))
