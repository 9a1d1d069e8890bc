"""What was handed over: one row for each delivery and person, kept three years (APPI 29), bundled for the person.

The receipt of a person under an agreement stays the same: the entity DataDisclosure that shows it says when first and
when last. It stands beside every record that is delivered, so that a copy tells where it came from.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from broker.keeping import KeptFile, Row
from broker.model.values import Instant, to_text
from services.bank.book import Body, Db, Item
from services.bank.moments import after_years

KEPT_YEARS: Final = 3
STEPS: Final = (
    (
        "CREATE TABLE bank_handed (number INTEGER PRIMARY KEY, tenant TEXT NOT NULL, delivery TEXT NOT NULL,"
        " receipt TEXT NOT NULL, agreement TEXT NOT NULL, subject TEXT NOT NULL, recipient TEXT NOT NULL,"
        " purpose TEXT NOT NULL, items TEXT NOT NULL, records TEXT NOT NULL, at INTEGER NOT NULL,"
        " amount INTEGER NOT NULL, entry INTEGER NOT NULL, UNIQUE (tenant, delivery, subject)) STRICT"
    ),
    "CREATE INDEX bank_handed_subject ON bank_handed (tenant, subject, agreement)",
    (
        "CREATE TRIGGER bank_handed_stays BEFORE UPDATE ON bank_handed"
        " BEGIN SELECT RAISE(ABORT, 'what was handed over is never changed'); END"
    ),
)


@dataclass(frozen=True, slots=True)
class Handed:
    """One person's part of a delivery: `items` as `Type/attribute`, `records` the consents, `values` how many."""

    subject: str
    items: tuple[str, ...]
    records: tuple[str, ...]
    values: int
    receipt: str = ""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One act of handing over."""

    id: str
    agreement: str
    recipient: str
    purpose: str
    at: Instant
    epoch: int = 0


class HandedOver:
    """The rows; any thread may ask them."""

    def __init__(self, file: KeptFile, new_id: Callable[[], str]) -> None:
        file.tables("bank-handed", STEPS)
        self._file, self._new_id = file, new_id

    def receipts(self, tenant: str, agreement: str, subjects: Iterable[str]) -> dict[str, str]:
        """The receipt of each person under an agreement; a new one where there was none."""
        return {subject: self._receipt(tenant, agreement, subject) or self._new_id() for subject in subjects}

    def write(self, tenant: str, delivery: Delivery, parts: Sequence[Handed], entry: int) -> None:
        """Write it down, durable on return; `entry` is the number of the audit's row about it."""

        def insert(db: Db) -> None:
            for part in parts:
                db.execute(
                    "INSERT INTO bank_handed (tenant, delivery, receipt, agreement, subject, recipient, purpose, items,"
                    " records, at, amount, entry) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (tenant, delivery.id, part.receipt, delivery.agreement, part.subject, delivery.recipient,
                     delivery.purpose, json.dumps(part.items), json.dumps(part.records), delivery.at, part.values,
                     entry),
                )  # fmt: skip

        self._file.write(insert).result()

    def bundled(self, tenant: str, receipt: str) -> Item:
        """What the hub shows of a receipt: when first, when last, how many values, which items and consents."""
        sql = f"SELECT {_COLUMNS} FROM bank_handed WHERE tenant = ? AND receipt = ? ORDER BY number"  # noqa: S608  a constant
        rows = self._file.read(sql, (tenant, receipt))
        subject, recipient, purpose = (str(rows[0][place]) for place in (0, 1, 2))
        body: Body = {
            "dataSubject": subject, "recipient": recipient, "purpose": purpose, "legalBasis": "consentBasis",
            "dataItems": _union(rows, 3), "consents": _union(rows, 4), "disclosedAt": to_text(int(str(rows[0][5]))),
            "disclosedUntil": to_text(int(str(rows[-1][5]))), "recordCount": sum(int(str(row[6])) for row in rows),
            "decision": str(rows[-1][7]), "agreement": str(rows[0][8]),
        }  # fmt: skip
        return Item("disclosure", receipt, 0, len(rows), body)

    def of_subject(self, tenant: str, subject: str) -> list[Item]:
        """A person's receipts, oldest first."""
        sql = "SELECT receipt FROM bank_handed WHERE tenant = ? AND subject = ? GROUP BY receipt ORDER BY min(number)"
        return [self.bundled(tenant, str(row[0])) for row in self._file.read(sql, (tenant, subject))]

    def count(self, tenant: str, subject: str) -> int:
        """How many rows are about a person."""
        sql = "SELECT count(*) FROM bank_handed WHERE tenant = ? AND subject = ?"
        return int(str(self._file.read(sql, (tenant, subject))[0][0]))

    def old(self, now: Instant) -> list[tuple[str, str]]:
        """What the law no longer asks to be kept: tenant and receipt of those last delivered three years ago."""
        sql = "SELECT tenant, receipt, max(at) FROM bank_handed GROUP BY tenant, receipt"
        rows = self._file.read(sql)
        return [(str(row[0]), str(row[1])) for row in rows if after_years(int(str(row[2])), KEPT_YEARS) <= now]

    def remove(self, receipts: Sequence[tuple[str, str]]) -> None:
        """Remove these, durable on return."""

        def delete(db: Db) -> None:
            for receipt in receipts:
                db.execute("DELETE FROM bank_handed WHERE tenant = ? AND receipt = ?", receipt)
            self._file.empty_log()

        self._file.write(delete).result()

    def _receipt(self, tenant: str, agreement: str, subject: str) -> str:
        sql = "SELECT receipt FROM bank_handed WHERE tenant = ? AND subject = ? AND agreement = ? LIMIT 1"
        return next((str(row[0]) for row in self._file.read(sql, (tenant, subject, agreement))), "")


_COLUMNS: Final = "subject, recipient, purpose, items, records, at, amount, entry, agreement"


def _union(rows: Sequence[Row], place: int) -> list[str]:
    return sorted({one for row in rows for one in json.loads(str(row[place]))})
