"""A reader that stays, as a backup does, holds up no writer; what the WAL grew to is given back afterwards."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from broker.model.entity import Entity
from broker.ports import Command, Put
from broker.stores.sqlite import checkpointing, open_store
from broker.stores.sqlite.files import connect, tenant_path
from tests.fakes.clock import FakeClock

KEPT = 400_000


def put(number: int) -> Command:
    value: Any = {"type": "Property", "value": "x" * 5_000}
    entity = Entity({"id": f"urn:e:{number % 50}", "type": "https://x.org/A", "https://x.org/a": value}, 0, 0)
    return Command(entity.id, lambda _c, _n: Put(entity), creates=True)


def test_a_reader_that_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (
        ("WAL_PAGES_MAX", 100),
        ("WAL_PAGES_FULL", 200),
        ("RESTART_WAIT_MS", 50),
        ("WAL_BYTES_KEPT", KEPT),
    ):
        monkeypatch.setattr(checkpointing, name, value)
    store = open_store(tmp_path, FakeClock())
    store.apply("", [put(0)]).result()
    path = tenant_path(tmp_path, "")
    wal = path.with_name(path.name + "-wal")
    reader = connect(path, cache_kib=100, writes=False)
    reader.execute("BEGIN")
    assert reader.execute("SELECT count(*) FROM entity").get == 1
    begun = time.monotonic()
    for number in range(300):
        store.apply("", [put(number)]).result()
    took = time.monotonic() - begun
    grown = wal.stat().st_size
    assert reader.execute("SELECT count(*) FROM entity").get == 1
    reader.close()
    for number in range(20):
        store.apply("", [put(number)]).result()
    kept = wal.stat().st_size
    store.close()
    assert grown > 2 * KEPT
    assert took < 20, "the writer waited for the reader"
    assert kept <= KEPT + 200_000
