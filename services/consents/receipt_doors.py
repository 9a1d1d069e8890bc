"""The routes of what somebody holds of a consent: receipts, their verification, the status list, exports."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final

from broker.encode.text import dump
from broker.http.messages import Response
from broker.http.rooms.route import Asked, Route
from broker.model.values import Json
from broker.signing import BadSignature, Signer
from services.consents.answers import BASE, FOR, NOT_KEPT, PAGED, answer, get, language_of, page_of, paged
from services.consents.book import Book
from services.consents.items import known_items, purpose_label
from services.consents.page import POLICY, verify_page
from services.consents.reading import read
from services.consents.receipts import Receipts, digest, exported
from services.consents.records27560 import Known
from services.consents.states import Record
from services.consents.status import StatusList
from services.consents.told import state_label
from services.room import Ground

_TOKEN: Final = ("Content-Type", "application/jwt")
_HTML: Final = (
    ("Content-Type", "text/html; charset=utf-8"), ("Content-Security-Policy", POLICY),
    ("Referrer-Policy", "no-referrer"),    ("X-Content-Type-Options", "nosniff"), NOT_KEPT,
)  # fmt: skip
_PUBLIC: Final = (("Content-Type", "application/json"), ("Cache-Control", "public, max-age=60"))


class ReceiptDoors:
    """The handlers; `mine` finds the consent that a request of a resident names, `seeing` whose they look at."""

    def __init__(
        self,
        book: Book,
        receipts: Receipts,
        ground: Ground,
        mine: Callable[[Asked], Record],
        seeing: Callable[[Asked], str],
    ) -> None:
        self._book, self._receipts, self._ground, self._mine, self._seeing = book, receipts, ground, mine, seeing
        self._signer: Signer = ground.signer
        self._status = StatusList(book, ground.signer, ground.public_url)

    def routes(self) -> Sequence[Route]:
        """All of them."""
        wanted = FOR | {"form", "language", "version"}
        verify = get("/verify", "consent_verify_receipt", self.verify_link, frozenset({"jws", "language"}))
        posted = Route("POST", f"{BASE}/verify", "consent_verify_receipt", self.verify, body=True, asks=True, open=True)
        return [
            get("/records/{record}/receipt", "consent_retrieve_receipt", self.receipt, wanted),
            get("/records/{record}/receipt.svg", "consent_show_receipt", self.qr, wanted),
            get("/records/{record}/document", "consent_export_record", self.document, FOR | {"format"}),
            get("/export", "consent_export", self.export, FOR | PAGED | {"format"}),
            replace(verify, open=True),
            posted,
            replace(get("/status", "consent_status_list", self.status), open=True),
            Route("GET", "/.well-known/jwks.json", "serve_keys", self.keys, open=True),
        ]

    def receipt(self, asked: Asked) -> Response:
        """The signed receipt."""
        known, language = self._known(asked), self._language(asked)
        token = self._receipts.token(known, asked.query.get("form", "summary"), language)
        return answer({"jws": token, "hash": digest(token), "version": known.record.version, "language": language})

    def qr(self, asked: Asked) -> Response:
        """A picture of where it is verified."""
        headers = (("Content-Type", "image/svg+xml"), ("Content-Security-Policy", "default-src 'none'"), NOT_KEPT)
        return Response(200, headers, self._receipts.qr(self._known(asked), self._language(asked)))

    def document(self, asked: Asked) -> Response:
        """The consent as a record of ISO/IEC TS 27560, or as Kantara's receipt."""
        return answer(exported(self._known(asked), asked.query.get("format", "iso27560")))

    def export(self, asked: Asked) -> Response:
        """All of a person's."""
        subject, (limit, after), form = self._seeing(asked), page_of(asked), asked.query.get("format", "iso27560")
        found = self._book.records(asked.tenant, "p.subject = ? AND r.number > ?", subject, after, limit=limit)
        rows: list[tuple[int, Json]] = [
            (one.number, exported(self._receipts.known(self._book, asked.tenant, one), form)) for one in found
        ]
        return paged("consents", rows, limit)

    def verify(self, asked: Asked) -> Response:
        """Whether a receipt is of this hub, and whether the consent holds: as JSON."""
        verdict, told = self._verdict(read("receipt", asked.body)["jws"])
        return answer({"verdict": verdict, "holds": verdict == "valid", "receipt": told})

    def verify_link(self, asked: Asked) -> Response:
        """The same for people, as a page; as JSON for who asks for that."""
        token = asked.query.get("jws", "")
        verdict, told = self._verdict(token.strip()) if token else ("empty", {})
        if "text/html" not in asked.request.headers.get("accept", "text/html"):
            return answer({"verdict": verdict, "holds": verdict == "valid", "receipt": told})
        return Response(200, _HTML, verify_page(verdict, told, self._language(asked), token).encode())

    def status(self, _asked: Asked) -> Response:
        """Which consents hold."""
        return Response(200, (("Content-Type", "application/statuslist+jwt"), NOT_KEPT), self._status.token().encode())

    def keys(self, _asked: Asked) -> Response:
        """The public keys of this hub."""
        return Response(200, _PUBLIC, dump(self._signer.jwks()))

    def _verdict(self, token: str) -> tuple[str, dict[str, Any]]:
        try:
            said = self._receipts.read(token)
        except BadSignature:
            return "forged", {}
        sql = "SELECT tenant FROM consents_record WHERE id = ?"
        rows = self._book.rows(sql, str(said["consent"]))
        record = self._book.record(str(rows[0][0]), str(said["consent"])) if rows else None
        library = self._ground.library()
        label = purpose_label(library, str(said["purpose"]))
        now = record.state.value if record is not None else str(said["state"])
        told = {
            **said, "dataItems": [one.told() for one in known_items(library, said["dataItems"])],
            "purposeLabel": {"ja": label.ja, "en": label.en}, "stateNow": now, "stateLabel": state_label(library, now),
            "recipientName": None if record is None else record.body.get("recipientName"),
        }  # fmt: skip
        if record is None:
            return "unknown", told
        return ("valid" if record.holds(self._book.now()) else "ended"), told

    def _known(self, asked: Asked) -> Known:
        version = asked.number("version", 0, 1 << 31)
        return self._receipts.known(self._book, asked.tenant, self._mine(asked), version)

    def _language(self, asked: Asked) -> str:
        given = asked.query.get("language", "")
        return given if given in ("ja", "en") else language_of(asked)
