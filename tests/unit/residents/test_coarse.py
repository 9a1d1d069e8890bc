"""Whatever somebody with coarse consents asks, no answers taken together say something of fewer than enough values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from functools import partial
from random import Random
from typing import Any, cast

from broker.model.entity import Entity, instances, member
from broker.model.values import to_instant, to_text
from broker.ports import Restriction
from broker.query.ast import EVERYTHING
from broker.query.temporal import Aggregation, TemporalQuery
from broker.stores.coarse import DAY, HOUR, VALUES_MIN, key_of
from broker.stores.past import Past
from broker.stores.recall import Story, tell

LEVELS = ("raw", "hourly", "daily", "monthly")
LENGTHS = {"hourly": (0, HOUR), "daily": (0, DAY), "monthly": (1, 0)}
START = (datetime(2026, 1, 1, tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // (datetime.resolution) - 9 * HOUR
NAME, CASES = "urn:pulse", 50
DATASETS = ((), ("@none",), ("urn:d:1",), ("@none", "urn:d:1"))


def view(level: str, finest: Callable[[int], str]) -> Callable[[Entity], Entity | None]:
    def cut(entity: Entity) -> Entity | None:
        kept = [
            one
            for one in instances(entity.document.get(NAME))
            if LEVELS.index(finest(cast("int", to_instant(str(one["observedAt"]))))) <= LEVELS.index(level)
        ]
        document = {name: value for name, value in entity.document.items() if name != NAME}
        return Entity(document | {NAME: member(kept)}, 0, 0) if kept else None

    return cut


def story(random: Random) -> Story:
    """Values on a few days around two months, many in some hours and few in others."""
    pasts: list[Past] = []
    for _ in range(random.randint(1, 12)):
        hour = START + random.choice([0, 1, 30, 31, 32]) * DAY + random.randint(0, 2) * HOUR
        for _ in range(random.choice([1, 2, 4, 5, 6, 9])):
            at = hour + random.randint(0, 3_599) * 1_000_000
            body: Any = {"type": "Property", "value": random.randint(50, 150), "observedAt": to_text(at)}
            if random.random() < 0.3:
                body["datasetId"] = "urn:d:1"
            pasts.append(Past(len(pasts), body, at, at, at))
    return Story("urn:e:1", ("urn:t",), (), 0, 0, pasts={NAME: pasts})


def asked(random: Random) -> Iterator[tuple[str, TemporalQuery]]:
    """Queries of hours, days and months, on and beside the city's own, of some datasets."""
    for name, length in LENGTHS.items():
        for dataset_ids in DATASETS * 4:
            start = START + random.choice([0, 0, HOUR // 2, HOUR, DAY, 31 * DAY])
            end = start + random.choice([HOUR, DAY, 31 * DAY, 35 * DAY, 35 * DAY + HOUR // 2])
            aggregation = Aggregation(("avg",), *length)
            yield name, TemporalQuery("between", start, end, dataset_ids=dataset_ids, aggregation=aggregation)


def told_together(one: Story, name: str, query: TemporalQuery, restriction: Restriction) -> list[frozenset[Any]]:
    """The values that each period of an answer is made of."""
    found = tell(one, query, EVERYTHING, restriction)
    periods: dict[int, set[Any]] = {}
    for at, past in () if found is None else found.rows[NAME]:
        periods.setdefault(_period(name, at), set()).add(key_of(past))
    return [frozenset(keys) for keys in periods.values()]


def told_apart(seen: Iterable[frozenset[Any]]) -> Counter[tuple[int, ...]]:
    """How many values each part has that can be told from the others by what periods it is in."""
    marks: dict[Any, list[int]] = {}
    for number, each in enumerate(dict.fromkeys(seen)):
        for key in each:
            marks.setdefault(key, []).append(number)
    return Counter(map(tuple, marks.values()))


def test_no_answers_taken_together_tell_of_a_few() -> None:
    told = 0
    for seed in range(CASES):
        random = Random(seed)
        one, levels = story(random), random.choices(LEVELS[1:], k=3)
        edges = sorted(START + random.randint(0, 33 * 24 * 4) * HOUR // 4 for _ in range(2))
        finest = partial(_finest, levels, edges)
        seen: list[frozenset[Any]] = []
        for now in (START + random.randint(0, 33 * 24) * HOUR, START + 90 * DAY):
            restriction = Restriction(EVERYTHING, view("raw", finest), partial(view, finest=finest), now)
            for name, query in asked(random):
                seen += told_together(one, name, query, restriction)
        sizes = told_apart(seen)
        assert all(size >= VALUES_MIN for size in sizes.values()), (seed, sizes)
        told += len(sizes)
    assert told > CASES // 2, "there must be something to tell of"


def _finest(levels: list[str], edges: list[int], at: int) -> str:
    return levels[sum(at >= edge for edge in edges)]


def _period(level: str, at: int) -> int:
    if level == "monthly":
        city = datetime.fromtimestamp((at + 9 * HOUR) / 1_000_000, UTC)
        return city.year * 12 + city.month
    return (at + 9 * HOUR) // LENGTHS[level][1]
