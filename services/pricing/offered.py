"""What pricing asks the bank: who a recipient is, and whether an offer is live."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from broker.errors import BadRequestData, Conflict, Forbidden
from datamodels.library import Library
from services.bank import recipients
from services.bank.items import DataItem, read_items, read_purpose
from services.bank.room import BankRoom


class Offered:
    """See the module."""

    def __init__(self, bank: BankRoom) -> None:
        self._bank = bank

    def class_of(self, tenant: str, recipient: str) -> str:
        """The class of a recipient that may receive now. Raises Forbidden."""
        item = self._bank.book.find(tenant, recipients.KIND, recipient)
        why = "it is not registered" if item is None else recipients.blocked(item.body, self._bank.book.now())
        if item is None or why:
            raise Forbidden(f"this organisation may receive nothing: {why}", remedy="the operator registers it")
        return str(item.body["recipientClass"])

    def live(self, tenant: str, offer: str) -> Mapping[str, Any]:
        """A live offer of the bank, which the board allows now. Raises Conflict."""
        found = next((one for one in self._bank.bank.live_offers(tenant) if one.id == offer), None)
        if found is None:
            raise Conflict("this offer is not live", pointer="/offer", remedy="GET /services/bank/offers")
        return cast("Mapping[str, Any]", found.body)


def check_offer(
    library: Library, offer: Mapping[str, Any], items: Sequence[DataItem], asking: tuple[str, str, str]
) -> None:
    """Raises Conflict, BadRequestData for what is not in an offer; `asking` are recipient, class and purpose (IRI)."""
    recipient, klass, purpose = asking
    if klass not in offer["recipientClasses"] or (offer.get("recipients") and recipient not in offer["recipients"]):
        raise Conflict("this offer is not for you", pointer="/offer", remedy="an offer for your class of recipients")
    if purpose not in {read_purpose(library, one, "/offer") for one in offer["purposes"]}:
        raise BadRequestData(
            "the offer is not for this purpose", pointer="/purpose", remedy=", ".join(offer["purposes"])
        )
    having = read_items(library, offer["dataItems"], "/offer")
    for place, item in enumerate(items):
        if not any(one.covers(item) for one in having):
            raise BadRequestData(
                "the offer does not have this item", pointer=f"/dataItems/{place}", remedy=", ".join(offer["dataItems"])
            )
