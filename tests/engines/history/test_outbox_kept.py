"""Backup, restore and check know what stands beside the entities."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest

from broker.__main__ import main
from broker.ports.held import HeldCommand, Hold
from broker.ports.outbox import SUBSCRIPTION, Closing
from broker.stores.sqlite import SqliteStore, open_store
from tests.contract.engines import entity, write
from tests.fakes.clock import START, FakeClock
from tests.fakes.watching import TypeWatches

TENANTS = ("", "city")


def fill(directory: Path) -> None:
    """Two tenants with rows waiting, delivered and dead, one entity soon to expire."""
    store = open_store(directory, FakeClock(), watches=TypeWatches())
    for tenant in TENANTS:
        for name in ("s1", "s2"):
            command = HeldCommand(SUBSCRIPTION, name, lambda _current, _now: Hold({"watches": "*"}), creates=True)
            store.held.apply_held(tenant, [command]).result()
        write(store, entity("a", expires_at=START + 1_000_000, speed=1), entity("b", speed=2), tenant=tenant)
        rows = store.outbox.waiting(tenant, 0, 9)
        store.outbox.close_rows(tenant, [Closing(rows[0], "delivered", 5), Closing(rows[1], "dead", 6)]).result()
        store.held.mark(tenant, "timer:s1", 7).result()
    store.leases.take("sweep", "somebody", 1_000_000)
    store.close()


def held(store: SqliteStore) -> list[object]:
    """All of it."""
    return [
        (
            store.held.all_held(tenant, SUBSCRIPTION),
            store.held.marks(tenant, ""),
            store.outbox.waiting(tenant, 0, 9),
            store.outbox.dead(tenant, 0, 9),
            store.outbox.deliveries(tenant),
            store.outbox.newest(tenant),
        )
        for tenant in TENANTS
    ]


def test_what_is_restored_has_its_outbox(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, backup, new = (str(tmp_path / name) for name in ("data", "backup", "new"))
    fill(tmp_path / "data")
    hub = apsw.Connection(str(tmp_path / "data" / "hub.sqlite"))
    hub.execute("DELETE FROM kept; UPDATE due SET at = at * 2 + 99, sweeping = 1")  # copied before the tenants changed
    hub.close()
    assert main(["backup", "--data", data, "--to", backup]) == 0
    assert main(["restore", "--from", backup, "--data", new]) == 0
    assert main(["check", "--data", new]) == 0
    assert "all is well" in capsys.readouterr().out
    clock = FakeClock()
    old, restored = (open_store(Path(one), clock, watches=TypeWatches()) for one in (data, new))
    try:
        assert held(restored) == held(old)
        assert restored.outbox.tenants() == ["", "city"]
        assert restored.leases.take("sweep", "another", 1) is not None
        clock.advance(2)
        assert restored.sweep() == 2
    finally:
        old.close()
        restored.close()


@pytest.mark.parametrize(
    ("said", "harm"),
    [
        ("outbox 3 has no image", "DELETE FROM outbox_image WHERE last >= 3"),
        ("dead_letter 2 has no image", "DELETE FROM outbox_image WHERE first = 1"),
        ("outbox_image 3 to 4 is of no row", "DELETE FROM outbox"),
        ("outbox_image 3 to 4 cannot be read", "UPDATE outbox_image SET after = 'x' WHERE first = 3"),
        ("outbox_image 3 to 4 is of", "UPDATE outbox_image SET iri = 'urn:e:z' WHERE first = 3"),
        ("outbox_image 3 to 4 follows one that ends at 3", "UPDATE outbox_image SET last = 3 WHERE first = 1"),
        ("outbox 3 is waiting and dead", "UPDATE dead_letter SET number = 3"),
        ("outbox 4 is above 3", "UPDATE sqlite_sequence SET seq = 3 WHERE name = 'outbox'"),
        ("delivery has rows of s1, which is no subscription", "UPDATE held SET id = 's9' WHERE id = 's1'"),
        ("expires at 5, and the hub says", "INSERT INTO held VALUES ('entity_map', 'm', '{}', 1, 1, 1, 5)"),
    ],
)
def test_check_finds_an_outbox_that_is_not_whole(
    said: str, harm: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(tmp_path)
    store = open_store(tmp_path, FakeClock())
    store.sweep()
    store.close()
    db = apsw.Connection(str(tmp_path / "default.sqlite"))
    db.execute(harm)
    db.close()
    assert main(["check", "--data", str(tmp_path)]) == 1
    assert said in capsys.readouterr().out


def test_check_finds_subscriptions_that_the_hub_does_not_know_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(tmp_path)
    hub = apsw.Connection(str(tmp_path / "hub.sqlite"))
    hub.execute("DELETE FROM kept WHERE tenant = 'city'")
    hub.close()
    assert main(["check", "--data", str(tmp_path)]) == 1
    assert "tenant 'city' has subscriptions, and the hub does not say so" in capsys.readouterr().out
