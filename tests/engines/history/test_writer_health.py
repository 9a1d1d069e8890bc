"""Whatever goes wrong around a write fails that write, or nothing; the writer goes on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import apsw
import pytest

from broker.errors import ServiceUnavailable
from broker.ports.held import Held, HeldCommand, Hold
from broker.ports.outbox import SUBSCRIPTION, EntityChange, OutboxRow
from broker.stores.sqlite import SqliteStore, open_store
from broker.stores.sqlite.documents import Hub
from broker.stores.sqlite.files import tenant_path
from tests.contract.engines import entity, put, write
from tests.fakes.clock import FakeClock


class Unsteady:
    """Watches that fail while `failing` is set."""

    failing = False

    def compile(self, subscriptions: Sequence[Held]) -> Unsteady:
        """Itself."""
        assert subscriptions
        return self

    def matched(self, change: EntityChange, _linked: object) -> Sequence[str]:
        """The one subscription, for every change."""
        if self.failing:
            raise ZeroDivisionError(change.entity.id)
        return ["s1"]


@pytest.fixture
def watches() -> Unsteady:
    return Unsteady()


@pytest.fixture
def store(tmp_path: Path, watches: Unsteady) -> Iterator[SqliteStore]:
    made = open_store(tmp_path, FakeClock(), watches=watches)
    command = HeldCommand(SUBSCRIPTION, "s1", lambda _current, _now: Hold({}))
    made.held.apply_held("", [command]).result()
    try:
        yield made
    finally:
        made.close()


def test_a_watch_that_fails_fails_the_write_and_not_the_next(store: SqliteStore, watches: Unsteady) -> None:
    watches.failing = True
    with pytest.raises(ServiceUnavailable):
        write(store, entity("a", speed=1))
    assert store.get("", "urn:e:a") is None
    watches.failing = False
    write(store, entity("a", speed=1))
    assert [row.change.entity.id for row in store.outbox.waiting("", 0, 9)] == ["urn:e:a"]


def test_a_listener_that_fails_fails_nothing(store: SqliteStore) -> None:
    told: list[OutboxRow] = []

    def arrived(_tenant: str, rows: Sequence[OutboxRow]) -> None:
        told.extend(rows)
        raise ZeroDivisionError

    store.outbox.listen(arrived)
    for speed in range(3):
        write(store, entity("a", speed=speed))
    assert told == store.outbox.waiting("", 0, 9)
    assert len(told) == 3


def test_who_listens_to_commits_and_fails_fails_nothing(store: SqliteStore) -> None:
    told: list[str] = []

    def heard(tenant: str) -> None:
        told.append(tenant)
        raise ZeroDivisionError

    store.listen_to_commits(heard)
    write(store, entity("a", speed=1))
    write(store, entity("a", speed=1), tenant="city")
    assert told == ["", "city"]


def test_a_hub_that_cannot_be_written_fails_the_write_that_makes_a_tenant(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_hub: Hub, _tenants: list[str]) -> None:
        raise apsw.FullError("disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(Hub, "add", fail)
        with pytest.raises(ServiceUnavailable):
            write(store, entity("a", speed=1), tenant="city")
        write(store, entity("a", speed=1))
        assert not store.exists("city")
    write(store, entity("b", speed=1), tenant="city")
    assert store.exists("city")


def test_a_tenants_file_that_is_no_database_harms_no_other(store: SqliteStore, tmp_path: Path) -> None:
    write(store, entity("a", speed=1), tenant="city")
    store.close()
    tenant_path(tmp_path, "city").write_bytes(b"no database at all, " * 500)
    again = open_store(tmp_path, FakeClock())
    try:
        with pytest.raises(ServiceUnavailable):
            write(again, entity("a", speed=1), tenant="city")
        write(again, entity("a", speed=1))
    finally:
        again.close()


def test_a_decision_sees_no_half_written_group(store: SqliteStore, watches: Unsteady) -> None:
    write(store, entity("a", speed=1))
    watches.failing = True
    pending = [store.apply("", [put(entity("a", speed=speed))]) for speed in range(2, 5)]
    for one in pending:
        with pytest.raises(ServiceUnavailable):
            one.result()
    watches.failing = False
    found = store.get("", "urn:e:a")
    assert found is not None
    assert found.version == 1
