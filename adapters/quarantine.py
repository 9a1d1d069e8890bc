"""What could not become of a frame: kept with the reason, listed, replayed, discarded; bounded by age and size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, cast

import apsw
from jiter import from_json

from adapters.queue import Kept, last_within
from adapters.store import AdapterStore
from broker.encode.text import dump
from broker.model.values import Instant, Json, to_text

AGE_MAX: Final = 30 * 86_400_000_000
ROWS_MAX: Final = 100_000
ROWS_OF_DEVICE_MAX: Final = 1_000
"""One device that speaks nonsense all day shall not push out what others had to say."""
BYTES_MAX: Final = 256 << 20
STRANGERS: Final = "reason IN ('unknown_device', 'wrong_key')"
STRANGERS_ROWS_MAX: Final = 25_000
STRANGERS_BYTES_MAX: Final = 64 << 20
"""Who is not known can say anything under any name: it shall not push out what known devices said."""
ROW_BYTES: Final = 150
"""What a row weighs beside what is in it."""
PRUNED_BYTES: Final = 16 << 20
PAGE_MAX: Final = 1_000
PAGE_BYTES: Final = 8 << 20
"""No more is read at once, but for a single row that is larger."""
CONTENT_TYPE_MAX: Final = 256
CHANNEL_MAX: Final = 1_000
"""Characters of the content type, and of the topic or path, that are kept."""
MESSAGE_MAX: Final = 1_000
_TABLES: Final = (
    """CREATE TABLE quarantined (
        number INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, reason TEXT NOT NULL, message TEXT NOT NULL,
        adapter TEXT NOT NULL, device TEXT NOT NULL, received_at INTEGER NOT NULL, channel TEXT NOT NULL,
        about BLOB NOT NULL, payload BLOB NOT NULL, replay INTEGER NOT NULL DEFAULT 0
    ) STRICT""",
    "CREATE INDEX quarantined_of ON quarantined (adapter, device, number)",
    "CREATE INDEX quarantined_replay ON quarantined (number) WHERE replay",
    "ALTER TABLE quarantined ADD COLUMN opened BLOB NOT NULL DEFAULT x'7b7d'",
)
_INSERT: Final = (
    "INSERT INTO quarantined (at, reason, message, adapter, device, received_at, channel, about, payload, opened)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_WEIGHT: Final = (
    "octet_length(message) + octet_length(device) + octet_length(channel) + octet_length(about) + octet_length(payload)"
    f" + octet_length(opened) + {ROW_BYTES}"
)
_COLUMNS: Final = "number, at, reason, message, adapter, device, received_at, channel, about, payload, replay, opened"


@dataclass(frozen=True, slots=True)
class Refused:
    """A frame that is about to be quarantined, and why."""

    kept: Kept
    reason: str
    message: str
    at: Instant


@dataclass(frozen=True, slots=True)
class Quarantined:
    """One row; `replay` is set where somebody asked for it and the adapter has not come to it yet."""

    number: int
    refused: Refused
    replay: bool

    def shown(self) -> dict[str, Json]:
        """For people: the payload as text where it is text, else in hexadecimal digits."""
        kept = self.refused.kept
        return {
            "number": self.number,
            "at": to_text(self.refused.at),
            "reason": self.refused.reason,
            "message": self.refused.message,
            "adapter": kept.adapter,
            "device": kept.device,
            "receivedAt": to_text(kept.received_at),
            "channel": kept.channel,
            "about": dict(kept.about),
            **_payload(kept.payload),
            "replay": self.replay,
        }


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which rows: of an adapter, of a device, with a reason, these numbers, after a number; all where empty."""

    adapter: str = ""
    device: str = ""
    reason: str = ""
    numbers: Sequence[int] = ()
    after: int = 0

    def where(self) -> tuple[str, list[apsw.SQLiteValue]]:
        """The condition in SQL, and its bindings."""
        tests, bindings = ["number > ?"], cast("list[apsw.SQLiteValue]", [self.after])
        for column in ("adapter", "device", "reason"):
            if value := getattr(self, column):
                tests.append(f"{column} = ?")
                bindings.append(value)
        if self.numbers:
            tests.append(f"number IN ({', '.join('?' * len(self.numbers))})")
            bindings += self.numbers
        return " AND ".join(tests), bindings


