"""Routes of residents and recipients: what was handed over, records, complaints, incidents, matches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, cast
from urllib.parse import urlencode

from broker.errors import BadRequestData, Forbidden
from broker.http.messages import Response
from broker.http.rooms.route import Asked
from broker.model.values import Json
from services.bank import complaints, incidents, recipients, requesting
from services.bank.bank import Bank, asking_for
from services.bank.book import Desk, Item, found
from services.bank.delivering import Delivering
from services.bank.doors import AFTER_MAX, LIMIT, LIMIT_MAX, PAGED, Row, listed, made, plain
from services.bank.handing import HandedOver
from services.bank.items import read_items, read_purpose
from services.bank.matching import how, match
from services.bank.records import SIDES, Chosen, Records, as_csv, bundled
from services.deciding import require_deciding
from services.room import Ground

_STAFF: Final = ("operator", "auditor")
_FOR: Final = frozenset({"for"})
_CHOSEN: Final = frozenset({"side", "from", "to", "recipient", "format", "lang", "bundled"})
EXPORT_MAX: Final = 50_000


class PeoplesDoor:
    """See the module."""

    def __init__(
        self, bank: Bank, ground: Ground, delivering: Delivering, handed: HandedOver, records: Records
    ) -> None:
        self.bank, self.delivering = bank, delivering
        self.ground, self.consents = ground, ground.consents
        self.handed, self.records = handed, records

    def rows(self) -> tuple[Row, ...]:
        """The table."""
        return (*self._of_data(), *self._of_complaints(), *self._of_incidents())

    def _of_data(self) -> tuple[Row, ...]:
        deliver = "/agreements/{agreement}/deliveries"
        return (
            Row("POST", deliver, "bank_deliver", ("recipient",), self.deliver, "delivery"),
            Row("GET", deliver, "bank_list_deliveries", (*_STAFF, "recipient"), self.list_deliveries,
                parameters=PAGED),
            Row("GET", "/requests/{request}/matches", "bank_match_request", ("operator", "recipient"), self.matches),
            Row("GET", "/my/offers", "bank_my_offers", ("resident",), self.my_offers, parameters=PAGED | _FOR),
            Row("GET", "/my/records", "bank_my_records", ("resident",), self.my_records,
                parameters=PAGED | _FOR | {"format", "lang", "bundled"}),
            Row("GET", "/my/receipts", "bank_my_receipts", ("resident",), self.my_receipts, parameters=_FOR),
            Row("GET", "/records", "bank_export_records", ("auditor", "recipient"), self.list_records,
                parameters=PAGED | _CHOSEN),
            Row("POST", "/records/received", "bank_record_receipt", ("operator",), self.receive, "received"),
        )  # fmt: skip

    def _of_complaints(self) -> tuple[Row, ...]:
        one = "/complaints/{complaint}"
        readers = (*_STAFF, "resident")
        return (
            Row("GET", "/complaints", "bank_list_complaints", readers, self.list_complaints, parameters=PAGED | _FOR),
            Row("POST", "/complaints", "bank_complain", ("resident",), self.complain, "complaint", _FOR),
            Row("GET", one, "bank_retrieve_complaint", readers, self.retrieve_complaint, parameters=_FOR),
            Row("POST", f"{one}/acknowledgement", "bank_acknowledge_complaint", ("operator",),
                self._next("acknowledge"), "nothing"),
            Row("POST", f"{one}/answer", "bank_answer_complaint", ("operator",), self._next("answer"), "answer"),
            Row("POST", f"{one}/escalation", "bank_escalate_complaint", ("resident",), self._next("escalate"),
                "note", _FOR),
            Row("POST", f"{one}/end", "bank_close_complaint", ("resident",), self._next("close"), "nothing", _FOR),
        )  # fmt: skip

    def _of_incidents(self) -> tuple[Row, ...]:
        one = "/incidents/{incident}"
        return (
            Row(
                "GET",
                "/incidents",
                "bank_list_incidents",
                (*_STAFF, "board", "recipient"),
                self.list_incidents,
                parameters=PAGED,
            ),
            Row("POST", "/incidents", "bank_find_incident", ("operator", "recipient"), self.find_incident, "incident"),
            Row("GET", one, "bank_retrieve_incident", (*_STAFF, "board", "recipient"), self.retrieve_incident),
            Row("PATCH", one, "bank_change_incident", ("operator",), self.change_incident, "incident-change"),
            Row("GET", f"{one}/report", "bank_incident_report", (*_STAFF, "board"), self.report_sheet),
            Row("POST", f"{one}/prompt", "bank_report_promptly", ("operator",), self._report("prompt"), "report"),
            Row("POST", f"{one}/final", "bank_report_finally", ("operator",), self._report("final"), "report"),
            Row("POST", f"{one}/people", "bank_tell_people", ("operator",), self._report("people"), "report"),
            Row("POST", f"{one}/end", "bank_close_incident", ("operator",), self.close_incident, "note"),
        )

    def deliver(self, asked: Asked, body: dict[str, Any]) -> Response:
        """Data, once what is told of persons is written down."""
        told = self.delivering.deliver(asked.tenant, asked.principal, asked.path["agreement"], body)
        return plain(told, 201)

    def list_deliveries(self, asked: Asked, _: dict[str, Any]) -> Response:
        """Which there were, without data and without persons."""
        agreement = self._agreement(asked)
        book = self.bank.book

        def page(after: int, limit: int) -> list[Item]:
            every = book.items(asked.tenant, "delivery", after)
            return [one for one in every if one.body["agreement"] == agreement.id][:limit]

        return listed(asked, page, lambda one: cast("Json", one.told()))

    def matches(self, asked: Asked, _: dict[str, Any]) -> Response:
        """How many people allow what a request asks for."""
        item = self.bank.book.item(asked.tenant, requesting.KIND, asked.path["request"])
        if "operator" not in asked.principal.roles:
            requesting.own(item, asking_for(asked.principal))
        library, body = self.bank.library(), item.body
        purpose = read_purpose(library, body["purpose"], "/purpose")
        grants = self.consents.grants(asked.tenant, body["recipient"], frozenset({purpose}))
        matched = match(grants, read_items(library, body["dataItems"]), self.bank.book.now())
        told = matched.told(self.bank.settings.small_count)
        return plain({"request": item.id, "people": told, "wanted": body.get("peopleWanted"), "epoch": grants.epoch})

    def my_offers(self, asked: Asked, _: dict[str, Any]) -> Response:
        """The live offers, and which items the person has allowed to whom."""
        subject, live = self._subject(asked), self.bank.live_offers(asked.tenant)

        def tell(item: Item) -> Json:
            return cast("Json", {**item.told(), "allowed": self._allowed(asked.tenant, subject, item)})

        return listed(asked, lambda after, limit: [one for one in live if one.number > after][:limit], tell)

    def my_receipts(self, asked: Asked, _: dict[str, Any]) -> Response:
        """What was handed over of the person under agreements, one for each, and for what benefit."""

        def tell(item: Item) -> Json:
            agreement = self.bank.book.find(asked.tenant, requesting.AGREEMENT, item.body["agreement"])
            return cast("Json", {**item.told(), "benefit": None if agreement is None else agreement.body["benefit"]})

        return plain([tell(one) for one in self.handed.of_subject(asked.tenant, self._subject(asked))])

    def my_records(self, asked: Asked, _: dict[str, Any]) -> Response:
        """Everything that was told of the person, whoever got it (APPI 33)."""
        subject = self._subject(asked)
        self.records.collect(asked.tenant, subject)
        return self._records(asked, Chosen(subject=subject))

    def list_records(self, asked: Asked, _: dict[str, Any]) -> Response:
        """The records of the act: all for an auditor, a recipient's own for it."""
        query, principal = asked.query, asked.principal
        if query.get("side", SIDES[0]) not in SIDES:
            raise BadRequestData("there is no such side", pointer="side", remedy=", ".join(SIDES))
        auditor = "auditor" in principal.roles
        counterpart = query.get("recipient", "") if auditor else asking_for(principal)
        self.records.collect(asked.tenant)
        chosen = Chosen(query.get("side", ""), "", counterpart, query.get("from", ""), query.get("to", ""))
        return self._records(asked, chosen)

    def receive(self, asked: Asked, body: dict[str, Any]) -> Response:
        """Personal data that the bank got of somebody else, written down (APPI 30)."""
        items = read_items(self.bank.library(), body["dataItems"])
        number = self.records.receive(asked.tenant, body, self.bank.id("Receipt"), [one.text for one in items])
        return plain({"records": number}, 201)

    def _records(self, asked: Asked, chosen: Chosen) -> Response:
        """In JSON page by page; in CSV all, up to EXPORT_MAX."""
        as_text = asked.query.get("format", "json")
        if as_text not in ("json", "csv"):
            raise BadRequestData("records are told in json or csv", pointer="format", remedy="csv")
        after = asked.number("after", 0, AFTER_MAX)
        usual = EXPORT_MAX if as_text == "csv" else LIMIT
        limit = asked.number("limit", usual, usual if as_text == "csv" else LIMIT_MAX) or usual
        rows = self.records.rows(asked.tenant, chosen, after, limit + 1)
        page = rows[:limit]
        headers: tuple[tuple[str, str], ...] = ()
        if len(rows) > limit:
            kept = {name: text for name, text in asked.query.items() if name not in PAGED}
            query = urlencode({**kept, "after": page[-1]["number"], "limit": limit})
            headers = (("Link", f'<{asked.request.raw_path}?{query}>;rel="next"'),)
        told = bundled(page) if asked.query.get("bundled") == "true" else page
        if as_text == "json":
            return plain(cast("Json", told), headers=headers)
        text = as_csv(told, asked.query.get("lang", "ja"))
        name = ("Content-Disposition", 'attachment; filename="records.csv"')
        kind = (("Content-Type", "text/csv; charset=utf-8"), ("Cache-Control", "no-store"), name, *headers)
        return Response(200, kind, text.encode())

    def list_complaints(self, asked: Asked, _: dict[str, Any]) -> Response:
        """A resident's own; all of them for staff, for auditors without what people wrote."""
        book = self.bank.book
        if "resident" not in asked.principal.roles:
            return listed(
                asked, lambda after, limit: book.items(asked.tenant, complaints.KIND, after, limit),
                lambda item: self._told_complaint(asked, item),
            )  # fmt: skip
        mine = book.of_subject(asked.tenant, complaints.KIND, self._subject(asked))
        return listed(
            asked, lambda after, limit: [one for one in mine if one.number > after][:limit],
            lambda item: self._told_complaint(asked, item),
        )  # fmt: skip

    def retrieve_complaint(self, asked: Asked, _: dict[str, Any]) -> Response:
        """One of them."""
        return plain(self._told_complaint(asked, self._complaint(asked)))

    def complain(self, asked: Asked, body: dict[str, Any]) -> Response:
        """A complaint, of oneself or of somebody one acts for."""
        subject, item_id = self._deciding(asked), self.bank.id("Complaint")
        settings = self.bank.settings

        def work(desk: Desk) -> Item:
            return complaints.receive(desk, settings, item_id, subject, body)

        item = self.bank.act(asked.tenant, asked.principal, work)
        return made("/complaints", item)

    def _next(self, act: str) -> Callable[[Asked, dict[str, Any]], Response]:
        def go_on(asked: Asked, body: dict[str, Any]) -> Response:
            item = self._complaint(asked)
            if "resident" in asked.principal.roles:
                self._deciding(asked)
            done = self.bank.act(asked.tenant, asked.principal, lambda desk: complaints.go_on(desk, item.id, act, body))
            return plain(self._told_complaint(asked, done))

        return go_on

    def list_incidents(self, asked: Asked, _: dict[str, Any]) -> Response:
        """All of them; a recipient's own for it."""
        book, own = self.bank.book, asked.principal.recipient if "recipient" in asked.principal.roles else ""

        def page(after: int, limit: int) -> list[Item]:
            every = book.items(asked.tenant, incidents.KIND, after)
            return [one for one in every if not own or one.body.get("recipient") == own][:limit]

        return listed(asked, page, lambda item: cast("Json", item.told()))

    def retrieve_incident(self, asked: Asked, _: dict[str, Any]) -> Response:
        """One of them."""
        return plain(self._incident(asked).told())

    def find_incident(self, asked: Asked, body: dict[str, Any]) -> Response:
        """Something happened; a recipient tells of its own."""
        read_items(self.bank.library(), body["dataItems"])
        if "operator" not in asked.principal.roles:
            body = {**body, "recipient": asking_for(asked.principal)}
        item_id = self.bank.id("Incident")
        item = self.bank.act(asked.tenant, asked.principal, lambda desk: incidents.find(desk, item_id, body))
        return made("/incidents", item)

    def change_incident(self, asked: Asked, body: dict[str, Any]) -> Response:
        """More is known of it."""
        chosen = asked.path["incident"]
        done = self.bank.act(asked.tenant, asked.principal, lambda desk: incidents.change(desk, chosen, body))
        return plain(done.told())

    def report_sheet(self, asked: Asked, _: dict[str, Any]) -> Response:
        """What a report to the commission says, as far as it is known."""
        return plain(cast("Json", incidents.sheet(self._incident(asked).body)))

    def _report(self, step: str) -> Callable[[Asked, dict[str, Any]], Response]:
        def report(asked: Asked, body: dict[str, Any]) -> Response:
            chosen = asked.path["incident"]
            done = self.bank.act(asked.tenant, asked.principal, lambda desk: incidents.report(desk, chosen, step, body))
            return plain(done.told())

        return report

    def close_incident(self, asked: Asked, body: dict[str, Any]) -> Response:
        """It is dealt with."""
        chosen = asked.path["incident"]
        done = self.bank.act(asked.tenant, asked.principal, lambda desk: incidents.close(desk, chosen, body["note"]))
        return plain(done.told())

    def _agreement(self, asked: Asked) -> Item:
        item = self.bank.book.item(asked.tenant, requesting.AGREEMENT, asked.path["agreement"])
        return item if asked.principal.roles & set(_STAFF) else requesting.own(item, asking_for(asked.principal))

    def _incident(self, asked: Asked) -> Item:
        item = self.bank.book.item(asked.tenant, incidents.KIND, asked.path["incident"])
        if "recipient" in asked.principal.roles and item.body.get("recipient") != asked.principal.recipient:
            return found(None, incidents.KIND)
        return item

    def _complaint(self, asked: Asked) -> Item:
        """One that exists for who asks: a resident's own, or of somebody they act for."""
        book, chosen = self.bank.book, asked.path["complaint"]
        item = book.item(asked.tenant, complaints.KIND, chosen)
        if "resident" not in asked.principal.roles:
            return item
        whose, _ = book.text(asked.tenant, complaints.KIND, chosen)
        return item if whose == self._subject(asked) else found(None, complaints.KIND)

    def _told_complaint(self, asked: Asked, item: Item) -> Json:
        if "auditor" in asked.principal.roles:
            return cast("Json", item.told())
        _, text = self.bank.book.text(asked.tenant, complaints.KIND, item.id)
        return cast("Json", {**item.told(), **text})

    def _subject(self, asked: Asked) -> str:
        """Whom a resident asks for: themself, or `?for=` somebody they act for. Raises Forbidden."""
        own = asked.principal.subject
        if not own:
            raise Forbidden("this token is of no resident", remedy="a token that is linked to a pseudonym")
        chosen = asked.query.get("for", own)
        if chosen != own and chosen not in self.consents.acting_for(asked.tenant, own):
            raise Forbidden("you do not act for this person", pointer="for", remedy="leave it out")
        return chosen

    def _deciding(self, asked: Asked) -> str:
        """In whose name a resident does something: their own, or of somebody they decide for. Raises Forbidden."""
        subject = self._subject(asked)
        require_deciding(self.ground, asked.tenant, asked.principal.subject, subject)
        return subject

    def _allowed(self, tenant: str, subject: str, offer: Item) -> list[dict[str, Json]]:
        """For each organisation that may have it: which items the person allows, and how."""
        library, now, told = self.bank.library(), self.bank.book.now(), list[dict[str, Json]]()
        items = read_items(library, offer.body["dataItems"])
        purposes = frozenset(read_purpose(library, one, "/purposes") for one in offer.body["purposes"])
        for recipient in self.bank.book.items(tenant, recipients.KIND):
            named = offer.body.get("recipients", [])
            offered = recipient.body["recipientClass"] in offer.body["recipientClasses"]
            if not offered or (named and recipient.id not in named) or recipients.blocked(recipient.body, now):
                continue
            grants = self.consents.grants(tenant, recipient.id, purposes)
            ways = {item.text: how(grants, subject, item, now) for item in items}
            told.append({"recipient": recipient.id, "items": {text: way for text, way in ways.items() if way}})
        return told
