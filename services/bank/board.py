"""The ethics board: who sits on it, what they review, how they voted, what was decided and for how long it holds.

A decision counts for exactly what was reviewed (`terms`, a hash): an offer that changes needs another one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from broker.errors import BadRequestData, Conflict, Forbidden, ResourceNotFound
from broker.model.values import Instant, to_text
from services.bank.book import Desk, Item
from services.bank.moments import DAY_US, instant_of
from services.bank.reading import MEDICAL, VIEWPOINTS

MEMBER: Final = "member"
REVIEW: Final = "review"
DECISION: Final = "decision"
REVIEWED: Final = ("offer", "request", "recipient")
OPEN: Final = "open"
_TERMS: Final = (
    "name", "description", "benefit", "dataItems", "purposes", "purpose", "recipientClasses", "recipients", "validFrom",
    "validUntil", "retention", "profiling", "sensitiveInference", "secondaryUse", "recipient", "recipientClass",
    "offer", "contract",
)  # fmt: skip
"""What a review is of: members of the thing reviewed."""


def terms_of(body: Mapping[str, Any]) -> str:
    """A hash of what was reviewed: `sha-256:…`."""
    told = {name: body[name] for name in _TERMS if name in body}
    text = json.dumps(told, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return f"sha-256:{hashlib.sha256(text.encode()).hexdigest()}"


def holds(decision: Item | None, body: Mapping[str, Any], now: Instant) -> bool:
    """Whether the board allows what is now in `body`, now."""
    if decision is None or decision.body.get("revokedAt") or decision.body["ethicsOutcome"] == "notApproved":
        return False
    at = to_text(now)
    valid = decision.body["decidedAt"] <= at < decision.body["validUntil"]
    return bool(valid and decision.body["terms"] == terms_of(body))


def appoint(desk: Desk, item_id: str, body: dict[str, Any]) -> Item:
    """A new member. Raises Conflict where that account sits on it already."""
    if any(one.body["principal"] == body["principal"] for one in sitting(desk.items(MEMBER), desk.now)):
        raise Conflict("this account sits on the board", pointer="/principal", remedy="end that membership first")
    return desk.write(MEMBER, item_id, "appoint", {**body, "state": "sitting", "appointedAt": to_text(desk.now)})


def leave(desk: Desk, item_id: str, reason: str) -> Item:
    """The member sits on it no longer."""
    item = desk.item(MEMBER, item_id)
    return desk.write(MEMBER, item.id, "leave", {"state": "left", "leftFor": reason, "leftAt": to_text(desk.now)})


def sitting(members: Iterable[Item], now: Instant) -> list[Item]:
    """Those who sit on it now."""
    at = to_text(now)
    return [one for one in members if one.state == "sitting" and at < one.body.get("validUntil", "9")]


def missing_viewpoints(members: Iterable[Item]) -> list[str]:
    """The viewpoints that nobody has."""
    there = {viewpoint for member in members for viewpoint in member.body["viewpoints"]}
    return [one for one in VIEWPOINTS if one not in there]


def propose(desk: Desk, item_id: str, about: Item, question: Mapping[str, str], *, special: bool) -> Item:
    """Put something on the agenda. Raises Conflict where it stands there already."""
    open_ones = (one for one in desk.items(REVIEW) if one.state == OPEN and one.body["about"] == about.id)
    if any(one.body["terms"] == terms_of(about.body) for one in open_ones):
        raise Conflict("it is on the agenda already", remedy="wait for the board")
    return desk.write(
        REVIEW, item_id, "propose",
        {"state": OPEN, "about": about.id, "of": about.kind, "terms": terms_of(about.body), "special": special,
         "question": dict(question), "proposedBy": desk.by, "proposedAt": to_text(desk.now), "votes": {}},
    )  # fmt: skip


def vote(desk: Desk, review_id: str, principal: str, body: dict[str, Any]) -> Item:
    """A member's vote, instead of an earlier one. Raises Forbidden, Conflict."""
    review, member = desk.item(REVIEW, review_id), _seat(desk, principal)
    if review.state != OPEN:
        raise Conflict("it is decided", remedy="a new review")
    if principal == review.body["proposedBy"]:
        raise Forbidden("who asked for a review does not vote on it", remedy="the votes of the other members")
    if body["vote"] == "conditional" and not body.get("conditions"):
        raise BadRequestData("on which conditions?", pointer="/conditions", remedy='["…"]')
    if body.get("conflictOfInterest") and body["vote"] != "abstain":
        raise Conflict("who has an interest in it abstains", pointer="/vote", remedy="abstain")
    votes = {**review.body["votes"], member.id: {**body, "at": to_text(desk.now)}}
    return desk.write(REVIEW, review.id, "vote", {"votes": votes})


@dataclass(frozen=True, slots=True)
class Tally:
    """What the votes come to; `lacks` says why nothing can be decided yet."""

    outcome: str
    conditions: list[str]
    viewpoints: list[str]
    lacks: str = ""


