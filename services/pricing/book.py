"""What pricing keeps: persons by number, their reserve prices, what they were paid, who has something exclusively."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from broker.keeping import Db, KeptFile
from broker.model.values import Instant
from services.pricing.tables import TABLES

FORGOTTEN: Final = "urn:misono:forgotten:"
Rows = list[tuple[Any, ...]]
_PAYMENT: Final = """SELECT pay.number, pay.id, one.subject, pay.source, pay.recipient, pay.paid, pay.currency,
    pay.month, pay.at, pay.account, pay.posting, pay.reversed
    FROM pricing_payment AS pay JOIN pricing_person AS one ON one.number = pay.person"""


@dataclass(frozen=True, slots=True)
class Payment:
    """What a person got; `source` is the quote, or what else it was for."""

    number: int
    id: str
    subject: str
    source: str
    recipient: str
    paid: int
    currency: str
    month: str
    at: Instant
    account: str
    posting: str
    reversed: int


@dataclass(frozen=True, slots=True)
class Sold:
    """Items of the days from `first` until `end` (texts), which a recipient has alone until `until`."""

    quote: int
    recipient: str
    items: tuple[str, ...]
    first: str
    end: str
    until: Instant


class Book:
    """See the module. Methods with a `db` work within a transaction; subjects are pseudonyms."""

    def __init__(self, file: KeptFile) -> None:
        self.file = file
        file.tables("pricing", TABLES)

    def read(self, sql: str, *bindings: str | int | None) -> Rows:
        """Rows of what is committed."""
        return cast("Rows", self.file.read(sql, bindings))

    def numbers(self, db: Db, tenant: str, subjects: Iterable[str]) -> dict[str, int]:
        """Each person's number, given where there is none."""
        wanted = json.dumps([*subjects])
        db.execute(
            "INSERT OR IGNORE INTO pricing_person (tenant, subject) SELECT ?1, value FROM json_each(?2)",
            (tenant, wanted),
        )
        sql = """SELECT subject, number FROM pricing_person
            WHERE tenant = ?1 AND subject IN (SELECT value FROM json_each(?2))"""
        return {str(one): int(str(number)) for one, number in db.execute(sql, (tenant, wanted))}

    def paid(self, db: Db | None, tenant: str, month: str, currency: str) -> dict[str, int]:
        """What each person's data cost in a month of the city, in a currency."""
        sql = """SELECT one.subject, sum(pay.gross) FROM pricing_payment AS pay
            JOIN pricing_person AS one ON one.number = pay.person
            WHERE one.tenant = ? AND pay.month = ? AND pay.currency = ? AND NOT pay.reversed GROUP BY one.number"""
        return {str(one): int(total) for one, total in self._rows(db, sql, tenant, month, currency)}

    def reserves(self, db: Db | None, tenant: str, currency: str) -> dict[str, dict[str, int]]:
        """The least that each person asks for, by item."""
        sql = """SELECT one.subject, ask.item, ask.amount FROM pricing_reserve AS ask
            JOIN pricing_person AS one ON one.number = ask.person WHERE one.tenant = ? AND ask.currency = ?"""
        found: dict[str, dict[str, int]] = {}
        for subject, item, amount in self._rows(db, sql, tenant, currency):
            found.setdefault(str(subject), {})[str(item)] = int(amount)
        return found

    def reserves_of(self, tenant: str, subject: str) -> Rows:
        """(item, currency, amount) of a person."""
        sql = """SELECT ask.item, ask.currency, ask.amount FROM pricing_reserve AS ask
            JOIN pricing_person AS one ON one.number = ask.person WHERE one.tenant = ? AND one.subject = ?
            ORDER BY ask.currency, ask.item"""
        return self.read(sql, tenant, subject)

    def set_reserve(self, tenant: str, subject: str, ask: tuple[str, str], amount: int) -> None:
        """The least that a person asks for `(item, currency)`; 0 asks nothing."""

        def work(db: Db) -> None:
            person = self.numbers(db, tenant, [subject])[subject]
            db.execute("DELETE FROM pricing_reserve WHERE person = ? AND item = ? AND currency = ?", (person, *ask))
            if amount:
                db.execute("INSERT INTO pricing_reserve VALUES (?, ?, ?, ?)", (person, *ask, amount))

        self.file.write(work).result()

    def taken(self, db: Db | None, tenant: str, sold: Sold, now: Instant) -> frozenset[str]:
        """Persons of whom somebody else has some of these items of some of these days alone."""
        sql = """SELECT DISTINCT one.subject FROM pricing_exclusive AS alone
            JOIN pricing_person AS one ON one.number = alone.person
            WHERE one.tenant = ? AND alone.recipient <> ? AND alone.until > ? AND alone.first < ? AND alone.after > ?
            AND alone.item IN (SELECT value FROM json_each(?))"""
        items = json.dumps([*sold.items])
        rows = self._rows(db, sql, tenant, sold.recipient, now, sold.end, sold.first, items)
        return frozenset(str(row[0]) for row in rows)

    def sell_alone(self, db: Db, sold: Sold, persons: Iterable[int]) -> None:
        """Nobody else gets these of these persons meanwhile."""
        db.executemany(
            "INSERT INTO pricing_exclusive VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                (person, item, sold.quote, sold.recipient, sold.first, sold.end, sold.until)
                for person in persons
                for item in sold.items
            ],
        )

    def payments(self, tenant: str, subject: str, after: int, limit: int) -> list[Payment]:
        """What a person got, oldest first."""
        where = f"{_PAYMENT} WHERE pay.tenant = ? AND one.subject = ? AND pay.number > ? ORDER BY pay.number LIMIT ?"
        return [Payment(*row) for row in self.read(where, tenant, subject, after, limit)]

    def payments_in(self, ids: Sequence[str]) -> list[Payment]:
        """Those of these ids."""
        sql = f"{_PAYMENT} WHERE pay.id IN (SELECT value FROM json_each(?))"  # noqa: S608  a statement of our own
        return [Payment(*row) for row in self.read(sql, json.dumps([*ids]))]

    def income(self, tenant: str, subject: str) -> Rows:
        """(month, currency, recipient, what was paid, how often) of a person, newest month first."""
        sql = """SELECT pay.month, pay.currency, pay.recipient, sum(pay.paid), count(*) FROM pricing_payment AS pay
            JOIN pricing_person AS one ON one.number = pay.person
            WHERE pay.tenant = ? AND one.subject = ? AND NOT pay.reversed
            GROUP BY 1, 2, 3 ORDER BY 1 DESC, 2, 3"""
        return self.read(sql, tenant, subject)

    def forget(self, tenant: str, subject: str, instead: str) -> int:
        """Take a person's name off what was paid; what they asked for and were quoted goes. How many rows of it."""

        def work(db: Db) -> int:
            found = [int(str(row[0])) for row in db.execute(_PERSON, (tenant, subject))]
            if not found:
                return 0
            gone = 0
            for table in ("pricing_reserve", "pricing_share", "pricing_exclusive"):
                db.execute(f"DELETE FROM {table} WHERE person = ?", (found[0],))  # noqa: S608  names of our own
                gone += db.changes()
            db.execute(
                "INSERT OR IGNORE INTO pricing_unshown SELECT tenant, id FROM pricing_payment WHERE person = ?",
                (found[0],),
            )
            gone += db.changes()
            db.execute("UPDATE pricing_person SET subject = ? WHERE number = ?", (f"{FORGOTTEN}{instead}", found[0]))
            self.file.empty_log()
            return gone

        return self.file.write(work).result()

    def unshown(self, limit: int = 1_000) -> dict[str, list[str]]:
        """Ids of what the hub does not show as it is, by tenant."""
        found: dict[str, list[str]] = {}
        for tenant, entity_id in self.read("SELECT tenant, id FROM pricing_unshown LIMIT ?", limit):
            found.setdefault(str(tenant), []).append(str(entity_id))
        return found

    def to_show(self, db: Db, tenant: str, ids: Iterable[str]) -> None:
        """Remember, within a transaction, that these are to be shown."""
        db.executemany("INSERT OR IGNORE INTO pricing_unshown VALUES (?, ?)", [(tenant, one) for one in ids])

    def was_shown(self, tenant: str, ids: Sequence[str]) -> None:
        """These are."""
        rows = [(tenant, one) for one in ids]

        def work(db: Db) -> None:
            db.executemany("DELETE FROM pricing_unshown WHERE tenant = ? AND id = ?", rows)

        if rows:
            self.file.write(work).result()

    def _rows(self, db: Db | None, sql: str, *bindings: str | int | None) -> Rows:
        return self.read(sql, *bindings) if db is None else cast("Rows", list(db.execute(sql, bindings)))


_PERSON: Final = "SELECT number FROM pricing_person WHERE tenant = ? AND subject = ?"


def as_map(text: str) -> Mapping[str, Any]:
    """A kept body."""
    return cast("Mapping[str, Any]", json.loads(text))
