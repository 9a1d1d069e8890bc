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
from tests.contract.engines import Store, opened
from tests.fakes.clock import FakeClock

_tenants = count(1)


class Engines:
    """The memory model and another engine side by side, under one clock; each population has a tenant of its own."""

    def __init__(self, clock: FakeClock, other: Store, forget: Callable[[], object]) -> None:
        self.clock = clock
        self.memory = MemoryStore(clock)
        self.other = other
        self._forget = forget

    def hold(self, population: list[Entity]) -> str:
        """Write the population to both; gives its tenant."""
        self._forget()
        tenant = f"t{next(_tenants)}"
        for at, entity in _events(population):
            self.clock.set(at)
            command = Command(entity.id, _writes(replace(entity, created_at=0, modified_at=0)), creates=True)
            for store in (self.memory, self.other):
                store.apply(tenant, [command]).result()
        return tenant


@contextmanager
def engines(engine: str, directory: Path) -> Iterator[Engines]:
    """The model, and an engine with nothing in it. FerretDB reads all of a collection: it keeps one population."""
    clock = FakeClock()
    with opened(engine, directory, clock) as other:
        if engine != "ferret":
            yield Engines(clock, other, list)
            return
        onto: Any = other
        database = onto._ground.database
        emptied = [database[name] for name in ("entities", "trail")]
        yield Engines(clock, other, lambda: [collection.delete_many({}) for collection in emptied])


def _writes(entity: Entity) -> Callable[[Entity | None, Instant], Put]:
    return lambda _current, _now: Put(entity)


def _events(population: list[Entity]) -> list[tuple[Instant, Entity]]:
    created: list[tuple[Instant, Any]] = [(one.created_at, one) for one in population]
    later = [one for one in population if one.modified_at > one.created_at]
    changed: list[tuple[Instant, Any]] = [(one.modified_at, one) for one in later]
    return sorted([*created, *changed], key=lambda event: event[0])
