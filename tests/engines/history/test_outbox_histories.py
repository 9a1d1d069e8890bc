"""Random histories of subscriptions, writes, closings and restarts: every engine's outbox is the memory model's.

Numbers of rows and changes are an engine's own: they are compared by their places.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from broker.errors import NonexistentTenant, ResourceNotFound
from broker.model.entity import Entity
from broker.model.values import Instant
from broker.ports import Command, Put, Remove
from broker.ports.held import Drop, Held, HeldCommand, HeldDecision, Hold
from broker.ports.outbox import SUBSCRIPTION, Closing, OutboxRow, notification_id
from broker.stores.memory import MemoryStore
from broker.stores.sqlite.checking import check_all
from tests.contract.engines import Store, kept
from tests.fakes.clock import FakeClock
from tests.fakes.watching import TypeWatches

NS = "https://example.org/"
TENANTS = ("", "", "", "city")
SUBSCRIPTIONS = ("s1", "s2", "s3")
ENTITIES = ("urn:e:a", "urn:e:b", "urn:e:c")
OUTCOMES = ("delivered", "retry", "dead", "dropped")
HAPPENING = (*OUTCOMES, "revived", "discarded", "swept")
BITES_MIN = 5  # a history that closes nothing shows nothing
STEPS = {"sqlite": 300, "mongo": 300, "ferret": 80}


class Histories:
    """The model and an engine under one clock, each telling a listener of its own, and what came about."""

    def __init__(self, make: Callable[..., Store], random: Random) -> None:
        self.make, self.random = make, random
        self.clock = FakeClock()
        self.happened: Counter[str] = Counter()
        self.told: dict[str, list[tuple[str, OutboxRow]]] = {"model": [], "store": []}
        self.model = MemoryStore(self.clock, watches=TypeWatches())
        self.model.outbox.listen(lambda tenant, rows: self.told["model"].extend((tenant, row) for row in rows))
        self.store = self.opened()

    def opened(self) -> Store:
        """The store as a new process sees it."""
        store = self.make(self.clock, watches=TypeWatches())
        store.outbox.listen(lambda tenant, rows: self.told["store"].extend((tenant, row) for row in rows))
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
        count = len(self.rows(self.model, tenant))
        chosen = [
            (self.random.randrange(count), self.random.choice((*OUTCOMES, "dead")))
            for _ in range(self.random.randint(0, 6) if count else 0)
        ]
        self.happened.update(outcome for _, outcome in chosen)

        def closings(store: Store) -> list[Closing]:
            rows = self.rows(store, tenant)
            return [
                Closing(rows[one], outcome, self.clock.now() + place, place, f"{place}")  # type: ignore[arg-type]
                for place, (one, outcome) in enumerate(chosen)
            ]

        self.both(lambda store: store.outbox.close_rows(tenant, closings(store)).result())

    def revive(self, tenant: str) -> None:
        """Some dead rows, and one that is not there."""
        places = self.dead(tenant)
        self.happened["revived"] += len(places)
        self.both(lambda store: store.outbox.revive(tenant, [*_numbers(store, tenant, places), 2**52]).result())

    def discard(self, tenant: str) -> None:
        """Some dead rows."""
        places = self.dead(tenant)
        self.happened["discarded"] += len(places)
        self.both(lambda store: store.outbox.discard(tenant, _numbers(store, tenant, places)).result())

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
        assert self.heard("store") == self.heard("model")
        assert self.store.outbox.tenants() == self.model.outbox.tenants()
        for tenant in self.model.names():
            assert _state(self.store, tenant) == _state(self.model, tenant)

    def heard(self, who: str) -> list[object]:
        """What was told, by tenant, without numbers."""
        told = self.told[who]
        in_order = sorted(told, key=lambda one: (one[1].change.at, one[0], one[1].change.entity.id))
        return [(tenant, _without([row])) for tenant, row in in_order]

    def rows(self, store: Store, tenant: str) -> list[OutboxRow]:
        """Those waiting."""
        return _in_order(store.outbox.waiting(tenant, 0, 1_000)) if store.exists(tenant) else []

    def dead(self, tenant: str) -> list[int]:
        """Places of some dead rows."""
        dead = self.model.outbox.dead(tenant, 0, 1_000) if self.model.exists(tenant) else []
        return [place for place, _ in enumerate(dead) if self.random.random() < 0.5]

    def both(self, act: Callable[[Store], object]) -> None:
        """The same answer of both, or the same refusal."""
        answers: list[object] = []
        for store in (self.store, self.model):
            try:
                answers.append(act(store))
            except NonexistentTenant as refusal:
                answers.append(type(refusal))
        assert answers[0] == answers[1]


@pytest.mark.parametrize(
    ("engine", "seed"),
    [("sqlite", 0), ("sqlite", 1), ("sqlite", 2), ("sqlite", 3), ("mongo", 0), ("ferret", 0)],
)
def test_an_engine_has_the_models_outbox_after_every_step(engine: str, seed: int, tmp_path: Path) -> None:
    with kept(engine, tmp_path) as make:
        histories = Histories(make, Random(seed))
        for _ in range(STEPS[engine]):
            histories.step()
        histories.store.close()
    print(dict(histories.happened))
    bites_min = BITES_MIN * STEPS[engine] // STEPS["sqlite"]
    assert min(histories.happened[one] for one in HAPPENING) >= bites_min
    if engine == "sqlite":
        checked = check_all(tmp_path / "data", lambda *_: None)
        assert [fault for one in checked for fault in one.faults] == []


def _drop(current: Held | None, _now: Instant) -> HeldDecision:
    if current is None:
        raise ResourceNotFound("nothing there", pointer="id")
    return Drop(current.version)


def _kinds(results: list[object]) -> list[object]:
    return [type(one) if isinstance(one, Exception) else one for one in results]


def _numbers(store: Store, tenant: str, places: Sequence[int]) -> list[int]:
    """The numbers of the dead rows that stand in these places."""
    dead = _in_order(store.outbox.dead(tenant, 0, 1_000)) if store.exists(tenant) else []
    return [dead[place].number for place in places]


def _without(rows: Sequence[OutboxRow]) -> list[object]:
    """Rows without what an engine numbers as it likes; that their numbers rise."""
    assert [row.number for row in rows] == sorted({row.number for row in rows})
    return [replace(row, number=0, id="", change=replace(row.change, sequence=0)) for row in _in_order(rows)]


def _in_order(rows: Sequence[OutboxRow]) -> list[OutboxRow]:
    """Rows of one instant by entity: what expires at once expires in any order."""
    return sorted(rows, key=lambda row: (row.change.at, row.change.entity.id))


def _state(store: Store, tenant: str) -> list[object]:
    waiting, dead = store.outbox.waiting(tenant, 0, 1_000), store.outbox.dead(tenant, 0, 1_000)
    for row in (*waiting, *dead):
        assert row.id == notification_id(tenant, row.subscription, str(row.change.sequence))
    after = waiting[2].number if len(waiting) > 2 else 0
    page = store.outbox.waiting(tenant, after, 2, "s2")
    assert page == [row for row in waiting if row.subscription == "s2" and row.number > after][:2]
    assert store.outbox.newest(tenant) >= max((row.number for row in (*waiting, *dead)), default=0)
    return [
        _without(waiting),
        _without(dead),
        store.outbox.deliveries(tenant),
        *(store.held.all_held(tenant, kind) for kind in (SUBSCRIPTION, "entity_map")),
    ]