class Quarantine:
    """The rows. What changes them is durable on return."""

    def __init__(self, store: AdapterStore) -> None:
        store.tables("quarantine", _TABLES)
        self._store = store
        self._came = 0

    def insert(self, db: apsw.Connection, refused: Sequence[Refused]) -> None:
        """Put frames in, within a transaction; let go of older ones where many came since that was done."""
        rows = [_row(one) for one in refused]
        db.executemany(_INSERT, rows)
        self._came += sum(map(_weight, rows))
        if self._came > PRUNED_BYTES:
            self._came = 0
            _prune(db, refused[-1].at)

    def find(self, chosen: Chosen, limit: int = 100) -> list[Quarantined]:
        """The oldest ones first, within PAGE_MAX and PAGE_BYTES; ask for more with `after`, the last one's number."""
        where, bindings = chosen.where()
        return self._read(where, bindings, min(limit, PAGE_MAX))

    def each(self, chosen: Chosen, limit: int) -> Iterator[Quarantined]:
        """The same, as many as are wanted, a page in memory at a time."""
        while limit > 0 and (page := self.find(chosen, limit)):
            yield from page
            limit -= len(page)
            chosen = replace(chosen, after=page[-1].number)

    def has(self, chosen: Chosen) -> bool:
        """Whether there is any of them."""
        where, bindings = chosen.where()
        return bool(self._store.read(f"SELECT 1 FROM quarantined WHERE {where} LIMIT 1", bindings))  # noqa: S608  bound

    def one(self, number: int) -> Quarantined | None:
        """The row with that number."""
        return next(iter(self.find(Chosen(numbers=(number,)))), None)

    def counts(self) -> list[tuple[str, str, int]]:
        """How many there are by adapter and reason."""
        sql = "SELECT adapter, reason, count(*) FROM quarantined GROUP BY adapter, reason ORDER BY adapter, reason"
        return cast("list[tuple[str, str, int]]", self._store.read(sql))

    def discard(self, chosen: Chosen) -> int:
        """Throw rows away; how many there were."""
        where, bindings = chosen.where()
        return self._change(f"DELETE FROM quarantined WHERE {where}", bindings)  # noqa: S608  bound

    def ask_replay(self, chosen: Chosen) -> int:
        """Have their adapter take these frames once more, as things are then; how many they are.

        It is done by the process that runs the adapter, within a second; which of them are as bad as before come
        back under a new number. Keys are not kept: where the device has one, only what that had opened is taken.
        """
        where, bindings = chosen.where()
        return self._change(f"UPDATE quarantined SET replay = 1 WHERE NOT replay AND {where}", bindings)  # noqa: S608

    def to_replay(self, adapter: str, limit: int) -> list[Quarantined]:
        """Frames of an adapter that somebody wants taken again, as many as are within PAGE_BYTES."""
        return self._read("replay AND adapter = ?", [adapter], limit)

    def remove(self, db: apsw.Connection, rows: Sequence[Quarantined]) -> int:
        """Take rows out, within a transaction; how many of them were there."""
        before = db.total_changes()
        db.executemany("DELETE FROM quarantined WHERE number = ?", [(row.number,) for row in rows])
        return db.total_changes() - before

    def prune(self, now: Instant) -> int:
        """Let go of what is too old, or too much; how many rows."""
        return self._store.write(lambda db: _prune(db, now)).result()

    def _read(self, where: str, bindings: Sequence[apsw.SQLiteValue], limit: int) -> list[Quarantined]:
        rows = f"FROM quarantined WHERE {where}"
        weights = self._store.read(f"SELECT number, {_WEIGHT} {rows} ORDER BY number LIMIT ?", (*bindings, limit))
        if not weights:
            return []
        last = last_within(weights, PAGE_BYTES)
        sql = f"SELECT {_COLUMNS} {rows} AND number <= ? ORDER BY number"
        return [_quarantined(row) for row in self._store.read(sql, (*bindings, last))]

    def _change(self, sql: str, bindings: Sequence[apsw.SQLiteValue]) -> int:
        def work(db: apsw.Connection) -> int:
            db.execute(sql, tuple(bindings))
            return db.changes()

        return self._store.write(work).result()


