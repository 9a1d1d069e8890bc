"""The routes of planning below /services/energy. Energy is told in Wh, prices in yen a kWh.

A participant is a resident whom the EnergyProsumer of a site is about: they see and ask what concerns their own house.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from broker.encode.text import dump
from broker.errors import Conflict, Forbidden, ResourceNotFound, ServiceUnavailable
from broker.http.messages import Response
from broker.http.rooms.route import Asked, Handler, Route
from broker.model.values import Instant, Json, to_text
from broker.ports.hub import HubAway
from services.energy.planning.book import Book
from services.energy.planning.indicators import INDICATORS
from services.energy.planning.planner import Planner
from services.energy.planning.programme import Unsolvable
from services.energy.planning.wishes import FORMS, read_wish
from services.energy.sites import Site
from services.room import Ground

BASE: Final = "/services/energy"
PAGE, PAGE_MAX = 20, 60
_NUMBER_MAX: Final = 1 << 53
_JSON: Final = (("Content-Type", "application/json"), ("Cache-Control", "no-store"))
_WHOSE: Final = frozenset({"participant"})
_PAGED: Final = frozenset({"limit", "before"})
_SHORT: Final = ("id", "participant", "madeAt", "goal", "from", "until", "cost", "costLeftAlone", "cause")


class Doors:
    """The handlers; `run` does what is done each day, now."""

    def __init__(
        self, ground: Ground, book: Book, planner: Planner, run: Callable[[Instant], Mapping[str, Json]]
    ) -> None:
        self._ground, self._book, self._planner, self._run = ground, book, planner, run

    def routes(self) -> Sequence[Route]:
        """All of them."""
        return [
            _get("/plans", "energy_list_plans", self.plans, _PAGED),
            Route("POST", f"{BASE}/plans", "energy_ask_plan", self.ask, body=True),
            _get("/plans/{plan}", "energy_retrieve_plan", self.plan),
            _get("/forecasts", "energy_forecast", self.forecasts, _WHOSE),
            _get("/planning/wish", "energy_planning_wish", self.wish, _WHOSE),
            Route("PUT", f"{BASE}/planning/wish", "energy_set_planning_wish", self.set_wish, body=True),
            Route("POST", f"{BASE}/planning/runs", "energy_run_planning", self.run, body=True),
            _get("/indicators", "energy_indicators", self.indicators),
        ]

    def plans(self, asked: Asked) -> Response:
        """A participant's own, the newest first, without their steps."""
        limit = asked.number("limit", PAGE, PAGE_MAX) or PAGE
        own = [site.participant for site in self._own(asked)]
        found = self._book.plans(own, asked.number("before", 0, _NUMBER_MAX), limit)
        body: dict[str, Json] = {"plans": [{name: one.body[name] for name in _SHORT} for one in found]}
        if len(found) == limit:
            body["before"] = found[-1].number
        return _answer(body)

    def plan(self, asked: Asked) -> Response:
        """One of their own, with the reasons."""
        own = {site.participant for site in self._own(asked)}
        found = self._book.plan(asked.path["plan"])
        if found is None or found.participant not in own:
            raise ResourceNotFound("there is no such plan", pointer="/plan", remedy=f"GET {BASE}/plans")
        return _answer(dict(found.body))

    def ask(self, asked: Asked) -> Response:
        """A plan from now on."""
        body = FORMS.read("request", asked.body)
        site = self._site(asked, str(body.get("participant", "")))
        now, plan_id = self._ground.clock.now(), f"plan-{self._ground.new_id()}"
        try:
            made = self._planner.plan(site, now, (plan_id, "asked"), body.get("goal"))
        except HubAway as error:
            raise _away() from error
        except Unsolvable as error:
            raise Conflict(
                "no plan keeps all limits of the house", remedy="look at its wish and its devices"
            ) from error
        self._book.keep_plan(made)
        return _answer(dict(made.body), 201)

    def forecasts(self, asked: Asked) -> Response:
        """What a house will make and use, slot by slot."""
        site = self._site(asked, asked.query.get("participant", ""))
        found = self._planner.forecast(site, self._ground.clock.now())
        slots: list[Json] = [
            {"start": to_text(start), "sun": pv, "load": load}
            for start, pv, load in zip(found.starts, found.pv, found.load, strict=True)
        ]
        return _answer({"participant": site.participant, "slotsKnown": found.known, "slots": slots})

    def wish(self, asked: Asked) -> Response:
        """What a house asked of its plans."""
        site = self._site(asked, asked.query.get("participant", ""))
        return _answer({"participant": site.participant, **self._book.wish(site.participant)})

    def set_wish(self, asked: Asked) -> Response:
        """Ask something else of them."""
        wish = read_wish(asked.body)
        site = self._site(asked, str(wish.pop("participant", "")))
        self._book.set_wish(site.participant, wish)
        return _answer({"participant": site.participant, **wish})

    def run(self, asked: Asked) -> Response:
        """Do what is due of today now; it tells how much, and of nobody."""
        FORMS.read("run", asked.body)
        try:
            return _answer(dict(self._run(self._ground.clock.now())))
        except HubAway as error:
            raise _away() from error

    def indicators(self, _: Asked) -> Response:
        """The district's figures of the newest day of each."""
        found: list[Json] = []
        for name, day, value, _at in self._book.newest_indicators():
            text = INDICATORS[name]
            told: dict[str, Any] = {"name": name, "label": {"ja": text.ja, "en": text.en}, "unit": text.unit}
            found.append({**told, "formula": text.formula, "day": day, "value": value})
        return _answer({"indicators": found})

    def _own(self, asked: Asked) -> list[Site]:
        """The sites of who asks. Raises Forbidden."""
        subject = asked.principal.subject
        if "resident" not in asked.principal.roles or not subject:
            raise Forbidden("this is for participants", remedy="a token with the role resident and your pseudonym")
        try:
            return self._planner.surroundings.own(subject)
        except HubAway as error:
            raise _away() from error

    def _site(self, asked: Asked, participant: str) -> Site:
        """Their own, the one that is meant. Raises Forbidden."""
        own = self._own(asked)
        found = [site for site in own if participant in ("", site.participant)]
        if not found:
            raise Forbidden("you take part in no such site", pointer="/participant", remedy="one of your own, or none")
        return found[0]


def _away() -> ServiceUnavailable:
    return ServiceUnavailable("the hub tells nothing now", remedy="Ask again.")


def _get(path: str, operation: str, handler: Handler, parameters: frozenset[str] = frozenset()) -> Route:
    return Route("GET", BASE + path, operation, handler, parameters=parameters)


def _answer(body: Json, status: int = 200) -> Response:
    return Response(status, _JSON, dump(body))
