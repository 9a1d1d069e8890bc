"""Incidents: what leaked or may have, whether the commission is told of it (APPI 26), and by when.

It is told where special care is needed, where money may be lost, where somebody did it on purpose, or where more than
1,000 people are concerned: promptly, within 3 to 5 days of finding it, and finally within 30, or 60 of what was done on
purpose. The people are told without delay.
"""

from __future__ import annotations

from typing import Any, Final

from broker.errors import Conflict
from broker.model.values import to_text
from services.bank.book import Desk, Item
from services.bank.moments import after_days, instant_of

KIND: Final = "incident"
FOUND: Final = "found"
CLOSED: Final = "closed"
MANY: Final = 1_000
PROMPT_DAYS, PROMPT_LATEST_DAYS, FINAL_DAYS, FINAL_MALICIOUS_DAYS = 3, 5, 30, 60
_STEPS: Final = ("prompt", "final", "people")


def grounds(body: dict[str, Any]) -> list[str]:
    """Why the commission has to be told; none: it has not."""
    checks = (
        ("specialCare", bool(body.get("specialCare"))), ("financialHarm", bool(body.get("financialHarm"))),
        ("malicious", bool(body.get("malicious"))), ("manyPeople", body["people"] > MANY),
    )  # fmt: skip
    return [name for name, holds in checks if holds]


def find(desk: Desk, item_id: str, body: dict[str, Any]) -> Item:
    """An incident, with its deadlines. Raises Conflict for one of the future."""
    found = instant_of(body["foundAt"])
    if found > desk.now:
        raise Conflict("it is found in the future", pointer="/foundAt", remedy=to_text(desk.now))
    why = grounds(body)
    final = FINAL_MALICIOUS_DAYS if "malicious" in why else FINAL_DAYS
    deadlines = {
        "promptBy": after_days(found, PROMPT_DAYS), "promptLatest": after_days(found, PROMPT_LATEST_DAYS),
        "finalBy": after_days(found, final), "peopleBy": after_days(found, PROMPT_LATEST_DAYS),
    }  # fmt: skip
    changed = {**body, "state": FOUND, "reportable": why, "overdue": [], "done": {}, **(deadlines if why else {})}
    item = desk.write(KIND, item_id, "find", changed)
    return desk.write(KIND, item_id, "plan", {}, _next_deadline(item, desk.now))


def report(desk: Desk, item_id: str, step: str, body: dict[str, Any]) -> Item:
    """A step was done: `prompt` or `final`, the reports, or `people`, they were told. Raises Conflict."""
    item = desk.item(KIND, item_id)
    if item.state == CLOSED or step in item.body["done"]:
        raise Conflict("that is done", remedy="nothing is to be done")
    if step == "final" and item.body["reportable"] and "prompt" not in item.body["done"]:
        raise Conflict("the prompt report comes first", remedy=f"/incidents/{item_id}/prompt")
    at = body.get("at", to_text(desk.now))
    done = {**item.body["done"], step: {"at": at, "reference": body["reference"]}}
    changed = {"done": done, "overdue": [one for one in item.body["overdue"] if one != step]}
    later = Item(item.kind, item.id, item.number, item.version, {**item.body, **changed})
    return desk.write(KIND, item.id, step, changed, _next_deadline(later, desk.now))


def close(desk: Desk, item_id: str, note: str) -> Item:
    """It is dealt with. Raises Conflict while something of it is to be done."""
    item = desk.item(KIND, item_id)
    missing = [one for one in _STEPS if one not in item.body["done"]] if item.body["reportable"] else []
    if missing or item.state == CLOSED:
        raise Conflict(f"not yet: {', '.join(missing) or 'it is closed'}", remedy="the steps that are missing")
    return desk.write(KIND, item.id, "close", {"state": CLOSED, "closedFor": note})


def lapse(desk: Desk, item_id: str) -> Item | None:
    """Note which deadlines have passed."""
    item, now = desk.item(KIND, item_id), to_text(desk.now)
    late = [
        one
        for one, deadline in (("prompt", "promptLatest"), ("final", "finalBy"), ("people", "peopleBy"))
        if one not in item.body["done"] and now >= item.body.get(deadline, "9")
    ]
    return desk.write(KIND, item.id, "overdue", {"overdue": late}, _next_deadline(item, desk.now))


def _next_deadline(item: Item, now: int) -> int | None:
    steps = (("prompt", "promptLatest"), ("final", "finalBy"), ("people", "peopleBy"))
    open_ones = [item.body[name] for step, name in steps if step not in item.body["done"] and name in item.body]
    return min((instant_of(one) for one in open_ones if instant_of(one) > now), default=None)
