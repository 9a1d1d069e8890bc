"""Long histories are read no further than their answers go, and say the same as short ones, which come in one read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pymongo import monitoring

from broker.ports import UNRESTRICTED, Restriction
from broker.ports.evolution import AddInstances, Begin, EvolutionPage
from broker.query.ast import HasType, Window
from broker.query.q import parse_q
from broker.query.temporal import TemporalQuery
from broker.stores.mongo import history_reading, history_walk
from tests.contract.engines import NS
from tests.contract.history.evolving import MINUTE, A, seen
from tests.engines.history import test_evolutions_agree as lives
from tests.engines.mongodb.histories import Process, process
from tests.engines.wires.running import fresh
from tests.fakes.clock import START, FakeClock

SPEED, NAME = f"{NS}speed", f"{NS}name"
LENGTH = 3_000


class Reads(monitoring.CommandListener):
    """Counts commands, and the documents that came back."""

    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()

    def started(self, _event: monitoring.CommandStartedEvent) -> None:
        self.seen["commands"] += 1

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        cursor: Any = event.reply.get("cursor", {})
        self.seen["documents"] += len(cursor.get("firstBatch", cursor.get("nextBatch", ())))

    def failed(self, _event: monitoring.CommandFailedEvent) -> None:
        self.seen["failed"] += 1


@pytest.fixture(name="held", scope="module")
def long_one() -> Iterator[tuple[Process, Reads]]:
    reads = Reads()
    with fresh() as url, process(url, FakeClock(), listener=reads) as held:
        for start in range(0, LENGTH, 500):
            added = [seen(n, n) for n in range(start, start + 500)]
            names = [seen("even" if n % 2 else "odd", n) for n in range(start, start + 500, 100)]
            held.evolve(A, Begin((f"{NS}Car",)), AddInstances(SPEED, added), AddInstances(NAME, names))
        yield held, reads


def read(held: tuple[Process, Reads], query: TemporalQuery) -> tuple[EvolutionPage, Counter[str]]:
    history, reads = held
    reads.seen.clear()
    page = history.history.evolution("", A, query, UNRESTRICTED)
    return page, reads.seen.copy()


def values(page: EvolutionPage, name: str = SPEED) -> list[Any]:
    return [one["value"] for one in page.evolutions[0].attributes.get(name, ())]


SPEEDS = frozenset({SPEED})


@pytest.mark.parametrize(
    ("query", "expected", "documents"),
    [
        (TemporalQuery(last_n=3, names=SPEEDS), [2_999, 2_998, 2_997], 10),
        (TemporalQuery("before", START + 100 * MINUTE, last_n=2, names=SPEEDS), [99, 98], 110),
        (TemporalQuery("between", START, START + 4 * MINUTE, names=SPEEDS), [0, 1, 2, 3], 10),
        (TemporalQuery(names=SPEEDS, instances_max=3), [0, 1, 2], 10),
        (TemporalQuery(last_n=50, instances_max=3, names=SPEEDS), [2_999, 2_998, 2_997], 10),
        (TemporalQuery(last_n=3), [2_999, 2_998, 2_997], 20 + history_reading.WHOLE_MAX),
    ],
)
def test_no_more_is_read_than_is_answered(
    held: tuple[Process, Reads], query: TemporalQuery, expected: list[int], documents: int
) -> None:
    page, reads = read(held, query)
    assert values(page) == expected
    assert reads["documents"] <= documents
    assert reads["commands"] <= 8


def test_by_another_time_all_of_an_attribute_is_read(held: tuple[Process, Reads]) -> None:
    page, _ = read(held, TemporalQuery(timeproperty="modifiedAt", last_n=2, names=frozenset({NAME})))
    assert len(values(page, NAME)) == 2


def test_the_order_of_many_entities_holds_where_one_is_long(held: tuple[Process, Reads]) -> None:
    history, _ = held
    history.evolve("urn:e:0", Begin((f"{NS}Bus",)), AddInstances(SPEED, [seen(1, 1)]))
    where = parse_q(f"{NS}speed>2990")
    query = TemporalQuery(last_n=1)
    page = history.history.evolutions("", where, query, Window(10, count=True), UNRESTRICTED)
    assert ([one.id for one in page.evolutions], page.total, values(page)) == ([A], 1, [2_999])
    hidden = Restriction(HasType(f"{NS}Bus"))
    assert history.history.evolutions("", where, query, Window(10), hidden) == EvolutionPage([])


@pytest.mark.parametrize("whole", [0, 9])
def test_lives_agree_where_all_are_long(tmp_path: Path, whole: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Random lives, queries of all kinds: read by attribute, in the order of time."""
    monkeypatch.setattr(history_reading, "WHOLE_MAX", whole)
    monkeypatch.setattr(history_reading, "CHUNK_MAX", whole)
    monkeypatch.setattr(history_walk, "FEW", whole)
    seen_kinds: Counter[str] = Counter()
    for life in range(100, 103):
        with lives.both("mongo", tmp_path / str(life), life) as both:
            for _ in range(25):
                both.step()
            for _ in range(25):
                lives._ask(both, seen_kinds)
    assert seen_kinds["some"] >= 0.3 * seen_kinds["asked"]
