"""Random histories of subscriptions, writes, closings and restarts: SQLite's outbox is the memory model's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from broker.errors import NonexistentTenant, ResourceNotFound
from broker.model.entity import Entity
from broker.model.values import Instant
from broker.ports import Command, Put, Remove
from broker.ports.held import Drop, Held, HeldCommand, HeldDecision, Hold
from broker.ports.outbox import SUBSCRIPTION, Closing, OutboxRow
from broker.stores.memory import MemoryStore
from broker.stores.sqlite import SqliteStore, open_store
from broker.stores.sqlite.checking import check_all
from tests.fakes.clock import FakeClock
from tests.fakes.watching import TypeWatches

NS = "https://example.org/"
TENANTS = ("", "", "", "city")
SUBSCRIPTIONS = ("s1", "s2", "s3")
ENTITIES = ("urn:e:a", "urn:e:b", "urn:e:c")
OUTCOMES = ("delivered", "retry", "dead", "dropped")
HAPPENING = (*OUTCOMES, "revived", "discarded", "swept")
BITES_MIN = 5  # a history that closes nothing shows nothing
STEPS = 300

Store = SqliteStore | MemoryStore


class Histories:
    """Both engines under one clock, each telling a listener of its own, and what came about."""

    def __init__(self, directory: Path, random: Random) -> None:
        self.directory, self.random = directory, random
        self.clock = FakeClock()
        self.happened: Counter[str] = Counter()
        self.told: dict[str, list[OutboxRow]] = {"model": [], "store": []}
        self.model = MemoryStore(self.clock, watches=TypeWatches())
        self.model.outbox.listen(lambda _tenant, rows: self.told["model"].extend(rows))
        self.store = self.opened()

    def opened(self) -> SqliteStore:
        """The directory as a new process sees it."""
        store = open_store(self.directory, self.clock, watches=TypeWatches())
        store.outbox.listen(lambda _tenant, rows: self.told["store"].extend(rows))
        return store

    def change(self, tenant: str) -> None:
        """Some writes and removals in one submission."""
        given = [self.command() for _ in range(self.random.randint(1, 4))]
        self.both(lambda store: store.apply(tenant, given).result())

    def command(self) -> Command:
        """Put, whatever is there, perhaps to expire soon; or remove."""
        entity_id, kind = self.random.choice(ENTITIES), self.random.choice(("Car", "Bus"))
        if self.random.random() < 0.2:
            return Command(entity_id, lambda _current, _now: Remove())
        value: Any = {"type": "Property", "value": self.random.choice((1, 0.5, "二", 2**80))}
        document: Any = {"id": entity_id, "type": NS + kind, f"{NS}a": value}
        lifetime = self.random.choice((None, None, 1_000_000))
        return Command(
            entity_id, lambda _c, now: Put(Entity(document, 0, 0, lifetime and now + lifetime)), creates=True
        )

    def subscribe(self, tenant: str) -> None:
        """A subscription, new or changed."""
        wanted = self.random.choice(("*", f"{NS}Car", f"{NS}Bus", "->urn:e:a"))
        self.hold(tenant, SUBSCRIPTION, lambda _now: Hold({"watches": wanted}), creates=True)

    def keep_a_map(self, tenant: str) -> None:
        """A document that may expire."""
        lifetime = self.random.choice((None, 1_000_000))
        self.hold(tenant, "entity_map", lambda now: Hold({"n": 1}, None, lifetime and now + lifetime))

    def hold(self, tenant: str, kind: str, make: Callable[[Instant], Hold], *, creates: bool = False) -> None:
        """One document."""
        name = self.random.choice(SUBSCRIPTIONS)
        command = HeldCommand(kind, name, lambda _current, now: make(now), creates=creates)
        self.both(lambda store: store.held.apply_held(tenant, [command]).result())

    def unsubscribe(self, tenant: str) -> None:
        """One subscription less, sometimes."""
        if self.random.random() < 0.2:
            command = HeldCommand(SUBSCRIPTION, self.random.choice(SUBSCRIPTIONS), _drop)
            self.both(lambda store: _kinds(store.held.apply_held(tenant, [command]).result()))

    def close(self, tenant: str) -> None:
        """Some rows, some of them twice."""
        rows = self.rows(tenant)
        chosen = [self.random.choice(rows) for _ in range(self.random.randint(0, 6) if rows else 0)]
        closings = [
            Closing(row, self.random.choice((*OUTCOMES, "dead")), self.clock.now() + place, place, f"{place}")  # type: ignore[arg-type]
            for place, row in enumerate(chosen)
        ]
        self.happened.update(one.outcome for one in closings)
        self.both(lambda store: store.outbox.close_rows(tenant, closings).result())

    def revive(self, tenant: str) -> None:
        """Some dead rows, and one that is not dead."""
        numbers = self.dead(tenant)
        self.happened["revived"] += len(numbers)
        self.both(lambda store: store.outbox.revive(tenant, [*numbers, 1]).result())

    def discard(self, tenant: str) -> None:
        """Some dead rows."""
        numbers = self.dead(tenant)
        self.happened["discarded"] += len(numbers)
        self.both(lambda store: store.outbox.discard(tenant, numbers).result())

    def count(self, tenant: str) -> None:
        """An attempt without a row."""
        name, at, failed = self.random.choice(SUBSCRIPTIONS), self.clock.now(), self.random.random() < 0.5
        self.both(lambda store: store.outbox.count_sent(tenant, name, at, failed=failed).result())

    def sweep(self) -> None:
        """What expired in a while goes."""
        self.clock.advance(self.random.choice((0.5, 2.0)))
        swept = self.model.sweep()
        self.happened["swept"] += swept
        assert self.store.sweep() == swept

    def restart(self) -> None:
        """As after a stop."""
        self.store.close()
        self.store = self.opened()

    def step(self) -> None:
        """Something happens, to both alike."""
        acts = [self.change] * 4 + [self.subscribe, self.keep_a_map, self.unsubscribe, self.close, self.close]
        acts += [self.revive, self.discard, self.count]
        if self.random.random() < 0.2:
            self.random.choice((self.sweep, self.restart))()
        else:
            self.random.choice(acts)(self.random.choice(TENANTS))
        self.clock.advance(self.random.choice((0, 0.000001)))
        assert self.told["store"] == self.told["model"]
        assert self.store.outbox.tenants() == self.model.outbox.tenants()
        for tenant in self.model.names():
            assert _state(self.store, tenant) == _state(self.model, tenant)

    def rows(self, tenant: str) -> list[OutboxRow]:
        """Those waiting in the model."""
        return self.model.outbox.waiting(tenant, 0, 1_000) if self.model.exists(tenant) else []

    def dead(self, tenant: str) -> list[int]:
        """Numbers of some dead rows."""
        dead = self.model.outbox.dead(tenant, 0, 1_000) if self.model.exists(tenant) else []
        return [row.number for row in dead if self.random.random() < 0.5]

    def both(self, act: Callable[[Store], object]) -> None:
        """The same answer of both, or the same refusal."""
        answers: list[object] = []
        for store in (self.store, self.model):
            try:
                answers.append(act(store))
            except NonexistentTenant as refusal:
                answers.append(type(refusal))
        assert answers[0] == answers[1]


@pytest.mark.parametrize("seed", range(4))
def test_both_engines_have_the_same_outbox_after_every_step(seed: int, tmp_path: Path) -> None:
    histories = Histories(tmp_path, Random(seed))
    for _ in range(STEPS):
        histories.step()
    histories.store.close()
    print(dict(histories.happened))
    assert min(histories.happened[one] for one in HAPPENING) >= BITES_MIN
    faults = [fault for checked in check_all(tmp_path, lambda *_: None) for fault in checked.faults]
    assert faults == []


def _drop(current: Held | None, _now: Instant) -> HeldDecision:
    if current is None:
        raise ResourceNotFound("nothing there", pointer="id")
    return Drop(current.version)


def _kinds(results: list[object]) -> list[object]:
    return [type(one) if isinstance(one, Exception) else one for one in results]


def _state(store: Store, tenant: str) -> list[object]:
    return [
        store.outbox.waiting(tenant, 0, 1_000),
        store.outbox.waiting(tenant, 3, 2, "s2"),
        store.outbox.dead(tenant, 0, 1_000),
        store.outbox.deliveries(tenant),
        store.outbox.newest(tenant),
        *(store.held.all_held(tenant, kind) for kind in (SUBSCRIPTION, "entity_map")),
    ]
