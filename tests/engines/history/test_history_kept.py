"""History on disk: it is there after a kill and in a backup, and `misono check` says where it is not whole."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from broker.ports import UNRESTRICTED, Remove
from broker.ports.evolution import AddInstances, Begin, DropInstance
from broker.query.temporal import TemporalQuery
from broker.stores.sqlite import SqliteStore, open_store
from broker.stores.sqlite.checking import check_tenant
from broker.stores.sqlite.files import tenant_path
from tests.contract.engines import NS, command, entity, write
from tests.contract.history.evolving import A, change, evolve, seen, told, values
from tests.engines.history.test_evolutions_agree import both
from tests.fakes.clock import FakeClock


@pytest.fixture(name="store")
def one_store(tmp_path: Path) -> Iterator[SqliteStore]:
    store = open_store(tmp_path, FakeClock())
    yield store
    store.close()


def lived(store: SqliteStore) -> None:
    """Instances of all sorts: superseded, ended, given, corrected, forgotten; of what is, was and never was."""
    clock = store._clock
    assert isinstance(clock, FakeClock)
    write(store, entity("a", speed=seen(1, 1), scope="/east"), entity("b", speed=[1, 2]), entity("c", speed="x"))
    clock.advance()
    change(store, A, speed=seen(2, 2), scope="/west")
    evolve(store, A, AddInstances(f"{NS}speed", [seen(3, 3, **{f"{NS}sub": seen(1, 1)})]))
    evolve(store, A, DropInstance(f"{NS}speed", str(told(store, A).attributes[f"{NS}speed"][1]["instanceId"])))
    evolve(store, "urn:e:d", Begin((f"{NS}Car",)), AddInstances(f"{NS}speed", [seen(1, 1, datasetId="urn:x:1")]))
    store.apply("", [command("urn:e:b", lambda _current, _now: Remove())]).result()


def faults(directory: Path) -> list[str]:
    return check_tenant(tenant_path(directory, "")).faults


def test_a_history_that_is_whole(store: SqliteStore, tmp_path: Path) -> None:
    lived(store)
    assert faults(tmp_path) == []


def test_random_lives_leave_it_whole(tmp_path: Path) -> None:
    for seed in range(5):
        with both("sqlite", tmp_path / str(seed), seed) as held:
            for _ in range(60):
                held.step()
            assert faults(tmp_path / str(seed) / "data") == []


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("DELETE FROM history WHERE iri = 'urn:e:d'", "which is no entity and has no history"),
        ("DELETE FROM name WHERE text LIKE '%x:1'", "which has no name"),
        ("UPDATE history SET iri = 'urn:e:z' WHERE iri = 'urn:e:a'", "is under the number of urn:e:a"),
        ("UPDATE history SET deleted_at = 1 WHERE iri = 'urn:e:a'", "is deleted, and it is there"),
        ("UPDATE history SET types = '{' WHERE iri = 'urn:e:d'", "has no lists of types and scopes"),
        ("UPDATE instance SET body = '{' WHERE body IS NOT NULL", "cannot be read"),
        ("UPDATE instance SET time = time + 1 WHERE observed = 1 AND form IS NOT NULL", "its time"),
        ("UPDATE instance SET time = time + 1 WHERE observed = 0", "does not stand at its time"),
    ],
)
def test_what_is_not_whole_is_told(store: SqliteStore, tmp_path: Path, sql: str, said: str) -> None:
    lived(store)
    db = apsw.Connection(str(tenant_path(tmp_path, "")))
    db.execute(sql)
    db.close()
    assert any(said in fault for fault in faults(tmp_path))


def test_history_is_there_when_the_store_is_opened_again(tmp_path: Path) -> None:
    clock = FakeClock()
    store = open_store(tmp_path, clock)
    lived(store)
    before = told(store, A)
    store.close()
    again = open_store(tmp_path, clock)
    try:
        assert told(again, A) == before
        assert values(told(again, "urn:e:b")) == [[1, 2], "urn:ngsi-ld:null"]
        clock.advance()
        write(again, entity("e", speed=5))
        assert values(told(again, "urn:e:e")) == [5]
        page = again.history.evolution("", "urn:e:d", TemporalQuery(), UNRESTRICTED)
        assert len(page.evolutions) == 1
    finally:
        again.close()


def test_two_processes_see_one_history(tmp_path: Path) -> None:
    clock = FakeClock()
    one, two = open_store(tmp_path, clock), open_store(tmp_path, clock)
    try:
        write(one, entity("a", speed=1))
        change(two, A, speed=2)
        change(one, A, speed=3)
        evolve(two, A, AddInstances(f"{NS}speed", [seen(9, 9)]))
        change(two, A, speed=4)
        assert sorted(values(told(one, A))) == sorted(values(told(two, A))) == [1, 2, 3, 4, 9]
    finally:
        one.close()
        two.close()
