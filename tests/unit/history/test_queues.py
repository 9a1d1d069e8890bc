"""Queues, retries and breakers, by a clock of their own: simulated against a store of rows."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.model.entity import Entity
from broker.notify import queues as module
from broker.notify.queues import Chain, Policy, Queues
from broker.ports.outbox import EntityChange, OutboxRow

POLICY = Policy(attempts_max=4, backoff_s=1, backoff_max_s=20, failures_max=3, rest_max_s=8, at_once=2)
PAGE = 5


def row(number: int, subscription: str, entity: str) -> OutboxRow:
    held = Entity({"id": entity, "type": "https://x/T"}, 1, 1)
    return OutboxRow(number, f"urn:n:{number}", subscription, EntityChange(number, 1, None, held), 0)


def endpoint_of(subscription: str) -> str:
    return "http://" + subscription[0]


@dataclass
class World:
    """A store of rows, the queues, and what was sent: (time, number, endpoint)."""

    fails: dict[str, float]
    chance: random.Random
    rows: dict[int, OutboxRow] = field(default_factory=dict)
    sent: list[tuple[float, int, str]] = field(default_factory=list)
    delivered: list[int] = field(default_factory=list)
    dead: list[int] = field(default_factory=list)
    away: list[tuple[float, Chain]] = field(default_factory=list)
    now: float = 0.0
    kept_most: int = 0

    def __post_init__(self) -> None:
        self.queues = Queues(POLICY, self.chance.random)

    def commit(self, one: OutboxRow) -> None:
        self.rows[one.number] = one
        lane = self.queues.lane("", one.subscription)
        self.queues.arrive(lane, one, endpoint_of(one.subscription), 0.0)

    def read(self, subscription: str, after: int) -> list[OutboxRow]:
        found = (
            one for number, one in sorted(self.rows.items()) if number > after and one.subscription == subscription
        )
        return list(found)[:PAGE]

    def step(self) -> bool:
        """One round of a dispatcher; whether anything is left to do."""
        for chain in self.queues.dry_chains():
            rows = self.read(chain.lane.subscription, chain.behind_from or 0)
            self.queues.refill(chain, rows, more=len(rows) == PAGE)
        for lane in self.queues.dry_lanes():
            rows = self.read(lane.subscription, lane.last)
            filled = [(one, endpoint_of(one.subscription), 0.0) for one in rows]
            self.queues.fill(lane, filled, more=len(rows) == PAGE)
        for chain in self.queues.take(self.now):
            self.sent.append((self.now, chain.row.number, chain.endpoint.uri))
            self.away.append((self.now + self.chance.random(), chain))
        self.kept_most = max(self.kept_most, self.queues.kept)
        times = [until for until, _ in self.away]
        wakes_at = self.queues.wakes_at()
        if not times and wakes_at is None and not self.queues.dry:
            return False
        if not self.queues.dry:
            self.now = max(self.now, min([*times, *([] if wakes_at is None else [wakes_at])]))
        self.come_back()
        return True

    def come_back(self) -> None:
        back = [one for one in self.away if one[0] <= self.now]
        self.away = [one for one in self.away if one[0] > self.now]
        for _, chain in back:
            number = chain.row.number
            if self.chance.random() >= self.fails.get(chain.endpoint.uri, 0.0):
                self.delivered.append(number)
                del self.rows[number]
                self.queues.succeeded(chain)
                continue
            self.queues.missed(chain.endpoint.uri, self.now, None)
            self.rows[number] = replace(self.rows[number], attempts=self.rows[number].attempts + 1)
            if self.queues.failed(chain, self.now) is None:
                self.dead.append(number)
                del self.rows[number]

    def run(self) -> None:
        for _ in range(100_000):
            if not self.step():
                return
        raise AssertionError("it never ends")


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(st.sampled_from(["a1", "a2", "b1", "c1"]), st.sampled_from("xyz")), max_size=120),
    st.integers(0, 2**32),
    st.sampled_from([0.0, 0.3, 0.8]),
)
def test_every_row_comes_to_an_end_in_the_order_of_its_entity(
    wanted: list[tuple[str, str]], seed: int, failing: float
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "LANE_ROWS", 12)
        patch.setattr(module, "CHAIN_ROWS", 3)
        patch.setattr(module, "TOTAL_ROWS", 40)
        patch.setattr(module, "LANE_ROWS_TIGHT", 4)
        world = World({"http://a": failing, "http://b": failing / 2}, random.Random(seed))
        for number, (subscription, entity) in enumerate(wanted, 1):
            world.commit(row(number, subscription, entity))
            if world.chance.random() < 0.5:
                world.step()
        world.run()
    assert sorted([*world.delivered, *world.dead]) == list(range(1, len(wanted) + 1))
    assert world.queues.kept == 0
    assert world.rows == {}
    assert world.kept_most <= 40 + 4 * 4
    chains: dict[tuple[str, str], list[int]] = defaultdict(list)
    for _, number, _ in world.sent:
        chains[wanted[number - 1]].append(number)
    assert all(numbers == sorted(numbers) for numbers in chains.values()), "one is ended before the next is begun"
    attempts = Counter(number for _, number, _ in world.sent)
    assert all(attempts[number] == POLICY.attempts_max for number in world.dead)


def test_a_row_waits_twice_as_long_after_each_failure_and_then_is_dead() -> None:
    world = World({"http://a": 1.0}, random.Random(1))
    world.queues = Queues(replace(POLICY, failures_max=99), lambda: 0.0)
    world.commit(row(1, "a1", "x"))
    world.run()
    times = [at for at, _, _ in world.sent]
    pauses = [round(later - earlier - 0.5) for earlier, later in pairwise(times)]
    assert pauses == [1, 2, 4]
    assert world.dead == [1]


def test_a_dead_row_lets_the_next_of_its_entity_pass() -> None:
    world = World({"http://a": 1.0}, random.Random(2))
    for number in (1, 2):
        world.commit(row(number, "a1", "x"))
    while not world.dead:
        world.step()
    world.fails = {}
    world.run()
    assert (world.dead, world.delivered) == ([1], [2])


def test_a_dead_endpoint_delays_no_other() -> None:
    world = World({"http://a": 1.0}, random.Random(3))
    for number in range(1, 201):
        world.commit(row(number, ("a1", "b1")[number % 2], f"e{number}"))
    while len(world.delivered) < 100:
        world.step()
    assert world.now < 100 / POLICY.at_once + 1


def test_an_endpoint_that_fails_rests_and_is_asked_by_one_until_it_answers_then_all_go_at_once() -> None:
    world = World({"http://a": 1.0}, random.Random(4))
    world.queues = Queues(replace(POLICY, attempts_max=99), world.chance.random)
    for number in range(1, 41):
        world.commit(row(number, "a1", f"e{number}"))
    while world.now < 60:
        world.step()
    resting = [at for at, _, _ in world.sent if at > 10]
    assert len(resting) < 25, "one at a time, every 4 to 8 seconds"
    world.fails = {}
    world.run()
    assert len(world.delivered) == 40
    assert world.now < 60 + 8 + 40, "sleepers wake when the endpoint answers"


def test_a_cooldown_is_kept_after_each_failure() -> None:
    queues = Queues(POLICY, lambda: 0.0)
    for number in (1, 2, 3):
        queues.arrive(queues.lane("", "a1"), row(number, "a1", f"e{number}"), "http://a", 0.0)
    first, second = queues.take(0.0)
    queues.missed("http://a", 0.0, 5.0)
    queues.failed(first, 0.0)
    queues.succeeded(second)
    assert queues.take(1.0) == []
    assert queues.shut("http://a", 4.9)
    assert [chain.entity for chain in queues.take(5.0)] == ["e3", "e1"]


def test_a_subscription_that_moves_takes_its_rows_along() -> None:
    queues = Queues(POLICY, lambda: 0.0)
    queues.arrive(queues.lane("", "a1"), row(1, "a1", "x"), "http://a", 0.0)
    [chain] = queues.take(0.0)
    queues.moved(chain, "http://b")
    assert [one.endpoint.uri for one in queues.take(0.0)] == ["http://b"]


def test_what_is_forgotten_leaves_nothing_behind() -> None:
    queues = Queues(POLICY, lambda: 0.0)
    lane = queues.lane("", "a1")
    for number in range(1, 6):
        queues.arrive(lane, row(number, "a1", f"e{number % 3}"), "http://a", 0.0)
    away, other = queues.take(0.0)
    queues.forget(lane)
    assert queues.kept == 2
    queues.succeeded(away)
    assert queues.failed(other, 0.0) is not None
    assert (queues.kept, queues.lanes(), queues.take(999.0)) == (0, [], [])


def test_a_row_that_was_seen_is_not_taken_in_again() -> None:
    queues = Queues(POLICY, lambda: 0.0)
    lane = queues.lane("", "a1", behind=True)
    queues.read_again(lane)
    assert queues.dry_lanes() == [lane]
    queues.fill(lane, [(row(1, "a1", "x"), "http://a", 0.0)], more=False)
    for number in (1, 2):
        queues.arrive(lane, row(number, "a1", "x"), "http://a", 0.0)
    assert queues.kept == 2
