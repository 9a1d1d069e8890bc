"""Dynamic opt-in: recipients ask persons, who find it in their list and answer. Whether a person exists is not told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from broker.model.values import to_text
from services.consents.book import Book, Desk, Who, number_of
from services.consents.configured import Settings
from services.consents.giving import ASKED_MAX
from services.consents.states import HOLDING, OPEN, Act, Record, State
from services.consents.terms import DAY_US, Terms, TermsRoom


class Asking:
    """Asks, and withdraws what was asked."""

    def __init__(self, book: Book, terms: TermsRoom, settings: Settings) -> None:
        self._book, self._terms, self._settings = book, terms, settings

    def ask(self, tenant: str, who: Who, recipient: str, given: Mapping[str, Any]) -> int:
        """Ask persons (`subjects`) for what terms of this recipient say; how many were named.

        Nobody is asked while they consent to it or were asked already, nor soon after they refused or withdrew: and
        the recipient does not learn of whom that is so. Raises ResourceNotFound, Conflict.
        """
        terms = self._terms.live(tenant, given["terms"])
        if terms.recipient != recipient:
            terms = self._terms.live(tenant, "")
        self._terms.recipient(tenant, recipient, terms.purpose)

        def work(desk: Desk) -> int:
            for subject in given["subjects"]:
                if self._may_ask(desk, desk.person(subject), terms):
                    self._request(desk, desk.person(subject), terms, given.get("message"))
            return len(given["subjects"])

        return self._book.transact(tenant, who, work)

    def waiting(self, tenant: str, subject: str) -> list[Record]:
        """Requests that wait for a person's answer, and consents that lapse unless they are given anew."""
        found = self._book.of_person(tenant, subject)
        return [
            one
            for one in found
            if one.state in OPEN or (one.state in HOLDING and not {"reconsentBy", "conditionsBy"}.isdisjoint(one.body))
        ]

    def _may_ask(self, desk: Desk, person: int, terms: Terms) -> bool:
        quiet = desk.now - self._settings.quiet_days * DAY_US
        for one in desk.records("r.person = ? AND r.terms = ?", person, terms.id):
            if one.state in HOLDING | OPEN:
                return False
            if one.state in (State.REFUSED, State.WITHDRAWN, State.EXPIRED) and one.at > quiet:
                return False
        sql = "SELECT count(*) FROM consents_record WHERE tenant = ? AND person = ? AND state IN (?, ?)"
        return number_of(desk.rows(sql, desk.tenant, person, *sorted(OPEN))) < ASKED_MAX

    def _request(self, desk: Desk, person: int, terms: Terms, message: object) -> None:
        kept = ("benefit", "retention", "storageLocation", "privacyNotice", "jurisdiction", "offer", "recipientName")
        body = {
            **{name: terms.body[name] for name in kept if name in terms.body},
            "dataItems": terms.body["dataItems"], "terms": terms.id, "termsVersion": str(terms.version),
            "requestedUntil": to_text(desk.now + self._settings.request_days * DAY_US), "message": message,
        }  # fmt: skip
        head = {"person": person, "recipient": terms.recipient, "purpose": terms.purpose}
        desk.append(desk.new_id("ConsentRecord"), Act.REQUEST, {**head, **body})
