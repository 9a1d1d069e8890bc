"""Acts of the bank told to the audit, in order: its chain shows if a row of the book was changed since.

    {"item": "urn:ngsi-ld:DataOffer:1", "version": 3, "digest": "sha-256:…"}    of the act's row, without what it says

The timer tells them, in one process of the hub: within a second, and after a crash again what may not have been told.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final

from broker.keeping import KeptFile, Row
from broker.model.values import Json
from broker.ports.audit import Audit, Entry
from services.bank.book import Db

KIND: Final = "bank"
STEPS: Final = ("CREATE TABLE bank_told (one INTEGER PRIMARY KEY CHECK (one = 1), number INTEGER NOT NULL) STRICT",)
AT_ONCE: Final = 500


class Telling:
    """Tells the audit what it does not know yet."""

    def __init__(self, file: KeptFile, audit: Audit) -> None:
        file.tables("bank-told", STEPS)
        self._file, self._audit = file, audit

    def tell(self) -> int:
        """Tell the next acts; how many. Raises NotKept."""
        sql = (
            "SELECT number, tenant, kind, id, version, at, act, by, changed FROM bank_event"
            " WHERE number > coalesce((SELECT number FROM bank_told), 0) ORDER BY number LIMIT ?"
        )
        rows = self._file.read(sql, (AT_ONCE,))
        pending = [self._audit.record(_entry(row)) for row in rows]
        for one in pending:
            one.result()
        if rows:
            last = int(str(rows[-1][0]))

            def note(db: Db) -> None:
                db.execute("INSERT OR REPLACE INTO bank_told VALUES (1, ?)", (last,))

            self._file.write(note).result()
        return len(rows)


def digest_of(row: Sequence[object]) -> str:
    """Of an act's row, from its tenant on."""
    return f"sha-256:{hashlib.sha256(repr([*map(str, row)]).encode()).hexdigest()}"


def _entry(row: Row) -> Entry:
    _, tenant, kind, item_id, version, at, act, by, _ = row
    more: dict[str, Json] = {"item": str(item_id), "version": int(str(version)), "digest": digest_of(row[1:])}
    return Entry(KIND, str(tenant), str(by), int(str(at)), operation=f"bank_{kind}_{act}", more=more)
