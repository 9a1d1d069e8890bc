"""What is kept is bounded: the quarantine by age, number, size and device, known messages by age and number."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters import dedupe, quarantine
from adapters.clocks import Leeway
from adapters.dedupe import Dedupe, Key, key_of
from adapters.frame import BadFrame
from adapters.quarantine import Chosen, Quarantine, Refused
from adapters.queue import Kept, masked, without
from adapters.rate import BURST_S, Rates
from adapters.readings import Reading, Readings
from adapters.store import AdapterStore

SECOND = 1_000_000


@pytest.fixture
def store(tmp_path: Path) -> Iterator[AdapterStore]:
    made = AdapterStore(tmp_path)
    yield made
    made.close()


def put(store: AdapterStore, kept: Quarantine, *refused: Refused) -> None:
    store.write(lambda db: kept.insert(db, refused)).result()


def refused(device: str, at: int, size: int = 10) -> Refused:
    return Refused(Kept("meters", device, at, payload=b"x" * size), "clock", "off", at)


def test_old_frames_go(store: AdapterStore) -> None:
    kept = Quarantine(store)
    put(store, kept, refused("a", 0), refused("b", 2 * quarantine.AGE_MAX))
    assert kept.prune(2 * quarantine.AGE_MAX) == 1
    assert [one.refused.kept.device for one in kept.find(Chosen())] == ["b"]


def test_one_device_does_not_push_out_the_others(store: AdapterStore) -> None:
    kept = Quarantine(store)
    put(store, kept, refused("quiet", 1), *(refused("noisy", 1) for _ in range(quarantine.ROWS_OF_DEVICE_MAX + 50)))
    assert kept.prune(1) == 50
    assert len(kept.find(Chosen(device="quiet"))) == 1


def test_the_newest_stay_within_the_size(store: AdapterStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quarantine, "BYTES_MAX", 10_000)
    kept = Quarantine(store)
    put(store, kept, *(refused(f"d{number}", 1, size=1_800) for number in range(12)))
    kept.prune(1)
    assert [one.refused.kept.device for one in kept.find(Chosen())] == [f"d{number}" for number in range(7, 12)]


def test_a_flood_is_cut_before_anybody_looks(store: AdapterStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quarantine, "BYTES_MAX", 20_000)
    monkeypatch.setattr(quarantine, "PRUNED_BYTES", 5_000)
    kept = Quarantine(store)
    for number in range(100):
        put(store, kept, refused(f"d{number}", 1, size=1_000))
    assert len(kept.find(Chosen(), 1_000)) < 25


def test_it_is_listed_by_pages_and_discarded_by_choice(store: AdapterStore) -> None:
    kept = Quarantine(store)
    put(store, kept, *(refused(f"d{number % 2}", number) for number in range(10)))
    first = kept.find(Chosen(), 4)
    rest = kept.find(Chosen(after=first[-1].number), 100)
    assert [one.number for one in first + rest] == [*range(1, 11)]
    assert kept.discard(Chosen(device="d0")) == 5
    assert kept.discard(Chosen(numbers=(2, 4, 99))) == 2
    assert kept.counts() == [("meters", "clock", 3)]
    assert kept.find(Chosen(reason="clock'; DROP TABLE quarantined; --")) == []


def test_known_messages_are_bounded_by_number_and_age(store: AdapterStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dedupe, "KEYS_MAX", 1_000)
    monkeypatch.setattr(dedupe, "CHUNK_KEYS", 100)
    known = Dedupe(store, 0)
    for number in range(3_000):
        known.note([Key(number, 1)], number)
    assert known.find(2_999) == Key(2_999, 1)
    assert known.find(500) is None
    known.note([Key(9_999, 1)], 2 * dedupe.AGE_MAX)
    assert known.find(2_999) is None


def test_known_messages_come_back_from_the_file(store: AdapterStore) -> None:
    keys = [Key(2**64 - 1, 2**32 - 1), Key(7, 8)]
    known = Dedupe(store, 0)
    store.write(lambda db: known.insert(db, keys, 5)).result()
    again = Dedupe(store, 10)
    assert [again.find(one.message) for one in keys] == keys
    assert Dedupe(store, 10 + dedupe.AGE_MAX).find(7) is None


@given(
    st.lists(
        st.tuples(st.text(max_size=3), st.text(max_size=3), st.one_of(st.none(), st.integers(0, 3)), st.integers(0, 2))
    )
)
def test_two_messages_have_one_key_only_if_they_are_one(said: list[tuple[str, str, int | None, int]]) -> None:
    keys: dict[int, tuple[object, ...]] = {}
    for part, sequence, at, value in said:
        readings = Readings("d", (Reading("t", value),), part, at, sequence)
        key = key_of(b"salt", "meters", readings)
        known_by = (part, sequence) if sequence else (part, "", at, value)
        assert (key is None) == (not sequence and at is None)
        if key is not None:
            assert keys.setdefault(key.message, known_by) == known_by


@given(st.floats(0.01, 100), st.lists(st.floats(0, 5), max_size=60))
def test_a_device_gets_a_burst_and_then_its_rate(per_s: float, pauses: list[float]) -> None:
    rates, now, taken = Rates(), 0, 0
    for pause in [*pauses, *[0.0] * 20]:
        now += round(pause * SECOND)
        taken += rates.admits(("", "d"), per_s, now)
    assert taken <= per_s * (BURST_S + now / SECOND) + 1
    assert rates.admits(("", "d"), per_s, now + 100 * SECOND)


def test_a_message_a_minute_is_a_rate_too() -> None:
    rates, minute = Rates(), 60 * SECOND
    assert [rates.admits(("", "d"), 1 / 60, at) for at in (0, minute // 2, minute, 2 * minute)] == [
        True,
        False,
        True,
        True,
    ]


@given(st.integers(-(10**13), 10**13))
def test_a_clock_is_believed_within_its_leeway(off: int) -> None:
    received_at = 1_700_000_000 * SECOND
    readings = Readings("d", (Reading("t", 1, at=received_at + off),))
    leeway = Leeway(early_s=10, late_s=100)
    if -100 * SECOND <= off <= 10 * SECOND:
        assert leeway.check(readings, received_at) == received_at + off
    else:
        with pytest.raises(BadFrame) as refusal:
            leeway.check(readings, received_at)
        assert refusal.value.reason == "clock"


def test_a_key_is_masked_where_it_stands() -> None:
    assert masked("abcdefghij") == "****ghij"
    assert masked("short") == "****"
    assert without("k", "/json/k/kitchen/attrs") == "/json/****/kitchen/attrs"
    assert without("a-long-key", "/iot?k=a-long-key&i=1") == "/iot?k=****-key&i=1"
