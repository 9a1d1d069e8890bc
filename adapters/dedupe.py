"""Which messages were taken already: a device, or its broker, sends again what it was not told has arrived.

A message is known by (adapter, device, part, the device's own number of it), or, where it has no number but an
instant, by the instant and what it says. Kept are hashes, eight bytes each and four of what was said, salted by device
so that nothing is left of a device that was erased; a row of them a commit, the newest KEYS_MAX of the last AGE_MAX.
"""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Collection
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final, cast

import apsw
import orjson

from adapters.readings import Readings
from adapters.store import AdapterStore
from broker.model.values import Instant

KEYS_MAX: Final = 200_000
AGE_MAX: Final = 86_400_000_000
_TABLES: Final = (
    "CREATE TABLE taken (number INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, keys BLOB NOT NULL) STRICT",
)
CHUNK_AGE: Final = 60_000_000
CHUNK_KEYS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Key:
    """What a message is known by, and what it said."""

    message: int
    said: int


def key_of(salt: bytes, adapter: str, readings: Readings) -> Key | None:
    """None where a message has neither number nor instant: the same again may be news then."""
    numbered = readings.sequence
    if not numbered and readings.at is None and all(reading.at is None for reading in readings.readings):
        return None
    content = _content(readings)
    head = f"{adapter}\0{readings.device}\0{readings.part}\0{numbered}".encode()
    return Key(_hash(salt, head if numbered else head + b"\0" + content, 8), _hash(salt, content, 4))


def _hash(salt: bytes, text: bytes, size: int) -> int:
    return int.from_bytes(blake2b(text, digest_size=size, key=salt).digest(), "little")


def _content(readings: Readings) -> bytes:
    try:
        return orjson.dumps((readings.at, readings.readings))
    except orjson.JSONEncodeError:  # integers beyond 64 bits
        return repr((readings.at, readings.readings)).encode()


class Dedupe:
    """The keys of this process's adapters, in memory and in the file."""

    def __init__(self, store: AdapterStore, now: Instant) -> None:
        store.tables("dedupe", _TABLES)
        self._said: dict[int, int] = {}
        self._chunks: deque[tuple[Instant, array[int]]] = deque()
        for at, keys in store.read("SELECT at, keys FROM taken WHERE at > ? ORDER BY number", (now - AGE_MAX,)):
            both = array("Q", cast("bytes", keys))
            self._said.update(zip(both[::2], both[1::2], strict=True))
            self._chunks.append((cast("int", at), both[::2]))

    def find(self, message: int) -> Key | None:
        """What a message said when it was taken; None for news."""
        said = self._said.get(message)
        return None if said is None else Key(message, said)

    def note(self, keys: Collection[Key], now: Instant) -> None:
        """They were taken; forget the oldest. On the writer's thread, as what prunes."""
        if not keys:
            return
        self._said.update((key.message, key.said) for key in keys)
        messages = [key.message for key in keys]
        if self._chunks and now - self._chunks[-1][0] < CHUNK_AGE and len(self._chunks[-1][1]) < CHUNK_KEYS:
            self._chunks[-1][1].extend(messages)
        else:
            self._chunks.append((now, array("Q", messages)))
        while len(self._said) > KEYS_MAX or self._chunks[0][0] < now - AGE_MAX:
            _, gone = self._chunks.popleft()
            for message in gone:
                self._said.pop(message, None)

    def insert(self, db: apsw.Connection, keys: Collection[Key], now: Instant) -> None:
        """Keep them, within a transaction."""
        both = array("Q", [number for key in keys for number in (key.message, key.said)])
        db.execute("INSERT INTO taken (at, keys) VALUES (?, ?)", (now, both.tobytes()))

    def prune(self, db: apsw.Connection, now: Instant) -> None:
        """Let go of what is forgotten, within a transaction."""
        oldest = self._chunks[0][0] if self._chunks else now
        db.execute("DELETE FROM taken WHERE at < ?", (max(oldest, now - AGE_MAX),))
