"""The engines that every contract is held against, and short ways to write to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from broker.model.entity import Entity
from broker.model.values import Instant
from broker.ports import Clock, Command, Decision, Labels, Put
from broker.ports.outbox import Watches
from broker.stores.images import no_labels
from broker.stores.memory import MemoryStore
from broker.stores.mongo.store import MongoStore
from broker.stores.mongo.store import open_store as open_mongo
from broker.stores.sqlite import SqliteStore, open_store
from tests.engines.wires.running import WIRES, fresh

ENGINES = ["memory", "sqlite", "mongo", "ferret"]
"""`mongo` runs on mongo-java-server; `ferret` is the same engine on FerretDB, for small data, one writer."""
ROOMY = ["memory", "sqlite", "mongo"]
"""Engines for more than a few hundred entities: FerretDB reads everything for each answer."""
NS = "https://example.org/"

Store = MemoryStore | SqliteStore | MongoStore


@contextmanager
def opened(
    engine: str,
    directory: Path,
    clock: Clock,
    label: Callable[[Entity], Labels] = no_labels,
    watches: Watches | None = None,
) -> Iterator[Store]:
    """A store with nothing in it, closed at the end."""
    with kept(engine, directory) as make:
        store = make(clock, label, watches)
        try:
            yield store
        finally:
            store.close()


@contextmanager
def kept(engine: str, directory: Path) -> Iterator[Callable[..., Store]]:
    """What opens the store of an engine, each time with what was written before: `open(clock, label, watches)`."""
    if engine == "memory":
        yield MemoryStore
    elif engine == "sqlite":
        yield partial(open_store, directory / "data")
    else:
        with fresh(WIRES[engine]) as url:
            yield partial(open_mongo, url)


def entity(name: str, *, expires_at: Instant | None = None, **attributes: Any) -> Entity:
    """`entity("a", speed=3)`: a Car `urn:e:a` whose attributes are Properties; dicts stand as they are."""
    document: dict[str, Any] = {"id": f"urn:e:{name}", "type": f"{NS}Car"}
    for attribute, value in attributes.items():
        held = value if isinstance(value, dict) else {"type": "Property", "value": value}
        document[attribute if attribute == "scope" else NS + attribute] = value if attribute == "scope" else held
    return Entity(document, 0, 0, expires_at)


def put(held: Entity, result: object = None) -> Command:
    """Write the entity, whatever is there."""
    return command(held.id, lambda _current, _now: Put(held, result))


def command(entity_id: str, decide: Callable[[Entity | None, Instant], Decision]) -> Command:
    """A command that may make its tenant."""
    return Command(entity_id, decide, creates=True)


def write(store: Store, *held: Entity, tenant: str = "") -> None:
    """Write entities in one submission, and wait."""
    store.apply(tenant, [put(one) for one in held]).result()
