"""What the central system remembers: numbers of transactions, beginnings, statuses; over restarts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.links.ocpp.charging import Charging, Transaction
from adapters.store import AdapterStore
from tests.fakes.clock import START

DAY = 86_400_000_000
SOON_S = 10.0


@pytest.fixture
def store(tmp_path: Path) -> Iterator[AdapterStore]:
    opened = AdapterStore(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def charging(store: AdapterStore) -> Charging:
    return Charging(store, "chargers")


def begin(charging: Charging, connector: str = "1", at: int | None = START, meter: float = 1000) -> str:
    return charging.begin("c1", Transaction("", connector, at, meter), START).result(SOON_S).name


def test_the_same_beginning_has_the_same_number_until_it_ended(charging: Charging) -> None:
    first = begin(charging)
    assert begin(charging) == first
    assert begin(charging, at=START + 1) != first
    assert begin(charging, meter=1001) != first
    charging.note("c1", Transaction(first, ended_at=START + 5)).result(SOON_S)
    assert begin(charging) != first


def test_a_clock_that_a_station_never_set_gives_numbers_all_the_same(charging: Charging) -> None:
    first = begin(charging, at=None)
    assert begin(charging, at=None) == first


def test_numbers_are_never_given_twice(store: AdapterStore, tmp_path: Path) -> None:
    first = begin(Charging(store, "chargers"))
    store.write(lambda db: db.execute("DELETE FROM ocpp_transaction")).result(SOON_S)
    assert int(begin(Charging(store, "others"))) > int(first)


def test_stations_and_adapters_are_apart(charging: Charging, store: AdapterStore) -> None:
    name = begin(charging)
    assert charging.running("c2") == []
    assert Charging(store, "others").running("c1") == []
    assert [one.name for one in charging.running("c1", "1")] == [name]
    assert charging.running("c1", "2") == []
    charging.note("c1", Transaction(name, ended_at=START)).result(SOON_S)
    assert charging.running("c1") == []


def test_what_ended_long_ago_is_forgotten(charging: Charging) -> None:
    old = begin(charging)
    charging.note("c1", Transaction(old, ended_at=START)).result(SOON_S)
    charging.begin("c1", Transaction("", "2", START, 0), START + 31 * DAY).result(SOON_S)
    again = charging.note("c1", Transaction(old, peak_w=1)).result(SOON_S)
    assert again.started_at is None


def test_a_register_of_a_transaction_whose_beginning_nobody_told_is_no_beginning(charging: Charging) -> None:
    told = charging.note("c1", Transaction("t1", begin_wh=5000)).result(SOON_S)
    assert told.begin_wh is None
    known = charging.note("c1", Transaction("t2", "1", START)).result(SOON_S)
    assert known.begin_wh is None
    assert charging.note("c1", Transaction("t2", begin_wh=7000)).result(SOON_S).begin_wh == 7000
    assert charging.note("c1", Transaction("t2", begin_wh=9000)).result(SOON_S).begin_wh == 7000


STEP = st.builds(
    Transaction,
    st.just("t1"),
    st.sampled_from(["", "1"]),
    st.sampled_from([None, START]),
    st.none() | st.integers(0, 10**6).map(float),
    st.none() | st.integers(0, 10**5).map(float),
    st.none() | st.integers(0, 100).map(float),
    st.sampled_from([None, START + 1]),
)


@settings(max_examples=200)
@given(st.lists(STEP, max_size=8), st.integers(0, 7))
def test_telling_again_what_was_told_changes_nothing(steps: list[Transaction], place: int) -> None:
    once = twice = Transaction("t1")
    for number, step in enumerate(steps):
        once = once.joined(step)
        twice = twice.joined(step)
        if number == place:
            twice = twice.joined(step)
    assert once == twice
    begun = next((number for number, step in enumerate(steps) if step.started_at is not None), len(steps))
    registers = [step.begin_wh for step in steps[begun:] if step.begin_wh is not None]
    assert once.begin_wh == (registers[0] if registers else None)


@pytest.mark.parametrize(
    ("told", "whole"),
    [
        ([(1, 1, "Available")], ("Available", 1, 1, "Available")),
        ([(1, 1, "Occupied"), (1, 2, "Available")], ("Occupied", 0, 1, "Occupied")),
        ([(1, 1, "Unavailable"), (1, 2, "Available")], ("Available", 1, 1, "Available")),
        ([(2, 1, "Available"), (1, 1, "Faulted")], ("Faulted", 1, 2, "Available")),
        ([(2, 1, "Faulted"), (1, 1, "Unavailable")], ("Unavailable", 0, 2, "Unavailable")),
        ([(2, 1, "Charging"), (1, 1, "Unavailable")], ("Unavailable", 0, 2, "Occupied")),
        ([(0, 1, "Unavailable"), (1, 1, "Available")], ("Available", 0, 1, "Unavailable")),
        ([(0, 1, "Available")], ("Available", 0, 0, "Available")),
        ([(1, 1, "Faulted"), (1, 1, "Available")], ("Available", 1, 1, "Available")),
    ],
)
def test_a_station_is_what_its_units_are(
    charging: Charging, told: list[tuple[int, int, str]], whole: tuple[str, int, int, str]
) -> None:
    *_, found = [charging.status("c1", *one).result(SOON_S) for one in told]
    assert (found.evse, found.free, found.of, found.status) == whole
