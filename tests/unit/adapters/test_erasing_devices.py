"""Erasing an entity takes along what adapters keep of it: queue, quarantine, who it came from, what was taken."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from apsw import Connection

from adapters.erasing import erase
from adapters.frame import Frame
from adapters.running import Running
from adapters.store import AdapterStore
from broker.operations.broker import Call
from broker.operations.erase import erase_entity
from tests.fakes.hubs import HeldHub
from tests.fakes.piped import Pipe, piped

CITY = {
    "feeds.yaml": """
adapter: feeds
link: hand
codec: {kind: json, items: all, part: part, sequence: seq}
devices: [{id: kumiko, mapping: people}, {id: house, mapping: families}]
""",
    "people.yaml": """
mapping: people
version: 1
entities:
  - {id: "urn:ngsi-ld:Person:{device}", type: Person, attributes: {pulse: t}}
""",
    "families.yaml": """
mapping: families
version: 1
entities:
  - {id: "urn:ngsi-ld:Person:{device}-{part}", type: Person, attributes: {pulse: t}}
""",
}
KUMIKO = "urn:ngsi-ld:Person:kumiko"
UNSEEN = "what-nobody-shall-read"


def frame(pipe: Pipe, device: str, *messages: dict[str, object]) -> Frame:
    return Frame(json.dumps({"all": messages}).encode(), pipe.now(), device=device)


def erase_running(running: Running, entity: str) -> dict[str, int]:
    gone: dict[str, int] = {}
    running.erased("", entity, lambda: gone.update(erase(running.parts.store, "", entity)))
    return gone


def test_what_waits_and_what_is_quarantined_goes(tmp_path: Path) -> None:
    hub = HeldHub()
    hub.away = True
    with piped(tmp_path, CITY, hub=hub) as pipe:
        pipe.give(
            "feeds",
            frame(pipe, "kumiko", {"t": 61, "seq": "1"}),
            frame(pipe, "kumiko", {"x": "secret"}),
            frame(pipe, "house", {"t": 62, "part": "1"}, {"t": 63, "part": "2"}),
            frame(pipe, "house", {"x": "open"}),
        )
        running = pipe.assembled.running
        assert erase_running(running, KUMIKO) == {"adapter_queue": 1, "adapter_quarantine": 1, "adapter_device": 1}
        assert running.queue.depth == 1
        [left] = pipe.quarantined()
        assert left.refused.kept.device == "house"
        erase_running(running, "urn:ngsi-ld:Person:house-1")
        [row] = running.queue.next(10)
        assert [fragment["id"] for _, fragment in row.writes] == ["urn:ngsi-ld:Person:house-2"]
        assert row.kept.payload == b"", "it said of the other one too"
        hub.away = False
        pipe.settle()
        assert {entity for _, entity in hub.entities} == {"urn:ngsi-ld:Person:house-2"}


def test_nothing_tells_afterwards_that_a_message_was_known(tmp_path: Path) -> None:
    with piped(tmp_path, CITY) as pipe:
        given = frame(pipe, "kumiko", {"t": 61, "seq": "1"})
        pipe.give("feeds", given, given)
        assert pipe.counts("feeds").repeated == 1
        running = pipe.assembled.running
        erase_running(running, KUMIKO)
        pipe.give("feeds", given)
        assert pipe.counts("feeds").repeated == 1


def test_the_certificate_names_it(tmp_path: Path) -> None:
    with piped(tmp_path, CITY) as pipe:
        pipe.give("feeds", frame(pipe, "kumiko", {"t": 61}), frame(pipe, "kumiko", {"x": 1}))
        pipe.settle()
        assert pipe.built is not None
        house, running = pipe.built.house, pipe.assembled.running
        house.broker.beside.append(lambda tenant, entity: erase(running.parts.store, tenant, entity))
        made = erase_entity(house.broker, Call("", house.core), KUMIKO)
        assert {"adapter_device", "adapter_quarantine"} <= set(made.tables)
        assert pipe.quarantined() == []


@pytest.mark.parametrize("entity", [KUMIKO, "urn:ngsi-ld:Person:'; DROP TABLE queued; --"])
def test_a_file_without_the_tables_has_nothing_to_erase(tmp_path: Path, entity: str) -> None:
    store = AdapterStore(tmp_path)
    assert erase(store, "", entity) == {}
    store.close()


def test_no_byte_of_it_is_left_in_the_files(tmp_path: Path) -> None:
    with piped(tmp_path, CITY) as pipe:
        pipe.give("feeds", frame(pipe, "kumiko", {"t": 61, "note": UNSEEN * 200}))
        pipe.settle()
        store = pipe.assembled.running.parts.store
        pipe.give("feeds", frame(pipe, "kumiko", {"x": UNSEEN * 500}))
        erase_running(pipe.assembled.running, KUMIKO)
        files = [*store.path.parent.glob("adapters.sqlite*")]
        assert len(files) >= 2, "the log is looked at too"
        assert not [path.name for path in files if UNSEEN.encode() in path.read_bytes()]


def test_the_log_is_emptied_once_nobody_reads_from_it(tmp_path: Path) -> None:
    store = AdapterStore(tmp_path)
    store.tables("notes", ("CREATE TABLE note (text TEXT NOT NULL) STRICT",))
    store.write(lambda db: db.execute("INSERT INTO note VALUES (?)", (UNSEEN,)).fetchall()).result()
    reader = Connection(str(store.path))
    rows = reader.execute("SELECT text FROM note UNION ALL SELECT text FROM note")
    next(rows)
    store.write(lambda db: db.execute("DELETE FROM note").fetchall()).result()
    erase(store, "", KUMIKO)
    log = store.path.with_name("adapters.sqlite-wal")
    assert UNSEEN.encode() in log.read_bytes()
    reader.close(force=True)
    store.write(lambda _db: None).result()
    assert log.read_bytes() == b""
    assert UNSEEN.encode() not in store.path.read_bytes()
    store.close()
