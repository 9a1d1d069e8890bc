"""When something of each tenant expires next, in the hub's file, so that nobody opens a tenant to find that out.

What stands there is that instant or an earlier one, never a later: a writer lowers it before it commits, inside its
transaction on the tenant's file. A sweep goes

    begin    `sweeping` is set, and no instant stands there
    (what is due is removed)
    end      inside a transaction on the tenant's file: the earliest instant of what is left, or what a writer put
             there meanwhile if that is earlier

so that a writer comes before the end, and is seen by it, or after, and sees it; one that dies is begun again.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from threading import Lock
from typing import Any, Final

import apsw

from broker.model.values import Instant
from broker.stores.sqlite.files import READ_CACHE_KIB, connect
from broker.stores.sqlite.flush import NEVER
from broker.stores.sqlite.schema import HUB_STEPS, version

_LOWER: Final = """INSERT INTO due (tenant, at, sweeping) VALUES (?1, ?2, 0)
    ON CONFLICT (tenant) DO UPDATE SET at = min(at, excluded.at)"""

_THERE: Final = "(tenant = '' OR tenant IN (SELECT name FROM tenant))"
"""A tenant whose first write failed may have a row: it is written first."""
_NEXT: Final = """SELECT min(at) FROM (
    SELECT min(due) AS at FROM expiry UNION ALL SELECT min(expires_at) FROM held WHERE expires_at IS NOT NULL)"""


def next_due(db: apsw.Connection) -> Instant | None:
    """When something in a tenant's file expires next."""
    at: Any = db.execute(_NEXT).get
    return None if at is None else int(at)


class Dues:
    """The table `due`, and `kept` beside it: which tenants have held documents of a kind."""

    def __init__(self, path: Path) -> None:
        self._lock = Lock()
        self._db = connect(path, cache_kib=READ_CACHE_KIB, writes=True)
        self._db.wal_autocheckpoint(1_000)
        self._kept: set[tuple[str, str]] = set()

    def lower(self, tenant: str, at: Instant) -> None:
        """Something of the tenant expires then."""
        with self._lock:
            known = self._db.execute("SELECT at FROM due WHERE tenant = ?", (tenant,)).get
            if known is None or at < known:
                self._db.execute(_LOWER, (tenant, at))

    def due(self, now: Instant) -> list[str]:
        """Tenants to be swept: those of which something may have expired, or whose sweep came to no end."""
        sql = f"SELECT tenant FROM due WHERE (at <= ? OR sweeping) AND {_THERE} ORDER BY tenant"  # noqa: S608
        with self._lock:
            rows: list[tuple[Any, ...]] = self._db.execute(sql, (now,)).fetchall()
        return [row[0] for row in rows]

    def begin(self, tenant: str) -> None:
        """A sweep begins."""
        with self._lock:
            self._db.execute("UPDATE due SET at = ?, sweeping = 1 WHERE tenant = ?", (NEVER, tenant))

    def end(self, tenant: str, at: Instant | None) -> None:
        """It has ended, and `at` is what expires next."""
        with self._lock:
            self._db.execute(
                "UPDATE due SET at = min(at, ?), sweeping = 0 WHERE tenant = ?", (NEVER if at is None else at, tenant)
            )

    def keep(self, kind: str, tenant: str) -> None:
        """The tenant will have a document of the kind."""
        if (kind, tenant) in self._kept:
            return
        with self._lock:
            self._db.execute("INSERT OR IGNORE INTO kept (kind, tenant) VALUES (?, ?)", (kind, tenant))
        self._kept.add((kind, tenant))

    def keeping(self, kind: str) -> list[str]:
        """Tenants that there are and that have, or had, documents of the kind."""
        sql = f"SELECT tenant FROM kept WHERE kind = ? AND {_THERE} ORDER BY tenant"  # noqa: S608
        with self._lock:
            rows: list[tuple[Any, ...]] = self._db.execute(sql, (kind,)).fetchall()
        return [row[0] for row in rows]

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._db.close()


def settle(hub: Path, tenants: Mapping[str, Path]) -> None:
    """Make the two tables of a hub's copy say what the copies of its tenants say, which were made a little later.

    Nobody is using these files. What an older release wrote is left to the steps that bring it up to date.
    """
    db = connect(hub, cache_kib=READ_CACHE_KIB, writes=True)
    try:
        if version(db) < len(HUB_STEPS):
            return
        with db:
            db.execute("UPDATE due SET at = 0, sweeping = 0; UPDATE lease SET holder = ''")
            for tenant, path in tenants.items():
                rows = [(kind, tenant) for kind in _kinds(path)]
                db.executemany("INSERT OR IGNORE INTO kept (kind, tenant) VALUES (?, ?)", rows)
        db.pragma("wal_checkpoint", "truncate")
    finally:
        db.close()


def _kinds(path: Path) -> list[str]:
    """The kinds of held documents that a tenant's file has, or had."""
    db = connect(path, cache_kib=READ_CACHE_KIB, writes=False)
    try:
        if db.execute("SELECT 1 FROM sqlite_schema WHERE name = 'generation'").get is None:
            return []
        rows: list[tuple[Any, ...]] = db.execute("SELECT kind FROM generation").fetchall()
        return [row[0] for row in rows]
    finally:
        db.close()
