"""A broker over an engine, and a city of few consents: what tests of the law ask."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from broker.model.entity import Entity
from broker.operations.broker import Broker, Call
from broker.ports import Command, Principal, Put, Remove
from broker.query.ast import HasType, Node, Ordering, Selection, Window
from broker.timers import Background
from tests.contract.engines import opened
from tests.fakes.clock import START, FakeClock
from tests.fakes.few_consents import READING, City
from tests.fakes.house import make_broker, make_call


class SmallCity:
    """What is written is written by the hub itself; what is asked is asked under the policy as it is then."""

    def __init__(self, broker: Broker, clock: FakeClock, city: City) -> None:
        self.broker, self.clock, self.city = broker, clock, city

    def call(self, principal: Principal) -> Call:
        """A call of somebody."""
        restriction = self.city.policy.restrict(principal, "", "query_entities")
        return replace(make_call(restriction), principal=principal)

    def put(self, *documents: dict[str, Any]) -> None:
        """Write entities as they are, a second after the last write."""
        now = self.clock.advance()
        commands = [_put(Entity(one, now, now)) for one in documents]
        self.broker.entities.apply("", commands).result()

    def remove(self, entity_id: str) -> None:
        """Delete one."""
        self.clock.advance()
        self.broker.entities.apply("", [Command(entity_id, lambda _current, _now: Remove())]).result()

    def settle(self) -> None:
        """Wait for what goes on behind answers."""
        background = self.broker.background
        assert isinstance(background, Background)
        background.settle()

    def ids(self, principal: Principal, where: Node | None = None, order: Ordering | None = None) -> list[str]:
        """Ids of the readings that somebody finds."""
        page = self.page(principal, where, order)
        return [one.id for one in page]

    def page(self, principal: Principal, where: Node | None = None, order: Ordering | None = None) -> list[Entity]:
        """The readings that somebody finds."""
        selection = Selection(where or HasType(READING), order)
        return self.broker.entities.select("", selection, Window(100), self.call(principal).restriction).entities


def _put(entity: Entity) -> Command:
    return Command(entity.id, lambda _current, _now: Put(entity), creates=True)


@contextmanager
def small_city(engine: str, directory: Path) -> Iterator[SmallCity]:
    """An empty one."""
    clock = FakeClock(START)
    city = City(clock)
    background = Background("background")
    with opened(engine, directory, clock, city.policy.label) as store:
        parts: Any = store
        broker = replace(
            make_broker(clock), entities=parts, changes=parts, tenants=parts, documents=parts, access=city.policy,
            held=parts.held, outbox=parts.outbox, leases=parts.leases, history=parts.history, places=parts.places,
            background=background,
        )  # fmt: skip
        try:
            yield SmallCity(broker, clock, city)
        finally:
            background.stop()
