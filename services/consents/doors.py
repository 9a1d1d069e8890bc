"""The routes of consents, below /services/consents: of residents, recipients, operators, and of who holds a receipt."""

from __future__ import annotations

from collections.abc import Sequence

from broker.errors import BadRequestData
from broker.http.messages import Response
from broker.http.rooms.route import Asked, Route
from broker.model.values import Json
from services.consents.answers import (
    FOR,
    PAGED,
    answer,
    get,
    language_of,
    not_for,
    other,
    page_of,
    paged,
    post,
    recipient_of,
    resident_of,
)
from services.consents.book import Who
from services.consents.delegations import DECIDE, SEE
from services.consents.giving import Acting
from services.consents.parts import Parts
from services.consents.reading import read
from services.consents.states import Record
from services.consents.told import told_event, told_matrix, told_record
from services.room import Ground


class Doors:
    """The handlers."""

    def __init__(self, parts: Parts, ground: Ground) -> None:
        self._parts, self._ground = parts, ground

    def routes(self) -> Sequence[Route]:
        """All of them."""
        return [*self._terms(), *self._records(), *self._requests(), *self._relations()]

    def _terms(self) -> list[Route]:
        return [
            get("/terms", "consent_list_terms", self.list_terms, PAGED | {"recipient"}),
            post("/terms", "consent_publish_terms", self.publish_terms),
            get("/terms/{terms}", "consent_retrieve_terms", self.retrieve_terms),
            post("/terms/{terms}/versions", "consent_change_terms", self.publish_terms),
            post("/terms/{terms}/end", "consent_end_terms", self.end_terms),
            post("/notices", "consent_show_notice", self.show_notice, FOR),
        ]

    def _records(self) -> list[Route]:
        one = "/records/{record}"
        return [
            get("/records", "consent_list_records", self.list_records, FOR | PAGED | {"state"}),
            post("/records", "consent_give", self.give, FOR),
            get("/matrix", "consent_show_matrix", self.matrix, FOR),
            get(one, "consent_retrieve_record", self.retrieve_record, FOR),
            get(f"{one}/events", "consent_list_events", self.list_events, FOR),
            post(f"{one}/accept", "consent_accept", self.accept, FOR),
            post(f"{one}/refuse", "consent_refuse", self.refuse, FOR),
            post(f"{one}/defer", "consent_defer", self.defer, FOR),
            post(f"{one}/renew", "consent_renew", self.renew, FOR),
            post(f"{one}/change", "consent_change", self.change, FOR),
            post("/withdraw", "consent_withdraw", self.withdraw, FOR),
        ]

    def _requests(self) -> list[Route]:
        return [
            post("/requests", "consent_ask", self.ask),
            get("/requests", "consent_list_requests", self.list_requests, FOR),
        ]

    def _relations(self) -> list[Route]:
        return [
            get("/delegations", "consent_list_delegations", self.list_delegations),
            post("/delegations", "consent_note_delegation", self.note_delegation),
            post("/delegations/{delegation}/end", "consent_end_delegation", self.end_delegation),
            get("/emergencies", "consent_list_emergencies", self.list_emergencies, PAGED),
            post("/emergencies", "consent_begin_emergency", self.begin_emergency),
            post("/emergencies/{emergency}/end", "consent_end_emergency", self.end_emergency),
        ]

    def list_terms(self, asked: Asked) -> Response:
        """What recipients would have, and what for."""
        limit, after = page_of(asked)
        recipient = asked.query.get("recipient", "")
        found = self._parts.terms.all(asked.tenant, after, limit, recipient)
        rows: list[tuple[int, Json]] = [(one.number, one.told(self._ground.library())) for one in found]
        return paged("terms", rows, limit)

    def retrieve_terms(self, asked: Asked) -> Response:
        """One of them."""
        return answer(self._parts.terms.live(asked.tenant, asked.path["terms"]).told(self._ground.library()))

    def publish_terms(self, asked: Asked) -> Response:
        """By a recipient, or the operator for one."""
        given, terms = read("terms", asked.body), asked.path.get("terms", "")
        recipient = given.get("recipient", "") if "operator" in asked.principal.roles else recipient_of(asked)
        if not recipient or given.get("recipient", recipient) != recipient:
            raise BadRequestData("whose terms they are", pointer="/recipient", remedy="your organisation's id")
        found = self._parts.terms.publish(asked.tenant, other(asked), recipient, given, terms)
        return answer(found.told(self._ground.library()), 201)

    def end_terms(self, asked: Asked) -> Response:
        """Nobody can consent to them any more."""
        recipient = "" if "operator" in asked.principal.roles else recipient_of(asked)
        found = self._parts.terms.end(asked.tenant, other(asked), recipient, asked.path["terms"])
        return answer(found.told(self._ground.library()))

    def show_notice(self, asked: Asked) -> Response:
        """What is in the answer was shown to the person."""
        acting, given = self.acting(asked), read("notice", asked.body)
        language = given.get("language") or language_of(asked)
        shown = self._parts.terms.notify(asked.tenant, acting.who, acting.subject, given["terms"], language)
        return answer(shown, 201)

    def list_records(self, asked: Asked) -> Response:
        """Of a person."""
        subject, (limit, after) = self.seeing(asked), page_of(asked)
        state = asked.query.get("state", "")
        found = self._parts.book.records(
            asked.tenant, "p.subject = ? AND r.number > ? AND (? = '' OR r.state = ?)", subject, after, state, state,
            limit=limit,
        )  # fmt: skip
        rows: list[tuple[int, Json]] = [(one.number, self._told(one)) for one in found]
        return paged("records", rows, limit)

    def retrieve_record(self, asked: Asked) -> Response:
        """One of them."""
        return answer(self._told(self.mine(asked)))

    def list_events(self, asked: Asked) -> Response:
        """What was done to it, by whom."""
        record = self.mine(asked)
        events = [one for _, one in self._parts.book.events(asked.tenant, "e.record = ?", record.id)]
        actors = self._parts.book.subjects({one.actor for one in events})
        return answer({"record": record.id, "events": [told_event(one, actors) for one in events]})

    def matrix(self, asked: Asked) -> Response:
        """What is allowed now: recipient, purpose, item, granularity, until when. What is not there is off."""
        records = self._parts.book.of_person(asked.tenant, self.seeing(asked))
        return answer(told_matrix(records, self._parts.book.now(), self._ground.library()))

    def give(self, asked: Asked) -> Response:
        """A new consent."""
        record = self._parts.giving.give(asked.tenant, self.acting(asked), read("consent", asked.body))
        return answer(self._told(record), 201)

    def accept(self, asked: Asked) -> Response:
        """Yes to a request."""
        given = read("answer", asked.body)
        return answer(
            self._told(self._parts.giving.accept(asked.tenant, self.acting(asked), asked.path["record"], given))
        )

    def refuse(self, asked: Asked) -> Response:
        """No to a request."""
        read("nothing", asked.body)
        return answer(self._told(self._parts.giving.refuse(asked.tenant, self.acting(asked), asked.path["record"])))

    def defer(self, asked: Asked) -> Response:
        """Later."""
        read("nothing", asked.body)
        return answer(self._told(self._parts.giving.defer(asked.tenant, self.acting(asked), asked.path["record"])))

    def renew(self, asked: Asked) -> Response:
        """The same for longer."""
        given = read("renewal", asked.body)
        return answer(
            self._told(self._parts.giving.renew(asked.tenant, self.acting(asked), asked.path["record"], given))
        )

    def change(self, asked: Asked) -> Response:
        """Another in its place."""
        given, record_id = read("change", asked.body), asked.path["record"]
        record = self._parts.giving.change(asked.tenant, self.acting(asked), record_id, given)
        return answer(self._told(record), 201)

    def withdraw(self, asked: Asked) -> Response:
        """All, some, or one item: in one act."""
        acting, what = self.acting(asked), read("withdrawal", asked.body)
        done = self._parts.closing.withdraw(asked.tenant, acting.who, acting.subject, what)
        return answer({"ended": [*done.ended], "narrowed": [*done.narrowed], "deletionRequests": [*done.deletions]})

    def ask(self, asked: Asked) -> Response:
        """A recipient asks persons."""
        given = read("requests", asked.body)
        number = self._parts.asking.ask(asked.tenant, other(asked), recipient_of(asked), given)
        return answer({"named": number}, 202)

    def list_requests(self, asked: Asked) -> Response:
        """What waits for a person's answer."""
        subject = self.seeing(asked)
        return answer({
            "requests": [self._told(one) for one in self._parts.asking.waiting(asked.tenant, subject)],
            "emergencies": [*self._parts.emergencies.told(asked.tenant, subject)],
        })  # fmt: skip

    def list_delegations(self, asked: Asked) -> Response:
        """Who acts for whom, of a person."""
        return answer({"delegations": [*self._parts.delegations.of(asked.tenant, resident_of(asked))]})

    def note_delegation(self, asked: Asked) -> Response:
        """By a person, or by the operator who saw papers."""
        given = read("delegation", asked.body)
        who, subject = self._operator_or_resident(asked)
        return answer(self._parts.delegations.note(asked.tenant, who, given, subject), 201)

    def end_delegation(self, asked: Asked) -> Response:
        """By one of both, or the operator."""
        read("nothing", asked.body)
        who, subject = self._operator_or_resident(asked)
        return answer(self._parts.delegations.end(asked.tenant, who, asked.path["delegation"], subject))

    def list_emergencies(self, asked: Asked) -> Response:
        """For who oversees them."""
        limit, after = page_of(asked)
        rows: list[tuple[int, Json]] = [*self._parts.emergencies.all(asked.tenant, after, limit)]
        return paged("emergencies", rows, limit)

    def begin_emergency(self, asked: Asked) -> Response:
        """Break glass."""
        given = read("emergency", asked.body)
        return answer(self._parts.emergencies.begin(asked.tenant, other(asked), given), 201)

    def end_emergency(self, asked: Asked) -> Response:
        """Before its time."""
        read("nothing", asked.body)
        return answer(self._parts.emergencies.end(asked.tenant, other(asked), asked.path["emergency"]))

    def acting(self, asked: Asked) -> Acting:
        """The resident who decides, for themself or `for` another. Raises Forbidden, alike whether there is another."""
        own = resident_of(asked)
        subject = asked.query.get("for", own)
        kind = "" if subject == own else self._parts.delegations.kind(asked.tenant, own, subject, DECIDE)
        if subject != own and not kind:
            raise not_for(subject)
        return Acting(Who(subject=own), subject, guardian=kind in ("parentalAuthority", "legalGuardian"))

    def seeing(self, asked: Asked) -> str:
        """Whose consents are looked at. Raises Forbidden, alike whether there is another."""
        own = resident_of(asked)
        subject = asked.query.get("for", own)
        kinds = (self._parts.delegations.kind(asked.tenant, own, subject, scope) for scope in (SEE, DECIDE))
        if subject != own and not any(kinds):
            raise not_for(subject)
        return subject

    def _operator_or_resident(self, asked: Asked) -> tuple[Who, str]:
        if "operator" in asked.principal.roles:
            return other(asked), ""
        own = resident_of(asked)
        return Who(subject=own), own

    def mine(self, asked: Asked) -> Record:
        """The consent that the path names, of whom is looked at. Raises ResourceNotFound, Forbidden."""
        return self._parts.book.mine(asked.tenant, self.seeing(asked), asked.path["record"])

    def _told(self, record: Record) -> dict[str, Json]:
        return told_record(record, self._parts.book.now(), self._ground.library())
