"""Offers of data: drafted by the operator, reviewed by the board, live only while a decision allows them as they are.

What they say is ODRL (see `policy`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from broker.errors import BadRequestData, Conflict
from broker.model.values import Instant, to_text
from datamodels.library import Library
from services.bank.board import DECISION, allowing, holds
from services.bank.book import Desk, Item
from services.bank.items import read_items, read_purpose
from services.bank.moments import instant_of
from services.bank.reading import in_order

KIND: Final = "offer"
DRAFT: Final = "offerDraft"
LIVE: Final = "offerLive"
SUSPENDED: Final = "offerSuspended"
CLOSED: Final = "offerClosed"


def is_live(offer: Mapping[str, Any], decision: Item | None, now: Instant) -> bool:
    """Whether recipients may ask for it now."""
    at = to_text(now)
    return bool(
        offer["state"] == LIVE and offer["validFrom"] <= at < offer["validUntil"] and holds(decision, offer, now)
    )


def check_terms(library: Library, body: Mapping[str, Any]) -> None:
    """Raises BadRequestData for an offer that no decision could allow.

    What needs special care (health) is offered attribute by attribute, and for the person's own clear benefit:
    secondary use only as aggregates over people (guideline ver. 3.0).
    """
    in_order(body)
    items = read_items(library, body["dataItems"])
    for place, purpose in enumerate(body["purposes"]):
        read_purpose(library, purpose, f"/purposes/{place}")
    special = [place for place, item in enumerate(items) if item.special]
    if special and body.get("secondaryUse"):
        finer = [place for place in special if items[place].granularity != "aggregate"]
        if finer:
            raise BadRequestData(
                "for secondary use, what needs special care is given only aggregated over people",
                pointer=f"/dataItems/{finer[0]}",
                remedy=f"{items[finer[0]].text.partition('@')[0]}@aggregate",
            )
    if special and body.get("sensitiveInference"):
        raise BadRequestData(
            "nothing that needs special care is inferred about a person",
            pointer="/sensitiveInference",
            remedy="false",
        )


def is_special(library: Library, body: Mapping[str, Any]) -> bool:
    """Whether it has items that need special care."""
    return any(item.special for item in read_items(library, body["dataItems"]))


def draft(desk: Desk, item_id: str, body: dict[str, Any]) -> Item:
    """A new one."""
    return desk.write(KIND, item_id, "draft", {**body, "state": DRAFT, "draftedBy": desk.by})


def change(desk: Desk, item: Item, body: dict[str, Any]) -> Item:
    """Other terms: a draft again, for the board to review. Raises Conflict."""
    if item.state == CLOSED:
        raise Conflict("it is closed", remedy="a new offer")
    return desk.write(KIND, item.id, "change", {**body, "state": DRAFT, "ethicsDecision": None})


def publish(desk: Desk, item_id: str, *, accepts_conditions: bool) -> Item:
    """It is live. Raises Conflict where no decision of the board allows it as it is."""
    item = desk.item(KIND, item_id)
    if item.state == CLOSED:
        raise Conflict("it is closed", remedy="a new offer")
    decision = allowing(desk.items(DECISION), item, desk.now)
    if decision is None:
        raise Conflict(
            "no offer is live without a valid decision of the ethics board", remedy="POST /services/bank/board/reviews"
        )
    if decision.body["ethicsOutcome"] == "conditional" and not accepts_conditions:
        raise Conflict(
            f"the board has conditions: {'; '.join(decision.body['conditions'])}", pointer="/acceptsConditions",
            remedy='{"acceptsConditions": true} once they are met',
        )  # fmt: skip
    if to_text(desk.now) >= item.body["validUntil"]:
        raise Conflict("its time is over", pointer="/validUntil", remedy="change it")
    due = min(instant_of(decision.body["validUntil"]), instant_of(item.body["validUntil"]))
    changed = {"state": LIVE, "ethicsDecision": decision.id, "suspendedFor": None}
    return desk.write(KIND, item.id, "publish", changed, due)


def suspend(desk: Desk, item: Item, reason: str) -> Item:
    """It is live no longer. Raises Conflict."""
    if item.state != LIVE:
        raise Conflict(f"it is {item.state}", remedy="only a live offer is suspended")
    return desk.write(KIND, item.id, "suspend", {"state": SUSPENDED, "suspendedFor": reason})


def close(desk: Desk, item_id: str, reason: str) -> Item:
    """It is never live again."""
    item = desk.item(KIND, item_id)
    return desk.write(KIND, item.id, "close", {"state": CLOSED, "closedFor": reason})


def lapse(desk: Desk, item_id: str) -> Item | None:
    """Suspend or close it where its time, or that of its decision, is over; None where it is not."""
    item = desk.item(KIND, item_id)
    if item.state != LIVE:
        return desk.write(KIND, item.id, "look", {})
    if to_text(desk.now) >= item.body["validUntil"]:
        return desk.write(KIND, item.id, "close", {"state": CLOSED, "closedFor": "its time is over"})
    decision = desk.find(DECISION, item.body["ethicsDecision"])
    return None if holds(decision, item.body, desk.now) else suspend(desk, item, "decisionExpired")


def follow_decision(desk: Desk, decision: Item) -> None:
    """Suspend what is live by a decision that holds no longer."""
    for item in desk.items(KIND):
        if item.state == LIVE and item.body.get("ethicsDecision") == decision.id:
            suspend(desk, item, "decisionRevoked")
