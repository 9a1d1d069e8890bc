"""Every engine keeps the notifications of the same writes that the model keeps, and tells the same in them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from broker.ldcontext.core import core_context
from broker.model.entity import Entity
from broker.model.subscription import Subscription
from broker.model.values import Instant
from broker.notify.payload import Sending, notify_change, shape_of
from broker.notify.watch import Watches
from broker.ports import Command, Decision, Put, Remove
from broker.ports.held import HeldCommand, Hold
from broker.ports.outbox import SUBSCRIPTION, OutboxRow, notification_id
from broker.stores.memory import MemoryStore
from tests.contract.engines import Store, opened
from tests.fakes.clock import FakeClock
from tests.strategies.entities import populations
from tests.strategies.subscriptions import AT, changes, subscriptions

EXAMPLES = {"sqlite": 30, "mongo": 20, "ferret": 4}
SUBSCRIPTIONS = 6
WRITES = 8
NAMES = core_context()
_shown = st.fixed_dictionaries(
    {
        "format": st.sampled_from(["normalized", "normalized", "concise", "simplified"]),
        "show_changes": st.booleans(),
        "sys_attrs": st.booleans(),
    }
)


@dataclass
class Pair:
    """The model and an engine; each example has a tenant of its own."""

    engine: str
    stores: tuple[Store, Store]
    seen: Counter[str] = field(default_factory=Counter)
    tenants: Any = field(default_factory=lambda: count(1))

    def subscribe(self, tenant: str, one: Subscription) -> None:
        command = HeldCommand(SUBSCRIPTION, one.id, lambda _held, _now: Hold(one.to_body()), creates=True)
        for store in self.stores:
            store.held.apply_held(tenant, [command]).result()

    def write(self, tenant: str, entity_id: str, decision: Decision) -> None:
        def decide(_: Entity | None, __: Instant) -> Decision:
            return decision

        for store in self.stores:
            store.apply(tenant, [Command(entity_id, decide, creates=True)]).result()


@pytest.fixture(params=EXAMPLES)
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Pair]:
    clock = FakeClock(AT)
    watches = Watches()
    with opened(request.param, tmp_path, clock, watches=watches) as other:
        yield Pair(request.param, (MemoryStore(clock, watches=watches), other))


def told(store: Store, tenant: str, subscribed: dict[str, Subscription]) -> list[Any]:
    """The waiting rows as a subscriber would get them now, with the places of their changes for the numbers."""

    def body(row: OutboxRow) -> Any:
        found = notify_change(shape_of(subscribed[row.subscription], NAMES), row.change, sending)
        return None if found is None else repr(found.body)

    sending = Sending("urn:n:1", AT, lambda other: store.get(tenant, other))
    rows = store.outbox.waiting(tenant, 0, 1_000)
    places = {number: place for place, number in enumerate(sorted({row.change.sequence for row in rows}))}
    for row in rows:
        assert row.id == notification_id(tenant, row.subscription, str(row.change.sequence))
    return [(row.subscription, places[row.change.sequence], row.change.at, body(row)) for row in rows]


def test_an_engine_tells_what_the_model_tells(pair: Pair) -> None:
    @settings(
        max_examples=EXAMPLES[pair.engine], database=None, deadline=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(populations(2, 3), st.data())
    def agree(population: list[Entity], data: Any) -> None:
        tenant = f"t{next(pair.tenants)}"
        pair.write(tenant, population[0].id, Put(population[0]))  # what was there before anybody subscribed
        subscribed = {}
        for number in range(SUBSCRIPTIONS):
            drawn = data.draw(subscriptions(f"urn:s:{number}"))
            params = replace(drawn.notification, **data.draw(_shown))
            subscribed[drawn.id] = replace(drawn, notification=params)
            pair.subscribe(tenant, subscribed[drawn.id])
        held = {entity.id: entity for entity in population}
        for _ in range(WRITES):
            one = data.draw(st.sampled_from(list(held.values())))
            after = data.draw(changes(one)).after
            pair.write(tenant, one.id, Remove() if after is None else Put(after))
            held[one.id] = after or one
        model, other = (told(store, tenant, subscribed) for store in pair.stores)
        assert other == model
        pair.seen.update(rows=len(model), with_null=sum("urn:ngsi-ld:null" in str(row) for row in model))
        pair.seen.update(with_previous=sum("previous" in str(row) for row in model))

    agree()
    print(pair.seen)
    assert pair.seen["rows"] >= 2 * EXAMPLES[pair.engine]
    assert min(pair.seen["with_null"], pair.seen["with_previous"]) >= EXAMPLES[pair.engine] // 6
