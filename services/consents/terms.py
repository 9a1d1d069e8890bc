"""Terms: for what a recipient would have which data, and what a person gets for it. Notices: terms that were shown.

Nobody consents to what they were not shown: a consent names the notice, and allows no more than its terms.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from broker.errors import BadRequestData, Conflict, ResourceNotFound
from broker.keeping import Row
from broker.model.values import Instant, Json, to_instant, to_text
from datamodels.library import Library
from services.consents.book import TIMER, Book, Desk, Who, number_of, text_of
from services.consents.conditions import Conditions
from services.consents.configured import Settings
from services.consents.items import known_items, purpose_label, purpose_of, read_items
from services.consents.states import HOLDING, Act
from services.room import Ground

DEF: Final = "https://misono.example/def/"
HOUR_US: Final = 3_600_000_000
DAY_US: Final = 24 * HOUR_US
NEVER: Final = frozenset({"recipientApplied", "recipientSuspended", "recipientEnded"})
_TERMS: Final = (
    "SELECT number, id, version, recipient, purpose, at, ended, body FROM consents_terms WHERE tenant = ? AND "
)
_NEWEST: Final = (
    "version = (SELECT max(version) FROM consents_terms o WHERE o.tenant = consents_terms.tenant"
    " AND o.id = consents_terms.id)"
)
_CHANGED: Final = (
    "SELECT number, tenant, id, version, at FROM consents_terms WHERE version > 1 AND noted IS NULL ORDER BY number"
)
_OLDER: Final = (
    "SELECT id FROM consents_record WHERE tenant = ? AND terms = ? AND state IN (?, ?)"
    " AND json_extract(body, '$.reconsentBy') IS NULL AND CAST(json_extract(body, '$.termsVersion') AS INTEGER) < ?"
)
AT_ONCE: Final = 250
ROUNDS_MAX: Final = 20
"""So often in one turn of the timer."""


@dataclass(frozen=True, slots=True)
class Terms:
    """One version of them; `body` holds the members that `reading` knows, and `recipientName`."""

    number: int
    id: str
    version: int
    recipient: str
    purpose: str
    at: Instant
    ended: bool
    body: Mapping[str, Any]

    def told(self, library: Library) -> dict[str, Json]:
        """As answers have it: with what people call things."""
        label = purpose_label(library, self.purpose)
        return {
            **self.body, "id": self.id, "version": self.version, "recipient": self.recipient, "purpose": self.purpose,
            "purposeLabel": {"ja": label.ja, "en": label.en}, "publishedAt": to_text(self.at),
            "state": "ended" if self.ended else "live",
            "dataItems": [one.told() for one in known_items(library, self.body["dataItems"])],
        }  # fmt: skip


class TermsRoom:
    """What is done with terms and notices."""

    def __init__(self, book: Book, conditions: Conditions, ground: Ground, settings: Settings) -> None:
        self._book, self._conditions, self._settings = book, conditions, settings
        self._hub, self._library = ground.hub, ground.library

    def publish(self, tenant: str, who: Who, recipient: str, given: Mapping[str, Any], terms_id: str = "") -> Terms:
        """New terms of a recipient, or a new version of theirs: consents by earlier ones lapse unless given anew.

        Raises BadRequestData, Conflict where the organisation may not receive data, ResourceNotFound.
        """
        library = self._library()
        purpose = purpose_of(library, given["purpose"])
        items = read_items(library, given["dataItems"])
        organisation = self.recipient(tenant, recipient, purpose)
        body = {name: value for name, value in given.items() if name not in ("purpose", "recipient")}
        body |= {"dataItems": [one.text for one in items], "recipientName": _name_of(organisation)}
        self._check_decided(tenant, body)

        def work(desk: Desk) -> Terms:
            return _publish(desk, (terms_id, recipient, purpose), body)

        found = self._book.transact(tenant, who, work)
        self.note_changed(rounds=1)
        return found

    def note_changed(self, rounds: int = ROUNDS_MAX) -> None:
        """Have consents by earlier versions of terms lapse in time: AT_ONCE in a transaction, so many of these."""
        for number, tenant, terms_id, version, at in self._book.rows(_CHANGED):
            named = str(tenant), str(terms_id), int(str(version))
            lapses = to_text(int(str(at)) + self._settings.reconsent_days * DAY_US)
            note = partial(_note, named=named, lapses=lapses)
            if any(self._book.transact(named[0], TIMER, note) < AT_ONCE for _ in range(rounds)):
                done = "UPDATE consents_terms SET noted = 1 WHERE number = ?"
                self._book.transact(named[0], TIMER, partial(_execute, sql=done, number=int(str(number))))

    def end(self, tenant: str, who: Who, recipient: str, terms_id: str) -> Terms:
        """Nobody can consent to them any more. Raises ResourceNotFound."""

        def work(desk: Desk) -> Terms:
            found = _newest(desk.rows(f"{_TERMS} id = ? AND {_NEWEST}", desk.tenant, terms_id), recipient)
            desk.db.execute("UPDATE consents_terms SET ended = ? WHERE number = ?", (desk.now, found.number))
            desk.note("terms", terms_id, "end", {})
            return _newest(desk.rows(f"{_TERMS} id = ? AND {_NEWEST}", desk.tenant, terms_id), recipient)

        return self._book.transact(tenant, who, work)

    def live(self, tenant: str, terms_id: str) -> Terms:
        """The newest version of terms. Raises ResourceNotFound where they ended or never were."""
        found = _newest(self._book.rows(f"{_TERMS} id = ? AND {_NEWEST}", tenant, terms_id))
        if found.ended:
            raise ResourceNotFound("there are no such terms", remedy="/services/consents/terms lists them")
        return found

    def of(self, tenant: str, number: int) -> Terms:
        """One version, by its number."""
        return _newest(self._book.rows(f"{_TERMS} number = ?", tenant, number))

    def all(self, tenant: str, after: int, limit: int, recipient: str = "") -> list[Terms]:
        """Newest versions of live terms after that number; of one recipient where it is named."""
        sql = (
            f"{_TERMS} ended IS NULL AND {_NEWEST} AND number > ? AND (? = '' OR recipient = ?) ORDER BY number LIMIT ?"
        )
        return [*map(_terms, self._book.rows(sql, tenant, after, recipient, recipient, limit))]

    def notify(self, tenant: str, who: Who, subject: str, terms_id: str, language: str) -> dict[str, Json]:
        """Show somebody terms: what is in the answer was shown. Raises as `live` and `recipient`."""
        terms = self.live(tenant, terms_id)
        self.recipient(tenant, terms.recipient, terms.purpose)
        self._check_decided(tenant, terms.body)
        controller = self._settings.controller
        shown: dict[str, Json] = {
            **terms.told(self._library()), "language": language, "default": _OFF,
            "controller": {"name": controller.name, "contact": controller.contact, "url": controller.url},
        }  # fmt: skip

        def work(desk: Desk) -> tuple[str, Instant]:
            notice = desk.new_id("ConsentNotice")
            until = desk.now + self._settings.notice_hours * HOUR_US
            row = (tenant, notice, desk.person(subject), terms.number, desk.now, until, text_of(shown))
            sql = (
                "INSERT INTO consents_notice (tenant, id, person, terms, at, until, body) VALUES (?, ?, ?, ?, ?, ?, ?)"
            )
            desk.db.execute(sql, row)
            return notice, until

        notice, until = self._book.transact(tenant, who, work)
        return {**shown, "terms": terms.id, "id": notice, "until": to_text(until)}

    def shown(self, tenant: str, subject: str, notice: str) -> tuple[Terms, str]:
        """The terms that a notice showed to somebody, and in which language. Raises BadRequestData, Conflict."""
        self._conditions.check(tenant, subject)
        sql = "SELECT terms, body FROM consents_notice WHERE tenant = ? AND id = ? AND person = ? AND until > ?"
        rows = self._book.rows(sql, tenant, notice, self._book.person(tenant, subject), self._book.now())
        if not rows:
            raise BadRequestData(
                "what it is for and what you get for it was not shown before", pointer="/notice",
                remedy='POST /services/consents/notices {"terms": "…"} shows it; the consent names its id',
            )  # fmt: skip
        terms = self.of(tenant, int(str(rows[0][0])))
        newest = self.live(tenant, terms.id)
        if newest.version != terms.version:
            raise Conflict("the terms were changed since they were shown", pointer="/notice", remedy="a new notice")
        self._check_decided(tenant, terms.body)
        return terms, str(json.loads(str(rows[0][1]))["language"])

    def recipient(self, tenant: str, recipient: str, purpose: str = "") -> dict[str, Json]:
        """The entity of an organisation that may receive data now, for that purpose. Raises Conflict."""
        found = self._hub.entity(tenant, recipient) or {}
        known = f"{DEF}RecipientOrganisation" in _listed(found.get("type"))
        purposes = _texts(found.get(f"{DEF}purposes"))
        ends = [to_instant(text) or 0 for name in _ENDS for text in _texts(found.get(DEF + name))]
        states = {text.rpartition("/")[2] for text in _texts(found.get(f"{DEF}recipientState"))}
        if not known or states & NEVER or min(ends, default=self._book.now() + 1) <= self._book.now():
            raise Conflict("this organisation may not receive data now", remedy="it shows its evidence to the bank")
        if purpose and purposes and purpose not in purposes:
            raise Conflict("this organisation may not receive data for that purpose", remedy=", ".join(purposes))
        return found

    def _check_decided(self, tenant: str, body: Mapping[str, Any]) -> None:
        """Raises Conflict where the offer is not live, or the ethics board has not allowed it."""
        offer = body.get("offer")
        if offer and "offerLive" not in _words(self._hub.entity(tenant, offer), "offerState"):
            raise Conflict("the offer is not live", pointer="/offer", remedy="the bank publishes it")
        if not self._settings.decision_needed:
            return
        decision = self._hub.entity(tenant, body.get("ethicsDecision", "")) if body.get("ethicsDecision") else None
        until = [to_instant(text) or 0 for text in _texts((decision or {}).get(f"{DEF}validUntil"))]
        revoked = f"{DEF}revokedAt" in (decision or {})
        allowed = {"approved", "conditional"} & _words(decision, "ethicsOutcome")
        if not allowed or revoked or min(until, default=0) <= self._book.now():
            raise Conflict("the ethics board has not allowed it", pointer="/ethicsDecision", remedy="a valid decision")


_OFF: Final[Json] = {"ja": "選ばないかぎり、何も提供しません", "en": "Nothing is given unless you choose it"}
_ENDS: Final = ("evidenceValidUntil", "contractUntil")


def _publish(desk: Desk, named: tuple[str, str, str], body: Mapping[str, Any]) -> Terms:
    terms_id, recipient, purpose = named
    version = 1
    if terms_id:
        before = _newest(desk.rows(f"{_TERMS} id = ? AND {_NEWEST}", desk.tenant, terms_id), recipient)
        if before.purpose != purpose:
            raise Conflict("another purpose is another consent", pointer="/purpose", remedy="new terms")
        version = before.version + 1
    terms_id = terms_id or desk.new_id("ConsentTerms")
    sql = (
        "INSERT INTO consents_terms (tenant, id, version, recipient, purpose, at, body) VALUES (?, ?, ?, ?, ?, ?, ?)"
        " RETURNING number"
    )
    row = (desk.tenant, terms_id, version, recipient, purpose, desk.now, text_of(body))
    number = number_of([*desk.db.execute(sql, row)])
    desk.note("terms", terms_id, "publish", {"version": version})
    return _newest(desk.rows(f"{_TERMS} number = ?", desk.tenant, number))


def _note(desk: Desk, named: tuple[str, str, int], lapses: str) -> int:
    """How many it was of one transaction."""
    tenant, terms_id, version = named
    sql = f"{_OLDER} LIMIT {AT_ONCE}"
    ids = [str(row[0]) for row in desk.rows(sql, tenant, terms_id, *sorted(HOLDING), version)]
    for record_id in ids:
        desk.append(record_id, Act.NOTE, {"reconsentBy": lapses})
    return len(ids)


def _execute(desk: Desk, sql: str, number: int) -> None:
    desk.db.execute(sql, (number,))


def _newest(rows: list[Row], recipient: str = "") -> Terms:
    found = next(map(_terms, rows), None)
    if found is None or (recipient and found.recipient != recipient):
        raise ResourceNotFound("there are no such terms", remedy="/services/consents/terms lists them")
    return found


def _terms(row: Row) -> Terms:
    number, version, at = (int(str(row[place])) for place in (0, 2, 5))
    terms_id, recipient, purpose = (str(row[place]) for place in (1, 3, 4))
    return Terms(number, terms_id, version, recipient, purpose, at, row[6] is not None, json.loads(str(row[7])))


def _listed(value: Json) -> list[Json]:
    return value if isinstance(value, list) else [value]


def _texts(member: Json) -> list[str]:
    """All texts of an attribute, whichever kind says them."""
    found: list[str] = []
    for one in _listed(member):
        values = one if isinstance(one, dict) else {}
        for name in ("value", "object", "vocab"):
            found += [text for text in _listed(values.get(name)) if isinstance(text, str)]
    return found


def _words(entity: Mapping[str, Json] | None, name: str) -> set[str]:
    return {text.replace("#", "/").rpartition("/")[2] for text in _texts((entity or {}).get(DEF + name))}


def _name_of(organisation: Mapping[str, Json]) -> Json:
    """What people call it: a text, or texts by language."""
    for name, value in organisation.items():
        if name.rpartition("/")[2] == "name" and isinstance(value, dict):
            return value.get("languageMap", value.get("value"))
    return str(organisation["id"])
