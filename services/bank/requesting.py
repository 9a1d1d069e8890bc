"""Requests of recipients, and the agreements that come of them: what may be handed over, to whom, for what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from broker.errors import BadRequestData, Conflict, Forbidden
from broker.model.values import Instant, to_text
from datamodels.library import Library
from services.bank import offers, recipients
from services.bank.board import DECISION, terms_of
from services.bank.book import Book, Desk, Item, found
from services.bank.items import read_items, read_purpose
from services.bank.moments import instant_of
from services.bank.reading import in_order

KIND: Final = "request"
AGREEMENT: Final = "agreement"
SUBMITTED: Final = "requestSubmitted"
REVIEWING: Final = "requestUnderReview"
ACCEPTED: Final = "requestAccepted"
REJECTED: Final = "requestRejected"
WITHDRAWN: Final = "requestWithdrawn"
AGREED: Final = "agreed"
ENDED: Final = "ended"
_OPEN: Final = (SUBMITTED, REVIEWING)


def submit(desk: Desk, library: Library, item_id: str, recipient: str, body: dict[str, Any]) -> Item:
    """A recipient's request under a live offer. Raises Forbidden, BadRequestData, Conflict."""
    _receiving(desk, recipient)
    in_order(body)
    offer = desk.find(offers.KIND, body["offer"])
    if offer is None or not offers.is_live(offer.body, _decision(desk, offer), desk.now):
        raise BadRequestData("there is no live offer of this id", pointer="/offer", remedy="GET /services/bank/offers")
    _within(library, desk.item(recipients.KIND, recipient), offer, body)
    return desk.write(KIND, item_id, "submit", {**body, "recipient": recipient, "state": SUBMITTED})


def withdraw(desk: Desk, item_id: str, recipient: str) -> Item:
    """The recipient takes it back. Raises Conflict, ResourceNotFound for another's."""
    item = own(desk.item(KIND, item_id), recipient)
    if item.state not in _OPEN:
        raise Conflict(f"it is {item.state}", remedy="end the agreement instead")
    return desk.write(KIND, item.id, "withdraw", {"state": WITHDRAWN})


def reject(desk: Desk, item_id: str, reason: str) -> Item:
    """The operator says no."""
    item = _open(desk, item_id)
    return desk.write(KIND, item.id, "reject", {"state": REJECTED, "rejectedFor": reason})


def accept(desk: Desk, library: Library, item_id: str, agreement_id: str) -> tuple[Item, Item]:
    """The operator says yes: the request, and the agreement made of it. Raises as `submit`, and Conflict."""
    item = _open(desk, item_id)
    recipient = item.body["recipient"]
    _receiving(desk, recipient)
    offer = desk.item(offers.KIND, item.body["offer"])
    if not offers.is_live(offer.body, _decision(desk, offer), desk.now):
        raise Conflict("its offer is not live", remedy="a decision of the board that holds, then publish the offer")
    _within(library, desk.item(recipients.KIND, recipient), offer, item.body)
    about = [one for one in desk.items(DECISION) if one.body["about"] == item.id]
    if about and about[-1].body["ethicsOutcome"] == "notApproved":
        raise Conflict("the ethics board did not approve it", remedy="reject it, or ask for another review")
    ends = min(item.body["validUntil"], offer.body["validUntil"])
    agreement = desk.write(
        AGREEMENT, agreement_id, "agree",
        {"state": AGREED, "recipient": recipient, "offer": offer.id, "request": item.id,
         "purpose": item.body["purpose"], "dataItems": item.body["dataItems"], "benefit": item.body["benefit"],
         "validFrom": item.body["validFrom"], "validUntil": ends, "agreedAt": to_text(desk.now),
         "retention": item.body.get("retention") or offer.body.get("retention"), "reprovision": False,
         "profiling": bool(offer.body.get("profiling")), "ethicsDecision": offer.body["ethicsDecision"],
         "offerTerms": terms_of(offer.body)},
        instant_of(ends),
    )  # fmt: skip
    return desk.write(KIND, item.id, "accept", {"state": ACCEPTED, "agreement": agreement.id}), agreement


