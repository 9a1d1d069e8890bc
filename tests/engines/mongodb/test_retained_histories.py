"""Retention on MongoDB: what a life says of itself is folded into its head, and the rest is as the model has it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from pymongo import MongoClient

from broker.ports import UNRESTRICTED, Remove
from broker.ports.evolution import AddInstances, Begin, Retention
from broker.query.ast import HasType, Window
from broker.query.temporal import TemporalQuery
from broker.stores.mongo.history_leaves import HISTORY, LIFE
from broker.stores.mongo.store import open_store
from tests.contract.engines import NS, command, entity, write
from tests.contract.history.evolving import A, evolve, ids, seen, told
from tests.engines.history import test_evolutions_agree as lives
from tests.engines.wires.running import fresh
from tests.fakes.clock import START, FakeClock

MINUTE = 60_000_000
EVERY = frozenset[str]()
RULES = [
    Retention(EVERY, 10 * MINUTE),
    Retention(frozenset({f"{NS}Car"}), 5 * MINUTE, "thinned", 5 * MINUTE),
]


def leaves(url: str) -> list[dict[str, Any]]:
    client: MongoClient[dict[str, Any]] = MongoClient(url)
    with client:
        return list(client.get_default_database()["trail"].find({"k": HISTORY, "a": LIFE}))


def _live_often(store: Any, clock: FakeClock) -> None:
    for number in range(6):
        fleeting = entity("a", speed=number)
        fleeting.document |= {"type": f"{NS}{'Bus' if number == 2 else 'Car'}", f"{NS}once{number}": seen(1, number)}
        write(store, fleeting, entity("b", speed=1))
        clock.advance(3_600)
        store.apply("", [command(A, lambda _current, _now: Remove())]).result()
        clock.advance(3_600)


def test_of_many_lives_the_first_creation_and_the_last_stay() -> None:
    """An entity that comes and goes does not grow for ever."""
    clock = FakeClock()
    with fresh() as url:
        store: Any = open_store(url, clock)
        try:
            _live_often(store, clock)
            write(store, entity("a", speed=9))
            before = told(store, A)
            assert len(leaves(url)) == 14
            assert store.history.retain("", [Retention(EVERY, 2 * 3_600_000_000)]) > 0
            after = told(store, A)
            assert (after.types, after.created_at, after.deleted_at) == (before.types, START, None)
            assert after.modified_at == before.modified_at
            assert len(leaves(url)) == 5  # one of b; of a the first creation, and what is not old
            assert ids(store, HasType(f"{NS}Bus")) == ["a"]
            page = store.history.evolutions("", HasType(f"{NS}Car"), TemporalQuery(), Window(9), UNRESTRICTED)
            assert [one.id for one in page.evolutions] == [A, "urn:e:b"]
            clock.advance(3_600)
            store.apply("", [command(A, lambda _current, _now: Remove())]).result()
            clock.advance(86_400)
            store.history.retain("", [Retention(EVERY, 1)])
            assert ids(store) == ["b"]
            assert [one["i"] for one in leaves(url)] == ["urn:e:b"]
        finally:
            store.close()


def test_an_old_history_of_its_own_needs_no_head_for_it() -> None:
    clock = FakeClock()
    with fresh() as url:
        store: Any = open_store(url, clock)
        try:
            write(store, entity("a", speed=seen(1, 1)))
            clock.advance(60)
            write(store, entity("a", speed=seen(2, 2)))
            evolve(store, "urn:e:t", Begin((f"{NS}Car",)), AddInstances(f"{NS}speed", [seen(n, n) for n in range(9)]))
            clock.advance(3_600)
            assert store.history.retain("", [Retention(EVERY, 1)]) == 10
            client: MongoClient[dict[str, Any]] = MongoClient(url)
            with client:
                kept = list(client.get_default_database()["known"].find())
            assert [(one["i"], "p" in one) for one in kept] == [("urn:e:t", False)]
        finally:
            store.close()


def test_random_lives_agree_while_they_are_retained(tmp_path: Path) -> None:
    kinds: Counter[str] = Counter()
    gone = 0
    for life in range(300, 303):
        with lives.both("mongo", tmp_path / str(life), life) as both:
            for number in range(36):
                both.step()
                if number % 6 == 5 and all(store.exists("") for store in both.engines):
                    rules = [both.chance.choice(RULES)]
                    went = [store.history.retain("", rules) for store in both.engines]
                    assert went[0] == went[1]
                    gone += went[0]
            for _ in range(20):
                lives._ask(both, kinds)
    print(f"\n{gone} instances went, {kinds['some']} of {kinds['asked']} queries found something")
    assert gone > 20
    assert kinds["some"] >= 0.2 * kinds["asked"]
