"""Who acts for whom: guardians, whom the operator notes by the papers that they show, and whom a person chose."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from broker.errors import BadRequestData, Conflict, Forbidden, ResourceNotFound
from broker.keeping import Row
from broker.model.values import Json, to_text
from services.consents.book import Book, Desk, Who, number_of
from services.consents.reading import instant

SEE, DECIDE = "maySee", "mayDecide"
CHOSEN: Final = "chosenDelegate"
CHOSEN_YEARS_MAX: Final = 3
_YEAR_US: Final = 366 * 86_400_000_000
_LEGAL_YEARS_MAX: Final = 25
DELEGATES_MAX: Final = 20
_DELEGATION: Final = (
    "SELECT d.id, p.subject, q.subject, d.kind, d.scope, d.since, d.until, d.ended, d.evidence"
    " FROM consents_delegation d JOIN consents_person p ON p.number = d.person"
    " JOIN consents_person q ON q.number = d.delegate WHERE d.tenant = ?"
)


class Delegations:
    """Notes and ends them."""

    def __init__(self, book: Book) -> None:
        self._book = book

    def note(self, tenant: str, who: Who, given: Mapping[str, Any], subject: str = "") -> dict[str, Json]:
        """A person (`subject`) chose somebody; or, without, the operator saw papers (`evidence`: which, in words).

        Raises BadRequestData, Conflict.
        """
        chosen, person = bool(subject), subject or given.get("subject", "")
        _check(given, chosen=chosen, person=person)
        since = instant(given["validFrom"]) if "validFrom" in given else self._book.now()
        until = instant(given["validUntil"])
        years = CHOSEN_YEARS_MAX if chosen else _LEGAL_YEARS_MAX
        if not max(since, self._book.now()) < until <= self._book.now() + years * _YEAR_US:
            raise BadRequestData(
                "it ends before it begins, or holds too long", pointer="/validUntil", remedy=f"at most {years} years"
            )

        def work(desk: Desk) -> dict[str, Json]:
            numbers = desk.person(person), desk.person(given["delegate"])
            sql = "SELECT count(*) FROM consents_delegation WHERE tenant = ? AND person = ? AND ended IS NULL"
            if number_of(desk.rows(sql, tenant, numbers[0])) >= DELEGATES_MAX:
                raise Conflict(f"{DELEGATES_MAX} act for this person already", remedy="end one")
            thing, scope = desk.new_id("ConsentDelegation"), " ".join(sorted(given["scope"]))
            row = (tenant, thing, *numbers, given["kind"], scope, since, until, until, given.get("evidence"))
            sql = (
                "INSERT INTO consents_delegation (tenant, id, person, delegate, kind, scope, since, until, due,"
                " evidence) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
            )
            desk.db.execute(sql, row)
            desk.note("delegation", thing, "note", {"kind": given["kind"], "scope": scope, "until": until})
            desk.show("delegation", thing)
            return _told(desk.rows(f"{_DELEGATION} AND d.id = ?", tenant, thing)[0])

        return self._book.transact(tenant, who, work)

    def end(self, tenant: str, who: Who, thing: str, subject: str = "") -> dict[str, Json]:
        """End one: as the person who chose it, as who acts, or (no `subject`) the operator. Raises ResourceNotFound."""

        def work(desk: Desk) -> dict[str, Json]:
            row = next(iter(desk.rows(f"{_DELEGATION} AND d.id = ? AND d.ended IS NULL", tenant, thing)), None)
            if row is None or (subject and subject not in row[1:3]):
                raise ResourceNotFound("there is no such delegation", remedy="/services/consents/delegations")
            if subject == row[1] and row[3] != CHOSEN:
                raise Forbidden("the law gives this delegation", remedy="the operator ends it, by papers that say so")
            close(desk, thing)
            return _told(desk.rows(f"{_DELEGATION} AND d.id = ?", tenant, thing)[0])

        return self._book.transact(tenant, who, work)

    def of(self, tenant: str, subject: str) -> list[dict[str, Json]]:
        """Those of a person: who acts for them, and for whom they act."""
        person = self._book.person(tenant, subject)
        sql = f"{_DELEGATION} AND (d.person = ? OR d.delegate = ?) ORDER BY d.number"
        return [*map(_told, self._book.rows(sql, tenant, person, person))]

    def kind(self, tenant: str, delegate: str, subject: str, scope: str) -> str:
        """As what somebody may do that for a person now; empty where they may not."""
        now = self._book.now()
        sql = f"{_DELEGATION} AND p.subject = ? AND q.subject = ? AND d.ended IS NULL AND d.since <= ? AND d.until > ?"
        rows = self._book.rows(sql, tenant, subject, delegate, now, now)
        return next((str(row[3]) for row in rows if scope in str(row[4]).split()), "")


def close(desk: Desk, thing: str) -> None:
    """It ends now."""
    sql = "UPDATE consents_delegation SET ended = ?, due = NULL WHERE tenant = ? AND id = ?"
    desk.db.execute(sql, (desk.now, desk.tenant, thing))
    desk.note("delegation", thing, "end", {})
    desk.show("delegation", thing)


def _check(given: Mapping[str, Any], *, chosen: bool, person: str) -> None:
    if chosen != (given["kind"] == CHOSEN):
        remedy = CHOSEN if chosen else "parentalAuthority, legalGuardian"
        raise BadRequestData("that kind is not for you to note", pointer="/kind", remedy=remedy)
    if chosen == ("subject" in given) or (not chosen and "evidence" not in given):
        remedy = "leave it out: it is you" if chosen else '"subject", and "evidence": which papers were shown'
        raise BadRequestData("whom it is about", pointer="/subject", remedy=remedy)
    if person == given["delegate"]:
        raise BadRequestData("nobody acts for themself", pointer="/delegate", remedy="somebody else")


def _told(row: Row) -> dict[str, Json]:
    since, until = int(str(row[5])), int(str(row[6]))
    return {
        "id": str(row[0]), "subject": str(row[1]), "delegate": str(row[2]), "kind": str(row[3]),
        "scope": [*str(row[4]).split()], "validFrom": to_text(since), "validUntil": to_text(until),
        "state": "delegationActive" if row[7] is None else "delegationEnded",
        "evidence": None if row[8] is None else str(row[8]),
    }  # fmt: skip
