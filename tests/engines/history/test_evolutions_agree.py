"""Histories of every engine are those of the memory engine: random lives of entities, random temporal queries.

The table that the last test prints shows that the queries bite: how many chose some evolutions and not all, and how
often each kind of step, time, relation and method was seen.
"""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from broker.access.view import Rules, view_of
from broker.errors import NgsiError
from broker.model.entity import Entity
from broker.model.evolution import Evolution
from broker.model.values import to_text
from broker.ports import UNRESTRICTED, Command, Put, Remove, Restriction
from broker.ports.evolution import (
    AddInstances,
    AddTypes,
    Begin,
    DropAll,
    DropAttribute,
    DropInstance,
    EndAttribute,
    EvolutionCommand,
    EvolutionPage,
    EvolutionStep,
    ReplaceInstance,
)
from broker.query.ast import EVERYTHING, And, HasAttribute, HasType, IdIn, InScope, Node, Window
from broker.query.q import parse_q
from broker.query.temporal import Aggregation, TemporalQuery
from broker.stores.memory import MemoryStore
from broker.stores.periods import METHODS
from tests.contract.engines import NS, Store, opened
from tests.fakes.clock import START, FakeClock

LIVES = {"sqlite": 60, "mongo": 6, **({"ferret": 1} if os.environ.get("MISONO_LONG") else {})}
STEPS, QUERIES = 40, 40
SEEN_MIN = 20  # in so many lives as SQLite lives
MINUTE = 60_000_000
IDS = [f"urn:e:{letter}" for letter in "abcd"]
NAMES = [f"{NS}speed", f"{NS}name", f"{NS}link"]
TIMES = ["observedAt", "createdAt", "modifiedAt", "deletedAt"]
VALUES = [1, 2, 2.5, 30, -4, True, "x", "yy", [1, 2], {"a": 1}, "09:30:00Z", None, 10**20]
CONDITIONS: list[Node] = [
    EVERYTHING,
    HasType(f"{NS}Car"),
    HasType(f"{NS}Bus"),
    IdIn((IDS[0], IDS[2])),
    InScope("/east/#"),
    And((HasType(f"{NS}Car"), InScope("/west"))),
    HasAttribute(NAMES[1]),
    parse_q(f"{NS}speed>2"),
    parse_q(f"{NS}speed==2;{NS}name"),
    parse_q(f'{NS}name=="x"|{NS}speed<0'),
]
RESTRICTIONS = [
    UNRESTRICTED,
    UNRESTRICTED,
    Restriction(HasType(f"{NS}Car")),
    Restriction(view=view_of(Rules(entities=frozenset({IDS[1]}), instances=frozenset({(NAMES[0], "urn:x:1")})))),
    Restriction(view=view_of(Rules(attributes=frozenset({NAMES[1]}), types=frozenset({f"{NS}Bus"})))),
]


