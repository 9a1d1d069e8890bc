"""Recipients of data: examined before they may receive any, blocked as soon as what they showed has run out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from broker.errors import BadRequestData, Conflict
from broker.model.values import Instant, to_text
from services.bank.book import Desk, Item
from services.bank.moments import instant_of
from services.bank.reading import in_order

KIND: Final = "recipient"
APPLIED: Final = "recipientApplied"
ACTIVE: Final = "recipientActive"
SUSPENDED: Final = "recipientSuspended"
ENDED: Final = "recipientEnded"
_PREFIX: Final = "urn:ngsi-ld:RecipientOrganisation:"


def evidence_until(body: Mapping[str, Any]) -> str:
    """Until when one of its certificates holds; empty where there is none."""
    return max((str(one["validUntil"]) for one in body.get("evidence", [])), default="")


def contract_until(body: Mapping[str, Any]) -> str:
    """Until when its contract holds; empty where there is none."""
    return str(body.get("contract", {}).get("validUntil", ""))


def blocked(body: Mapping[str, Any], now: Instant) -> str:
    """Why it may receive nothing now; empty where it may."""
    at = to_text(now)
    held = [one for one in body.get("evidence", []) if one["validFrom"] <= at < one["validUntil"]]
    contract = body.get("contract", {})
    checks = (
        (body.get("state") != ACTIVE, str(body.get("suspendedFor", "")) or str(body.get("state", ""))),
        (not held, "evidenceExpired"),
        (not contract or not contract["validFrom"] <= at < contract["validUntil"], "contractExpired"),
    )
    return next((why for fails, why in checks if fails), "")


def register(desk: Desk, item_id: str, body: dict[str, Any]) -> Item:
    """A new one, which receives nothing yet. Raises BadRequestData, Conflict."""
    chosen = str(body.pop("id", item_id))
    if not chosen.startswith(_PREFIX) or chosen == _PREFIX:
        raise BadRequestData("it is no id of a recipient", pointer="/id", remedy=f"{_PREFIX}midori-university")
    if desk.find(KIND, chosen) is not None:
        raise Conflict("there is a recipient of this id", pointer="/id", remedy="another id, or change that one")
    _check(body)
    return desk.write(KIND, chosen, "register", {"evidence": [], **body, "state": APPLIED})


def change(desk: Desk, item_id: str, body: dict[str, Any]) -> Item:
    """Other particulars, certificates or another contract; one that is blocked stays so until it is examined anew."""
    item = desk.item(KIND, item_id)
    _check(body)
    if item.state == ENDED:
        raise Conflict("it has ended", remedy="register it anew")
    if item.state == ACTIVE:
        _check_contract({**item.body, **body})
    return _written(desk, item, "change", body)


def activate(desk: Desk, item_id: str, decision: Item | None) -> Item:
    """Examined: it may receive. `decision` is the board's latest about it. Raises Conflict."""
    item = desk.item(KIND, item_id)
    if item.state == ENDED:
        raise Conflict("it has ended", remedy="register it anew")
    if decision is not None and decision.body["ethicsOutcome"] == "notApproved":
        raise Conflict("the ethics board did not approve it", remedy="ask the board for another review")
    _check_contract(item.body)
    why = blocked({**item.body, "state": ACTIVE}, desk.now)
    if why:
        raise Conflict(f"it cannot receive: {why}", remedy="add a certificate and a contract that hold now")
    changed = {"state": ACTIVE, "suspendedFor": None, "activatedAt": to_text(desk.now)}
    return _written(desk, item, "activate", changed)


def suspend(desk: Desk, item_id: str, reason: str) -> Item:
    """It receives nothing from now on."""
    item = desk.item(KIND, item_id)
    if item.state not in (ACTIVE, SUSPENDED):
        raise Conflict(f"it is {item.state}", remedy="only one that may receive is suspended")
    return _written(desk, item, "suspend", {"state": SUSPENDED, "suspendedFor": reason})


def end(desk: Desk, item_id: str, reason: str) -> Item:
    """It never receives anything again."""
    item = desk.item(KIND, item_id)
    return _written(desk, item, "end", {"state": ENDED, "endedFor": reason})


def lapse(desk: Desk, item_id: str) -> Item | None:
    """Suspend it where what it showed has run out; None where it has not."""
    item = desk.item(KIND, item_id)
    why = blocked(item.body, desk.now)
    if item.state != ACTIVE:
        return _written(desk, item, "look", {})
    return _written(desk, item, "lapse", {"state": SUSPENDED, "suspendedFor": why}) if why else None


def _written(desk: Desk, item: Item, act: str, changed: Mapping[str, Any]) -> Item:
    body = {**item.body, **changed}
    ends = [text for text in (evidence_until(body), contract_until(body)) if text]
    due = min(map(instant_of, ends)) if body["state"] == ACTIVE and ends else None
    return desk.write(KIND, item.id, act, changed, due)


def _check(body: Mapping[str, Any]) -> None:
    for part in (*body.get("evidence", []), body.get("contract", {})):
        in_order(part)


def _check_contract(body: Mapping[str, Any]) -> None:
    contract = body.get("contract", {})
    if contract and not (contract["auditRight"] and contract["breachNotice"]):
        raise Conflict(
            "its contract gives no right to audit it, or no duty to tell of breaches", pointer="/contract",
            remedy='{"auditRight": true, "breachNotice": true}',
        )  # fmt: skip
