"""Incidents: what leaked or may have, whether the commission is told of it (APPI 26), and by when.

It is told where special care is needed, where money may be lost, where somebody did it on purpose, or where more than
1,000 people are concerned: promptly, within 3 to 5 days of finding it, and finally within 30, or 60 of what was done on
purpose. The people are told without delay.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from broker.errors import Conflict
from broker.model.values import to_text
from services.bank.book import Desk, Item
from services.bank.moments import after_days, instant_of
from services.bank.words import words

KIND: Final = "incident"
FOUND: Final = "found"
CLOSED: Final = "closed"
MANY: Final = 1_000
PROMPT_DAYS, PROMPT_LATEST_DAYS, FINAL_DAYS, FINAL_MALICIOUS_DAYS = 3, 5, 30, 60
SAID: Final = ("cause", "secondaryHarm", "publication", "prevention")
"""What the final report has to say beside what is known from the beginning; `otherMatters` may be said."""
_STEPS: Final = ("prompt", "final", "people")


def grounds(body: Mapping[str, Any]) -> list[str]:
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
    changed = {**body, "state": FOUND, "reportable": why, "overdue": [], "done": {}}
    changed |= _deadlines(body, why) if why else {}
    item = desk.write(KIND, item_id, "find", changed)
    return desk.write(KIND, item_id, "plan", {}, _next_deadline(item, desk.now))


def change(desk: Desk, item_id: str, body: dict[str, Any]) -> Item:
    """More is known of it; the deadlines stay, or are set where it must be told of after all. Raises Conflict."""
    item = desk.item(KIND, item_id)
    if item.state == CLOSED:
        raise Conflict("it is closed", remedy="another incident")
    whole = {**item.body, **body}
    why = grounds(whole)
    changed = {**body, "reportable": why, **(_deadlines(whole, why) if why else {})}
    later = Item(item.kind, item.id, item.number, item.version, {**whole, **changed})
    return desk.write(KIND, item.id, "change", changed, _next_deadline(later, desk.now))


def sheet(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The nine items of a report to the commission (rule 8 of APPI), in both languages; what is not known is None."""
    people = body["done"].get("people")
    known = {
        "outline": body["what"], "items": body["dataItems"], "people": body["people"], "cause": body.get("cause"),
        "secondaryHarm": body.get("secondaryHarm"), "response": people, "publication": body.get("publication"),
        "prevention": body.get("prevention"), "otherMatters": body.get("otherMatters"),
    }  # fmt: skip
    return [{"id": name, **label, "value": known[name]} for name, label in words()["report"].items()]


def report(desk: Desk, item_id: str, step: str, body: dict[str, Any]) -> Item:
    """A step was done: `prompt` or `final`, the reports, or `people`, they were told. Raises Conflict."""
    item = desk.item(KIND, item_id)
    if item.state == CLOSED or step in item.body["done"]:
        raise Conflict("that is done", remedy="nothing is to be done")
    if step == "final" and item.body["reportable"] and "prompt" not in item.body["done"]:
        raise Conflict("the prompt report comes first", remedy=f"/incidents/{item_id}/prompt")
    unsaid = [one for one in SAID if one not in item.body] if step == "final" else []
    if unsaid:
        raise Conflict(f"the final report says these too: {', '.join(unsaid)}", remedy=f"PATCH /incidents/{item_id}")
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


def _deadlines(body: Mapping[str, Any], why: list[str]) -> dict[str, str]:
    found = instant_of(body["foundAt"])
    final = FINAL_MALICIOUS_DAYS if "malicious" in why else FINAL_DAYS
    return {
        "promptBy": after_days(found, PROMPT_DAYS), "promptLatest": after_days(found, PROMPT_LATEST_DAYS),
        "finalBy": after_days(found, final), "peopleBy": after_days(found, PROMPT_LATEST_DAYS),
    }  # fmt: skip


def _next_deadline(item: Item, now: int) -> int | None:
    steps = (("prompt", "promptLatest"), ("final", "finalBy"), ("people", "peopleBy"))
    open_ones = [item.body[name] for step, name in steps if step not in item.body["done"] and name in item.body]
    return min((instant_of(one) for one in open_ones if instant_of(one) > now), default=None)