class Both:
    """The model and an engine, which live the same."""

    def __init__(self, model: MemoryStore, other: Store, clock: FakeClock, chance: Random) -> None:
        self.engines: tuple[Store, Store] = (model, other)
        self.clock, self.chance = clock, chance
        self.seen: Counter[str] = Counter()
        self.tenant = ""

    def step(self) -> None:
        """One write, on both, the same."""
        if self.chance.random() < 0.8:
            self.clock.advance(self.chance.choice([0.000001, 1, 30, 400]))
        if self.chance.random() < 0.5:
            commands = [self._current() for _ in range(self.chance.choice([1, 1, 2, 4]))]
            for store in self.engines:
                store.apply(self.tenant, commands).result()
            return
        self.clock.advance(0.000001)  # what is written in one instant has no order
        entity_id = self.chance.choice(IDS)
        seed, results, made = self.chance.random(), list[object](), list[EvolutionStep]()
        for store in self.engines:
            made = self._steps(Random(seed), self._ids(store, entity_id))
            results.append(_evolve(store, self.tenant, entity_id, made))
        assert results[0] == results[1]
        self.seen.update(type(step).__name__ for step in made if results[0] is None)

    def _current(self) -> Command:
        chance, entity_id = self.chance, self.chance.choice(IDS)
        kind = chance.choice(["put", "put", "patch", "patch", "patch", "remove"])
        self.seen[kind] += 1
        if kind == "remove":
            return Command(entity_id, lambda _current, _now: Remove(), creates=True)
        names = [*chance.sample(NAMES, chance.randint(0, 3)), *(["scope"] if chance.random() < 0.3 else [])]
        fragment = {name: self._scope() if name == "scope" else self._attribute(name) for name in names}
        gone = chance.choice([*NAMES, "scope", "none"])
        types = chance.choice([f"{NS}Car", f"{NS}Bus", [f"{NS}Car", f"{NS}Van"]])
        fresh: Any = {"id": entity_id, "type": types, **fragment}

        def decide(current: Entity | None, now: int) -> Put:
            if current is None:
                return Put(Entity(fresh, 0, 0))
            left = {name: value for name, value in current.document.items() if name != gone}
            kept: Any = {"id": entity_id, "type": types} if kind == "put" else left
            return Put(Entity({**kept, **_dated(fragment, to_text(now))}, 0, 0))

        return Command(entity_id, decide, creates=True)

    def _attribute(self, name: str) -> Any:
        found = [self._instance(name, None), self._instance(name, "urn:x:1")]
        kept = self.chance.choice([found[:1], found[:1], found[1:], found])
        return kept[0] if len(kept) == 1 else kept

    def _instance(self, name: str, dataset: str | None, *, observed: float = 0.7) -> dict[str, Any]:
        chance = self.chance
        if name == NAMES[2]:
            made: dict[str, Any] = {"type": "Relationship", "object": chance.choice(IDS)}
        else:
            made = {"type": "Property", "value": chance.choice(VALUES if name == NAMES[1] else VALUES[:5])}
        if chance.random() < observed:
            made["observedAt"] = to_text(START + chance.randint(0, 60) * MINUTE)[:19] + "Z"
        if dataset is not None:
            made["datasetId"] = dataset
        if chance.random() < 0.2:
            made[f"{NS}sub"] = {"type": "Property", "value": chance.choice(VALUES)}
        return made

    def _scope(self) -> Any:
        return self.chance.choice(["/east", "/east/one", "/west", ["/west", "/east"]])

    def _steps(self, chance: Random, ids: Sequence[tuple[str, str]]) -> list[EvolutionStep]:
        self.chance, kept = chance, self.chance
        try:
            return [self._one(ids) for _ in range(chance.choice([1, 1, 2]))]
        finally:
            self.chance = kept

    def _one(self, ids: Sequence[tuple[str, str]]) -> EvolutionStep:
        chance = self.chance
        name = chance.choice([*NAMES, "scope"])
        target, instance_id = chance.choice(ids) if ids and chance.random() < 0.9 else (name, "urn:x:none")
        dataset, everything = chance.choice([None, None, "urn:x:1"]), chance.random() < 0.3
        replacement = self._given(target)
        return chance.choice(
            [
                Begin((f"{NS}Car",), chance.choice([(), ("/west",)])),
                AddTypes((chance.choice([f"{NS}Bus", f"{NS}Tram"]),)),
                *[AddInstances(name, [self._given(name) for _ in range(chance.randint(1, 4))]) for _ in range(4)],
                DropAttribute(name, dataset, everything),
                DropAttribute(name, dataset, everything, lambda held: "observedAt" in held),
                EndAttribute(name, dataset, everything),
                ReplaceInstance(target, instance_id, replacement),
                DropInstance(target, instance_id),
                DropAll() if chance.random() < 0.4 else AddInstances(name, [self._given(name)]),
            ]
        )

    def _given(self, name: str) -> dict[str, Any]:
        if name == "scope":
            at = to_text(START + self.chance.randint(0, 60) * MINUTE)
            return {"type": "Property", "value": self._scope(), "observedAt": at}
        return self._instance(name, self.chance.choice([None, "urn:x:1"]), observed=0.9)

    def _ids(self, store: Store, entity_id: str) -> list[tuple[str, str]]:
        """The ids of the instances of an entity, in the order of what they say."""
        if not store.exists(self.tenant):
            return []
        page = store.history.evolution(self.tenant, entity_id, TemporalQuery(), UNRESTRICTED)
        held = [(n, one) for found in page.evolutions for n, instances in found.attributes.items() for one in instances]
        return [(name, str(one["instanceId"])) for name, one in sorted(held, key=lambda pair: _told(pair[1], pair[0]))]


