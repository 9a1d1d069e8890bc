"""The durable queue: what was understood of each frame, and the frame, until the hub has it.

A row is one frame: `writes` is `[["tenant", fragment], …]`, a fragment of nothing but its id deletes that entity.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from threading import Event
from typing import Final, TypeAlias, cast

import apsw
from jiter import from_json

from adapters.frame import Frame
from adapters.store import AdapterStore, Row
from broker.encode.text import dump
from broker.model.values import Instant, Json
from broker.ports.hub import Fragment

ROWS_MAX: Final = 1_000_000
BYTES_MAX: Final = 2 << 30
BATCH_BYTES: Final = 4 << 20
"""No more is taken out at once, but for a single row that is larger."""
KEY_MIN: Final = 6
Write: TypeAlias = "tuple[str, Fragment]"
"""Tenant and fragment."""
_TABLES: Final = (
    """CREATE TABLE queued (
        number INTEGER PRIMARY KEY, adapter TEXT NOT NULL, device TEXT NOT NULL, received_at INTEGER NOT NULL,
        channel TEXT NOT NULL, about BLOB NOT NULL, payload BLOB NOT NULL, writes BLOB NOT NULL
    ) STRICT""",
    "ALTER TABLE queued RENAME TO queued_before",
    """CREATE TABLE queued (
        number INTEGER PRIMARY KEY AUTOINCREMENT, adapter TEXT NOT NULL, device TEXT NOT NULL,
        received_at INTEGER NOT NULL, channel TEXT NOT NULL, about BLOB NOT NULL, payload BLOB NOT NULL,
        writes BLOB NOT NULL
    ) STRICT""",
    "INSERT INTO queued SELECT * FROM queued_before",
    "DROP TABLE queued_before",
    "ALTER TABLE queued ADD COLUMN opened BLOB NOT NULL DEFAULT x'7b7d'",
)
"""A number is never given again: who sends a row takes out that one, and none that came in its place."""
_WEIGHT: Final = (
    "octet_length(device) + octet_length(channel) + octet_length(about) + octet_length(payload) + octet_length(writes)"
    " + octet_length(opened)"
)
_INSERT: Final = "INSERT INTO queued VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?)"


@dataclass(frozen=True, slots=True)
class Kept:
    """A frame without its key, as it is kept: what came in, and of whom.

    `opened` are the devices that the key had opened, each with its tenant: `{"meter-1": ""}`.
    """

    adapter: str
    device: str
    received_at: Instant
    channel: str = ""
    about: Mapping[str, str] = field(default_factory=dict)
    payload: bytes = b""
    opened: Mapping[str, str] = field(default_factory=dict)

    def frame(self) -> Frame:
        """The frame again."""
        return Frame(self.payload, self.received_at, self.device, self.channel, "", self.about)


@dataclass(frozen=True, slots=True)
class Queued:
    """One row."""

    number: int
    kept: Kept
    writes: list[Write]
    weight: int = 0


def kept_of(adapter: str, frame: Frame, device: str, opened: Mapping[str, str]) -> Kept:
    """What is kept of a frame: everything but its key, which topics and addresses may hold too."""
    channel, about = frame.channel, frame.about
    if frame.key:
        channel = without(frame.key, channel)
        about = {name: without(frame.key, text) for name, text in about.items()}
    return Kept(adapter, device or frame.device, frame.received_at, channel, about, frame.payload, opened)


def without(key: str, text: str) -> str:
    """The text with the key masked: where it is a level of a topic or path, and anywhere if it is not just a word."""
    shown = masked(key)
    text = "/".join(shown if level == key else level for level in text.split("/"))
    return text.replace(key, shown) if len(key) >= KEY_MIN else text


def masked(key: str) -> str:
    """`abcdefgh` gives `****efgh`, a key of up to eight characters `****`."""
    return "****" + (key[-4:] if len(key) > 8 else "")  # noqa: PLR2004  more would be half of it


def row_of(kept: Kept, writes: Sequence[Write]) -> tuple[apsw.SQLiteValue, ...]:
    """The bindings of a row."""
    return (
        kept.adapter, kept.device, kept.received_at, kept.channel, dump(kept.about) if kept.about else b"{}",
        kept.payload, dump(writes), dump(kept.opened) if kept.opened else b"{}",
    )  # fmt: skip


class Queue:
    """The rows, in the order they came; `depth` and `size` are what waits, in rows and bytes."""

    def __init__(self, store: AdapterStore) -> None:
        store.tables("queue", _TABLES)
        self._store = store
        self.filled = Event()
        self.depth, self.size = 0, 0
        self.measure()

    def measure(self) -> None:
        """Count again: an erasure, or another process, may have changed it. Raises NotKept."""

        def count(db: apsw.Connection) -> tuple[int, int]:
            [found] = db.execute(f"SELECT count(*), coalesce(sum({_WEIGHT}), 0) FROM queued").fetchall()  # noqa: S608
            return cast("tuple[int, int]", found)

        def take(found: tuple[int, int]) -> None:
            self.depth, self.size = found

        self._store.write(count, take).result()

    @property
    def full(self) -> bool:
        """Whether nothing more is taken for now."""
        return self.depth >= ROWS_MAX or self.size >= BYTES_MAX

    def insert(self, db: apsw.Connection, rows: Sequence[tuple[apsw.SQLiteValue, ...]]) -> None:
        """Put rows in, within a transaction."""
        db.executemany(_INSERT, rows)

    def grew(self, rows: Sequence[tuple[apsw.SQLiteValue, ...]]) -> None:
        """Those rows are durable: count them, and wake who sends; on the writer's thread, as all that counts."""
        self.depth += len(rows)
        self.size += sum(_weight(row) for row in rows)
        self.filled.set()

    def shrank(self, rows: Sequence[Queued]) -> None:
        """Those rows are gone."""
        self.depth -= len(rows)
        self.size -= sum(row.weight for row in rows)

    def next(self, limit: int) -> list[Queued]:
        """The oldest rows, at least one and no more of them than BATCH_BYTES."""
        weights = self._store.read(f"SELECT number, {_WEIGHT} FROM queued ORDER BY number LIMIT ?", (limit,))  # noqa: S608
        if not weights:
            return []
        rows = self._store.read(
            "SELECT number, adapter, device, received_at, channel, about, payload, writes, opened FROM queued"
            " WHERE number <= ? ORDER BY number",
            (last_within(weights, BATCH_BYTES),),
        )
        return [_queued(row) for row in rows]

    def oldest(self) -> Instant | None:
        """When the frame came in that waits longest."""
        rows = self._store.read("SELECT received_at FROM queued ORDER BY number LIMIT 1")
        return cast("Instant", rows[0][0]) if rows else None

    def remove(self, db: apsw.Connection, rows: Sequence[Queued]) -> None:
        """Take rows out, within a transaction."""
        db.executemany("DELETE FROM queued WHERE number = ?", [(row.number,) for row in rows])


