"""What could not become of a frame: kept with the reason, listed, replayed, discarded; bounded by age and size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, cast

import apsw
from jiter import from_json

from adapters.queue import Kept
from adapters.store import AdapterStore
from broker.encode.text import dump
from broker.model.values import Instant, Json, to_text

AGE_MAX: Final = 30 * 86_400_000_000
ROWS_MAX: Final = 100_000
ROWS_OF_DEVICE_MAX: Final = 1_000
"""One device that speaks nonsense all day shall not push out what others had to say."""
BYTES_MAX: Final = 256 << 20
ROW_BYTES: Final = 200
"""What a row weighs beside its payload."""
PRUNED_BYTES: Final = 16 << 20
PAGE_MAX: Final = 1_000
MESSAGE_MAX: Final = 1_000
_TABLES: Final = (
    """CREATE TABLE quarantined (
        number INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, reason TEXT NOT NULL, message TEXT NOT NULL,
        adapter TEXT NOT NULL, device TEXT NOT NULL, received_at INTEGER NOT NULL, channel TEXT NOT NULL,
        about BLOB NOT NULL, payload BLOB NOT NULL, replay INTEGER NOT NULL DEFAULT 0
    ) STRICT""",
    "CREATE INDEX quarantined_of ON quarantined (adapter, device, number)",
    "CREATE INDEX quarantined_replay ON quarantined (number) WHERE replay",
)
_INSERT: Final = (
    "INSERT INTO quarantined (at, reason, message, adapter, device, received_at, channel, about, payload)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_COLUMNS: Final = "number, at, reason, message, adapter, device, received_at, channel, about, payload, replay"


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
        db.executemany(_INSERT, [_row(one) for one in refused])
        self._came += sum(len(one.kept.payload) + ROW_BYTES for one in refused)
        if self._came > PRUNED_BYTES:
            self._came = 0
            _prune(db, refused[-1].at)

    def find(self, chosen: Chosen, limit: int = 100) -> list[Quarantined]:
        """The oldest ones first; ask for more with `after`, the last one's number."""
        where, bindings = chosen.where()
        sql = f"SELECT {_COLUMNS} FROM quarantined WHERE {where} ORDER BY number LIMIT ?"  # noqa: S608  bound
        return [_quarantined(row) for row in self._store.read(sql, (*bindings, min(limit, PAGE_MAX)))]

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
        back under a new number.
        """
        where, bindings = chosen.where()
        return self._change(f"UPDATE quarantined SET replay = 1 WHERE NOT replay AND {where}", bindings)  # noqa: S608

    def to_replay(self, adapter: str, limit: int) -> list[Quarantined]:
        """Frames of an adapter that somebody wants taken again."""
        sql = f"SELECT {_COLUMNS} FROM quarantined WHERE replay AND adapter = ? ORDER BY number LIMIT ?"  # noqa: S608
        return [_quarantined(row) for row in self._store.read(sql, (adapter, limit))]

    def remove(self, db: apsw.Connection, rows: Sequence[Quarantined]) -> None:
        """Take rows out, within a transaction."""
        db.executemany("DELETE FROM quarantined WHERE number = ?", [(row.number,) for row in rows])

    def prune(self, now: Instant) -> int:
        """Let go of what is too old, or too much; how many rows."""
        return self._store.write(lambda db: _prune(db, now)).result()

    def _change(self, sql: str, bindings: Sequence[apsw.SQLiteValue]) -> int:
        def work(db: apsw.Connection) -> int:
            db.execute(sql, tuple(bindings))
            return db.changes()

        return self._store.write(work).result()


def _prune(db: apsw.Connection, now: Instant) -> int:
    before = db.total_changes()
    db.execute("DELETE FROM quarantined WHERE at < ?", (now - AGE_MAX,))
    crowded = db.execute(
        "SELECT adapter, device FROM quarantined GROUP BY adapter, device HAVING count(*) > ?", (ROWS_OF_DEVICE_MAX,)
    ).fetchall()
    for adapter, device in crowded:
        db.execute(
            "DELETE FROM quarantined WHERE adapter = ?1 AND device = ?2 AND number NOT IN (SELECT number FROM"
            " quarantined WHERE adapter = ?1 AND device = ?2 ORDER BY number DESC LIMIT ?3)",
            (adapter, device, ROWS_OF_DEVICE_MAX),
        )
    db.execute(
        "DELETE FROM quarantined WHERE number <= (SELECT number FROM (SELECT number, row_number() OVER newest AS place,"
        " sum(length(payload) + ?) OVER newest AS weight FROM quarantined WINDOW newest AS (ORDER BY number DESC))"
        " WHERE place > ? OR weight > ? ORDER BY number DESC LIMIT 1)",
        (ROW_BYTES, ROWS_MAX, BYTES_MAX),
    )
    return db.total_changes() - before


def _row(refused: Refused) -> tuple[apsw.SQLiteValue, ...]:
    kept = refused.kept
    return (
        refused.at, refused.reason, refused.message[:MESSAGE_MAX], kept.adapter, kept.device, kept.received_at,
        kept.channel, dump(kept.about), kept.payload,
    )  # fmt: skip


def _quarantined(row: tuple[apsw.SQLiteValue, ...]) -> Quarantined:
    number, at, reason, message, adapter, device, received_at, channel, about, payload, replay = cast(
        "tuple[int, int, str, str, str, str, int, str, bytes, bytes, int]", row
    )
    kept = Kept(adapter, device, received_at, channel, from_json(about), payload)
    return Quarantined(number, Refused(kept, reason, message, at), bool(replay))


def _payload(payload: bytes) -> dict[str, Json]:
    try:
        text = payload.decode()
    except UnicodeDecodeError:
        return {"hex": payload.hex()}
    return {"payload": text} if "\0" not in text else {"hex": payload.hex()}
