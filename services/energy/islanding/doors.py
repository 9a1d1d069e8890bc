"""The routes below /services/energy/islanding. Residents see how the district is; operators run it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from broker.encode.text import dump
from broker.errors import BadRequestData, Conflict, Forbidden
from broker.http.messages import Response
from broker.http.rooms.route import Asked, Route
from broker.model.values import Instant, Json, to_text
from broker.ports import Clock
from services.energy.islanding.asking import autonomy, master_of
from services.energy.islanding.book import Book, Case
from services.energy.islanding.configured import Settings
from services.energy.islanding.fold import SECOND_US, Act, State
from services.energy.islanding.showing import texts
from services.energy.islanding.states import CONNECTED, ISOLATED, OFF_GRID
from services.forms import Forms

BASE: Final = "/services/energy/islanding"
PAGE, PAGE_MAX = 50, 500
_PAGED: Final = frozenset({"limit", "after"})
_NUMBER_MAX: Final = 1 << 53
_JSON: Final = (("Content-Type", "application/json"), ("Cache-Control", "no-store"))
_MINUTE_US: Final = 60 * SECOND_US


def _object(required: str, **members: object) -> dict[str, Any]:
    return {"type": "object", "required": required.split(), "additionalProperties": False, "properties": members}


FORMS: Final = Forms({
    "drill": _object(
        "minutes", minutes={"type": "integer", "minimum": 1}, cause={"enum": ["drill", "maintenance"]},
    ),
    "proposal": _object("", master={"type": "string", "minLength": 1, "maxLength": 500}),
    "confirmation": _object("master", master={"type": "string", "minLength": 1, "maxLength": 500}),
    "end": _object(""),
})  # fmt: skip


class Doors:
    """The handlers; `then` is told that an operator did something."""

    def __init__(self, book: Book, settings: Settings, clock: Clock, then: Callable[[], None]) -> None:
        self._book, self._settings, self._clock, self._then = book, settings, clock, then

    def routes(self) -> Sequence[Route]:
        """All of them."""
        return [
            Route("GET", BASE, "energy_islanding_state", self.state),
            Route("GET", f"{BASE}/events", "energy_islanding_events", self.events, parameters=_PAGED),
            Route("POST", f"{BASE}/drills", "energy_begin_drill", self.begin_drill, body=True),
            Route("POST", f"{BASE}/drills/end", "energy_end_drill", self.end_drill, body=True),
            Route("POST", f"{BASE}/black-start", "energy_propose_black_start", self.propose, body=True),
            Route("POST", f"{BASE}/black-start/confirmation", "energy_confirm_black_start", self.confirm, body=True),
        ]

    def state(self, asked: Asked) -> Response:
        """How the community is; for operators, how each router is too, without what its house has and uses."""
        state = self._book.state()
        body: dict[str, Json] = {
            "community": state.subject, "state": state.state, "since": _told(state.since),
            "text": dict(texts()[state.state]),
        }  # fmt: skip
        if state.state != CONNECTED:
            body |= {"cause": state.cause, "startedAt": _told(state.begun)}
            body["autonomyMinutes"] = autonomy(state, self._settings.sites)
        if asked.principal.roles & {"operator", "auditor"}:
            body |= self._run(state)
        return _answer(body)

    def events(self, asked: Asked) -> Response:
        """Times without the grid, with the states that each went through: of the community, for operators of all."""
        limit = asked.number("limit", PAGE, PAGE_MAX) or PAGE
        staff = asked.principal.roles & {"operator", "auditor"}
        subject = "" if staff else self._book.state().subject
        found = self._book.cases(asked.number("after", 0, _NUMBER_MAX), limit, subject)
        body: dict[str, Json] = {"events": [self._case(one) for one in found]}
        if len(found) == limit:
            body["after"] = found[-1].number
        return _answer(body)

    def begin_drill(self, asked: Asked) -> Response:
        """Ask all routers to leave the grid for some minutes."""
        form = FORMS.read("drill", asked.body)
        most, now = self._settings.drill_minutes_max, self._clock.now()
        if form["minutes"] > most:
            raise BadRequestData("a drill is not that long", pointer="/minutes", remedy=f"1 to {most}")
        until = now + form["minutes"] * _MINUTE_US

        def make(state: State) -> Act:
            if state.state != CONNECTED or state.drill is not None:
                raise Conflict("the community is not connected, or in a drill already", remedy="when it is connected")
            return Act("drill", now, asked.principal.name, until=until, cause=form.get("cause", "drill"))

        self._act(make)
        return _answer({"until": to_text(until)}, 201)

    def end_drill(self, asked: Asked) -> Response:
        """End it before its time: routers go back to the grid."""
        FORMS.read("end", asked.body)

        def make(state: State) -> Act:
            if state.drill is None:
                raise Conflict("there is no drill", remedy=f"POST {BASE}/drills begins one")
            return Act("end", self._clock.now(), asked.principal.name)

        return _answer({"state": self._act(make).state})

    def propose(self, asked: Asked) -> Response:
        """Propose a black start; another person confirms it."""
        form = FORMS.read("proposal", asked.body)

        def make(state: State) -> Act:
            _refuse_black_start(state)
            master = form.get("master") or master_of(state, self._settings.sites, self._settings.policy)
            known = state.routers.get(master)
            if known is None or known.state not in OFF_GRID:
                raise Conflict(
                    "this router cannot form the line now",
                    pointer="/master",
                    remedy="one that is off the grid and works",
                )
            return Act("propose", self._clock.now(), asked.principal.name, master)

        proposal = self._act(make).proposal
        assert proposal is not None
        until = proposal.at + self._settings.policy.confirm_s * SECOND_US
        return _answer({"master": proposal.master, "until": to_text(until)}, 201)

    def confirm(self, asked: Asked) -> Response:
        """Confirm what somebody else proposed: the master is asked to form the line."""
        form = FORMS.read("confirmation", asked.body)
        now = self._clock.now()

        def make(state: State) -> Act:
            _refuse_black_start(state)
            proposal, held = state.proposal, self._settings.policy.confirm_s * SECOND_US
            if proposal is None or proposal.master != form["master"] or now - proposal.at > held:
                raise Conflict("nobody proposed this, or too long ago", pointer="/master", remedy="propose it first")
            if proposal.by == asked.principal.name:
                raise Forbidden("who proposed it does not confirm it", remedy="a second person")
            return Act("confirm", now, asked.principal.name, proposal.master)

        return _answer({"state": self._act(make).state, "master": form["master"]})

    def _act(self, make: Callable[[State], Act]) -> State:
        state = self._book.act(make)
        self._then()
        return state

    def _run(self, state: State) -> Mapping[str, Json]:
        proposal, drill = state.proposal, state.drill
        return {
            "routers": [
                {"router": one.router, "state": one.state, "since": _told(one.since), "mains": one.mains,
                 "told": _told(one.told)}
                for one in state.routers.values()
            ],
            "proposal": None if proposal is None else {"master": proposal.master, "at": to_text(proposal.at)},
            "drillUntil": None if drill is None else to_text(drill.until),
        }  # fmt: skip

    def _case(self, case: Case) -> Json:
        return {
            "id": case.id, "subject": case.subject, "cause": case.cause, "phase": case.phase,
            "startedAt": to_text(case.started_at), "endedAt": _told(case.ended_at or 0),
            "steps": [{"state": state, "at": to_text(at)} for state, at in self._book.steps(case.number)],
        }  # fmt: skip


def _refuse_black_start(state: State) -> None:
    if state.state != ISOLATED or state.confirmed is not None:
        raise Conflict("there is nothing to start", remedy="when the community is isolated, and none was begun")


def _told(at: Instant) -> str | None:
    return to_text(at) if at else None


def _answer(body: Json, status: int = 200) -> Response:
    return Response(status, _JSON, dump(body))
