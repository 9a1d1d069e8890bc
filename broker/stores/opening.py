"""An engine, as all of it, and how the one that was named is opened."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from broker.model.entity import Entity
from broker.model.values import Json
from broker.ports import ChangeLog, Clock, DocumentStore, EntityStore, Labels, Tenants
from broker.ports.evolution import EvolutionStore
from broker.ports.held import HeldStore
from broker.ports.outbox import Leases, Marks, Outbox, Watches
from broker.ports.places import Places, home_of
from broker.stores.memory import MemoryStore


class UnusableEngine(Exception):
    """A store cannot be opened; the message says why."""


class Documents(HeldStore, Marks, Protocol):
    """Documents of a tenant, and its marks."""


class Store(EntityStore, Tenants, ChangeLog, DocumentStore, Protocol):
    """An engine: everything that is kept."""

    @property
    def held(self) -> Documents:
        """Documents of a tenant, and its marks."""

    @property
    def outbox(self) -> Outbox:
        """Notifications to be."""

    @property
    def leases(self) -> Leases:
        """Who of several processes does a job."""

    @property
    def history(self) -> EvolutionStore:
        """What was."""

    @property
    def places(self) -> Places:
        """Where snapshots are."""

    @property
    def inline(self) -> bool:
        """Whether it may be read on the event loop."""

    def state(self) -> Mapping[str, Json]:
        """How it is, by part; `ok` is well, and so are `building` and `incomplete`."""

    def sweep(self) -> int:
        """Remove what has expired; how many entities were touched."""

    def close(self) -> None:
        """Finish what is under way and let go of the files."""


Open = Callable[[Clock, Callable[[Entity], Labels], Watches], Store]


def memory() -> Open:
    """Opens a store that is gone at the end."""
    return MemoryStore


def directory(path: Path, personal: frozenset[str] = frozenset()) -> Open:
    """Opens the store in a directory; that raises UnusableEngine.

    What is deleted of tenants that are `personal` is overwritten.
    """

    def opened(clock: Clock, label: Callable[[Entity], Labels], watches: Watches) -> Store:
        from broker.stores.sqlite import UnusableFile, open_store  # noqa: PLC0415  the others need no SQLite

        try:
            return open_store(path, clock, label, watches, lambda place: home_of(place) in personal)
        except (OSError, UnusableFile) as error:
            raise UnusableEngine(str(error)) from error

    return opened


def server(url: str) -> Open:
    """Opens the store in a database of MongoDB; that raises UnusableEngine."""

    def opened(clock: Clock, label: Callable[[Entity], Labels], watches: Watches) -> Store:
        from broker.stores.mongo.connection import UnusableStore  # noqa: PLC0415  the others need no driver
        from broker.stores.mongo.store import open_store  # noqa: PLC0415

        try:
            return open_store(url, clock, label, watches)
        except UnusableStore as error:
            raise UnusableEngine(str(error)) from error

    return opened
