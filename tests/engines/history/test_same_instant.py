"""A clock that stands still or goes back, over restarts and beside another process: writes go on, none is lost."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from broker.ports import UNRESTRICTED
from broker.query.temporal import TemporalQuery
from broker.stores.sqlite import SqliteStore, open_store
from tests.contract.engines import NS, entity, write
from tests.fakes.clock import FakeClock

BACK_S = -3600


def speeds(store: SqliteStore) -> list[int]:
    """Every value that the entity had, in whatever order."""
    (found,) = store.history.evolution("", "urn:e:a", TemporalQuery(), UNRESTRICTED).evolutions
    return sorted(int(str(one["value"])) for one in found.attributes[f"{NS}speed"])


def test_a_restart_within_the_same_instant(tmp_path: Path) -> None:
    for run in range(3):
        store = open_store(tmp_path, FakeClock())
        for number in range(3):
            write(store, entity("a", speed=3 * run + number))
        if run == 2:
            assert speeds(store) == list(range(9))
        store.close()


def test_two_processes_whose_clock_was_put_back(tmp_path: Path) -> None:
    clock = FakeClock()
    with ExitStack() as closing:
        stores = [open_store(tmp_path, clock) for _ in range(2)]
        for store in stores:
            closing.callback(store.close)
        write(stores[0], entity("a", speed=0))
        clock.advance(BACK_S)
        for number in range(1, 200):
            clock.advance(1)
            write(stores[number % 2], entity("a", speed=number))
        assert speeds(stores[0]) == list(range(200))
