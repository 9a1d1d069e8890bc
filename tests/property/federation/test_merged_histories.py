"""A history scattered over sources is, merged, the history (clauses 4.5.5, 5.7.3.4, 5.7.4.4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from broker.model.entity import Instance
from broker.model.evolution import Evolution
from broker.model.values import to_text
from broker.ports import UNRESTRICTED
from broker.ports.evolution import EvolutionPage
from broker.query.ast import EVERYTHING
from broker.query.temporal import Aggregation, TemporalQuery
from broker.stores.recall import page_of, tell
from federation.merge_temporal import Version, merge_evolutions

ID, CAR, SPEED = "urn:x:1", "https://x.org/Car", "https://x.org/speed"
DAY = 86_400_000_000
START = 20_000 * DAY


def instance(day: int, dataset: int) -> Instance:
    """What was observed on a day, one of three datasets; of one day and dataset there is one."""
    at = to_text(START + day * DAY)
    found: Instance = {
        "type": "Property", "value": 10 * day + dataset, "observedAt": at, "createdAt": at, "modifiedAt": at,
        "instanceId": f"urn:i:{day}:{dataset}",
    }  # fmt: skip
    return {**found, "datasetId": f"urn:d:{dataset}"} if dataset else found


moments = st.tuples(st.integers(0, 20), st.integers(0, 2))
scattered = st.lists(
    st.tuples(moments, st.sets(st.integers(0, 3), min_size=1)), max_size=30, unique_by=lambda one: one[0][0]
)
"""Instances, and which of four sources have each; one an instant, since the order of equals is anyone's."""
queries = st.builds(
    TemporalQuery,
    timerel=st.sampled_from([None, "before", "after", "between"]),
    at=st.integers(0, 10).map(lambda day: START + day * DAY),
    end=st.integers(5, 20).map(lambda day: START + day * DAY),
    last_n=st.none() | st.integers(1, 5),
    dataset_ids=st.sampled_from([(), ("@none",), ("urn:d:1", "urn:d:2")]),
    aggregation=st.none() | st.just(Aggregation(("sum", "totalCount"), 0, 3 * DAY)),
    instances_max=st.integers(1, 40),
)


def version(instances: Sequence[Instance], source: str = "", *, adds: bool = False) -> Version:
    return Version(Evolution(ID, (CAR,), START, START, attributes={SPEED: instances}), source, adds=adds)


def page(versions: Sequence[Version], query: TemporalQuery) -> EvolutionPage:
    merged = merge_evolutions(versions, query, START)
    told = [tell(story, query, EVERYTHING, UNRESTRICTED) for story in merged.stories.values()]
    return page_of([one for one in told if one is not None], query, merged.name_of)


@given(scattered, queries)
def test_what_is_scattered_merges_to_the_whole(
    found: list[tuple[tuple[int, int], set[int]]], query: TemporalQuery
) -> None:
    whole = page([version([instance(*moment) for moment, _ in found])], query)
    parts = [version([instance(*moment) for moment, who in found if at in who], f"urn:r:{at}") for at in range(4)]
    merged = page(parts, query)
    assert [one.attributes for one in merged.evolutions] == [one.attributes for one in whole.evolutions]
    assert [one.aggregated for one in merged.evolutions] == [one.aggregated for one in whole.evolutions]
    assert merged.cut == whole.cut


@given(scattered)
def test_an_auxiliary_source_only_adds(found: list[tuple[tuple[int, int], set[int]]]) -> None:
    here = [instance(*moment) for moment, who in found if 0 in who]
    claims = [replace_value(instance(*moment)) for moment, _ in found]
    for order in (slice(None), slice(None, None, -1)):
        versions = [version(here), version(claims, "urn:r:1", adds=True)][order]
        shown = page(versions, TemporalQuery(instances_max=100)).evolutions
        values = [one["value"] for evolution in shown for one in evolution.attributes.get(SPEED, ())]
        assert len(values) == len(found)
        assert sum(value != -1 for value in values) == len(here)


def replace_value(one: Instance) -> Instance:
    """The same instance with another value, and modified later."""
    return {**one, "value": -1, "modifiedAt": to_text(START + 99 * DAY)}


@given(scattered)
def test_what_is_registered_as_exclusive_comes_from_there_alone(
    found: list[tuple[tuple[int, int], set[int]]],
) -> None:
    here = [replace_value(instance(*moment)) for moment, _ in found]
    there = [instance(*moment) for moment, who in found if 0 in who]
    owner = replace(version(there, "urn:r:1"), owned=frozenset({SPEED}))
    shown = page([version(here), owner], TemporalQuery(instances_max=100)).evolutions
    values = [one["value"] for evolution in shown for one in evolution.attributes.get(SPEED, ())]
    assert sorted(map(str, values)) == sorted(str(one["value"]) for one in there)
