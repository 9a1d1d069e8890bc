"""What is kept is weighed with all that is in it, and read so much at once as fits into memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters import quarantine, queue
from adapters.quarantine import Chosen, Quarantine, Refused
from adapters.queue import Kept, Queue, row_of
from adapters.store import AdapterStore


@pytest.fixture
def store(tmp_path: Path) -> Iterator[AdapterStore]:
    made = AdapterStore(tmp_path)
    yield made
    made.close()


def fill(store: AdapterStore, kept: Queue, *payloads: bytes) -> None:
    rows = [
        row_of(Kept("meters", "メーター", 1, "/c", {"t": "1"}, one), [("", {"id": "urn:x:1", "type": "T"})])
        for one in payloads
    ]
    store.write(lambda db: kept.insert(db, rows), lambda _: kept.grew(rows)).result()


def put(store: AdapterStore, kept: Quarantine, *refused: Refused) -> None:
    store.write(lambda db: kept.insert(db, refused)).result()


def of(device: str, payload: bytes = b"x", reason: str = "clock", channel: str = "", content_type: str = "") -> Refused:
    about = {"content_type": content_type} if content_type else {}
    return Refused(Kept("meters", device, 1, channel, about, payload), reason, "off", 1)


def shown(kept: Quarantine) -> list[str]:
    return [one.refused.kept.device for one in kept.find(Chosen(), 1_000)]


def test_large_rows_leave_the_queue_a_few_at_a_time(store: AdapterStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "BATCH_BYTES", 10_000)
    kept = Queue(store)
    fill(store, kept, b"x" * 4_000, b"x" * 4_000, b"x" * 4_000, b"x" * 50_000, b"y")
    taken = []
    while rows := kept.next(500):
        store.write(lambda db, rows=rows: kept.remove(db, rows), lambda _, rows=rows: kept.shrank(rows)).result()  # type: ignore[misc]
        taken.append([len(row.kept.payload) for row in rows])
    assert taken == [[4_000, 4_000], [4_000], [50_000], [1]]
    assert (kept.depth, kept.size) == (0, 0)


def test_the_queue_weighs_a_row_as_the_file_does(store: AdapterStore) -> None:
    kept = Queue(store)
    fill(store, kept, b"", b"x" * 100)
    assert kept.size == Queue(store).size > 100 + 2 * len("メーター".encode())


def test_no_number_of_the_queue_is_given_twice(store: AdapterStore) -> None:
    kept = Queue(store)
    fill(store, kept, b"1", b"2")
    rows = kept.next(10)
    store.write(lambda db: kept.remove(db, rows[1:])).result()
    fill(store, kept, b"3")
    store.write(lambda db: kept.remove(db, rows)).result()
    assert [row.kept.payload for row in kept.next(10)] == [b"3"]


def test_a_file_of_before_keeps_what_waited(store: AdapterStore) -> None:
    store.tables("queue", queue._TABLES[:1])
    row = row_of(Kept("meters", "d", 1), [("", {"id": "urn:x:1", "type": "T"})])
    sql = "INSERT INTO queued VALUES (7, ?, ?, ?, ?, ?, ?, ?)"
    store.write(lambda db: db.execute(sql, row[:-1]).fetchall()).result()
    assert [one.number for one in Queue(store).next(10)] == [7]


def test_a_page_of_the_quarantine_is_as_large_as_fits(store: AdapterStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quarantine, "PAGE_BYTES", 5_000)
    kept = Quarantine(store)
    put(store, kept, *(of(f"d{number}", b"x" * 2_000) for number in range(6)))
    first = kept.find(Chosen(), 1_000)
    assert [one.refused.kept.device for one in first] == ["d0", "d1"]
    assert kept.has(Chosen(after=first[-1].number))
    assert [one.refused.kept.device for one in kept.each(Chosen(), 5)] == ["d0", "d1", "d2", "d3", "d4"]
    kept.ask_replay(Chosen())
    assert len(kept.to_replay("meters", 100)) == 2


def test_everything_of_a_frame_counts(store: AdapterStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quarantine, "BYTES_MAX", 5_000)
    monkeypatch.setattr(quarantine, "PRUNED_BYTES", 2_000)
    kept = Quarantine(store)
    for number in range(20):
        put(store, kept, of(f"{number}-" + "d" * 250, channel="c" * 900))
    assert len(shown(kept)) <= 6


def test_what_a_sender_says_beside_its_message_is_cut(store: AdapterStore) -> None:
    kept = Quarantine(store)
    put(store, kept, of("d", channel="c" * 16_000, content_type="x" * 16_000))
    [one] = kept.find(Chosen())
    assert len(one.refused.kept.channel) == quarantine.CHANNEL_MAX
    assert len(one.refused.kept.about["content_type"]) == quarantine.CONTENT_TYPE_MAX


@pytest.mark.parametrize("bound", ["STRANGERS_ROWS_MAX", "STRANGERS_BYTES_MAX"])
def test_strangers_push_out_nobody_who_is_known(
    store: AdapterStore, monkeypatch: pytest.MonkeyPatch, bound: str
) -> None:
    monkeypatch.setattr(quarantine, bound, 5 if bound == "STRANGERS_ROWS_MAX" else 1_000)
    monkeypatch.setattr(quarantine, "ROWS_MAX", 20)
    kept = Quarantine(store)
    put(store, kept, of("known"), *(of(f"stranger-{number}", reason="unknown_device") for number in range(100)))
    kept.prune(1)
    assert shown(kept) == ["known", *(f"stranger-{number}" for number in range(95, 100))]


def test_who_has_a_wrong_key_pushes_out_nothing_of_the_device_it_names(store: AdapterStore) -> None:
    kept = Quarantine(store)
    put(store, kept, of("d", b"mine"), *(of("d", reason="wrong_key") for _ in range(quarantine.ROWS_OF_DEVICE_MAX + 9)))
    assert kept.prune(1) == 9
    assert kept.find(Chosen(reason="clock"))
