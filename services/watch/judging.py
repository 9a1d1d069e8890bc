"""What is done when a home is looked at, and when an event waits: raise, tell the next contact, settle.

One event is open for a home and a rule. It grows more urgent, and is told anew then; it is settled by itself when all
is as usual before anybody has looked, and by people after that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from broker.keeping import Db
from broker.model.values import Instant, to_text
from services.pattern.cases import Act, Case, Cases
from services.pattern.consenting import lets
from services.room import Ground
from services.watch.configured import Settings
from services.watch.rules import MINUTE_US, Finding, absence, heat, left_open, worse
from services.watch.signs import latest, today_of, usual

PLAN, EVENT = "plan", "event"
RAISED, ESCALATED, ACKNOWLEDGED = "watchRaised", "watchEscalated", "watchAcknowledged"
RESOLVED, FALSE_ALARM = "watchResolved", "watchFalseAlarm"
WAITING: Final = frozenset({RAISED, ESCALATED})
OPEN: Final = WAITING | {ACKNOWLEDGED}
PURPOSE: Final = ("WatchOver", "WatchOverEvent", ("watchRule", "watchLevel"))
"""What a person lets an organisation have that is to be told."""
ORGANISATION: Final = "urn:ngsi-ld:RecipientOrganisation:"
_NO_SUN: Final = 0.5
"""The humidity that is taken where none was measured."""


@dataclass(frozen=True, slots=True)
class Judging:
    """See the module; everything happens in a transaction of the file."""

    ground: Ground
    cases: Cases
    settings: Settings

    def due(self, db: Db, tenant: str, case: Case) -> None:
        """What is to be done about a home or an event by now."""
        if case.kind == PLAN:
            self.look(db, tenant, case)
        else:
            self.escalate(db, tenant, case)

    def look(self, db: Db, tenant: str, plan: Case) -> None:
        """Look at a home."""
        now = self.ground.clock.now()
        for rule, finding in self._findings(db, tenant, plan.id, now).items():
            there = [
                one for one in self.cases.keyed_within(db, tenant, EVENT, f"{plan.id} {rule}") if one.state in OPEN
            ]
            if finding is not None:
                self._found(db, tenant, plan, (finding, there[0] if there else None))
            elif there and there[0].state in WAITING:
                settled = there[0].now(RESOLVED, resolvedAt=now, evidenceTo=now)
                self.cases.put(db, tenant, settled, Act("resolve"))
        again = now + self.settings.number("look_minutes") * MINUTE_US
        db.execute("UPDATE watch_case SET due = ? WHERE tenant = ? AND id = ?", (again, tenant, plan.id))

    def escalate(self, db: Db, tenant: str, event: Case) -> None:
        """Tell the next contact: an organisation only where the person lets it be told."""
        contacts: list[dict[str, str]] = event.body["contacts"]
        state, act = ESCALATED if event.body.get("told") else event.state, Act("all are told")
        while (told := int(event.body.get("told", 0))) < len(contacts):
            who, event = contacts[told]["who"], event.now(told=told + 1)
            if self._may_be_told(tenant, who, event.subject):
                db.execute("INSERT OR IGNORE INTO watch_told VALUES (?,?,?)", (tenant, who, event.id))
                act = Act("tell", who)
                break
            self.cases.put(db, tenant, event, Act("pass over", who))
        urgent = "urgent_minutes" if event.body["level"] == "emergency" else "escalate_minutes"
        minutes, more = self.settings.number(urgent), event.body["told"] < len(contacts)
        due = self.ground.clock.now() + minutes * MINUTE_US if more else None
        self.cases.put(db, tenant, event.now(state, due=due, escalateAt=due), act)

    def _findings(self, db: Db, tenant: str, plan: str, now: Instant) -> Mapping[str, Finding | None]:
        signs, days = latest(db, tenant, plan), usual(db, tenant, plan, today_of(now, self.settings.zone))
        last = max((at for _, at, _, _ in signs.get("activity", [])), default=None)
        silent = None
        if last is not None and days.days >= self.settings.number("learn_days"):
            silent = absence(days, last, now, self.settings.zone)
        humid = {source: value for source, _, _, value in signs.get("relativeHumidity", [])}
        hot = [heat(value, humid.get(source, _NO_SUN), since)
               for source, _, since, value in signs.get("temperature", [])]  # fmt: skip
        doors = [left_open(since, now, self.settings.number("door_minutes"))
                 for _, _, since, value in signs.get("open", []) if value]  # fmt: skip
        return {"noActivity": silent, "indoorHeat": _worst(hot), "doorLeftOpen": _worst(doors)}

    def _found(self, db: Db, tenant: str, plan: Case, found: tuple[Finding, Case | None]) -> None:
        finding, there = found
        now = self.ground.clock.now()
        judged: dict[str, Any] = {
            "level": finding.level, "confidence": finding.confidence, "evidenceFrom": finding.since, "evidenceTo": now
        }  # fmt: skip
        if there is None:
            body = {"rule": finding.rule, "detectedAt": now, "contacts": plan.body["contacts"],
                    "home": plan.body.get("home"), **judged}  # fmt: skip
            event = Case(f"urn:ngsi-ld:WatchOverEvent:{self.ground.new_id()}", EVENT, plan.subject, RAISED,
                         {name: value for name, value in body.items() if value is not None},
                         key=f"{plan.id} {finding.rule}")  # fmt: skip
            self.cases.put(db, tenant, event, Act("raise"))
        elif worse(finding.level, there.body["level"]):
            event = there.now(RAISED, told=0, **judged)
            self.cases.put(db, tenant, event, Act("more urgent"))
        else:
            return
        self.escalate(db, tenant, event)

    def _may_be_told(self, tenant: str, who: str, subject: str) -> bool:
        return not who.startswith(ORGANISATION) or lets(self.ground, tenant, who, subject, PURPOSE)


def shown_as(event: Case) -> dict[str, Any]:
    """The members of a WatchOverEvent."""
    body = event.body
    times = ("detectedAt", "evidenceFrom", "evidenceTo", "escalateAt", "acknowledgedAt", "resolvedAt")
    waits = event.state in WAITING
    return {
        "dataSubject": event.subject, "watchRule": body["rule"], "watchLevel": body["level"],
        "watchState": event.state, "refBuilding": body.get("home"), "confidence": body["confidence"],
        "contactRoles": [one["role"] for one in body["contacts"]], "escalationLevel": body.get("told"),
        "acknowledgedBy": body.get("acknowledgedBy"),
        **{name: to_text(body[name]) for name in times if name in body and (waits or name != "escalateAt")},
    }  # fmt: skip


def _worst(findings: list[Finding | None]) -> Finding | None:
    worst: Finding | None = None
    for one in findings:
        if one is not None and (worst is None or worse(one.level, worst.level)):
            worst = one
    return worst
