"""The tables of the store, in `services.sqlite`. What was erased is known by a salted digest of the pseudonym only."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterable, Sequence
from typing import Any, Final, Protocol

from broker.keeping import KeptFile


class Db(Protocol):
    """A connection within a transaction of the file's writer."""

    def execute(self, statements: str, bindings: Sequence[int | str | None] = ..., /) -> Iterable[tuple[object, ...]]:
        """Rows."""


_HEAD: Final = "number INTEGER PRIMARY KEY AUTOINCREMENT, tenant TEXT NOT NULL, id TEXT NOT NULL UNIQUE"
STEPS: Final = (
    "CREATE TABLE store_salt (salt TEXT NOT NULL) STRICT",
    (
        f"CREATE TABLE store_share ({_HEAD}, subject TEXT NOT NULL, by TEXT NOT NULL, at INTEGER NOT NULL,"
        " until INTEGER NOT NULL, ended INTEGER, wrong INTEGER NOT NULL, salt TEXT NOT NULL, code TEXT NOT NULL,"
        " body TEXT NOT NULL) STRICT"
    ),
    "CREATE INDEX store_share_subject ON store_share (tenant, subject)",
    (
        "CREATE TABLE store_share_use (number INTEGER PRIMARY KEY AUTOINCREMENT, share TEXT NOT NULL,"
        " at INTEGER NOT NULL, opened INTEGER NOT NULL) STRICT"
    ),
    "CREATE INDEX store_share_use_share ON store_share_use (share)",
    (
        f"CREATE TABLE store_correction ({_HEAD}, subject TEXT NOT NULL, by TEXT NOT NULL, at INTEGER NOT NULL,"
        " body TEXT NOT NULL) STRICT"
    ),
    "CREATE INDEX store_correction_subject ON store_correction (tenant, subject)",
    (
        f"CREATE TABLE store_erasure ({_HEAD}, digest TEXT NOT NULL, subject TEXT, by TEXT NOT NULL,"
        " at INTEGER NOT NULL, due INTEGER NOT NULL, state TEXT NOT NULL, certificate TEXT NOT NULL,"
        " signed TEXT NOT NULL) STRICT"
    ),
    "CREATE INDEX store_erasure_digest ON store_erasure (tenant, digest)",
)


def salt_of(file: KeptFile) -> str:
    """The salt of digests, made with the first one."""

    def make(db: Db) -> str:
        db.execute(
            "INSERT INTO store_salt SELECT ? WHERE NOT EXISTS (SELECT 1 FROM store_salt)", (secrets.token_hex(16),)
        )
        return next(str(row[0]) for row in db.execute("SELECT salt FROM store_salt"))

    found = file.read("SELECT salt FROM store_salt")
    return str(found[0][0]) if found else file.write(make).result()


def digest_of(salt: str, tenant: str, subject: str) -> str:
    """What somebody who was erased is known by: it tells nobody who that was."""
    return hashlib.blake2b(f"{tenant}\n{subject}".encode(), key=bytes.fromhex(salt), digest_size=32).hexdigest()


def text_of(value: Any) -> str:  # noqa: ANN401  JSON
    """JSON, the same for the same."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
