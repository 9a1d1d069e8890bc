"""What the parts of this engine stand on: collections, the clock, numbers, and one line of writes for each tenant.

    entities   one document an entity (`entities.py` says how it looks), its changes under way in `p`
    trail      what follows from a change, written with one command: k = "c" the log, "h" history, "o" the outbox
    known      heads of histories whose entity is not there, or that say more than it
    held       subscriptions, registrations, entity maps, marks … of tenants
    hub        what is nobody's: tenants, generations, leases, slots, documents, the schema's version
    probe      empty, but while a process that starts finds out what the server can do (`probe.py`)

Every document of a tenant has it as `t`, its entity as `i`, and an `_id` that begins with both (`key`), so that one
place decides on its uniqueness however many shards there are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, TypeVar

from pymongo import MongoClient
from pymongo.collection import Collection
from pymongo.database import Database

from broker.model.values import Instant
from broker.ports import Clock
from broker.ports.outbox import EntityChange
from broker.stores.images import Change
from broker.stores.mongo.connection import Bson
from broker.stores.mongo.stamps import Stamps

T = TypeVar("T")
Job: TypeAlias = Callable[[Instant], object]
"""Work of its own in the line of a tenant's writes: it gives its result, or raises NgsiError."""


@dataclass(frozen=True, slots=True)
class Ground:
    """The collections of one database, and what gives time and numbers."""

    client: MongoClient[Bson]
    database: Database[Bson]
    clock: Clock
    stamps: Stamps

    @property
    def entities(self) -> Collection[Bson]:
        """Current state."""
        return self.database["entities"]

    @property
    def trail(self) -> Collection[Bson]:
        """What followed from changes."""
        return self.database["trail"]

    @property
    def known(self) -> Collection[Bson]:
        """Heads of histories."""
        return self.database["known"]

    @property
    def held(self) -> Collection[Bson]:
        """Documents of tenants."""
        return self.database["held"]

    @property
    def hub(self) -> Collection[Bson]:
        """What is nobody's."""
        return self.database["hub"]


class Line(Protocol):
    """The line of a tenant's writes in this process: one after the other, in the order in which they came."""

    def run(self, tenant: str, jobs: Sequence[Job], *, creates: bool = False) -> Future[list[object]]:
        """Each job's result, or the NgsiError it raised, once it is durable.

        The future fails with NonexistentTenant for a tenant nobody made, unless this may make it.
        """

    def exists(self, tenant: str) -> bool:
        """Whether something was ever created in it."""


@dataclass(frozen=True, slots=True)
class Happened:
    """One change of one entity, as it was decided; `change.sequence` is its number, given once.

    `matched` are the subscriptions that must be notified; the numbers that follow the sequence, STEP apart, one for
    each of them, are this change's too. It says all that follows from the change, so that it can be written again after
    a crash: the documents are the same then, their ids too. What is written late has another place in the order: `n` of
    its documents in the log and the outbox is `late` higher than what `documents` gave, and so are the numbers that
    `committed` tells of; ids, and what they are made of, stay.
    """

    tenant: str
    change: EntityChange
    logged: Change
    matched: tuple[str, ...] = ()
    subjects: frozenset[int] = frozenset()
    data_classes: frozenset[str] = frozenset()
    late: int = 0


class Beside(Protocol):
    """What is kept of changes beside the entities: the log, history, the outbox."""

    def documents(self, happened: Happened) -> list[Bson]:
        """The documents of the trail for a change; the same each time. `_id`, `t`, `i`, `k` and `n` are in each."""

    def committed(self, tenant: str, happened: Sequence[Happened]) -> None:
        """They are written: tell who listens. Quick; what it raises is logged and undoes nothing."""


def key(tenant: str, name: str, *more: object) -> str:
    r"""`key("city", "urn:x:1")` is "city\nurn:x:1": no tenant and no IRI holds a line feed."""
    return "\n".join((tenant, name, *map(str, more)))


def of_tenant(tenant: str, after: str = "") -> Bson:
    """A filter for all documents whose `_id` begins with the tenant, those after an `_id` where one is given."""
    return {"t": tenant, "_id": {"$gt": after or key(tenant, ""), "$lt": f"{tenant}\x0b"}}


def first(pending: Future[list[Any]], make: Callable[[Any], T]) -> Future[T]:
    """What `make` gives of the one job's result; its refusal fails the future."""
    found: Future[T] = Future()

    def finish(source: Future[list[Any]]) -> None:
        fault = source.exception()
        result = None if fault is not None else source.result()[0]
        if fault is not None or isinstance(result, BaseException):
            found.set_exception(fault or result)
        else:
            found.set_result(make(result))

    pending.add_done_callback(finish)
    return found
