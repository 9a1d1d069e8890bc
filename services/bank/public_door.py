"""What everybody may read of the bank: its summary, and the conformance sheet."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final, cast

from broker.errors import BadRequestData, ResourceNotFound
from broker.http.messages import Response
from broker.http.rooms.route import Asked
from broker.model.values import Json
from services.bank import board, complaints, incidents, recipients
from services.bank.bank import Bank
from services.bank.board import sitting
from services.bank.conformance import as_page, sheet
from services.bank.doors import Row, plain
from services.bank.words import LANGUAGES

_OFFERED: Final = ("id", "name", "benefit", "dataItems", "purposes", "recipientClasses", "validFrom", "validUntil")
_DECIDED: Final = ("id", "name", "ethicsOutcome", "conditions", "decidedAt", "validUntil", "revokedAt", "viewpoints")
_RECEIVES: Final = ("id", "name", "recipientClass", "country", "contact", "purposes")
_PAGE: Final = (
    ("Content-Type", "text/html; charset=utf-8"), ("Cache-Control", "no-store"),
    ("Content-Security-Policy", "default-src 'none'"),
)  # fmt: skip
DECISIONS_MAX: Final = 200
"""The newest ones."""


class PublicDoor:
    """See the module."""

    def __init__(self, bank: Bank) -> None:
        self.bank = bank

    def rows(self) -> tuple[Row, ...]:
        """The table."""
        return (
            Row("GET", "/summary", "bank_summary", (), self.summary),
            Row("GET", "/conformance", "bank_conformance", ("operator", "board", "auditor"), self.conformance,
                parameters=frozenset({"format", "lang"})),
        )  # fmt: skip

    def summary(self, asked: Asked, _: dict[str, Any]) -> Response:
        """Who provides, who decides, who may receive what: in tenants that the city made public."""
        bank, tenant, now = self.bank, asked.tenant, self.bank.book.now()
        if tenant not in bank.settings.public_tenants:
            raise ResourceNotFound("there is no public summary", remedy="a tenant that has one")
        members = sitting(bank.book.items(tenant, board.MEMBER), now)
        decided = bank.book.items(tenant, board.DECISION)[-DECISIONS_MAX:]
        receiving = [one for one in bank.book.items(tenant, recipients.KIND) if not recipients.blocked(one.body, now)]
        told = {
            "provider": bank.settings.provider.told(),
            "board": Counter(viewpoint for one in members for viewpoint in one.body["viewpoints"]),
            "decisions": [
                {**_of(_DECIDED, one.told()), "summary": one.body["summary"]} for one in reversed(decided)
            ],
            "offers": [_of(_OFFERED, one.told()) for one in bank.live_offers(tenant)],
            "recipients": [_of(_RECEIVES, one.told()) for one in receiving],
            "complaints": Counter(one.state for one in bank.book.items(tenant, complaints.KIND)),
            "incidents": Counter(one.state for one in bank.book.items(tenant, incidents.KIND)),
        }  # fmt: skip
        return plain(cast("Json", told))

    def conformance(self, asked: Asked, _: dict[str, Any]) -> Response:
        """The sheet, in JSON or as a page."""
        told, language = sheet(self.bank, asked.tenant), asked.query.get("lang", "ja")
        if language not in LANGUAGES:
            raise BadRequestData("the sheet is in ja or en", pointer="lang", remedy="en")
        if asked.query.get("format", "json") == "json":
            return plain(told)
        page = as_page(told, language).encode()
        return Response(200, _PAGE, page)


def _of(names: tuple[str, ...], told: dict[str, Json]) -> dict[str, Json]:
    return {name: told[name] for name in names if name in told}
