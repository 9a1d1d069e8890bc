"""The routes below /services/watch: the plan of who is watched over, what was noticed, and who has looked.

GET, POST /plan, POST /plan/end            a resident, or who decides for them (`for`)
GET  /events, /events/{event}              the same; acts with who did them
GET  /told                                 a contact: what they were told of
POST /events/{event}/acknowledgement       who was told, or who acts for the person: somebody looks
POST /events/{event}/resolution            the same: it is settled, or was a false alarm
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Any, Final

from broker.errors import BadRequestData, Conflict, ResourceNotFound
from broker.http.messages import Response
from broker.http.rooms.route import Asked, Route
from broker.keeping import Db
from broker.model.entity import as_list
from broker.model.subjects import whose
from broker.model.values import Json, to_text
from services.forms import Forms
from services.pattern.answering import FOR, ID, PAGED, Desk, answered, members, page, paged
from services.pattern.answering import Doors as Rows
from services.pattern.cases import Act, Case, Cases
from services.pattern.consenting import lets
from services.room import Ground
from services.watch.judging import ACKNOWLEDGED, EVENT, FALSE_ALARM, OPEN, ORGANISATION, PLAN, PURPOSE, RESOLVED
from services.watch.signs import KINDS, Names

ROLES: Final = (
    "familyContact", "neighbourContact", "careManagerContact", "welfareVolunteerContact", "serviceContact",
)  # fmt: skip
TEXTS: Final = {
    "noActivity": {"ja": "いつもの活動がありません", "en": "Usual activity is missing"},
    "indoorHeat": {"ja": "室内が危険な暑さです", "en": "It is dangerously hot indoors"},
    "doorLeftOpen": {"ja": "扉が開いたままです", "en": "A door was left open"},
}
_SOURCES: Final = {"type": "array", "maxItems": 50, "items": ID}
_CONTACT: Final = members("role who", role={"enum": [*ROLES]}, who=ID)
FORMS: Final = Forms({
    "plan": members(
        "sources contacts",
        sources={"type": "object", "additionalProperties": False, "properties": dict.fromkeys(KINDS, _SOURCES)},
        contacts={"type": "array", "minItems": 1, "maxItems": 10, "items": _CONTACT}, home=ID,
    ),
    "end": members(""),
    "acknowledgement": members(""),
    "resolution": members("", falseAlarm={"type": "boolean"}),
})  # fmt: skip


class Doors:
    """The handlers."""

    def __init__(self, ground: Ground, cases: Cases) -> None:
        self._ground, self._cases, self._desk = ground, cases, Desk(ground)

    def routes(self) -> Sequence[Route]:
        """All of them."""
        rows = Rows("/services/watch", "watch")
        rows.get("/plan", "show_plan", self.plan, FOR)
        rows.post("/plan", "set_plan", self.set_plan, FOR)
        rows.post("/plan/end", "end_plan", self.end_plan, FOR)
        rows.get("/events", "list_events", self.events, FOR | PAGED)
        rows.get("/events/{event}", "retrieve_event", self.event)
        rows.get("/told", "list_told", self.told)
        rows.post("/events/{event}/acknowledgement", "acknowledge", self.acknowledge)
        rows.post("/events/{event}/resolution", "resolve", self.resolve)
        return rows.all

    def plan(self, asked: Asked) -> Response:
        """Who is told, and which devices are looked at."""
        found = self._cases.find(asked.tenant, plan_id(asked.tenant, self._desk.person(asked)), PLAN)
        return answered({"id": found.id, **found.body})

    def set_plan(self, asked: Asked) -> Response:
        """Be watched over, from now on in this way."""
        subject, body = self._desk.person(asked, decides=True), FORMS.read("plan", asked.body)
        self._check(asked.tenant, subject, body["sources"])
        plan = Case(plan_id(asked.tenant, subject), PLAN, subject, "active", body, self._ground.clock.now())
        rows = [(asked.tenant, entity, plan.id, kind) for kind, held in body["sources"].items() for entity in held]

        def work(db: Db) -> None:
            self._cases.put(db, asked.tenant, plan, Act("plan", asked.principal.subject))
            db.execute("DELETE FROM watch_source WHERE tenant = ? AND plan = ?", (asked.tenant, plan.id))
            for row in rows:
                db.execute("INSERT OR REPLACE INTO watch_source VALUES (?,?,?,?)", row)

        self._ground.file.write(work).result()
        return answered({"id": plan.id, **body}, 201)

    def end_plan(self, asked: Asked) -> Response:
        """Be watched over no longer; what was learned is forgotten, what was noticed stays theirs."""
        FORMS.read("end", asked.body)
        subject = self._desk.person(asked, decides=True)
        found = self._cases.find(asked.tenant, plan_id(asked.tenant, subject), PLAN)
        self._cases.forget_one(asked.tenant, found.id)
        return answered({"id": found.id, "state": "ended"})

    def events(self, asked: Asked) -> Response:
        """What was noticed about a person."""
        after, limit = paged(asked)
        found = self._cases.of(asked.tenant, EVENT, self._desk.person(asked), after, limit)
        return page("events", found, [_told(one) for one in found], limit)

    def event(self, asked: Asked) -> Response:
        """One, with what was done about it."""
        found = self._seen(asked)
        acts = self._cases.acts(asked.tenant, found.id)
        done: list[Json] = [
            {"at": to_text(at), "what": what, "state": state, "by": by or None} for at, what, state, by in acts
        ]
        return answered({**_told(found), "acts": done})

    def told(self, asked: Asked) -> Response:
        """What a contact was told of."""
        sql = "SELECT event FROM watch_told WHERE tenant = ? AND who = ?"
        rows = self._ground.file.read(sql, (asked.tenant, _contact(asked)))
        found = [self._cases.find(asked.tenant, str(row[0]), EVENT) for row in rows]
        return answered({"events": [_told(one) for one in found if self._was_told(asked, one)]})

    def acknowledge(self, asked: Asked) -> Response:
        """Somebody looks: nobody else is told."""
        FORMS.read("acknowledgement", asked.body)
        now = self._ground.clock.now()
        return self._moved(asked, ACKNOWLEDGED, {"acknowledgedBy": _contact(asked), "acknowledgedAt": now})

    def resolve(self, asked: Asked) -> Response:
        """It is settled."""
        body = FORMS.read("resolution", asked.body)
        state = FALSE_ALARM if body.get("falseAlarm") else RESOLVED
        return self._moved(asked, state, {"resolvedAt": self._ground.clock.now()})

    def _moved(self, asked: Asked, state: str, told: dict[str, Any]) -> Response:
        seen = self._seen(asked)

        def work(db: Db) -> Case:
            there = self._cases.within(db, asked.tenant, seen.id, EVENT)
            if there is None or there.state not in OPEN:
                raise Conflict("it is settled already", pointer="/event", remedy="nothing: it is over")
            if there.state == state:
                return there
            moved = there.now(state, escalateAt=None, **told)
            return self._cases.put(db, asked.tenant, moved, Act(state, _contact(asked)))

        return answered(_told(self._ground.file.write(work).result()))

    def _seen(self, asked: Asked) -> Case:
        """An event that who asks may see. Raises ResourceNotFound, alike for another's and for none."""
        found = self._cases.get(asked.tenant, asked.path["event"], EVENT)
        if found is None or not (self._desk.sees(asked, found.subject) or self._was_told(asked, found)):
            raise ResourceNotFound("there is no such event", pointer="/event")
        return found

    def _was_told(self, asked: Asked, event: Case) -> bool:
        who = _contact(asked)
        sql = "SELECT 1 FROM watch_told WHERE tenant = ? AND who = ? AND event = ?"
        if not self._ground.file.read(sql, (asked.tenant, who, event.id)):
            return False
        return not who.startswith(ORGANISATION) or lets(self._ground, asked.tenant, who, event.subject, PURPOSE)

    def _check(self, tenant: str, subject: str, sources: dict[str, list[str]]) -> None:
        """Each source is about this person, and of a model that tells such a thing. Raises BadRequestData."""
        names = Names(self._ground.library())
        for kind, held in sources.items():
            for place, entity_id in enumerate(held):
                entity = self._ground.hub.entity(tenant, entity_id)
                types = as_list(entity["type"]) if entity is not None else []
                known = any(one in names.of_kind[kind] for one in types)
                if entity is None or subject not in whose(entity) or not known:
                    models = ", ".join(model for _, model in KINDS[kind])
                    raise BadRequestData(
                        "there is no such source of this person", pointer=f"/sources/{kind}/{place}",
                        remedy=f"an entity about them: {models}",
                    )  # fmt: skip


def plan_id(tenant: str, subject: str) -> str:
    """A person has one plan."""
    return f"urn:ngsi-ld:WatchPlan:{sha256(f'{tenant} {subject}'.encode()).hexdigest()[:32]}"


def _contact(asked: Asked) -> str:
    return asked.principal.recipient if "recipient" in asked.principal.roles else asked.principal.subject


def _told(event: Case) -> dict[str, Json]:
    body = event.body
    times = {name: to_text(body[name]) for name in ("detectedAt", "acknowledgedAt", "resolvedAt") if name in body}
    return {
        "id": event.id, "about": event.subject, "rule": body["rule"], "level": body["level"], "state": event.state,
        "text": TEXTS[body["rule"]], "contactsTold": body.get("told", 0), **times,
    }  # fmt: skip
