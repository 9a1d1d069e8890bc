"""Complaints: the bank is where people turn first. What they write stands apart, where it can be erased."""

from __future__ import annotations

from typing import Any, Final

from broker.errors import Conflict
from broker.model.values import to_text
from services.bank.book import Desk, Item
from services.bank.configured import Settings
from services.bank.moments import after_days, instant_of

KIND: Final = "complaint"
RECEIVED: Final = "received"
ACKNOWLEDGED: Final = "acknowledged"
ANSWERED: Final = "answered"
ESCALATED: Final = "escalated"
CLOSED: Final = "closed"
_NEXT: Final = {
    "acknowledge": ((RECEIVED,), ACKNOWLEDGED),
    "answer": ((RECEIVED, ACKNOWLEDGED, ESCALATED), ANSWERED),
    "escalate": ((RECEIVED, ACKNOWLEDGED, ANSWERED), ESCALATED),
    "close": ((ANSWERED,), CLOSED),
}
"""Each act: where from, and where to. A person escalates and closes, the operator acknowledges and answers."""


def receive(desk: Desk, settings: Settings, item_id: str, subject: str, body: dict[str, Any]) -> Item:
    """A person's complaint, with the days by which it is acknowledged and answered."""
    desk.keep_text(KIND, item_id, subject, body)
    by = after_days(desk.now, settings.acknowledge_days)
    changed: dict[str, Any] = {
        "state": RECEIVED, "receivedAt": to_text(desk.now), "acknowledgeBy": by,
        "answerBy": after_days(desk.now, settings.answer_days), "overdue": [],
    }  # fmt: skip
    return desk.write(KIND, item_id, "receive", changed, instant_of(by))


def go_on(desk: Desk, item_id: str, act: str, words: dict[str, str]) -> Item:
    """The next step of it; its words (an answer) are kept with the complaint. Raises Conflict."""
    item = desk.item(KIND, item_id)
    states, then = _NEXT[act]
    if item.state not in states:
        raise Conflict(f"it is {item.state}", remedy=f"{act} follows {' or '.join(states)}")
    if words:
        subject, text = desk.text(KIND, item_id)
        if not subject:
            raise Conflict("what was written is erased", remedy="nothing is to be done")
        desk.keep_text(KIND, item_id, subject, {**text, **words})
    changed: dict[str, Any] = {"state": then, f"{act}At": to_text(desk.now)}
    due = instant_of(item.body["answerBy"]) if then in (ACKNOWLEDGED, ESCALATED) else None
    return desk.write(KIND, item.id, act, changed, due if due and due > desk.now else None)


def lapse(desk: Desk, item_id: str) -> Item | None:
    """Note which deadlines have passed; None where none has."""
    item, now = desk.item(KIND, item_id), to_text(desk.now)
    late = [
        name
        for name, states in (("acknowledge", (RECEIVED,)), ("answer", (RECEIVED, ACKNOWLEDGED, ESCALATED)))
        if item.state in states and now >= item.body[f"{name}By"]
    ]
    later = [instant_of(item.body[name]) for name in ("acknowledgeBy", "answerBy") if item.body[name] > now]
    return desk.write(KIND, item.id, "overdue", {"overdue": late}, min(later, default=None))