def _dated(fragment: Mapping[str, Any], now: str) -> dict[str, Any]:
    """Attributes as an update writes them: changed now."""

    def dated(held: Any) -> Any:
        return [dated(one) for one in held] if isinstance(held, list) else {**held, "modifiedAt": now}

    return {name: held if name == "scope" else dated(held) for name, held in fragment.items()}


@contextmanager
def both(engine: str, directory: Path, seed: int) -> Iterator[Both]:
    clock = FakeClock()
    with opened(engine, directory, clock) as other:
        yield Both(MemoryStore(clock), other, clock, Random(seed))


@pytest.mark.parametrize("engine", LIVES)
def test_lives_and_queries_agree(engine: str, tmp_path: Path) -> None:
    """Evolutions, pages and aggregates, of all that happened and after each part of it."""
    seen: Counter[str] = Counter()
    for life in range(LIVES[engine]):
        with both(engine, tmp_path / str(life), life) as held:
            for _ in range(STEPS):
                held.step()
            for _ in range(QUERIES):
                _ask(held, seen)
            seen.update(held.seen)
    _print(seen)
    assert seen["some"] >= 0.3 * seen["asked"]
    seen_min = SEEN_MIN * LIVES[engine] // LIVES["sqlite"]
    rare = [name for name in (*TIMES, *METHODS, *_SEEN) if seen[name] < seen_min]
    assert not rare


_SEEN = ["put", "patch", "remove", "before", "after", "between", "cut", "last_n", "datasets", "hidden", "refused"]
_SEEN += ["Begin", "AddInstances", "AddTypes", "DropAttribute", "EndAttribute", "ReplaceInstance", "DropInstance"]
_SEEN += ["DropAll", "months"]


def _ask(held: Both, seen: Counter[str]) -> None:
    chance = held.chance
    query, where, restriction = _query(chance), chance.choice(CONDITIONS), chance.choice(RESTRICTIONS)
    window = Window(chance.choice([1, 2, 10]), chance.choice([0, 0, 1]), chance.random() < 0.5)
    pages = [_page(store, Asked(held.tenant, where, query, window, restriction)) for store in held.engines]
    assert pages[1] == pages[0], (where, query, window, restriction)
    for entity_id in IDS:
        found = [_one(store, held.tenant, entity_id, query, restriction) for store in held.engines]
        assert found[1] == found[0], (entity_id, query, restriction)
    _count(seen, query, restriction, pages[0])


def _query(chance: Random) -> TemporalQuery:
    at = START + chance.randint(-5, 65) * MINUTE
    methods = tuple(chance.sample(sorted(METHODS), chance.randint(1, 4)))
    length = chance.choice([(0, 0), (0, 7 * MINUTE), (0, 1_000_003), (1, 0), (0, 10**9)])
    aggregated = chance.random() < 0.4  # not of the last few: which those are, of one time, engines choose
    return TemporalQuery(
        timerel=chance.choice([None, "before", "after", "between"]),
        at=at,
        end=at + chance.randint(0, 30) * MINUTE,
        timeproperty=chance.choice([*TIMES, "observedAt", "observedAt"]),
        last_n=None if aggregated else chance.choice([None, None, 1, 3, 9]),
        names=frozenset(chance.choice([[], [], NAMES[:1], NAMES[1:], ["scope"], [*NAMES, f"{NS}other"]])),
        dataset_ids=tuple(chance.choice([[], [], [], ["@none"], ["urn:x:1"], ["@none", "urn:x:1"], ["urn:x:9"]])),
        aggregation=Aggregation(methods, *length) if aggregated else None,
        instances_max=chance.choice([1, 2, 4, 1_000]),
        sys_attrs=chance.random() < 0.5,
        by_id=chance.choice([None, None, "ascending", "descending"]),
    )


