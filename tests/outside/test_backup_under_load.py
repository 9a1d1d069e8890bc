"""A backup while a served broker takes a thousand writes a second is the state at the sequence that it names."""

from __future__ import annotations

import random
import time
from pathlib import Path
from threading import Event, Thread
from typing import Any

import httpx

from broker.__main__ import main
from broker.model.entity import Entity
from broker.ports import Command, Put
from broker.stores.sqlite import open_store
from broker.stores.sqlite.backup import Copied, back_up
from broker.wiring import SystemClock
from tests.engines.replayed import replayed
from tests.fakes import plain
from tests.fakes.clock import FakeClock
from tests.outside.served import Served, serving

HELD, WRITERS, BATCH = 12_000, 2, 25
WRITES_A_S = 1_000
STEP_S = 0.05  # slows the copy down to some 20 MiB/s, so that much is written meanwhile
WAL_MIB_MAX = 200
TENANTS = ("", "city")


class Client(Thread):
    """Upserts and deletes batches at its share of the rate; counts what was acknowledged."""

    def __init__(self, root: str, number: int) -> None:
        super().__init__(daemon=True)
        self.root, self.chance = root, random.Random(number)
        self.tenant = {"NGSILD-Tenant": TENANTS[number]} if TENANTS[number] else {}
        self.acknowledged, self.slowest_s = 0, 0.0
        self.ending = Event()

    def run(self) -> None:
        with plain.Client(base_url=self.root + "/ngsi-ld/v1/entityOperations", timeout=60, headers=self.tenant) as http:
            begun = time.monotonic()
            while not self.ending.is_set():
                due = begun + self.acknowledged / (WRITES_A_S / WRITERS)
                time.sleep(max(0.0, due - time.monotonic()))
                self._write(http)

    def _write(self, http: httpx.Client) -> None:
        ids = {f"urn:ngsi-ld:B:{self.chance.randrange(HELD + 1_000)}" for _ in range(BATCH)}
        begun = time.monotonic()
        if self.chance.random() < 0.1:
            answer = http.post("/delete", json=sorted(ids))
        else:
            how = self.chance.choice(["update", "replace"])
            answer = http.post(f"/upsert?options={how}", json=[self._entity(one) for one in sorted(ids)])
        assert answer.status_code in (200, 201, 204, 207), answer.text
        self.slowest_s = max(self.slowest_s, time.monotonic() - begun)
        self.acknowledged += len(ids)

    def _entity(self, entity_id: str) -> dict[str, Any]:
        name = self.chance.choice(["a", "b", "c"])
        return {"id": entity_id, "type": "B", name: {"type": "Property", "value": self.chance.random()}}


def test_a_backup_under_load_is_the_state_at_the_sequence_it_names(tmp_path: Path) -> None:
    data = tmp_path / "data"
    fill(data)
    with serving(data) as broker:
        copied = backed_up_under_load(broker, tmp_path / "backup")
    assert main(["restore", "--from", str(tmp_path / "backup"), "--data", str(tmp_path / "new")]) == 0
    log, restored = open_store(data, FakeClock()), open_store(tmp_path / "new", FakeClock())
    for one in copied:
        if one.tenant is None:
            continue
        assert one.sequence < log.bounds(one.tenant)[1], "nothing was written after it"
        found = {e.id: (e.document, e.created_at, e.modified_at, e.version) for e in restored.scan(one.tenant)}
        assert found == replayed(log, one.tenant, one.sequence)
        assert restored.bounds(one.tenant)[1] == one.sequence
    log.close()
    restored.close()
    assert main(["check", "--data", str(tmp_path / "new")]) == 0


def backed_up_under_load(broker: Served, target: Path) -> list[Copied]:
    clients = [Client(broker.root, number) for number in range(WRITERS)]
    for client in clients:
        client.start()
    time.sleep(1)
    wal_mib: list[float] = []

    def slowly(_file: str, _done: int, _size: int) -> None:
        wal_mib.append(sum(path.stat().st_size for path in broker.data.rglob("*-wal")) / 2**20)
        time.sleep(STEP_S)

    begun, before = time.monotonic(), sum(client.acknowledged for client in clients)
    copied = back_up(broker.data, target, 0, slowly)
    took, writes = time.monotonic() - begun, sum(client.acknowledged for client in clients) - before
    time.sleep(0.5)
    for client in clients:
        client.ending.set()
        client.join(60)
    slowest = max(client.slowest_s for client in clients)
    size = sum(one.size for one in copied) / 2**20
    print(
        f"\n{size:.0f} MiB in {took:.1f} s, {writes / took:.0f} writes/s meanwhile; slowest answer {slowest:.2f} s, ",
        end="",
    )
    print(f"WAL at most {max(wal_mib):.0f} MiB")
    assert writes > 500, "there was no load"
    assert max(wal_mib) < WAL_MIB_MAX
    return copied


def fill(directory: Path) -> None:
    """Make the entities that are there before; the rest comes by HTTP."""
    store = open_store(directory, SystemClock())  # the log keeps what is not too old
    for tenant in TENANTS:
        for first in range(0, HELD, 500):
            store.apply(tenant, [_put(number) for number in range(first, first + 500)]).result()
    store.close()


def _put(number: int) -> Command:
    document: Any = {"id": f"urn:ngsi-ld:B:{number}", "type": "https://uri.etsi.org/ngsi-ld/default-context/B"}
    for name in "abc":
        document[f"https://uri.etsi.org/ngsi-ld/default-context/{name}"] = {"type": "Property", "value": number / 7}
    return Command(document["id"], lambda _c, _n: Put(Entity(document, 0, 0)), creates=True)
