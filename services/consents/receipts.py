"""Receipts: the signed copy of a consent that a person keeps (JWS, Ed25519), in three forms, and as a QR code.

The same consent at the same version gives the same receipt, so that only its hash is kept here.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from typing import Any, Final
from urllib.parse import quote

from broker.errors import BadRequestData, Conflict, ResourceNotFound
from broker.model.values import Json, to_text
from broker.signing import Signer
from services.consents.book import Book, Desk
from services.consents.configured import Settings
from services.consents.items import Item
from services.consents.records27560 import SCHEMA, Known, at_version, kantara_document, record_document
from services.consents.states import Act, Record
from services.room import Ground

TYP: Final = "consent-receipt+jwt"
FORMS: Final = {"minimal": "receiptMinimal", "summary": "receiptSummary", "full": "receiptFull"}
ISSUED_AT: Final = frozenset({Act.GIVE, Act.RENEW, Act.WITHDRAW})
"""After these the hub shows that a receipt was issued."""
QR_BYTES_MAX: Final = 2_900


class Receipts:
    """Makes receipts and checks them."""

    def __init__(self, ground: Ground, settings: Settings) -> None:
        self._signer: Signer = ground.signer
        self._library, self._url, self._settings = ground.library, ground.public_url, settings

    def known(self, book: Book, tenant: str, record: Record, version: int = 0) -> Known:
        """What there is to tell of a consent, or of what it was at a version. Raises ResourceNotFound."""
        events = [one for _, one in book.events(tenant, "e.record = ?", record.id)]
        found = at_version(events, version or record.version)
        if found is None:
            raise ResourceNotFound(
                "the consent has no such version", pointer="version", remedy=f"1 to {record.version}"
            )
        events = [one for one in events if one.version <= found.version]
        actors = book.subjects({one.actor for one in events})
        then = replace(found, subject=record.subject, epoch=record.epoch, number=record.number)
        return Known(then, events, actors, self._library(), self._settings.controller, self._url)

    def token(self, known: Known, form: str, language: str) -> str:
        """The receipt. Raises BadRequestData for another form."""
        if form not in FORMS:
            raise BadRequestData("there is no such form", pointer="form", remedy=", ".join(FORMS))
        return self._signer.sign(self._payload(known, form, language), TYP)

    def issue(self, desk: Desk, record: Record, act: Act) -> None:
        """Note that the person has a summary, within the act's transaction."""
        if act not in ISSUED_AT:
            return
        library, url = self._library(), self._url
        known = Known(record, (), {}, library, self._settings.controller, url)
        language = str(record.body.get("noticeLanguage", "ja"))
        token = self.token(known, "summary", language)
        thing = desk.new_id("ConsentReceipt")
        key = str(self._signer.jwks()["keys"][-1]["kid"])
        row = (desk.tenant, thing, record.id, record.version, FORMS["summary"], language, desk.now, digest(token), key)
        sql = (
            "INSERT INTO consents_receipt (tenant, id, record, version, form, language, at, hash, key)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
        )
        desk.db.execute(sql, row)
        desk.show("receipt", thing)

    def read(self, token: str) -> dict[str, Any]:
        """What a receipt says. Raises BadSignature where this hub did not sign it."""
        return self._signer.verify(token, TYP)

    def qr(self, known: Known, language: str) -> bytes:
        """A picture (SVG) of where the minimal receipt is verified, with it."""
        import segno  # noqa: PLC0415  who wants no picture does not carry it

        url = f"{self._url}/services/consents/verify?jws={quote(self.token(known, 'minimal', language))}"
        if len(url) > QR_BYTES_MAX:
            raise Conflict("the receipt is too long for a QR code", remedy="the receipt itself")
        picture = io.BytesIO()
        segno.make(url, error="l", micro=False).save(picture, kind="svg", scale=4, border=4)
        return picture.getvalue()

    def _payload(self, known: Known, form: str, language: str) -> Mapping[str, Json]:
        record = known.record
        place: Json = {"idx": record.number, "uri": f"{self._url}/services/consents/status"}
        minimal: dict[str, Json] = {
            "jti": f"{record.id}:{record.version}:{form}:{language}", "iss": self._url or "misono",
            "iat": record.at // 1_000_000, "conformsTo": f"{SCHEMA}receipt-{form}", "consent": record.id,
            "version": record.version, "state": record.state.value, "recipient": record.recipient,
            "purpose": record.purpose, "dataItems": [*record.items], "validFrom": record.body.get("validFrom"),
            "validUntil": record.body.get("validUntil"), "status": {"status_list": place},
            "language": language,
        }  # fmt: skip
        if form == "minimal":
            return minimal
        names = ("benefit", "retention", "privacyNotice", "termsVersion", "recipientName", "storageLocation", "offer")
        summary: dict[str, Json] = {
            **minimal, "sub": record.subject, "issuedAt": to_text(record.at), "withdrawal": known.withdrawal,
            "purposeLabel": getattr(known.purpose, language),
            "items": [_item(one, language) for one in known.items],
            **{name: record.body[name] for name in names if name in record.body},
            "controller": {"name": known.controller.name, "contact": known.controller.contact},
            "allowsProfiling": bool(record.body.get("allowsProfiling")),
            "allowsReprovision": bool(record.body.get("allowsReprovision")),
        }  # fmt: skip
        return summary if form == "summary" else {**summary, "record": record_document(known)}


def _item(item: Item, language: str) -> Json:
    return {"item": item.text, "label": getattr(item.label, language), "specialCare": item.special}


def digest(token: str) -> str:
    """`sha-256:…` of a receipt."""
    return f"sha-256:{sha256(token.encode()).hexdigest()}"


def exported(known: Known, form: str) -> dict[str, Json]:
    """A consent in another's form. Raises BadRequestData for one that nobody knows."""
    if form == "kantara":
        return kantara_document(known)
    if form == "iso27560":
        return record_document(known)
    raise BadRequestData("there is no such format", pointer="format", remedy="iso27560, kantara")
