"""What has expired is removed, and a tenant of which nothing can have expired is left closed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from broker.ports.held import HeldCommand, Hold
from broker.stores.sqlite import SqliteStore, open_store
from broker.stores.sqlite.dues import Dues
from broker.stores.sqlite.files import connect, hub_path, tenant_path
from tests.contract.engines import command, entity, write
from tests.fakes.clock import START, FakeClock

SECOND = 1_000_000


@contextmanager
def opened(directory: Path, clock: FakeClock) -> Iterator[SqliteStore]:
    store = open_store(directory, clock)
    try:
        yield store
    finally:
        store.close()


def due(directory: Path) -> dict[str, tuple[int, int]]:
    """Tenant -> when it is to be swept, and whether a sweep has begun."""
    db = connect(hub_path(directory), cache_kib=100, writes=False)
    try:
        return {str(tenant): (int(at), int(begun)) for tenant, at, begun in db.execute("SELECT * FROM due").fetchall()}  # type: ignore[arg-type]
    finally:
        db.close()


def test_only_tenants_with_something_due_are_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = FakeClock()
    with opened(tmp_path, clock) as store:
        for number in range(20):
            write(store, entity("a", speed=1), tenant=f"idle{number}")
        write(store, entity("a", expires_at=START + SECOND, speed=1), tenant="busy")
        store.sweep()
    with opened(tmp_path, clock) as store:
        swept: list[str] = []
        whole = SqliteStore._sweep

        def noted(one: SqliteStore, tenant: str) -> int:
            swept.append(tenant)
            return whole(one, tenant)

        monkeypatch.setattr(SqliteStore, "_sweep", noted)
        assert store.sweep() == 0
        assert swept == []
        clock.advance(1)
        assert store.sweep() == 1
        assert swept == ["busy"]
        clock.advance(3600)
        assert store.sweep() == 0
        assert swept == ["busy"]


def test_the_earliest_of_what_is_left_is_next(tmp_path: Path) -> None:
    clock = FakeClock()
    with opened(tmp_path, clock) as store:
        write(store, *(entity(name, expires_at=START + at * SECOND, speed=1) for name, at in (("a", 9), ("b", 3))))
        hold = HeldCommand("entity_map", "m", lambda _current, _now: Hold({}, None, START + 6 * SECOND))
        store.held.apply_held("", [hold]).result()
        assert store.sweep() == 0
        for at, swept in ((3, 1), (5, 0), (6, 1), (8, 0), (9, 1)):
            clock.set(START + at * SECOND)
            assert store.sweep() == swept, at
        assert store.held.held_generation("", "entity_map") == 2


def test_a_sweep_that_came_to_no_end_is_begun_again(tmp_path: Path) -> None:
    clock = FakeClock()
    with opened(tmp_path, clock) as store:
        write(store, entity("a", expires_at=START + SECOND, speed=1))
    dues = Dues(hub_path(tmp_path))
    dues.begin("")
    dues.close()
    clock.advance(2)
    with opened(tmp_path, clock) as store:
        assert store.sweep() == 1
    assert due(tmp_path)[""][1] == 0


def test_what_is_written_while_a_sweep_is_on_is_not_lost(tmp_path: Path) -> None:
    clock = FakeClock()
    with opened(tmp_path, clock) as store:
        dues = Dues(hub_path(tmp_path))
        dues.begin("")
        write(store, entity("a", expires_at=START + SECOND, speed=1))
        dues.end("", None)
        dues.close()
        clock.advance(1)
        assert store.sweep() == 1


def test_the_hub_knows_before_the_write_is_there(tmp_path: Path) -> None:
    clock = FakeClock()
    with opened(tmp_path, clock) as store:
        store.sweep()

        def fail(_current: object, _now: object) -> None:
            raise ZeroDivisionError

        write(store, entity("a", expires_at=START + 5 * SECOND, speed=1))
        assert due(tmp_path)[""] == (START + 5 * SECOND, 0)
        with pytest.raises(ZeroDivisionError):
            store.apply("", [command("urn:e:b", fail)]).result()  # type: ignore[arg-type]
        write(store, entity("a", speed=1))
        clock.advance(5)
        assert store.sweep() == 0
        assert store.get("", "urn:e:a") is not None


def test_a_tenant_whose_first_write_failed_is_not_swept(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with opened(tmp_path, FakeClock()) as store:
        dues = Dues(hub_path(tmp_path))
        dues.lower("never", START)
        dues.close()
        assert store.sweep() == 0
        assert caplog.records == []


def test_a_tenant_that_cannot_be_swept_holds_up_no_other(tmp_path: Path) -> None:
    clock = FakeClock()
    with opened(tmp_path, clock) as store:
        for tenant in ("a", "b", "c"):
            write(store, entity("a", expires_at=START + SECOND, speed=1), tenant=tenant)
    path = tenant_path(tmp_path, "b")
    content = path.read_bytes()
    path.write_bytes(b"no database at all, " * 500)
    clock.advance(2)
    with opened(tmp_path, clock) as store:
        assert store.sweep() == 2
    path.write_bytes(content)
    with opened(tmp_path, clock) as store:
        assert store.sweep() == 1