def _count(seen: Counter[str], query: TemporalQuery, restriction: Restriction, page: Any) -> None:
    refused = isinstance(page, str)
    seen.update(asked=1, refused=int(refused), some=int(not refused and bool(page[0])))
    seen.update(
        [query.timeproperty, str(query.timerel), *(query.aggregation.methods if query.aggregation else ())],
        last_n=int(query.last_n is not None), datasets=int(bool(query.dataset_ids)),
        hidden=int(restriction is not UNRESTRICTED), cut=int(not refused and page[3] is not None),
        months=int(query.aggregation is not None and query.aggregation.months > 0),
    )  # fmt: skip


def _print(seen: Mapping[str, int]) -> None:
    print(f"\n{seen['asked']} queries, {seen['some']} found something; {seen['refused']} were refused")
    for name in sorted((*TIMES, *METHODS, *_SEEN)):
        print(f"  {name:16} {seen[name]:6}")


def _evolve(store: Store, tenant: str, entity_id: str, steps: Sequence[EvolutionStep]) -> object:
    made = EvolutionCommand(entity_id, lambda _known, _now: (steps, None), creates=True)
    result = store.history.apply_evolution(tenant, [made]).result()[0]
    return type(result) if isinstance(result, NgsiError) else result


@dataclass(frozen=True)
class Asked:
    tenant: str
    where: Node
    query: TemporalQuery
    window: Window
    restriction: Restriction


def _page(store: Store, asked: Asked) -> Any:
    def ask() -> EvolutionPage:
        return store.history.evolutions(asked.tenant, asked.where, asked.query, asked.window, asked.restriction)

    return _answer(ask, asked.query)


def _one(store: Store, tenant: str, entity_id: str, query: TemporalQuery, restriction: Restriction) -> Any:
    return _answer(lambda: store.history.evolution(tenant, entity_id, query, restriction), query)


def _answer(ask: Callable[[], EvolutionPage], query: TemporalQuery) -> Any:
    """The answer without what engines may choose: ids of instances, and the order of those of one time."""
    try:
        page = ask()
    except NgsiError as refusal:
        return type(refusal).__name__
    return [_evolution(one, query) for one in page.evolutions], page.total, page.more, page.cut


def _evolution(one: Evolution, query: TemporalQuery) -> Any:
    head = replace(one, attributes={}, aggregated={}, kinds={})
    attributes = {name: _instances(held, query) for name, held in sorted(one.attributes.items())}
    aggregated = {
        name: {
            method: [(p.start, p.end, _rounded(p.value)) for p in periods] for method, periods in sorted(held.items())
        }
        for name, held in sorted(one.aggregated.items())
    }
    return head, attributes, aggregated, dict(one.kinds)


def _instances(held: Sequence[Any], query: TemporalQuery) -> Any:
    """The instances in their order; where lastN chose among those of one time, how many of each time."""
    times = [one.get(query.timeproperty) or one.get("modifiedAt") for one in held]
    if query.last_n is not None or query.timeproperty != "observedAt":
        return len(held), [time for time in times if time is not None]
    return [_told(one) for one in sorted(held, key=lambda one: (str(one.get("observedAt")), _told(one)))]


def _told(instance: Mapping[str, Any], name: str = "") -> str:
    return name + repr(sorted((key, repr(value)) for key, value in instance.items() if key != "instanceId"))


def _rounded(value: Any) -> Any:
    if not isinstance(value, float):
        return value
    return float(f"{value:.9e}") if math.isfinite(value) and abs(value) > 1e-6 else 0.0


@pytest.mark.parametrize("engine", ["sqlite", "mongo"])
@pytest.mark.parametrize("count", [3, 60_000])
def test_long_periods_and_many(engine: str, tmp_path: Path, count: int) -> None:
    """Periods are walked, or their rows grouped: both give the same."""
    with both(engine, tmp_path / "data", 1) as held:
        rows = [held._instance(NAMES[0], None) for _ in range(200)]
        steps: list[EvolutionStep] = [Begin((f"{NS}Car",)), AddInstances(NAMES[0], rows)]
        for store in held.engines:
            _evolve(store, "", IDS[0], steps)
        length = 60 * MINUTE // count
        asked = Aggregation(("avg", "min", "max", "stddev", "distinctCount", "totalCount"), 0, length)
        query = TemporalQuery("after", START - 7, aggregation=asked)
        found = [_one(store, "", IDS[0], query, UNRESTRICTED) for store in held.engines]
        assert found[0] == found[1]
