"""Leases in the hub's file: each taking is a transaction, so that of several processes one has it."""

from __future__ import annotations

from pathlib import Path
from threading import Lock
from typing import Any, Final

from broker.ports import Clock
from broker.stores.sqlite.files import READ_CACHE_KIB, connect

SECOND_US: Final = 1_000_000
_TAKE: Final = """
    INSERT INTO lease (name, holder, taken_at, until, token) VALUES (?1, ?2, ?3, ?4, 1)
    ON CONFLICT (name) DO UPDATE SET holder = ?2, taken_at = ?3, until = ?4, token = token + (holder <> ?2)
    WHERE holder IN (?2, '') OR NOT (taken_at <= ?3 AND ?3 < until)
    RETURNING token
"""
"""A clock that was put back before the taking ends the lease too: it does not last for hours then."""


class SqliteLeases:
    """Leases, on a connection of their own: who waits for a disk here holds up nobody else."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._clock = clock
        self._lock = Lock()
        self._db = connect(path, cache_kib=READ_CACHE_KIB, writes=True)
        self._db.wal_autocheckpoint(1_000)

    def take(self, name: str, holder: str, seconds: float) -> int | None:
        """Take or renew; None where another has it."""
        now = self._clock.now()
        with self._lock, self._db:
            rows: list[tuple[Any, ...]] = self._db.execute(
                _TAKE, (name, holder, now, now + int(seconds * SECOND_US))
            ).fetchall()
        return int(rows[0][0]) if rows else None

    def release(self, name: str, holder: str) -> None:
        """Give it back, where it is the holder's."""
        with self._lock, self._db:
            self._db.execute("UPDATE lease SET holder = '' WHERE name = ? AND holder = ?", (name, holder))

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._db.close()
