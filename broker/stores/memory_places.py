"""The places of the memory engine: tenants that are filled, copied and dropped as a whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from threading import RLock
from typing import Protocol

from broker.model.entity import Entity
from broker.ports import Page, Restriction
from broker.ports.outbox import EntityChange
from broker.query.ast import Selection, Window
from broker.stores.memory_held import done
from broker.stores.uniting import united

_ALL = 2**62


class Grounds(Protocol):
    """What of the memory engine stands behind places."""

    @property
    def lock(self) -> RLock:
        """One for everything."""

    def make(self, tenant: str) -> None:
        """From now on it exists."""

    def held_entities(self, tenant: str) -> dict[str, Entity]:
        """The tenant's own entities, in creation order, to be changed. Raises NonexistentTenant."""

    def drop(self, tenant: str) -> None:
        """It does not exist any more."""

    def select(self, tenant: str, selection: Selection, window: Window, restriction: Restriction) -> Page:
        """A page."""


class History(Protocol):
    """What of the engine's history goes with entities."""

    def write(self, tenant: str, changes: Sequence[EntityChange]) -> None:
        """What the entities of a tenant became."""

    def copy_all(self, tenant: str, into: str) -> None:
        """The same in another tenant."""

    def drop_all(self, tenant: str) -> None:
        """Nothing is left of it."""


class MemoryPlaces:
    """Places. `dropped(place)` is told to the other parts of the engine."""

    def __init__(self, grounds: Grounds, history: History, dropped: Sequence[Callable[[str], None]]) -> None:
        self._grounds = grounds
        self._history = history
        self._dropped = (history.drop_all, *dropped)

    def walk(self, tenant: str, selection: Selection, restriction: Restriction) -> Iterator[Entity]:
        """Every selected entity of this moment."""
        return iter(self._grounds.select(tenant, selection, Window(_ALL), restriction).entities)

    def walk_ids(self, tenant: str, selection: Selection, restriction: Restriction) -> Iterator[str]:
        """Their ids."""
        return (entity.id for entity in self.walk(tenant, selection, restriction))

    def make_place(self, place: str) -> None:
        """An empty one."""
        with self._grounds.lock:
            self._grounds.make(place)

    def fill_place(self, place: str, entities: Sequence[Entity]) -> Future[None]:
        """Put entities as they are."""
        with self._grounds.lock:
            held = self._grounds.held_entities(place)
            for entity in entities:
                known = held.get(entity.id)
                put = held[entity.id] = entity if known is None else united(known, entity)
                if put is not known:
                    self._history.write(place, [EntityChange(0, entity.created_at, known, put)])
        return done(None)

    def copy_place(self, place: str, into: str) -> None:
        """Another one with the same entities and history."""
        with self._grounds.lock:
            self._grounds.make(into)
            self._grounds.held_entities(into).update(self._grounds.held_entities(place))
            self._history.copy_all(place, into)

    def drop_place(self, place: str) -> None:
        """Nothing is left of it."""
        with self._grounds.lock:
            self._grounds.drop(place)
            for drop in self._dropped:
                drop(place)
