"""The records that the privacy act asks for (APPI 29, 30): made of the audit's disclosures, kept three years.

A row is one day of one recipient and one person, as the act lets continuous supply be bundled; `bundled` rows join the
days of one recipient, person and purposes into one, with the first and the last day. The audit may forget a person:
the records stay as long as the law asks, and no longer.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final

from broker.keeping import KeptFile
from broker.model.values import Instant, to_instant, to_text
from broker.ports.audit import Audit, Disclosure
from services.bank.book import Db
from services.bank.handing import KEPT_YEARS
from services.bank.moments import DAY_US, after_years, city_day, day_start
from services.bank.words import words

PROVISION: Final = "provision"
RECEIPT: Final = "receipt"
SIDES: Final = (PROVISION, RECEIPT)
STEPS: Final = (
    (
        "CREATE TABLE bank_record (number INTEGER PRIMARY KEY, tenant TEXT NOT NULL, side TEXT NOT NULL,"
        " key TEXT NOT NULL, day TEXT NOT NULL, subject TEXT NOT NULL, counterpart TEXT NOT NULL,"
        " last INTEGER NOT NULL, body TEXT NOT NULL, UNIQUE (tenant, side, key)) STRICT"
    ),
    "CREATE INDEX bank_record_subject ON bank_record (tenant, subject)",
    "CREATE INDEX bank_record_last ON bank_record (last)",
)
COLUMNS: Final = (
    "day", "lastDay", "side", "counterpart", "name", "address", "representative", "subject", "items", "purposes",
    "ground", "consents", "acquisition", "times", "values", "operations", "proofs", "keptUntil",
)  # fmt: skip
"""What a row says; `words.toml` has the headings."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which records: empty: all; days are of the city, inclusive."""

    side: str = ""
    subject: str = ""
    counterpart: str = ""
    first: str = ""
    last: str = ""


Named = Callable[[str, str], dict[str, str]]
"""The name, address and representative of an organisation, by tenant and id."""
Texts = Callable[[dict[str, Sequence[str]]], list[str]]
"""`Type/attribute` of each item, by their IRIs."""


class Records:
    """The records; any thread may ask for them."""

    def __init__(self, file: KeptFile, audit: Audit, named: Named, texts: Texts) -> None:
        file.tables("bank-record", STEPS)
        self._file, self._audit, self._named, self._texts = file, audit, named, texts

    def collect(self, tenant: str, subject: str = "") -> int:
        """Take over what the audit has told since the last day that is written; how many rows."""
        newest = self._file.read("SELECT max(last) FROM bank_record WHERE tenant = ? AND side = ?", (tenant, PROVISION))
        # whole days: a row is what was told in all of its day
        since = 0 if newest[0][0] is None or subject else day_start(int(str(newest[0][0])) - DAY_US)
        found = self._audit.disclosures(tenant, subject, since)
        if not found:
            return 0
        rows = [self._row(tenant, one) for one in found]

        def put(db: Db) -> int:
            for row in rows:
                db.execute(_PUT, row)
            return len(rows)

        return self._file.write(put).result()

    def receive(self, tenant: str, body: dict[str, Any], new_id: str, texts: Iterable[str]) -> int:
        """Write down that the bank got personal data of somebody else (APPI 30): one row a person."""
        at = to_instant(body["receivedAt"])
        assert at is not None, "read as a time"
        told = {
            "provider": body["provider"], "acquisition": body["acquisition"], "ground": body["ground"],
            "items": sorted(texts), "first": at, "times": 1,
        }  # fmt: skip
        text = json.dumps(told, ensure_ascii=False)
        rows = [
            (tenant, RECEIPT, f"{new_id}/{place}", city_day(at), subject, body["provider"]["name"], at, text)
            for place, subject in enumerate(body["subjects"])
        ]

        def put(db: Db) -> int:
            for row in rows:
                db.execute(_PUT, row)
            return len(rows)

        return self._file.write(put).result()

    def rows(self, tenant: str, chosen: Chosen, after: int = 0, limit: int = 10_000) -> list[dict[str, Any]]:
        """The records chosen, oldest first, as `COLUMNS`, each with its `number`."""
        where, bindings = _where(chosen)
        sql = (
            f"SELECT number, side, day, subject, counterpart, last, body FROM bank_record"  # noqa: S608  constants
            f" WHERE tenant = ? AND number > ?{where} ORDER BY number LIMIT ?"
        )
        found = self._file.read(sql, (tenant, after, *bindings, limit))
        return [
            self._told(tenant, (int(str(row[0])), *map(str, row[1:5])), int(str(row[5])), json.loads(str(row[6])))
            for row in found
        ]

    def count(self, tenant: str, subject: str) -> tuple[int, str]:
        """How many records there are of a person, and until when the law has them kept."""
        sql = "SELECT count(*), max(last) FROM bank_record WHERE tenant = ? AND subject = ?"
        number, last = self._file.read(sql, (tenant, subject))[0]
        return int(str(number)), "" if last is None else to_text(after_years(int(str(last)), KEPT_YEARS))

    def thin(self, now: Instant) -> int:
        """Remove what was told more than three years ago; how many rows."""
        # the shortest three years have 1,095 days; the exact calendar decides
        sql = "SELECT number, last FROM bank_record WHERE last <= ? LIMIT 10000"
        rows = self._file.read(sql, (now - KEPT_YEARS * 365 * DAY_US,))
        old = [int(str(number)) for number, last in rows if after_years(int(str(last)), KEPT_YEARS) <= now]

        def remove(db: Db) -> int:
            for number in old:
                db.execute("DELETE FROM bank_record WHERE number = ?", (number,))
            self._file.empty_log()
            return len(old)

        return self._file.write(remove).result() if old else 0

    def _row(self, tenant: str, one: Disclosure) -> tuple[str | int, ...]:
        told = {
            "purposes": sorted(one.purposes), "items": self._texts({k: sorted(v) for k, v in one.items.items()}),
            "consents": sorted(one.records), "times": one.times, "values": one.values, "first": one.first,
            "operations": sorted(one.operations), "proofs": list(one.entries),
            "ground": "vitalInterest" if one.kind == "emergency" else "consentBasis",
        }  # fmt: skip
        counterpart = one.recipient or one.principal
        own = json.dumps([one.day, one.subject, counterpart, one.kind, sorted(one.purposes)])
        key = blake2b(own.encode(), digest_size=16).hexdigest()
        text = json.dumps(told, ensure_ascii=False)
        return tenant, PROVISION, key, one.day, one.subject, counterpart, one.last, text

    def _told(self, tenant: str, head: tuple[Any, ...], last: Instant, body: dict[str, Any]) -> dict[str, Any]:
        number, side, day, subject, counterpart = head
        party = body.get("provider") or self._named(tenant, counterpart)
        told: dict[str, Any] = {
            "number": number, "day": day, "lastDay": day, "side": side, "counterpart": counterpart, **party,
            "subject": subject, "keptUntil": to_text(after_years(last, KEPT_YEARS)),
        }  # fmt: skip
        return {**told, **{name: part for name, part in body.items() if name in COLUMNS}}


