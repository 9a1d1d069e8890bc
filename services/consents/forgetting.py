"""Somebody leaves: every consent ends; what shows that they once consented stays as long as the law wants, then goes.

Persons stand in the histories by number: who takes away whose number it is has forgotten them.
"""

from __future__ import annotations

from functools import partial
from typing import Final

from broker.model.values import Instant, Json, to_text
from services.consents import delegations
from services.consents.book import TIMER, Book, Desk, Who, number_of
from services.consents.closing import Closing, Withdrawn
from services.consents.configured import Settings
from services.consents.tables import Database
from services.consents.terms import DAY_US

KEPT: Final = "consents_event"
_DUE: Final = (
    "SELECT p.tenant, l.person FROM consents_left l JOIN consents_person p ON p.number = l.person WHERE l.due <= ?"
)


class Forgetting:
    """Lets people leave."""

    def __init__(self, book: Book, closing: Closing, settings: Settings) -> None:
        self._book, self._closing, self._settings = book, closing, settings

    def forget(self, tenant: str, who: Who, subject: str) -> dict[str, Json]:
        """End all that a person consented to; what went, what is kept, why and until when, what recipients delete."""
        done: Withdrawn = self._closing.withdraw(tenant, who, subject, {"all": True})

        def work(desk: Desk) -> dict[str, Json]:
            person = desk.person(subject)
            sql = (
                "SELECT id FROM consents_delegation WHERE tenant = ? AND ended IS NULL AND (person = ? OR delegate = ?)"
            )
            relations = [str(row[0]) for row in desk.rows(sql, tenant, person, person)]
            for thing in relations:
                delegations.close(desk, thing)
            sql = "UPDATE consents_delegation SET evidence = NULL WHERE tenant = ? AND (person = ? OR delegate = ?)"
            desk.db.execute(sql, (tenant, person, person))
            sql = "DELETE FROM consents_notice WHERE tenant = ? AND person = ? RETURNING number"
            notices = len(desk.rows(sql, tenant, person))
            kept = number_of(desk.rows(_EVENTS, tenant, person))
            due = desk.now + self._settings.keep_years * 366 * DAY_US
            desk.db.execute("INSERT OR REPLACE INTO consents_left VALUES (?, ?, ?)", (person, desk.now, due))
            desk.note("person", str(person), "leave", {"until": due})
            self._book.file.empty_log()
            return {
                "withdrawn": len(done.ended), "delegations": len(relations), "notices": notices,
                "kept": {"events": kept, "until": to_text(due), "why": "to show that they consented, and to what"},
                "deletionRequests": [*done.deletions],
            }  # fmt: skip

        return self._book.transact(tenant, who, work)

    def forget_due(self) -> int:
        """Take away whose the histories were of those who left long enough ago; how many."""
        rows = [(str(tenant), int(str(person))) for tenant, person in self._book.rows(_DUE, self._book.now())]
        for tenant, person in rows:
            self._book.transact(tenant, TIMER, partial(self._unname, person=person))
        return len(rows)

    def drop_notices(self) -> None:
        """Forget what was shown and led to nothing."""
        before = self._book.now() - DAY_US
        sql = "SELECT 1 FROM consents_notice WHERE used IS NULL AND until < ? LIMIT 1"
        if self._book.rows(sql, before):
            self._book.file.write(partial(_drop, before=before)).result()

    def _unname(self, desk: Desk, person: int) -> None:
        subject = desk.new_id("Forgotten")
        desk.db.execute("UPDATE consents_person SET subject = ? WHERE number = ?", (subject, person))
        desk.db.execute("UPDATE consents_left SET due = NULL WHERE person = ?", (person,))
        desk.note("person", str(person), "forget", {})
        self._book.file.empty_log()


def _drop(db: Database, before: Instant) -> None:
    db.execute("DELETE FROM consents_notice WHERE used IS NULL AND until < ?", (before,))


_EVENTS: Final = (
    "SELECT count(*) FROM consents_event e JOIN consents_record r ON r.tenant = e.tenant AND r.id = e.record"
    " WHERE r.tenant = ? AND r.person = ?"
)
