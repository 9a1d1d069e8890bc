"""Entities here with what sources know of some of them over them, so that local operations show the whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace

from broker.http.exchange import Exchange
from broker.model.entity import Entity
from broker.ports import AttributeCount, Command, EntityStore, Page, Restriction, TypeCount, TypeExtent
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

    def extents(self, tenant: str, restriction: Restriction) -> list[TypeExtent]:
        """Where and when those here are."""
        return self._store.extents(tenant, restriction)

    def scan(self, tenant: str) -> Iterator[Entity]:
        """All of them here."""
        return self._store.scan(tenant)


class Counted(Overlay):
    """A store whose types and attributes are counted together with those of sources."""

    def __init__(self, store: EntityStore) -> None:
        super().__init__(store, {})
        self._types: dict[str, TypeCount] = {}
        self._attributes: dict[str, AttributeCount] = {}

    def add_type(self, more: TypeCount) -> None:
        """What a source tells of a type."""
        known = self._types.get(more.iri)
        self._types[more.iri] = more if known is None else _types_together(known, more)

    def add_attribute(self, more: AttributeCount) -> None:
        """What a source tells of an attribute."""
        known = self._attributes.get(more.iri)
        self._attributes[more.iri] = more if known is None else _attributes_together(known, more)

    def types(self, tenant: str, restriction: Restriction) -> list[TypeCount]:
        """The types here and there, by IRI."""
        found = dict(self._types)
        for one in super().types(tenant, restriction):
            found[one.iri] = _types_together(one, found[one.iri]) if one.iri in found else one
        return [found[iri] for iri in sorted(found)]

    def attributes(self, tenant: str, restriction: Restriction) -> list[AttributeCount]:
        """The attributes here and there, by IRI."""
        found = dict(self._attributes)
        for one in super().attributes(tenant, restriction):
            found[one.iri] = _attributes_together(one, found[one.iri]) if one.iri in found else one
        return [found[iri] for iri in sorted(found)]


def _types_together(one: TypeCount, other: TypeCount) -> TypeCount:
    names = sorted({*one.attributes, *other.attributes})
    nothing = frozenset[str]()
    attributes = {name: one.attributes.get(name, nothing) | other.attributes.get(name, nothing) for name in names}
    return TypeCount(one.iri, one.entities + other.entities, attributes)


def _attributes_together(one: AttributeCount, other: AttributeCount) -> AttributeCount:
    kinds, types = one.kinds | other.kinds, one.types | other.types
    return AttributeCount(one.iri, one.instances + other.instances, kinds, types)


def over(exchange: Exchange, store: EntityStore) -> Exchange:
    """The exchange of a request, with this store in place of the broker's."""
    house = exchange.house
    return replace(exchange, house=replace(house, broker=replace(house.broker, entities=store)))
