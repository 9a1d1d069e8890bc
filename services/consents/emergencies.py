"""Break glass: an operator looks without consent, to protect life. A day at most; audited first; told afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from broker.errors import BadRequestData, Conflict, ResourceNotFound
from broker.keeping import Row
from broker.model.values import Json, to_text
from broker.ports.audit import Audit, Entry
from services.consents.book import Book, Desk, Who, number_of
from services.consents.configured import Settings
from services.consents.terms import HOUR_US

RUNNING_MAX: Final = 20
_EMERGENCY: Final = (
    "SELECT e.id, e.principal, e.reason, e.everybody, e.since, e.until, e.ended, e.number,"
    " (SELECT count(*) FROM consents_looked_at l WHERE l.emergency = e.number) FROM consents_emergency e"
    " WHERE e.tenant = ? AND "
)
_COVERED: Final = (
    "(e.everybody = 1 OR EXISTS (SELECT 1 FROM consents_looked_at l WHERE l.emergency = e.number AND l.person = ?))"
)
_TOLD: Final = f"{_EMERGENCY} e.ended IS NOT NULL AND {_COVERED} ORDER BY e.number DESC LIMIT 200"


class Emergencies:
    """Begins and ends them."""

    def __init__(self, book: Book, audit: Audit, settings: Settings) -> None:
        self._book, self._audit, self._settings = book, audit, settings

    def begin(self, tenant: str, who: Who, given: Mapping[str, Any]) -> dict[str, Json]:
        """From now on this operator sees these persons, or everybody. Raises BadRequestData, Conflict."""
        if given.get("everybody", False) == ("subjects" in given):
            remedy = '"subjects": ["urn:misono:subject:…"], or "everybody": true'
            raise BadRequestData("whom it is about", pointer="/subjects", remedy=remedy)
        if given["hours"] > self._settings.emergency_hours_max:
            remedy = f"at most {self._settings.emergency_hours_max}"
            raise BadRequestData("that is too long", pointer="/hours", remedy=remedy)
        subjects = given.get("subjects", ())
        until = self._book.now() + round(given["hours"] * HOUR_US)
        self._record(
            tenant, who, "begin", {"reason": given["reason"], "until": to_text(until), "people": len(subjects)}
        )

        def work(desk: Desk) -> dict[str, Json]:
            sql = "SELECT count(*) FROM consents_emergency WHERE tenant = ? AND principal = ? AND ended IS NULL"
            if number_of(desk.rows(sql, tenant, who.by)) >= RUNNING_MAX:
                raise Conflict(f"{RUNNING_MAX} of yours run already", remedy="end one")
            thing = desk.new_id("EmergencyAccess")
            row = (tenant, thing, who.by, given["reason"], not subjects, desk.now, until, until)
            sql = (
                "INSERT INTO consents_emergency (tenant, id, principal, reason, everybody, since, until, due)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING number"
            )
            number = number_of([*desk.db.execute(sql, row)])
            rows = [(number, desk.person(one)) for one in subjects]
            desk.db.executemany("INSERT INTO consents_looked_at VALUES (?, ?)", rows)
            desk.note("emergency", thing, "begin", {"until": until})
            desk.show("emergency", thing)
            return _told(desk.rows(f"{_EMERGENCY} e.id = ?", tenant, thing)[0])

        return self._book.transact(tenant, who, work)

    def end(self, tenant: str, who: Who, thing: str) -> dict[str, Json]:
        """End one of one's own before its time. Raises ResourceNotFound."""

        def work(desk: Desk) -> dict[str, Json]:
            sql = f"{_EMERGENCY} e.id = ? AND e.principal = ? AND e.ended IS NULL"
            if not desk.rows(sql, tenant, thing, who.by):
                raise ResourceNotFound("no such emergency runs", remedy="/services/consents/emergencies lists them")
            close(desk, thing)
            return _told(desk.rows(f"{_EMERGENCY} e.id = ?", tenant, thing)[0])

        found = self._book.transact(tenant, who, work)
        self._record(tenant, who, "end", {"emergency": thing})
        return found

    def all(self, tenant: str, after: int, limit: int) -> list[tuple[int, dict[str, Json]]]:
        """For who oversees them: without persons."""
        rows = self._book.rows(f"{_EMERGENCY} e.number > ? ORDER BY e.number LIMIT ?", tenant, after, limit)
        return [(int(str(row[7])), _told(row)) for row in rows]

    def told(self, tenant: str, subject: str) -> list[dict[str, Json]]:
        """What a person is told of: emergencies that are over and covered them."""
        person = self._book.person(tenant, subject)
        return [*map(_told, self._book.rows(_TOLD, tenant, person))]

    def _record(self, tenant: str, who: Who, act: str, more: Mapping[str, Json]) -> None:
        entry = Entry("emergency", tenant, who.by, self._book.now(), operation=act, more=more)
        self._audit.record(entry).result()


def close(desk: Desk, thing: str) -> None:
    """It ends now; the persons find it among what they are told."""
    sql = "UPDATE consents_emergency SET ended = ?, due = NULL WHERE tenant = ? AND id = ?"
    desk.db.execute(sql, (desk.now, desk.tenant, thing))
    desk.note("emergency", thing, "end", {})
    desk.show("emergency", thing)


def _told(row: Row) -> dict[str, Json]:
    ended = None if row[6] is None else to_text(int(str(row[6])))
    return {
        "id": str(row[0]), "accessedBy": str(row[1]), "reason": str(row[2]), "everybody": bool(row[3]),
        "validFrom": to_text(int(str(row[4]))), "validUntil": to_text(int(str(row[5]))), "endedAt": ended,
        "state": "emergencyRunning" if ended is None else "emergencyEnded", "people": int(str(row[8])),
    }  # fmt: skip