def end(desk: Desk, item: Item, reason: str) -> Item:
    """Nothing is handed over under it any more."""
    if item.state != AGREED:
        raise Conflict("it has ended", remedy="a new request")
    return desk.write(AGREEMENT, item.id, "end", {"state": ENDED, "endedFor": reason, "endedAt": to_text(desk.now)})


def lapse(desk: Desk, item_id: str) -> Item | None:
    """End an agreement whose time is over; None where it is not."""
    item = desk.item(AGREEMENT, item_id)
    if item.state != AGREED:
        return desk.write(AGREEMENT, item.id, "look", {})
    return end(desk, item, "its time is over") if to_text(desk.now) >= item.body["validUntil"] else None


def why_not_now(book: Book, tenant: str, agreement: Item, now: Instant) -> str:
    """Why nothing may be handed over under it now; empty where it may."""
    at, body = to_text(now), agreement.body
    recipient = book.find(tenant, recipients.KIND, body["recipient"])
    offer = book.item(tenant, offers.KIND, body["offer"])
    decision = book.find(tenant, DECISION, str(offer.body.get("ethicsDecision", "")))
    blocked = "recipientEnded" if recipient is None else recipients.blocked(recipient.body, now)
    checks: Iterable[tuple[bool, str]] = (
        (agreement.state != AGREED or not body["validFrom"] <= at < body["validUntil"], "the agreement does not hold"),
        (bool(blocked), f"the recipient is blocked: {blocked}"),
        (not offers.is_live(offer.body, decision, now), "its offer is not live"),
        (terms_of(offer.body) != body["offerTerms"], "its offer has other terms now"),
    )
    return next((why for fails, why in checks if fails), "")


def own(item: Item, recipient: str) -> Item:
    """It, where it is this recipient's; another's is absent. Raises ResourceNotFound."""
    if item.body["recipient"] != recipient:
        return found(None, item.kind)
    return item


def _open(desk: Desk, item_id: str) -> Item:
    item = desk.item(KIND, item_id)
    if item.state not in _OPEN:
        raise Conflict(f"it is {item.state}", remedy="a new request")
    return item


def _receiving(desk: Desk, recipient: str) -> None:
    item = desk.find(recipients.KIND, recipient)
    why = "it is not registered" if item is None else recipients.blocked(item.body, desk.now)
    if why:
        raise Forbidden(f"this organisation may receive nothing now: {why}", remedy="see GET /services/bank/recipients")


def _decision(desk: Desk, offer: Item) -> Item | None:
    return desk.find(DECISION, str(offer.body.get("ethicsDecision", "")))


def _within(library: Library, recipient: Item, offer: Item, body: Mapping[str, Any]) -> None:
    """Raises BadRequestData for what the offer does not have."""
    named, class_ = offer.body.get("recipients", []), recipient.body["recipientClass"]
    if (named and recipient.id not in named) or class_ not in offer.body["recipientClasses"]:
        raise BadRequestData("it is not offered to this organisation", pointer="/offer", remedy="another offer")
    wanted = read_purpose(library, body["purpose"], "/purpose")
    if wanted not in [read_purpose(library, one, "/purposes") for one in offer.body["purposes"]]:
        raise BadRequestData(
            "it is not offered for this purpose", pointer="/purpose", remedy=", ".join(offer.body["purposes"])
        )
    offered = read_items(library, offer.body["dataItems"])
    for place, item in enumerate(read_items(library, body["dataItems"])):
        if not any(one.covers(item) for one in offered):
            raise BadRequestData(
                f"{item.text} is not offered", pointer=f"/dataItems/{place}", remedy=", ".join(offer.body["dataItems"])
            )
    if not offer.body["validFrom"] <= body["validFrom"] < offer.body["validUntil"]:
        raise BadRequestData("the offer does not hold then", pointer="/validFrom", remedy=offer.body["validFrom"])
