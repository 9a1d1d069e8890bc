"""A process dies before any command of a write: once looked after, the write is there as a whole or not at all."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from broker.model.entity import Entity
from broker.model.values import Instant
from broker.ports import UNRESTRICTED
from broker.query.temporal import TemporalQuery
from broker.stores.mongo.store import MongoStore, open_store
from broker.wiring import SystemClock
from tests.engines.mongodb.dying import WORK, begin, drop
from tests.engines.replayed import replayed
from tests.engines.wires.running import fresh
from tests.fakes.watching import TypeWatches

Fact = tuple[Any, ...]


class _Later:
    """The clock some seconds from now: what was left is old by then, and what was repaired is read by others."""

    def __init__(self) -> None:
        self.ahead = 10_000_000

    def now(self) -> Instant:
        return SystemClock().now() + self.ahead


@pytest.fixture
def url() -> Iterator[str]:
    with fresh() as found:
        yield found
        drop(found)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("work", sorted(WORK))
def test_whole_or_not_at_all(url: str, work: str) -> None:
    nothing, everything = _facts_of(url, ()), _facts_of(url, WORK[work]())
    words = [sys.executable, "-m", "tests.engines.mongodb.dying", url, work]
    killed = int(subprocess.run(words, check=True, capture_output=True, text=True, timeout=100).stdout)
    assert killed >= 3
    seen: set[str] = set()
    for number in range(1, killed + 2):
        clock = _Later()
        store = open_store(f"{url}_{number}", clock, watches=TypeWatches())
        try:
            store.repair()
            clock.ahead += 5_000_000
            assert store.repair() == 0
            found = _facts(store)
        finally:
            store.close()
        for name in {*found, *everything}:
            assert found.get(name) in (nothing.get(name), everything.get(name)), (number, name)
        if number <= 2 and work != "create":
            assert found == nothing  # before anything is written
        if number == killed + 1:
            assert found == everything  # that one lived
        seen.add("all" if found == everything else "none" if found == nothing else "some")
    assert {"all", "none"} <= seen


def _facts_of(url: str, commands: Any) -> Mapping[str, Fact]:
    with fresh() as other:
        store = begin(other)
        try:
            if commands:
                store.apply("", commands).result()
            return _facts(store)
        finally:
            store.close()


def _facts(store: MongoStore) -> dict[str, Fact]:
    """Of each entity: how it is, what the log and the outbox say of it, how many instances there were."""
    rows, log = store.outbox.waiting("", 0, 1_000), store.since("", 0, 1_000)
    told = replayed(store, "")
    entities = store.get_many("", list(store.history.known_ids("")))
    assert {name: one[0] for name, one in told.items()} == {name: one.document for name, one in entities.items()}
    assert {name: one[3] for name, one in told.items()} == {name: one.version for name, one in entities.items()}
    assert [row.sequence for row in log] == sorted({row.sequence for row in log})
    assert not list(store._ground.entities.find({"p.0": {"$exists": True}}))
    assert not list(store._ground.entities.find({"g": True}))
    found: dict[str, Fact] = {}
    sent = [(row.change.entity.id, _version(row.change.before), _version(row.change.after)) for row in rows]
    for name in sorted({row.entity_id for row in log}):
        changes = [(row.version, row.before, row.after) for row in log if row.entity_id == name]
        notified = [versions for one, *versions in sent if one == name]
        found[name] = (entities.get(name) and entities[name].document, changes, notified, _past(store, name))
    return found


def _version(entity: Entity | None) -> int | None:
    return None if entity is None else entity.version


def _past(store: MongoStore, name: str) -> list[tuple[str, int]]:
    page = store.history.evolution("", name, TemporalQuery(), UNRESTRICTED)
    return [(attribute, len(held)) for one in page.evolutions for attribute, held in sorted(one.attributes.items())]