def _prune(db: apsw.Connection, now: Instant) -> int:
    before = db.total_changes()
    db.execute("DELETE FROM quarantined WHERE at < ?", (now - AGE_MAX,))
    crowded = db.execute(
        f"SELECT adapter, device, {STRANGERS} FROM quarantined GROUP BY 1, 2, 3 HAVING count(*) > ?",  # noqa: S608
        (ROWS_OF_DEVICE_MAX,),
    ).fetchall()
    for adapter, device, strange in crowded:
        of_device = f"adapter = ?1 AND device = ?2 AND ({STRANGERS}) = ?3"
        db.execute(
            f"DELETE FROM quarantined WHERE {of_device} AND number NOT IN (SELECT number FROM"  # noqa: S608
            f" quarantined WHERE {of_device} ORDER BY number DESC LIMIT ?4)",
            (adapter, device, strange, ROWS_OF_DEVICE_MAX),
        )
    _cut(db, STRANGERS, STRANGERS_ROWS_MAX, STRANGERS_BYTES_MAX)
    _cut(db, "true", ROWS_MAX, BYTES_MAX)
    return db.total_changes() - before


def _cut(db: apsw.Connection, which: str, rows_max: int, bytes_max: int) -> None:
    """Keep the newest of them, within so many rows and bytes."""
    db.execute(
        f"DELETE FROM quarantined WHERE ({which}) AND number <= (SELECT number FROM (SELECT number,"  # noqa: S608
        f" row_number() OVER newest AS place, sum({_WEIGHT}) OVER newest AS weight FROM quarantined WHERE {which}"
        " WINDOW newest AS (ORDER BY number DESC)) WHERE place > ? OR weight > ? ORDER BY number DESC LIMIT 1)",
        (rows_max, bytes_max),
    )


def _weight(row: tuple[apsw.SQLiteValue, ...]) -> int:
    texts = sum(len(one.encode()) if isinstance(one, str) else len(one) for one in row if isinstance(one, str | bytes))
    return texts + ROW_BYTES


def _row(refused: Refused) -> tuple[apsw.SQLiteValue, ...]:
    kept = refused.kept
    about = {name: text[:CONTENT_TYPE_MAX] if name == "content_type" else text for name, text in kept.about.items()}
    return (
        refused.at, refused.reason, refused.message[:MESSAGE_MAX], kept.adapter, kept.device, kept.received_at,
        kept.channel[:CHANNEL_MAX], dump(about), kept.payload, dump(kept.opened),
    )  # fmt: skip


def _quarantined(row: tuple[apsw.SQLiteValue, ...]) -> Quarantined:
    number, at, reason, message, adapter, device, received_at, channel, about, payload, replay, opened = cast(
        "tuple[int, int, str, str, str, str, int, str, bytes, bytes, int, bytes]", row
    )
    kept = Kept(adapter, device, received_at, channel, from_json(about), payload, from_json(opened))
    return Quarantined(number, Refused(kept, reason, message, at), bool(replay))


def _payload(payload: bytes) -> dict[str, Json]:
    try:
        text = payload.decode()
    except UnicodeDecodeError:
        return {"hex": payload.hex()}
    return {"payload": text} if "\0" not in text else {"hex": payload.hex()}
