"""What every engine says when it is asked for history."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from broker.errors import NonexistentTenant
from broker.ports import UNRESTRICTED
from broker.ports.evolution import (
    AddInstances,
    Begin,
    EvolutionCommand,
)
from broker.query.ast import EVERYTHING, HasType, IdIn, InScope, Window
from broker.query.q import parse_q
from broker.query.temporal import TemporalQuery
from tests.contract.engines import ENGINES, NS, Store, entity, opened, write
from tests.contract.history.evolving import (
    ALL,
    MINUTE,
    A,
    begin,
    change,
    evolve,
    ids,
    made,
    nothing,
    remove,
    seen,
    told,
    values,
)
from tests.fakes.clock import START, FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(params=ENGINES)
def store(request: pytest.FixtureRequest, tmp_path: Path, clock: FakeClock) -> Iterator[Store]:
    with opened(request.param, tmp_path, clock) as made:
        yield made


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (TemporalQuery("before", START + 2 * MINUTE), [1]),
        (TemporalQuery("after", START + 2 * MINUTE), [2, 3]),
        (TemporalQuery("between", START + MINUTE, START + 3 * MINUTE), [1, 2]),
        (TemporalQuery("after", START, last_n=2), [3, 2]),
        (TemporalQuery(last_n=1), [3]),
        (TemporalQuery("after", START, timeproperty="modifiedAt"), [1, 2, 3]),  # one instant: as observed
        (TemporalQuery("before", START + 1, timeproperty="createdAt"), [1, 2, 3]),
        (TemporalQuery(names=frozenset({f"{NS}speed"})), [1, 2, 3]),
    ],
)
def test_instances_are_chosen_by_time(store: Store, query: TemporalQuery, expected: list[int]) -> None:
    begin(store, "a", speed=[seen(2, 2), seen(1, 1), seen(3, 3)])
    assert values(told(store, A, query)) == expected


@pytest.mark.parametrize(
    "query",
    [
        TemporalQuery("after", START + 4 * MINUTE),
        TemporalQuery("before", START, timeproperty="createdAt"),
        TemporalQuery(timeproperty="deletedAt"),
        TemporalQuery(names=frozenset({f"{NS}other"})),
        TemporalQuery(dataset_ids=("urn:x:1",)),
    ],
)
def test_an_evolution_without_such_instances_is_not_there(store: Store, query: TemporalQuery) -> None:
    begin(store, "a", speed=[seen(1, 1)])
    assert nothing(store, A, query)
    assert ids(store, HasType(f"{NS}Car"), query) == []


def test_what_was_never_observed_has_no_such_time(store: Store, clock: FakeClock) -> None:
    write(store, made("a", speed=1, name=seen("x", 3)))
    found = told(store, A, TemporalQuery("after", START))
    assert list(found.attributes) == [f"{NS}name"]
    assert set(told(store, A).attributes) == {f"{NS}name", f"{NS}speed"}


def test_instances_may_come_without_system_attributes(store: Store) -> None:
    begin(store, "a", speed=[seen(1, 1)])
    held = told(store, A, TemporalQuery(sys_attrs=False)).attributes[f"{NS}speed"][0]
    assert set(held) == {"type", "value", "observedAt", "instanceId"}
    held = told(store, A, TemporalQuery(sys_attrs=False, timeproperty="modifiedAt")).attributes[f"{NS}speed"][0]
    assert "modifiedAt" in held


def test_evolutions_are_found_by_what_they_were(store: Store, clock: FakeClock) -> None:
    begin(store, "a", speed=[seen(1, 1), seen(50, 9)])
    begin(store, "b", types=[f"{NS}Bus"], speed=[seen(50, 2)])
    write(store, entity("c", speed=seen(50, 2)), entity("d", speed=seen(1, 2)))
    clock.advance()
    change(store, "urn:e:c", speed=seen(1, 3))
    fast = parse_q(f"{NS}speed>20")
    assert ids(store, fast) == ["c", "a", "b"]
    assert ids(store, HasType(f"{NS}Bus")) == ["b"]
    assert ids(store, IdIn((A, "urn:e:d"))) == ["d", "a"]
    early = TemporalQuery("before", START + 5 * MINUTE)
    assert ids(store, fast, early) == ["c", "b"]
    remove(store, "urn:e:c")
    assert ids(store, fast, early) == ["c", "b"]
    assert ids(store, EVERYTHING, TemporalQuery(by_id="ascending")) == ["a", "b", "c", "d"]
    assert ids(store, EVERYTHING, TemporalQuery(by_id="descending")) == ["d", "c", "b", "a"]


def test_a_scope_holds_for_a_time(store: Store) -> None:
    speeds = [seen(1, 5), seen(2, 15), seen(3, 25)]
    begin(store, "a", scope=[seen("/r", 0), seen("/s", 10), seen("/t/u", 20)], speed=speeds)
    begin(store, "b", speed=speeds)
    begin(store, "c", scope=[seen(["/s", "/x"], 20)], speed=speeds)
    assert evolve(store, "urn:e:d", Begin((f"{NS}Car",), ("/s",)), AddInstances(f"{NS}speed", speeds)) is False
    until = TemporalQuery("between", START, START + 20 * MINUTE)
    page = store.history.evolutions("", InScope("/s"), until, Window(10), UNRESTRICTED)
    assert [(one.id, values(one), values(one, "scope")) for one in page.evolutions] == [
        (A, [2], ["/s"]),
        ("urn:e:d", [1, 2], []),
    ]
    assert ids(store, InScope("/s"), TemporalQuery("after", START)) == ["a", "c", "d"]
    assert ids(store, InScope("/t/#")) == ["a"]
    assert ids(store, InScope("/r"), TemporalQuery("after", START + 10 * MINUTE)) == []


def test_pages_of_evolutions(store: Store) -> None:
    for name in "abcde":
        begin(store, name, speed=[seen(1, 1)])
    page = store.history.evolutions("", EVERYTHING, ALL, Window(2, 2, count=True), UNRESTRICTED)
    assert ([one.id for one in page.evolutions], page.total, page.more) == (["urn:e:c", "urn:e:d"], 5, True)
    page = store.history.evolutions("", EVERYTHING, ALL, Window(2, 4), UNRESTRICTED)
    assert ([one.id for one in page.evolutions], page.total, page.more) == (["urn:e:e"], None, False)
    page = store.history.evolutions("", EVERYTHING, ALL, Window(0, 0, count=True), UNRESTRICTED)
    assert (page.evolutions, page.total) == ([], 5)


def test_a_long_answer_is_cut_in_time(store: Store) -> None:
    begin(store, "a", speed=[seen(n, n) for n in range(20)], name=[seen(n, n) for n in range(10, 15)])
    page = store.history.evolution("", A, TemporalQuery("after", START, instances_max=8), UNRESTRICTED)
    found = page.evolutions[0]
    assert (values(found), values(found, "name")) == (list(range(8)), [])
    assert f"{NS}name" in found.attributes
    assert page.cut == (START, START + 7 * MINUTE)
    assert found.cut == {f"{NS}speed", f"{NS}name"}
    page = store.history.evolution("", A, TemporalQuery(last_n=10, instances_max=8), UNRESTRICTED)
    found = page.evolutions[0]
    assert (values(found), values(found, "name")) == (list(range(19, 11, -1)), [14, 13, 12])
    assert page.cut == (START + 12 * MINUTE, START + 19 * MINUTE)
    page = store.history.evolution("", A, TemporalQuery(last_n=8, instances_max=8), UNRESTRICTED)
    assert page.cut is None
    begin(store, "b", speed=[seen(1, 3), seen(2, 30)])
    both = store.history.evolutions("", EVERYTHING, TemporalQuery(instances_max=8), Window(10), UNRESTRICTED)
    assert [values(one) for one in both.evolutions] == [list(range(8)), [1]]


def test_instances_of_one_time_are_not_torn_apart(store: Store) -> None:
    begin(store, "a", speed=[seen(n, n // 3, datasetId=f"urn:x:{n}") for n in range(9)])
    page = store.history.evolution("", A, TemporalQuery(instances_max=4), UNRESTRICTED)
    assert values(page.evolutions[0]) == [0, 1, 2, 3, 4, 5]
    assert page.cut == (START, START + MINUTE)


def test_tenants_have_histories_of_their_own(store: Store) -> None:
    assert evolve(store, A, Begin((f"{NS}Car",)), tenant="city") is False
    assert store.exists("city")
    assert nothing(store, A)
    with pytest.raises(NonexistentTenant):
        store.history.evolution("other", A, ALL, UNRESTRICTED)
    refused = store.history.apply_evolution("other", [EvolutionCommand(A, lambda _known, _now: ((), None))])
    with pytest.raises(NonexistentTenant):
        refused.result()
