"""The routes by which recipients learn what they may have, what was withdrawn, and what they are to delete."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from broker.errors import Conflict, ResourceNotFound
from broker.http.messages import Response
from broker.http.rooms.route import Asked, Route
from broker.keeping import Row
from broker.model.values import Json, to_text
from services.consents.answers import FOR, PAGED, answer, get, other, page_of, paged, post, recipient_of
from services.consents.book import Book, Desk
from services.consents.closing import Closing
from services.consents.reading import instant, read
from services.consents.states import HOLDING, Record

_DELETION = (
    "SELECT d.number, d.id, d.record, p.subject, d.recipient, d.asked, d.deadline, d.confirmed, d.items"
    " FROM consents_deletion d JOIN consents_person p ON p.number = d.person WHERE d.tenant = ?"
)
_CHANGES = (
    "SELECT e.number, e.at, e.act, e.version, r.id, r.purpose, p.subject FROM consents_event e"
    " JOIN consents_record r ON r.tenant = e.tenant AND r.id = e.record JOIN consents_person p ON p.number = r.person"
    " WHERE e.tenant = ? AND r.recipient = ? AND e.number > ? AND EXISTS (SELECT 1 FROM consents_event g"
    " WHERE g.tenant = e.tenant AND g.record = e.record AND g.act = 'give' AND g.version <= e.version)"
    " ORDER BY e.number LIMIT ?"
)


class RecipientDoors:
    """The handlers; `seeing` says whose a resident looks at."""

    def __init__(self, book: Book, closing: Closing, seeing: Callable[[Asked], str]) -> None:
        self._book, self._closing, self._seeing = book, closing, seeing

    def routes(self) -> Sequence[Route]:
        """All of them."""
        return [
            get("/granted", "consent_list_granted", self.granted, PAGED),
            post("/granted/{record}/end", "consent_end_granted", self.end),
            get("/changes", "consent_follow_changes", self.changes, PAGED),
            get("/deletions", "consent_list_deletions", self.deletions, PAGED | FOR),
            post("/deletions/{deletion}/confirm", "consent_confirm_deletion", self.confirm),
        ]

    def granted(self, asked: Asked) -> Response:
        """What this recipient may have now, of whom."""
        recipient, (limit, after) = recipient_of(asked), page_of(asked)
        where = "r.recipient = ? AND r.number > ? AND r.state IN (?, ?) AND (r.due IS NULL OR r.due > ?)"
        now = self._book.now()
        found = self._book.records(asked.tenant, where, recipient, after, *sorted(HOLDING), now, limit=limit)
        rows: list[tuple[int, Json]] = [(one.number, _granted(one)) for one in found]
        return paged("granted", rows, limit)

    def end(self, asked: Asked) -> Response:
        """The recipient no longer wants it."""
        read("nothing", asked.body)
        record = self._closing.revoke(asked.tenant, other(asked), recipient_of(asked), asked.path["record"])
        return answer({"consent": record.id, "state": record.state.value})

    def changes(self, asked: Asked) -> Response:
        """What was given and withdrawn, in order: what a recipient follows. Nothing of unanswered requests."""
        recipient, (limit, after) = recipient_of(asked), page_of(asked)
        rows = self._book.rows(_CHANGES, asked.tenant, recipient, after, limit)
        told: list[tuple[int, Json]] = [
            (int(str(row[0])), {
                "at": to_text(int(str(row[1]))), "act": str(row[2]), "version": int(str(row[3])),
                "consent": str(row[4]),                 "purpose": str(row[5]), "subject": str(row[6]),
            })
            for row in rows
        ]  # fmt: skip
        return paged("changes", told, limit)

    def deletions(self, asked: Asked) -> Response:
        """Deletion requests: a recipient's, a person's; for who oversees them all, without persons."""
        limit, after = page_of(asked)
        roles, now = asked.principal.roles, self._book.now()
        tail = "d.number > ? ORDER BY d.number LIMIT ?"
        if "recipient" in roles:
            found = self._book.rows(
                f"{_DELETION} AND d.recipient = ? AND {tail}", asked.tenant, recipient_of(asked), after, limit
            )
        elif "resident" in roles:
            found = self._book.rows(
                f"{_DELETION} AND p.subject = ? AND {tail}", asked.tenant, self._seeing(asked), after, limit
            )
        else:
            found = self._book.rows(f"{_DELETION} AND {tail}", asked.tenant, after, limit)
        persons = not roles.isdisjoint({"recipient", "resident"})
        rows: list[tuple[int, Json]] = [(int(str(row[0])), told_deletion(row, now, persons=persons)) for row in found]
        return paged("deletions", rows, limit)

    def confirm(self, asked: Asked) -> Response:
        """The recipient deleted it, at a time of its."""
        recipient, given, thing = recipient_of(asked), read("confirmation", asked.body), asked.path["deletion"]

        def work(desk: Desk) -> dict[str, Json]:
            rows = desk.rows(f"{_DELETION} AND d.id = ? AND d.recipient = ?", asked.tenant, thing, recipient)
            if not rows:
                raise ResourceNotFound("there is no such deletion request", remedy="/services/consents/deletions")
            at = instant(given["at"]) if "at" in given else desk.now
            if rows[0][7] is not None or not int(str(rows[0][5])) <= at <= desk.now:
                raise Conflict(
                    "it was confirmed before, or cannot have been then", pointer="/at", remedy="once, in the past"
                )
            desk.db.execute(
                "UPDATE consents_deletion SET confirmed = ? WHERE tenant = ? AND id = ?", (at, asked.tenant, thing)
            )
            desk.note("deletion", thing, "confirm", {"at": at})
            row = desk.rows(f"{_DELETION} AND d.id = ?", asked.tenant, thing)[0]
            return told_deletion(row, desk.now, persons=True)

        return answer(self._book.transact(asked.tenant, other(asked), work))


def deletions_of(book: Book, tenant: str, subject: str) -> list[dict[str, Json]]:
    """A person's deletion requests with their states, oldest first: for certificates of erasure."""
    rows = book.rows(f"{_DELETION} AND p.subject = ? ORDER BY d.number", tenant, subject)
    return [told_deletion(row, book.now(), persons=True) for row in rows]


def told_deletion(row: Row, now: int, *, persons: bool) -> dict[str, Json]:
    """One of them: `requested`, `overdue` or `confirmed`."""
    deadline, confirmed = int(str(row[6])), row[7]
    state = "confirmed" if confirmed is not None else "overdue" if deadline <= now else "requested"
    told: dict[str, Any] = {
        "id": str(row[1]), "recipient": str(row[4]), "requestedAt": to_text(int(str(row[5]))), "state": state,
        "deadline": to_text(deadline), "confirmedAt": None if confirmed is None else to_text(int(str(confirmed))),
        "dataItems": json.loads(str(row[8])),
    }  # fmt: skip
    return {**told, "consent": str(row[2]), "subject": str(row[3])} if persons else told


def _granted(record: Record) -> dict[str, Json]:
    names = (
        "validFrom", "validUntil", "coversObservationsFrom", "coversObservationsUntil", "retention", "allowsProfiling",
        "allowsReprovision",
    )  # fmt: skip
    return {
        "consent": record.id, "subject": record.subject, "purpose": record.purpose, "dataItems": [*record.items],
        **{name: record.body[name] for name in names if name in record.body},
    }  # fmt: skip
