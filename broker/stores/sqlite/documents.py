"""The hub's file: which tenants there are, and hub-wide documents. Few writes, each a transaction of its own."""

from __future__ import annotations

from pathlib import Path
from threading import Lock
from typing import Any, Final

from broker.model.values import Instant, Json
from broker.ports import StoredDocument
from broker.stores.sqlite.codec import dump, load_any
from broker.stores.sqlite.files import READ_CACHE_KIB, connect

_FORGET: Final = (
    "DELETE FROM tenant WHERE name = ?",
    "DELETE FROM due WHERE tenant = ?",
    "DELETE FROM kept WHERE tenant = ?",
)


class Hub:
    """Tenants and DocumentStore, on one connection that threads take in turn."""

    def __init__(self, path: Path) -> None:
        self._db = connect(path, cache_kib=READ_CACHE_KIB, writes=True)
        self._db.wal_autocheckpoint(1_000)
        self._lock = Lock()
        self._tenants = {""}

    def exists(self, tenant: str) -> bool:
        """Whether something was ever created in it; tenants stay."""
        if tenant in self._tenants:
            return True
        with self._lock:
            found = self._db.execute("SELECT 1 FROM tenant WHERE name = ?", (tenant,)).get is not None
        if found:
            self._tenants.add(tenant)
        return found

    def names(self) -> list[str]:
        """All of them, the default tenant first."""
        with self._lock:
            rows: list[tuple[Any, ...]] = self._db.execute("SELECT name FROM tenant ORDER BY name").fetchall()
        return ["", *(row[0] for row in rows)]

    def add(self, tenants: list[str]) -> None:
        """Write down tenants that have something in them now."""
        with self._lock, self._db:
            rows = [(name,) for name in tenants]
            self._db.executemany("INSERT OR IGNORE INTO tenant (name) VALUES (?)", rows)
            self._db.executemany("INSERT OR IGNORE INTO due (tenant, at, sweeping) VALUES (?, 0, 0)", rows)
        self._tenants.update(tenants)

    def remove(self, tenant: str) -> None:
        """Strike out a place; tenants stay."""
        with self._lock, self._db:
            for sql in (
                "DELETE FROM tenant WHERE name = ?",
                "DELETE FROM due WHERE tenant = ?",
                "DELETE FROM kept WHERE tenant = ?",
            ):
                self._db.execute(sql, (tenant,))
        self._tenants.discard(tenant)

    def put(self, kind: str, document_id: str, body: dict[str, Json], created_at: Instant) -> None:
        """Write one document, durable on return."""
        with self._lock, self._db:
            self._db.execute(
                "INSERT INTO document (kind, id, body, created_at, ordinal)"
                " VALUES (?1, ?2, ?3, ?4, (SELECT coalesce(max(ordinal), 0) + 1 FROM document WHERE kind = ?1))"
                " ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body, created_at = excluded.created_at",
                (kind, document_id, dump(body)[0].decode(), created_at),
            )
            self._rise(kind)

    def find(self, kind: str, document_id: str) -> StoredDocument | None:
        """One document."""
        sql = "SELECT id, body, created_at FROM document WHERE kind = ? AND id = ?"
        with self._lock:
            found = self._db.execute(sql, (kind, document_id)).fetchall()
        return _document(found[0]) if found else None

    def all(self, kind: str) -> list[StoredDocument]:
        """All of a kind, oldest first."""
        sql = "SELECT id, body, created_at FROM document WHERE kind = ? ORDER BY created_at, ordinal"
        with self._lock:
            return [_document(row) for row in self._db.execute(sql, (kind,)).fetchall()]

    def delete(self, kind: str, document_id: str) -> bool:
        """Whether there was one; durable on return."""
        with self._lock, self._db:
            self._db.execute("DELETE FROM document WHERE kind = ? AND id = ?", (kind, document_id))
            gone = self._db.changes() > 0
            if gone:
                self._rise(kind)
        return gone

    def generation(self, kind: str) -> int:
        """Rises with every write of the kind, by any process."""
        with self._lock:
            return int(self._db.execute("SELECT number FROM generation WHERE kind = ?", (kind,)).get or 0)

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._db.close()

    def _rise(self, kind: str) -> None:
        self._db.execute(
            "INSERT INTO generation (kind, number) VALUES (?, 1) ON CONFLICT (kind) DO UPDATE SET number = number + 1",
            (kind,),
        )


def _document(row: tuple[Any, ...]) -> StoredDocument:
    return StoredDocument(row[0], load_any(row[1]), row[2])
