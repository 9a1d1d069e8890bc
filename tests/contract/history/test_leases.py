"""What the port Leases promises, on every engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.engines import ENGINES, Store, opened
from tests.fakes.clock import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(params=ENGINES)
def store(request: pytest.FixtureRequest, tmp_path: Path, clock: FakeClock) -> Iterator[Store]:
    with opened(request.param, tmp_path, clock) as held:
        yield held


def test_one_holder_at_a_time(store: Store) -> None:
    first = store.leases.take("sweep", "a", 10)
    assert first is not None
    assert store.leases.take("sweep", "b", 10) is None
    assert store.leases.take("sweep", "a", 10) == first
    assert store.leases.take("timers", "b", 10) is not None


def test_a_lease_that_is_not_renewed_ends(store: Store, clock: FakeClock) -> None:
    first = store.leases.take("sweep", "a", 10)
    clock.advance(9)
    assert store.leases.take("sweep", "a", 10) == first
    clock.advance(9)
    assert store.leases.take("sweep", "b", 10) is None
    clock.advance(1)
    second = store.leases.take("sweep", "b", 10)
    assert first is not None
    assert second is not None
    assert second > first
    assert store.leases.take("sweep", "a", 10) is None


def test_a_lease_given_back_is_free_at_once(store: Store) -> None:
    first = store.leases.take("sweep", "a", 10)
    store.leases.release("sweep", "b")
    assert store.leases.take("sweep", "b", 10) is None
    store.leases.release("sweep", "a")
    store.leases.release("never", "a")
    second = store.leases.take("sweep", "b", 10)
    assert first is not None
    assert second is not None
    assert second > first


def test_the_token_rises_also_when_the_last_holder_comes_back(store: Store) -> None:
    first = store.leases.take("sweep", "a", 10)
    store.leases.release("sweep", "a")
    second = store.leases.take("sweep", "a", 10)
    assert first is not None
    assert second is not None
    assert second > first


def test_a_clock_put_back_does_not_keep_a_lease_for_hours(store: Store, clock: FakeClock) -> None:
    store.leases.take("sweep", "a", 10)
    clock.advance(-3600)
    assert store.leases.take("sweep", "b", 10) is not None
