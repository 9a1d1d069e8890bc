"""Both engines keep the same notifications of the same writes, and tell the same in them."""

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
from broker.ports.outbox import SUBSCRIPTION, OutboxRow
from broker.stores.memory import MemoryStore
from broker.stores.sqlite import SqliteStore, open_store
from tests.fakes.clock import FakeClock
from tests.strategies.entities import populations
from tests.strategies.subscriptions import AT, changes, subscriptions

EXAMPLES = 30
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
    """Both engines; each example has a tenant of its own."""

    stores: tuple[MemoryStore, SqliteStore]
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


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    clock = FakeClock(AT)
    watches = Watches()
    sqlite = open_store(tmp_path / "data", clock, watches=watches)
    yield Pair((MemoryStore(clock, watches=watches), sqlite))
    sqlite.close()


def told(store: MemoryStore | SqliteStore, tenant: str, subscribed: dict[str, Subscription]) -> list[Any]:
    """The waiting rows as a subscriber would get them now."""

    def body(row: OutboxRow) -> Any:
        found = notify_change(shape_of(subscribed[row.subscription], NAMES), row.change, sending)
        return None if found is None else repr(found.body)

    sending = Sending("urn:n:1", AT, lambda other: store.get(tenant, other))
    rows = store.outbox.waiting(tenant, 0, 1_000)
    return [(row.id, row.subscription, row.change.sequence, row.change.at, body(row)) for row in rows]


def test_both_engines_tell_the_same(pair: Pair) -> None:
    @settings(
        max_examples=EXAMPLES, database=None, deadline=None, phases=[Phase.generate],
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
        memory, sqlite = (told(store, tenant, subscribed) for store in pair.stores)
        assert sqlite == memory
        pair.seen.update(rows=len(memory), with_null=sum("urn:ngsi-ld:null" in str(row) for row in memory))
        pair.seen.update(with_previous=sum("previous" in str(row) for row in memory))

    agree()
    print(pair.seen)
    assert pair.seen["rows"] >= 2 * EXAMPLES
    assert min(pair.seen["with_null"], pair.seen["with_previous"]) >= 5