def bundled(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Continuous supply as one record: first day and last day, everything that was told in between."""
    bundles: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in rows:
        key = (row["side"], row["counterpart"], row["subject"], row["ground"], tuple(row.get("purposes", ())))
        before = bundles.setdefault(key, row)
        if before is not row:
            bundles[key] = _joined(before, row)
    return [*bundles.values()]


def as_csv(rows: Iterable[dict[str, Any]], language: str) -> str:
    """With a heading in `ja` or `en`; lists joined by a space. A text that a table program would run is quoted."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    headings = words()["columns"]
    writer.writerow([headings[name]["ja" if language == "ja" else "en"] for name in COLUMNS])
    for row in rows:
        writer.writerow([_cell(row.get(name, "")) for name in COLUMNS])
    return "\ufeff" + out.getvalue()


def _joined(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    lists: dict[str, Any] = {
        name: sorted({*one.get(name, []), *other.get(name, [])})
        for name in ("items", "consents", "operations", "proofs")
        if name in one or name in other
    }
    sums: dict[str, Any] = {name: one.get(name, 0) + other.get(name, 0) for name in ("times", "values") if name in one}
    days = {"day": min(one["day"], other["day"]), "lastDay": max(one["lastDay"], other["lastDay"])}
    return {**one, **lists, **sums, **days, "keptUntil": max(one["keptUntil"], other["keptUntil"])}


def _cell(value: Any) -> str:  # noqa: ANN401  JSON of many shapes
    text = " ".join(map(str, value)) if isinstance(value, list) else str(value)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def _where(chosen: Chosen) -> tuple[str, list[str]]:
    parts = (
        (" AND side = ?", chosen.side), (" AND subject = ?", chosen.subject),
        (" AND counterpart = ?", chosen.counterpart), (" AND day >= ?", chosen.first), (" AND day <= ?", chosen.last),
    )  # fmt: skip
    used = [(text, value) for text, value in parts if value]
    return "".join(text for text, _ in used), [value for _, value in used]


_PUT: Final = (
    "INSERT INTO bank_record (tenant, side, key, day, subject, counterpart, last, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT DO UPDATE SET last = max(last, excluded.last), body = excluded.body"
)