def tally(review: Mapping[str, Any], members: Iterable[Item]) -> Tally:
    """Approved by more than half of those who voted yes or no; more than half of the board has to take part.

    Every viewpoint has to be heard (an abstention is none), a medical adviser's where it needs special care.
    """
    board = {one.id: one for one in members}
    votes = {member: one for member, one in review["votes"].items() if member in board}
    heard = {member: one for member, one in votes.items() if one["vote"] != "abstain"}
    viewpoints = sorted({viewpoint for member in heard for viewpoint in board[member].body["viewpoints"]})
    wanted = [*VIEWPOINTS, MEDICAL] if review["special"] else [*VIEWPOINTS]
    unheard = [one for one in wanted if one not in viewpoints]
    in_favour = [one for one in heard.values() if one["vote"] in ("approve", "conditional")]
    conditions = list(dict.fromkeys(text for one in heard.values() for text in one.get("conditions", [])))
    outcome = "notApproved"
    if len(in_favour) * 2 > len(heard):
        outcome = "conditional" if conditions else "approved"
    lacks = ""
    if len(votes) * 2 <= len(board):
        lacks = f"{len(votes)} of {len(board)} members voted; more than half have to"
    elif unheard:
        lacks = f"nobody was heard from these viewpoints: {', '.join(unheard)}"
    return Tally(outcome, conditions if outcome == "conditional" else [], viewpoints, lacks)


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a decision is written down: its id, what the public is told of it, until when it holds at most."""

    id: str
    summary: Mapping[str, str]
    valid_until: str
    days_max: int


def decide(desk: Desk, review_id: str, principal: str, verdict: Verdict) -> tuple[Item, Item]:
    """The board's decision, from its votes; the review and the decision. Raises Forbidden, Conflict."""
    review, _ = desk.item(REVIEW, review_id), _seat(desk, principal)
    if review.state != OPEN:
        raise Conflict("it is decided", remedy="a new review")
    counted = tally(review.body, sitting(desk.items(MEMBER), desk.now))
    if counted.lacks:
        raise Conflict(f"the board cannot decide: {counted.lacks}", remedy="further votes")
    latest = desk.now + verdict.days_max * DAY_US
    if not desk.now < instant_of(verdict.valid_until) <= latest:
        raise BadRequestData(
            f"a decision holds {verdict.days_max} days at most", pointer="/validUntil", remedy=to_text(latest)
        )
    about = desk.item(review.body["of"], review.body["about"])
    decision = desk.write(
        DECISION, verdict.id, "decide",
        {"state": "decided", "review": review.id, "about": about.id, "of": about.kind, "terms": review.body["terms"],
         "ethicsOutcome": counted.outcome, "conditions": counted.conditions, "viewpoints": counted.viewpoints,
         "decidedAt": to_text(desk.now), "validUntil": verdict.valid_until, "summary": dict(verdict.summary),
         "name": about.body.get("name") or review.body["question"]},
    )  # fmt: skip
    return desk.write(REVIEW, review.id, "close", {"state": "closed", "decision": decision.id}), decision


def revoke(desk: Desk, decision_id: str, principal: str, reason: str) -> Item:
    """The board takes its decision back. Raises Forbidden, Conflict."""
    decision, _ = desk.item(DECISION, decision_id), _seat(desk, principal)
    if decision.body.get("revokedAt"):
        raise Conflict("it is taken back already", remedy="nothing is to be done")
    changed = {"state": "revoked", "revokedAt": to_text(desk.now), "revokedFor": reason}
    return desk.write(DECISION, decision.id, "revoke", changed)


def latest_about(decisions: Iterable[Item], about: str) -> Item | None:
    """The newest decision about something."""
    return next((one for one in reversed([*decisions]) if one.body["about"] == about), None)


def allowing(decisions: Iterable[Item], about: Item, now: Instant) -> Item | None:
    """The newest decision that allows it as it is, now; none where a newer one of the same terms refused it."""
    terms = terms_of(about.body)
    same = [one for one in decisions if one.body["about"] == about.id and one.body["terms"] == terms]
    return same[-1] if same and holds(same[-1], about.body, now) else None


def _seat(desk: Desk, principal: str) -> Item:
    seat = next((one for one in sitting(desk.items(MEMBER), desk.now) if one.body["principal"] == principal), None)
    if seat is None:
        raise Forbidden(f"{principal} does not sit on the board", remedy="the operator appoints members by account")
    return seat


def reviewed(desk: Desk, item_id: str) -> Item:
    """What a review is to be about. Raises ResourceNotFound."""
    for kind in REVIEWED:
        item = desk.find(kind, item_id)
        if item is not None:
            return item
    raise ResourceNotFound("there is nothing of this id to review", pointer="/about", remedy="an offer or a recipient")
