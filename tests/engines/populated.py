"""Stores that hold a drawn population, each entity created and modified at the instants it names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

from broker.model.entity import Entity
from broker.model.values import Instant
from broker.ports import Command, Put
from broker.stores.memory import MemoryStore
from broker.stores.sqlite import SqliteStore, open_store
from tests.fakes.clock import FakeClock

_tenants = count(1)


class Engines:
    """The memory model and SQLite side by side, under one clock; each population has a tenant of its own."""

    def __init__(self, directory: Path) -> None:
        self.clock = FakeClock()
        self.memory = MemoryStore(self.clock)
        self.sqlite: SqliteStore = open_store(directory, self.clock)

    def hold(self, population: list[Entity]) -> str:
        """Write the population to both; gives its tenant."""
        tenant = f"t{next(_tenants)}"
        for at, entity in _events(population):
            self.clock.set(at)
            command = Command(entity.id, _writes(replace(entity, created_at=0, modified_at=0)), creates=True)
            for store in (self.memory, self.sqlite):
                store.apply(tenant, [command]).result()
        return tenant


@contextmanager
def engines(directory: Path) -> Iterator[Engines]:
    """Both engines, SQLite in this directory."""
    made = Engines(directory)
    try:
        yield made
    finally:
        made.sqlite.close()


def _writes(entity: Entity) -> Callable[[Entity | None, Instant], Put]:
    return lambda _current, _now: Put(entity)


def _events(population: list[Entity]) -> list[tuple[Instant, Entity]]:
    created: list[tuple[Instant, Any]] = [(one.created_at, one) for one in population]
    later = [one for one in population if one.modified_at > one.created_at]
    changed: list[tuple[Instant, Any]] = [(one.modified_at, one) for one in later]
    return sorted([*created, *changed], key=lambda event: event[0])
