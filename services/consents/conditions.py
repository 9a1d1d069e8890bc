"""The conditions of use of the hub itself (約款), in versions: people agree to them before they consent to anything.

When there is a new version, consents go on for the time that it says, and lapse then unless the person agreed to it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from broker.errors import Conflict, ResourceNotFound
from broker.keeping import Row
from broker.model.values import Instant, Json, to_text
from services.consents.book import TIMER, Book, Desk, Who, text_of
from services.consents.states import HOLDING, Act

DAY_US: Final = 86_400_000_000
AT_ONCE, ROUNDS_MAX = 250, 20
"""So many in one transaction, and so many of these in one turn of the timer."""
_CONDITIONS: Final = "SELECT number, version, at, lapses, body, noted FROM consents_conditions WHERE tenant = ?"
_AGREED: Final = (
    "SELECT a.at FROM consents_agreement a JOIN consents_person p ON p.number = a.person"
    " WHERE a.conditions = ? AND p.tenant = ? AND p.subject = ?"
)
_WITHOUT: Final = (
    "SELECT r.id FROM consents_record r WHERE r.tenant = ? AND r.state IN (?, ?)"
    " AND json_extract(r.body, '$.conditionsBy') IS NULL AND NOT EXISTS (SELECT 1 FROM consents_agreement a"
    " WHERE a.conditions = ? AND a.person = r.person) LIMIT ?"
)


@dataclass(frozen=True, slots=True)
class Version:
    """One version; consents of who has not agreed to it lapse at `lapses`."""

    number: int
    version: str
    at: Instant
    lapses: Instant
    body: Mapping[str, Any]

    def told(self) -> dict[str, Json]:
        """As answers have it."""
        return {**self.body, "version": self.version, "publishedAt": to_text(self.at), "lapses": to_text(self.lapses)}


class Conditions:
    """Publishes them and takes agreements."""

    def __init__(self, book: Book, reconsent_days: int) -> None:
        self._book, self._reconsent_days = book, reconsent_days

    def publish(self, tenant: str, who: Who, given: Mapping[str, Any]) -> Version:
        """A new version. Raises Conflict where there was one of its name."""
        body = {name: given[name] for name in ("text", "url") if name in given}

        def work(desk: Desk) -> None:
            if desk.rows(f"{_CONDITIONS} AND version = ?", tenant, given["version"]):
                raise Conflict("there is such a version already", pointer="/version", remedy="another name")
            lapses = desk.now + given.get("lapseDays", self._reconsent_days) * DAY_US
            row = (tenant, given["version"], desk.now, lapses, text_of(body))
            sql = "INSERT INTO consents_conditions (tenant, version, at, lapses, body) VALUES (?, ?, ?, ?, ?)"
            desk.db.execute(sql, row)
            desk.note("conditions", given["version"], "publish", {"lapses": lapses})

        self._book.transact(tenant, who, work)
        self.note_changed(rounds=1)
        return self.newest(tenant)

    def newest(self, tenant: str) -> Version:
        """The version that counts. Raises ResourceNotFound where there is none."""
        rows = self._book.rows(f"{_CONDITIONS} ORDER BY number DESC LIMIT 1", tenant)
        if not rows:
            raise ResourceNotFound("there are no conditions", remedy="nothing has to be agreed to")
        return _version(rows[0])

    def agreed(self, tenant: str, subject: str) -> str | None:
        """When somebody agreed to the newest version; None where they have not."""
        rows = self._book.rows(_AGREED, self.newest(tenant).number, tenant, subject)
        return None if not rows else to_text(int(str(rows[0][0])))

    def agree(self, tenant: str, who: Who, subject: str, version: str) -> dict[str, Json]:
        """Somebody agrees: their consents go on. Raises Conflict where it is not the newest version."""
        newest = self.newest(tenant)
        if newest.version != version:
            raise Conflict("that is not the newest version", pointer="/version", remedy=newest.version)

        def work(desk: Desk) -> None:
            person = desk.person(subject)
            row = (newest.number, person, desk.now)
            desk.db.execute("INSERT OR IGNORE INTO consents_agreement VALUES (?, ?, ?)", row)
            desk.note("conditions", version, "agree", {"person": person})
            for record in desk.records("r.person = ?", person):
                if record.state in HOLDING and "conditionsBy" in record.body:
                    desk.append(record.id, Act.NOTE, {"conditionsBy": None})

        self._book.transact(tenant, who, work)
        return {**newest.told(), "agreedAt": self.agreed(tenant, subject)}

    def check(self, tenant: str, subject: str) -> None:
        """Raises Conflict where somebody has not agreed to what there is to agree to."""
        rows = self._book.rows(f"{_CONDITIONS} ORDER BY number DESC LIMIT 1", tenant)
        if rows and not self._book.rows(_AGREED, int(str(rows[0][0])), tenant, subject):
            raise Conflict(
                "the conditions of use are agreed to first",
                remedy='GET /services/consents/conditions, then POST …/agree {"version": "…"}',
            )

    def note_changed(self, rounds: int = ROUNDS_MAX) -> None:
        """Have consents of who has not agreed lapse in time: AT_ONCE in a transaction, so many of these."""
        sql = "SELECT number, version, at, lapses, body, tenant FROM consents_conditions WHERE noted IS NULL"
        for row in self._book.rows(sql):
            tenant, note = str(row[5]), partial(_note, version=_version(row))
            if any(self._book.transact(tenant, TIMER, note) < AT_ONCE for _ in range(rounds)):
                self._book.transact(tenant, TIMER, partial(_done, version=_version(row)))


def _note(desk: Desk, version: Version) -> int:
    ids = [str(row[0]) for row in desk.rows(_WITHOUT, desk.tenant, *sorted(HOLDING), version.number, AT_ONCE)]
    for record_id in ids:
        desk.append(record_id, Act.NOTE, {"conditionsBy": to_text(version.lapses)})
    return len(ids)


def _done(desk: Desk, version: Version) -> None:
    desk.db.execute("UPDATE consents_conditions SET noted = 1 WHERE number = ?", (version.number,))


def _version(row: Row) -> Version:
    number, at, lapses = (int(str(row[place])) for place in (0, 2, 3))
    return Version(number, str(row[1]), at, lapses, json.loads(str(row[4])))
