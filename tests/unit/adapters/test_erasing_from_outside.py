"""A hub that runs no adapters itself has those erase who run them, or does it where nobody does; nothing is lost."""

from __future__ import annotations

import secrets
from argparse import Namespace
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from adapters import erasing_asked
from adapters.device import Device
from adapters.erasing import erase
from adapters.erasing_asked import Asking
from adapters.frame import Frame
from adapters.queue import Kept, Queue, row_of
from adapters.store import AdapterStore, NotKept, UnusableFile
from adapters.watching import LastSeen
from broker.errors import NgsiError, ServiceUnavailable
from broker.joining import beside
from broker.ports.hub import Fragment
from broker.settings import read_settings
from tests.fakes.hubs import HeldHub
from tests.fakes.piped import Pipe, piped, until

CITY = {
    "feeds.yaml": """
adapter: feeds
link: hand
codec: {kind: json, items: all, sequence: seq}
devices: [{id: kumiko, mapping: people}, {id: taro, mapping: people}]
""",
    "people.yaml": """
mapping: people
version: 1
entities:
  - {id: "urn:ngsi-ld:Person:{device}", type: Person, attributes: {pulse: t}}
""",
}
KUMIKO, TARO = "urn:ngsi-ld:Person:kumiko", "urn:ngsi-ld:Person:taro"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[AdapterStore]:
    made = AdapterStore(tmp_path)
    yield made
    made.close()


def frame(pipe: Pipe, device: str, sequence: str = "1") -> Frame:
    return Frame(b'{"all": [{"t": 61, "seq": "%s"}]}' % sequence.encode(), pipe.now(), device=device)


class OtherErases(HeldHub):
    """While the first batch is being written, another process erases somebody, and a message comes in."""

    def begin(self, pipe: Pipe, asking: Asking, pool: ThreadPoolExecutor) -> None:
        self.pipe, self.asking, self.pool = pipe, asking, pool
        self.erased: Any = None

    def upsert(self, tenant: str, fragments: Sequence[Fragment]) -> list[NgsiError | None]:
        results = super().upsert(tenant, fragments)
        if self.erased is None:
            self.erased = self.pool.submit(self.asking.erase, "", KUMIKO)
            until(self.asking.open)
            self.pipe.give("feeds", frame(self.pipe, "taro"))
        return results


def test_what_comes_in_while_a_batch_is_under_way_is_kept(tmp_path: Path) -> None:
    hub = OtherErases()
    hub.away = True
    with piped(tmp_path, CITY, hub=hub) as pipe, ThreadPoolExecutor(1) as pool:
        other = AdapterStore(tmp_path / "data")
        hub.begin(pipe, Asking(other), pool)
        pipe.give("feeds", frame(pipe, "kumiko"))
        hub.away = False
        until(lambda: hub.erased)
        assert "adapter_queue" not in hub.erased.result(10), "the batch had gone by then"
        pipe.settle()
        assert ("", TARO) in hub.entities
        other.close()


def test_who_runs_the_adapters_forgets_what_it_has_in_memory(tmp_path: Path) -> None:
    with piped(tmp_path, CITY) as pipe:
        other = AdapterStore(tmp_path / "data")
        given = frame(pipe, "kumiko")
        pipe.give("feeds", given)
        Asking(other).erase("", KUMIKO)
        pipe.give("feeds", given)
        assert pipe.counts("feeds").repeated == 0, "with another salt nobody knows the message"
        assert other.read("SELECT * FROM erasure") == []
        other.close()


def test_no_salt_comes_back(store: AdapterStore) -> None:
    seen = LastSeen(store, secrets.token_bytes)
    one = seen.of(Device("kumiko", "feeds"), 1)
    store.write(lambda db: seen.insert(db, one, [KUMIKO])).result()
    erase(store, "", KUMIKO)
    [(salt,)] = store.read("SELECT salt FROM device_seen")
    one.last_at = 7
    seen.changed(one)
    store.write(seen.flush).result()
    assert store.read("SELECT salt, last_at FROM device_seen") == [(salt, 7)]
    assert salt != one.salt


def test_who_is_alone_erases_by_itself(store: AdapterStore, tmp_path: Path) -> None:
    queue, other = Queue(store), AdapterStore(tmp_path)
    rows = [row_of(Kept("feeds", "kumiko", 1), [("", {"id": KUMIKO, "type": "Person"})])]
    store.write(lambda db: queue.insert(db, rows)).result()
    assert Asking(other).erase("", KUMIKO) == {"adapter_queue": 1}
    with pytest.raises(UnusableFile):
        store.run_alone()
    other.close()
    store.run_alone()


def test_an_erasure_that_nobody_came_to_is_withdrawn(
    store: AdapterStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasing_asked, "PATIENCE_S", 0.1)
    store.run_alone()
    other = AdapterStore(tmp_path)
    asking = Asking(other)
    with pytest.raises(NotKept, match="did not come"):
        asking.erase("", KUMIKO)
    assert asking.open() == []
    other.close()


def test_a_hub_looks_for_the_file_when_it_erases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    [erase_beside] = beside(read_settings(Namespace(config=""), {"MISONO_DATA": str(tmp_path)}))
    assert erase_beside("", KUMIKO) == {}
    store = AdapterStore(tmp_path)
    queue = Queue(store)
    rows = [row_of(Kept("feeds", "kumiko", 1), [("", {"id": KUMIKO, "type": "Person"})])]
    store.write(lambda db: queue.insert(db, rows)).result()
    assert erase_beside("", KUMIKO) == {"adapter_queue": 1}
    store.run_alone()
    monkeypatch.setattr(erasing_asked, "PATIENCE_S", 0.1)
    with pytest.raises(ServiceUnavailable):
        erase_beside("", KUMIKO)
    store.close()
