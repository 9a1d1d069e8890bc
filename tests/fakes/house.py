"""A broker in memory with a clock that stands still, for tests of the operations."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

from broker.access.policies import AllowAll
from broker.ldcontext.core import core_context
from broker.model.entity import Entity
from broker.model.values import Instant
from broker.operations.broker import Broker, Call
from broker.ports import UNRESTRICTED, Command, Put, Restriction
from broker.ports.outbox import Watches
from broker.stores.memory import MemoryStore
from tests.fakes.clock import FakeClock

NS = "https://uri.etsi.org/ngsi-ld/default-context/"


def make_broker(clock: FakeClock | None = None, watches: Watches | None = None) -> Broker:
    """A broker whose every store is one empty MemoryStore."""
    clock, numbers = clock or FakeClock(), count(1)
    store = MemoryStore(clock, watches=watches)
    parts = store.held, store.outbox, store.leases, store.history
    rest = lambda: f"{next(numbers):032x}", store.places, AtOnce()
    return Broker(store, store, store, store, AllowAll(), clock, *parts, *rest)


class AtOnce:
    """The port Background: nothing is put off."""

    stopping = False

    def submit(self, work: Callable[[], object]) -> None:
        """Done on return."""
        work()


def make_call(restriction: Restriction = UNRESTRICTED, tenant: str = "") -> Call:
    """Somebody in the core @context."""
    return Call(tenant, core_context(), restriction=restriction)


def fill(broker: Broker, *entities: Entity) -> None:
    """Put entities into the default tenant around the operations."""

    def put(entity: Entity) -> Command:
        def decide(_: Entity | None, __: Instant) -> Put:
            return Put(entity)

        return Command(entity.id, decide, creates=True)

    broker.entities.apply("", [put(entity) for entity in entities]).result()


def prop(value: Any, **more: Any) -> dict[str, Any]:
    """A Property instance."""
    return {"type": "Property", "value": value, **more}
