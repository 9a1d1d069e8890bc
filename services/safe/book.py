"""What safe outputs remember: budgets that were spent, sets that totals were over, methods of views."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from broker.keeping import Db, KeptFile
from broker.model.values import Instant, Json
from services.safe.differences import packed, too_close, unpacked

STEPS: Final = (
    "CREATE TABLE safe_key (one INTEGER PRIMARY KEY CHECK (one = 1), key BLOB NOT NULL) STRICT",
    """CREATE TABLE safe_spent (
        number INTEGER PRIMARY KEY, tenant TEXT NOT NULL, dataset TEXT NOT NULL, recipient TEXT NOT NULL,
        at INTEGER NOT NULL, micro INTEGER NOT NULL CHECK (micro > 0), measure TEXT NOT NULL) STRICT""",
    "CREATE INDEX safe_spent_of ON safe_spent (tenant, dataset, recipient)",
    """CREATE TRIGGER safe_spent_stays BEFORE UPDATE ON safe_spent
        BEGIN SELECT raise(ABORT, 'what is spent is spent'); END""",
    """CREATE TRIGGER safe_spent_remains BEFORE DELETE ON safe_spent
        BEGIN SELECT raise(ABORT, 'what is spent is spent'); END""",
    """CREATE TABLE safe_set (
        number INTEGER PRIMARY KEY, tenant TEXT NOT NULL, dataset TEXT NOT NULL, recipient TEXT NOT NULL,
        members BLOB NOT NULL, UNIQUE (tenant, dataset, recipient, members)) STRICT""",
    """CREATE TABLE safe_method (
        number INTEGER PRIMARY KEY, tenant TEXT NOT NULL, dataset TEXT NOT NULL, recipient TEXT NOT NULL,
        at INTEGER NOT NULL, kind TEXT NOT NULL, rows INTEGER NOT NULL, told TEXT NOT NULL) STRICT""",
)
_OF: Final = "tenant = ? AND dataset = ? AND recipient = ?"


@dataclass(frozen=True, slots=True)
class Of:
    """Whose budget and sets: a recipient's, of a data set in a tenant."""

    tenant: str
    dataset: str
    recipient: str

    def row(self) -> tuple[str, str, str]:
        """As columns."""
        return self.tenant, self.dataset, self.recipient


class SafeBook:
    """The tables, in the file of the services."""

    def __init__(self, file: KeptFile) -> None:
        file.tables("safe", STEPS)
        self._file = file

        def work(db: Db) -> bytes:
            db.execute("INSERT OR IGNORE INTO safe_key VALUES (1, ?)", (secrets.token_bytes(32),))
            return cast(bytes, db.execute("SELECT key FROM safe_key").fetchall()[0][0])

        self.key: Final[bytes] = file.write(work).result()

    def spent(self, of: Of) -> int:
        """How much of the budget is gone, in millionths of ε."""
        found = self._file.read(f"SELECT total(micro) FROM safe_spent WHERE {_OF}", of.row())  # noqa: S608  our own
        return int(cast(float, found[0][0]))

    def spend(self, of: Of, micro: int, budget: int, what: tuple[Instant, str]) -> bool:
        """Spend so much, before anything is said: whether there was enough."""

        def work(db: Db) -> bool:
            gone = db.execute(f"SELECT total(micro) FROM safe_spent WHERE {_OF}", of.row()).fetchall()[0][0]  # noqa: S608
            if int(cast(float, gone)) + micro > budget:
                return False
            sql = "INSERT INTO safe_spent (tenant, dataset, recipient, at, micro, measure) VALUES (?, ?, ?, ?, ?, ?)"
            db.execute(sql, (*of.row(), what[0], micro, what[1]))
            return True

        return self._file.write(work).result()

    def admit(self, of: Of, sets: Sequence[frozenset[bytes]], k: int) -> bool:
        """Remember that totals over these sets are given out; False, and nothing is, where two are too close."""

        def work(db: Db) -> bool:
            rows = db.execute(f"SELECT members FROM safe_set WHERE {_OF}", of.row())  # noqa: S608  our own
            if too_close(sets, (unpacked(cast(bytes, row[0])) for row in rows), k):
                return False
            sql = "INSERT OR IGNORE INTO safe_set (tenant, dataset, recipient, members) VALUES (?, ?, ?, ?)"
            db.executemany(sql, [(*of.row(), packed(one)) for one in sets])
            return True

        return self._file.write(work).result()

    def note_method(self, of: Of, at: Instant, kind: str, rows: int, told: Mapping[str, Json]) -> None:
        """Record how a view was made."""
        sql = "INSERT INTO safe_method (tenant, dataset, recipient, at, kind, rows, told) VALUES (?, ?, ?, ?, ?, ?, ?)"
        text = json.dumps(told, ensure_ascii=False, sort_keys=True)
        self._file.write(lambda db: db.execute(sql, (*of.row(), at, kind, rows, text))).result()

    def methods(self, tenant: str, after: int, limit: int) -> list[tuple[int, str, str, Instant, str, int, Any]]:
        """Number, data set, recipient, time, kind, rows and method of views, in their order."""
        sql = "SELECT number, dataset, recipient, at, kind, rows, told FROM safe_method WHERE tenant = ? AND number > ?"
        rows = cast("list[Any]", self._file.read(sql + " ORDER BY number LIMIT ?", (tenant, after, limit)))
        return [(*row[:6], json.loads(row[6])) for row in rows]

    def forget(self, tenant: str, members: frozenset[bytes]) -> int:
        """Put nobody in the place of contributors in every set: its size stays; how many sets changed."""

        def work(db: Db) -> int:
            changed = 0
            rows = db.execute("SELECT number, members FROM safe_set WHERE tenant = ?", (tenant,)).fetchall()
            for number, text in rows:
                held = unpacked(cast(bytes, text))
                if held & members:
                    nobody = frozenset(secrets.token_bytes(8) for _ in held & members)
                    db.execute(
                        "UPDATE safe_set SET members = ? WHERE number = ?", (packed(held - members | nobody), number)
                    )
                    changed += 1
            return changed

        return self._file.write(work).result()
