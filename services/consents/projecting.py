"""What the hub shows of consents: read-only entities, written before an act is acknowledged.

What is decided by (a consent that holds, a delegation, an emergency) is decided by these entities, in every process.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from broker.errors import ServiceUnavailable
from broker.keeping import NotKept
from broker.model.values import to_text
from broker.ports.hub import Fragment, Hub, HubAway
from datamodels.library import Library
from datamodels.source import Attribute, Package
from services.consents.book import Book, number_of
from services.consents.items import PACKAGE
from services.consents.states import HOLDING, Record, due_of
from services.consents.tables import Database

log = logging.getLogger("misono.consents")

ROUNDS_MAX: Final = 20
"""So often something that others change meanwhile is shown anew."""
_AHEAD: Final = "SELECT tenant, kind, id FROM consents_show WHERE shown < wanted ORDER BY number LIMIT 500"
_WANTED: Final = "SELECT wanted FROM consents_show WHERE tenant = ? AND id = ?"
_NOT_TOLD: Final = frozenset(
    {
        "terms",
        "joint",
        "conditionsBy",
        "agreedAt",
        "reconsentBy",
        "requestedUntil",
        "notice",
        "message",
        "recipientName",
        "dataItems",
    }
)
"""Members of a record that its model has no attribute for, or that are shown otherwise."""


class Projection:
    """Shows things of the book in the hub; `public_url` is where consents are withdrawn."""

    def __init__(self, hub: Hub, library: Callable[[], Library], public_url: str) -> None:
        self._hub, self._library, self._public_url = hub, library, public_url

    def show(self, book: Book, tenant: str, things: Sequence[tuple[str, str]]) -> None:
        """Show them as they are now; what no longer holds first. Raises ServiceUnavailable: then `catch_up` does it."""
        for _ in range(ROUNDS_MAX):
            wanted = {one: number_of(book.rows(_WANTED, tenant, one[1])) for one in things}
            found = [(one, fragment, holds) for one in things for fragment, holds in self._made(book, tenant, one)]
            self._write(tenant, [fragment for _, fragment, _ in sorted(found, key=lambda one: one[2])])
            _note(book, tenant, {one[1]: number for one, number in wanted.items()})
            things = [one for one in things if number_of(book.rows(_WANTED, tenant, one[1])) != wanted[one]]
            if not things:
                return
        log.warning("consents of tenant %r change faster than they are shown", tenant)

    def catch_up(self, book: Book) -> int:
        """Show what could not be shown before; how much it was."""
        rows = [(str(tenant), (str(kind), str(thing))) for tenant, kind, thing in book.rows(_AHEAD)]
        for tenant in dict.fromkeys(tenant for tenant, _ in rows):
            self.show(book, tenant, [thing for other, thing in rows if other == tenant])
        return len(rows)

    def _made(self, book: Book, tenant: str, thing: tuple[str, str]) -> list[tuple[Fragment, bool]]:
        kind, thing_id = thing
        made = {"record": self._record, "delegation": self._delegation, "emergency": self._emergency}
        found = (self._receipt if kind == "receipt" else made[kind])(book, tenant, thing_id)
        return [] if found is None else [found]

    def _write(self, tenant: str, fragments: Sequence[Fragment]) -> None:
        if not fragments:
            return
        try:
            refused = [one for one in self._hub.upsert(tenant, fragments) if one is not None]
        except HubAway as error:
            raise ServiceUnavailable("the hub takes nothing now", remedy="Ask again: it was noted.") from error
        if refused:
            log.error("the hub does not show consents of tenant %r: %s %s", tenant, refused[0], refused[0].pointer)
            raise ServiceUnavailable("the hub does not take it now", remedy="Ask again: it was noted.")

    def _record(self, book: Book, tenant: str, record_id: str) -> tuple[Fragment, bool] | None:
        record = book.record(tenant, record_id)
        if record is None:
            return None
        others = _household(book, tenant, record)
        actors = book.subjects([int(record.body.get("consentGivenBy", 0))])
        due = due_of(record)
        members: dict[str, Any] = {name: value for name, value in record.body.items() if name not in _NOT_TOLD}
        members |= {
            "dataSubject": record.subject, "recipient": record.recipient, "purpose": record.purpose,
            "dataItems": [*record.items], "consentState": record.state.value, "epoch": record.epoch,
            "validFrom": record.body.get("validFrom", to_text(record.at)), "householdMembers": others or None,
            "consentGivenBy": next(iter(actors.values()), None),
            "withdrawalMethod": f"{self._public_url}/services/consents/withdraw",
        }  # fmt: skip
        if due is not None:
            members["validUntil"] = to_text(due[0])
        return self._fragment("ConsentRecord", record_id, members), record.state in HOLDING

    def _delegation(self, book: Book, tenant: str, thing_id: str) -> tuple[Fragment, bool] | None:
        sql = (
            "SELECT person, delegate, kind, scope, since, until, ended FROM consents_delegation"
            " WHERE tenant = ? AND id = ?"
        )
        for person, delegate, kind, scope, since, until, ended in book.rows(sql, tenant, thing_id):
            who = book.subjects([int(str(person)), int(str(delegate))])
            members = {
                "dataSubject": who[int(str(person))], "delegate": who[int(str(delegate))], "delegationKind": kind,
                "delegationScope": str(scope).split(), "validFrom": to_text(int(str(since))),
                "validUntil": to_text(int(str(until))),
                "delegationState": "delegationActive" if ended is None else "delegationEnded",
            }  # fmt: skip
            return self._fragment("ConsentDelegation", thing_id, members), ended is None
        return None

    def _emergency(self, book: Book, tenant: str, thing_id: str) -> tuple[Fragment, bool] | None:
        sql = (
            "SELECT number, principal, reason, everybody, since, until, ended FROM consents_emergency"
            " WHERE tenant = ? AND id = ?"
        )
        for number, principal, reason, everybody, since, until, ended in book.rows(sql, tenant, thing_id):
            persons = book.rows("SELECT person FROM consents_looked_at WHERE emergency = ?", int(str(number)))
            members = {
                "dataSubject": sorted(book.subjects(int(str(row[0])) for row in persons).values()) or None,
                "coversEverybody": bool(everybody), "accessedBy": principal, "emergencyReason": reason,
                "emergencyState": "emergencyRunning" if ended is None else "emergencyEnded",
                "validFrom": to_text(int(str(since))), "validUntil": to_text(int(str(until))),
                "subjectNotifiedAt": None if ended is None else to_text(int(str(ended))),
            }  # fmt: skip
            return self._fragment("EmergencyAccess", thing_id, members), ended is None
        return None

    def _receipt(self, book: Book, tenant: str, thing_id: str) -> tuple[Fragment, bool] | None:
        sql = "SELECT record, form, language, at, hash, key FROM consents_receipt WHERE tenant = ? AND id = ?"
        for record_id, form, language, at, digest, key in book.rows(sql, tenant, thing_id):
            record = book.record(tenant, str(record_id))
            assert record is not None
            members = {
                "consent": record.id, "dataSubject": record.subject, "receiptForm": form,
                "issuedAt": to_text(int(str(at))),
                "receiptHash": digest, "signingKey": key, "noticeLanguage": language,
                "statusList": f"{self._public_url}/services/consents/status",
                "conformsTo": "https://w3id.org/dpv/schema/iso-27560",
            }  # fmt: skip
            return self._fragment("ConsentReceipt", thing_id, members), False
        return None

    def _fragment(self, type_: str, thing_id: str, members: Mapping[str, Any]) -> Fragment:
        library = self._library()
        package = library.packages[PACKAGE]
        model = package.models[type_]
        there = {
            attribute.iri: _instance(package, attribute, members[name])
            for name, attribute in model.attributes.items()
            if members.get(name) is not None
        }
        return {"id": thing_id, "type": model.iri, **there}


def _household(book: Book, tenant: str, record: Record) -> list[str]:
    joint = record.body.get("joint")
    if joint is None:
        return []
    return sorted({one.subject for one in book.records(tenant, "r.joint = ?", joint)} - {record.subject})


def _instance(package: Package, attribute: Attribute, value: object) -> dict[str, Any]:
    kind = attribute.kinds[0]
    if kind == "Relationship":
        return {"type": kind, "object": value}
    if kind == "ListProperty":
        return {"type": kind, "valueList": value}
    if kind == "VocabProperty":
        words = {word.name: word.iri for word in package.vocabularies[attribute.vocabulary].words}
        found = [words.get(str(one), one) for one in (value if isinstance(value, list) else [value])]
        return {"type": kind, "vocab": found if attribute.form.many and isinstance(value, list) else found[0]}
    if isinstance(value, dict):
        return {"type": "LanguageProperty", "languageMap": value}
    return {"type": "Property", "value": value}


def _note(book: Book, tenant: str, shown: Mapping[str, int]) -> None:
    """So much of them is shown. What is not noted is shown once more."""

    def note(db: Database) -> None:
        sql = "UPDATE consents_show SET shown = max(shown, ?) WHERE tenant = ? AND id = ?"
        db.executemany(sql, [(number, tenant, thing) for thing, number in shown.items()])

    try:
        book.file.write(note)
    except NotKept:
        log.info("what was shown is shown once more")
