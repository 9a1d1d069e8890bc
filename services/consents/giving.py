"""How people answer: give, refuse, put off, renew, change. Off is the default; nothing is wider than what was shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from broker.errors import BadRequestData, Conflict
from broker.model.values import to_text
from broker.ports.consents import ANY
from datamodels.library import Library
from services.consents.book import Book, Desk, Who, impossible, number_of, owned
from services.consents.closing import Closing, Withdrawn
from services.consents.configured import Settings
from services.consents.items import Item, covered, known_items, read_items
from services.consents.reading import instant
from services.consents.states import HOLDING, OPEN, Act, Impossible, Record
from services.consents.terms import DAY_US, Terms, TermsRoom

RECORDS_MAX: Final = 2_000
"""Consents of one person that hold or wait for an answer."""
ASKED_MAX: Final = 200
"""So many requests wait for one person at most: what is beyond them is not asked."""
_OF_TERMS: Final = (
    "benefit", "retention", "storageLocation", "privacyNotice", "jurisdiction", "offer", "ethicsDecision",
    "recipientName",
)  # fmt: skip
_PERIOD: Final = ("validFrom", "validUntil", "coversObservationsFrom", "coversObservationsUntil")


@dataclass(frozen=True, slots=True)
class Acting:
    """Who answers for whom: `guardian` says that the law gives them that."""

    who: Who
    subject: str
    guardian: bool = False

    def members(self, desk: Desk) -> dict[str, Any]:
        """What a record says of it."""
        method = "guardianConsent" if self.guardian else "screenConsent"
        other = self.who.subject != self.subject
        return {"consentMethod": method, "consentGivenBy": desk.actor if other else None}


class Giving:
    """Takes answers. Every method raises BadRequestData or Conflict for what is not in order."""

    def __init__(
        self, book: Book, terms: TermsRoom, closing: Closing, library: Callable[[], Library], settings: Settings
    ) -> None:
        self._book, self._terms, self._closing = book, terms, closing
        self._library, self._settings = library, settings

    def give(self, tenant: str, acting: Acting, given: Mapping[str, Any]) -> Record:
        """A new consent; what the person consented to before by the same terms is superseded.

        With a `household`, every member is asked, and it holds once all agreed.
        """
        terms, language = self._terms.shown(tenant, acting.subject, given["notice"])
        body = self._body(terms, language, given)
        household = sorted({*given.get("household", ())} - {acting.subject})

        def work(desk: Desk) -> Record:
            person = desk.person(acting.subject)
            head = {"person": person, "recipient": terms.recipient, "purpose": terms.purpose}
            self._check_room(desk, person)
            if household:
                return self._propose(desk, acting, {**head, **body}, household)
            old = [one for one in desk.records("r.person = ? AND r.terms = ?", person, terms.id) if _replaced(one)]
            for one in old:
                desk.append(one.id, Act.SUPERSEDE)
            last = old[-1].id if old else None
            changed = {**head, **body, **acting.members(desk), "supersedesConsent": last}
            return desk.append(desk.new_id("ConsentRecord"), Act.GIVE, changed)

        return self._book.transact(tenant, acting.who, work)

    def accept(self, tenant: str, acting: Acting, record_id: str, given: Mapping[str, Any]) -> Record:
        """Say yes to a request; to one of a household, as one of its members."""
        record = self._book.mine(tenant, acting.subject, record_id)
        terms, language = self._terms.shown(tenant, acting.subject, given["notice"])
        if terms.id != record.body.get("terms"):
            raise BadRequestData("the notice was of other terms", pointer="/notice", remedy=str(record.body["terms"]))
        asked = {"dataItems": list(record.items), "specialCare": [], **given}
        if "joint" in record.body:
            kept = {name: record.body[name] for name in _PERIOD if name in record.body}
            asked = {**given, "dataItems": list(record.items), **kept}
        body = self._body(terms, language, asked)

        def work(desk: Desk) -> Record:
            found = owned(desk.record(record_id), acting.subject)
            if found.state not in OPEN:
                raise Impossible(found.state, Act.GIVE)
            if "joint" in found.body:
                return self._agree(desk, found, {**body, **acting.members(desk)})
            for one in desk.records("r.person = ? AND r.terms = ?", found.person, terms.id):
                if _replaced(one) and one.id != found.id:
                    desk.append(one.id, Act.SUPERSEDE)
            return desk.append(record_id, Act.GIVE, {**body, **acting.members(desk), "requestedUntil": None})

        return self._book.transact(tenant, acting.who, work)

    def refuse(self, tenant: str, acting: Acting, record_id: str) -> Record:
        """Say no to a request."""

        def work(desk: Desk) -> Record:
            record = owned(desk.record(record_id), acting.subject)
            if record.state not in OPEN:
                raise Impossible(record.state, Act.REFUSE)
            self._closing.close(desk, record, Act.REFUSE, Withdrawn())
            return owned(desk.record(record_id), acting.subject)

        return self._book.transact(tenant, acting.who, work)

    def defer(self, tenant: str, acting: Acting, record_id: str) -> Record:
        """Answer a request later."""

        def work(desk: Desk) -> Record:
            owned(desk.record(record_id), acting.subject)
            return desk.append(record_id, Act.DEFER)

        return self._book.transact(tenant, acting.who, work)

    def renew(self, tenant: str, acting: Acting, record_id: str, given: Mapping[str, Any]) -> Record:
        """Have a consent hold for longer: the same, once more shown."""
        record = self._book.mine(tenant, acting.subject, record_id)
        terms, _ = self._terms.shown(tenant, acting.subject, given["notice"])
        if terms.id != record.body.get("terms") or str(terms.version) != record.body.get("termsVersion"):
            raise Conflict(
                "the terms are not those that it was given by", pointer="/notice",
                remedy=f"POST /services/consents/records/{record_id}/change with what you choose of the new terms",
            )  # fmt: skip
        until = self._until(terms, {**given, "validFrom": to_text(self._book.now())})

        def work(desk: Desk) -> Record:
            found = owned(desk.record(record_id), acting.subject)
            if "joint" in found.body:
                raise Conflict("a household gave it together", remedy="all give it anew, with a household")
            changed = {"validUntil": until, "notice": given["notice"], **acting.members(desk)}
            return desk.append(record_id, Act.RENEW, changed)

        return self._book.transact(tenant, acting.who, work)

    def change(self, tenant: str, acting: Acting, record_id: str, given: Mapping[str, Any]) -> Record:
        """Put another in a consent's place. What is wider in anything needs a notice; what is narrower does not."""
        record = self._book.mine(tenant, acting.subject, record_id)
        if record.state not in HOLDING:
            raise impossible(Impossible(record.state, Act.SUPERSEDE))
        if "notice" in given:
            asked = {"dataItems": list(record.items), **given}
            if "joint" in record.body:
                raise Conflict(
                    "a household gave it together", remedy="less of it, without a notice; or all give it anew"
                )
            terms, language = self._terms.shown(tenant, acting.subject, given["notice"])
            if terms.id != record.body.get("terms"):
                raise BadRequestData(
                    "the notice was of other terms", pointer="/notice", remedy=str(record.body["terms"])
                )
            changed = {**dict.fromkeys(_PERIOD), "reconsentBy": None, **self._body(terms, language, asked)}
        else:
            changed = self._narrower(record, given)

        def work(desk: Desk) -> Record:
            found = owned(desk.record(record_id), acting.subject)
            if found.version != record.version:
                raise Conflict("it was changed meanwhile", remedy="look at it again")
            together = [found, *self._closing.together(desk, found)]
            new = self._closing.narrow(desk, found, {**changed, **acting.members(desk)})
            lost = _lost(self._library(), found.items, new.items)
            for one in together if lost else ():
                self._closing.ask_deletion(desk, one, lost, Withdrawn())
            return new

        return self._book.transact(tenant, acting.who, work)

    def _body(self, terms: Terms, language: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """The members of a record by these terms. Raises BadRequestData for what they do not offer."""
        library = self._library()
        items = read_items(library, given["dataItems"])
        beyond = covered(known_items(library, terms.body["dataItems"]), items)
        if beyond is not None:
            place = items.index(beyond)
            raise BadRequestData(
                f"{beyond.text} is not among what was shown", pointer=f"/dataItems/{place}",
                remedy=", ".join(terms.body["dataItems"]),
            )  # fmt: skip
        _check_special(items, given.get("specialCare", ()))
        for name in ("allowsProfiling", "allowsReprovision"):
            if given.get(name) and not terms.body.get(name):
                raise BadRequestData("the terms do not ask for it", pointer=f"/{name}", remedy="leave it out")
        since = given.get("validFrom", to_text(self._book.now()))
        return {
            **{name: terms.body[name] for name in _OF_TERMS if name in terms.body},
            **{name: given[name] for name in _PERIOD if name in given},
            "dataItems": [one.text for one in items], "validFrom": since,
            "validUntil": self._until(terms, {**given, "validFrom": since}), "terms": terms.id,
            "termsVersion": str(terms.version), "notice": given["notice"], "noticeLanguage": language,
            "jurisdiction": terms.body.get("jurisdiction", "JP"),
            "allowsProfiling": bool(given.get("allowsProfiling")),
            "allowsReprovision": bool(given.get("allowsReprovision")),
        }  # fmt: skip

    def _until(self, terms: Terms, given: Mapping[str, Any]) -> str:
        days = min(self._settings.valid_days_max, terms.body.get("validDays", self._settings.valid_days_max))
        since, now = instant(given["validFrom"]), self._book.now()
        last = max(since, now) + days * DAY_US
        until = instant(given["validUntil"]) if "validUntil" in given else last
        if not max(since, now) < until <= last:
            raise BadRequestData(
                "it ends before it begins, or holds too long", pointer="/validUntil", remedy=f"at most {to_text(last)}"
            )
        return to_text(until)

    def _narrower(self, record: Record, given: Mapping[str, Any]) -> dict[str, Any]:
        library = self._library()
        items = read_items(library, given.get("dataItems", record.items))
        beyond = covered(known_items(library, record.items), items)
        wider = [name for name in ("allowsProfiling", "allowsReprovision") if given.get(name) and not record.body[name]]
        for name, later in (("validUntil", True), ("coversObservationsUntil", True), *_STARTS):
            if name in given and _is_wider(record.body.get(name), given[name], later=later):
                wider.append(name)
        if beyond is not None or wider:
            raise BadRequestData(
                "that is wider than before, and was not shown", pointer=f"/{'dataItems' if beyond else wider[0]}",
                remedy='POST /services/consents/notices {"terms": "…"} shows it; the change names its id',
            )  # fmt: skip
        chosen = {name: given[name] for name in (*_PERIOD, "allowsProfiling", "allowsReprovision") if name in given}
        return {**chosen, "dataItems": [one.text for one in items]}

    def _check_room(self, desk: Desk, person: int) -> None:
        sql = "SELECT count(*) FROM consents_record WHERE tenant = ? AND person = ? AND state IN (?, ?, ?, ?)"
        if number_of(desk.rows(sql, desk.tenant, person, *sorted(HOLDING | OPEN))) >= RECORDS_MAX:
            raise Conflict(f"there are {RECORDS_MAX} consents already", remedy="withdraw some")

    def _check_asked(self, desk: Desk, person: int) -> None:
        sql = "SELECT count(*) FROM consents_record WHERE tenant = ? AND person = ? AND state IN (?, ?)"
        if number_of(desk.rows(sql, desk.tenant, person, *sorted(OPEN))) >= ASKED_MAX:
            raise Conflict("somebody of the household is asked too much already", remedy="later")

    def _propose(self, desk: Desk, acting: Acting, body: Mapping[str, Any], household: Sequence[str]) -> Record:
        """Ask every member; whoever asks agrees by it."""
        until = to_text(desk.now + self._settings.request_days * DAY_US)
        shared = {**body, "joint": desk.new_id("ConsentGroup"), "requestedUntil": until}
        own = desk.new_id("ConsentRecord")
        desk.append(own, Act.REQUEST, {**shared, **acting.members(desk)})
        for member in household:
            person = desk.person(member)
            self._check_asked(desk, person)
            asked = {name: value for name, value in shared.items() if name not in ("notice", "noticeLanguage")}
            desk.append(desk.new_id("ConsentRecord"), Act.REQUEST, {**asked, "person": person})
        return desk.append(own, Act.AGREE, {"agreedAt": to_text(desk.now)})

    def _agree(self, desk: Desk, record: Record, body: Mapping[str, Any]) -> Record:
        found = desk.append(record.id, Act.AGREE, {**body, "agreedAt": to_text(desk.now)})
        group = desk.records("r.joint = ?", found.body["joint"])
        if all("agreedAt" in one.body for one in group):
            for one in group:
                desk.append(one.id, Act.GIVE, {"requestedUntil": None})
        return owned(desk.record(record.id), record.subject)


_STARTS: Final = (("validFrom", False), ("coversObservationsFrom", False))


def _replaced(record: Record) -> bool:
    return record.state in HOLDING | OPEN and "joint" not in record.body


def _is_wider(before: str | None, after: str, *, later: bool) -> bool:
    return before is not None and (after > before if later else after < before)


def _check_special(items: Sequence[Item], named: Sequence[str]) -> None:
    """What needs special care is consented to by its name, twice. Raises BadRequestData."""
    confirmed = {text.partition("@")[0] for text in named}
    for place, one in enumerate(items):
        if one.special and one.attribute != ANY and one.name not in confirmed:
            raise BadRequestData(
                f"{one.name} needs special care: it is allowed by its own name alone", pointer=f"/dataItems/{place}",
                remedy=f'"specialCare": ["{one.name}"] beside the items',
            )  # fmt: skip


def _lost(library: Library, before: Sequence[str], after: Sequence[str]) -> list[str]:
    left = known_items(library, after)
    return [one.text for one in known_items(library, before) if covered(left, [one]) is not None]