def last_within(weights: Sequence[Row], bytes_max: int) -> int:
    """Of rows (number, weight) the number of the last that is still within so many bytes; the first always is."""
    found, total = 0, 0
    for number, weight in cast("Sequence[tuple[int, int]]", weights):
        total += weight
        if found and total > bytes_max:
            break
        found = number
    return found


def _weight(row: tuple[apsw.SQLiteValue, ...]) -> int:
    _, device, _, channel, *blobs = cast("tuple[str, str, int, str, bytes, bytes, bytes, bytes]", row)
    return len(device.encode()) + len(channel.encode()) + sum(map(len, blobs))


def _queued(row: tuple[apsw.SQLiteValue, ...]) -> Queued:
    number, adapter, device, received_at, channel, about, payload, writes, opened = cast(
        "tuple[int, str, str, int, str, bytes, bytes, bytes, bytes]", row
    )
    kept = Kept(adapter, device, received_at, channel, _read(about), payload, _read(opened))
    read = cast("list[list[Json]]", from_json(writes))
    return Queued(number, kept, [cast("Write", (tenant, fragment)) for tenant, fragment in read], _weight(row[1:]))


def _read(texts: bytes) -> Mapping[str, str]:
    return {} if texts == b"{}" else cast("dict[str, str]", from_json(texts))
