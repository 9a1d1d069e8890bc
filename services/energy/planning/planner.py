"""A house's next day: what it will make and use, and what its battery and its car had better do."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

from broker.model.values import Instant, Json, to_text
from broker.ports.hub import Hub
from services.energy.configured import Community
from services.energy.planning.book import DAILY, Book, Made
from services.energy.planning.configured import Settings
from services.energy.planning.explaining import explained
from services.energy.planning.forecasting import Weather, forecast
from services.energy.planning.houses import MILLI, Goal, House, Outlook, Plan, Step
from services.energy.planning.metered import load_of
from services.energy.planning.orders import as_body, orders_of
from services.energy.planning.scheduling import schedule
from services.energy.planning.surroundings import Surroundings
from services.energy.planning.wishes import car_of
from services.energy.sites import Site

DAY_US: Final = 86_400_000_000


@dataclass(frozen=True, slots=True)
class Forecast:
    """Wh by slot from `starts[0]` on; `known` slots of the past it was made from."""

    starts: tuple[Instant, ...]
    pv: tuple[int, ...]
    load: tuple[int, ...]
    known: int


class Planner:
    """Of one community."""

    def __init__(self, hub: Hub, book: Book, community: Community, settings: Settings) -> None:
        self._book, self._community, self._settings = book, community, settings
        self.surroundings: Final = Surroundings(hub, (community.tenant, community.id), settings)
        self._slots = community.slots

    def forecast(self, site: Site, now: Instant) -> Forecast:
        """What a site will make and use from the next slot on."""
        length = self._slots.length
        first = self._slots.start_of(now) + length
        ahead = self._settings.ahead_hours * 60 // self._slots.minutes
        starts = tuple(first + place * length for place in range(ahead))
        day = DAY_US // length
        since = first - self._settings.history_days * DAY_US
        energy = self._book.energy(site.participant, since, first)
        weather = self._book.weather(since, starts[-1] + length)
        begun = max(min(energy, default=first), since)
        before = [begun + place * length for place in range((first - begun) // length)]
        flows = [energy.get(start) for start in before]
        pv = [None if one is None else one.get("pv", (0, 0))[1] for one in flows]
        load = [None if one is None else load_of(one) for one in flows]
        seen = [weather.get(start, Weather()) for start in (*before, *starts)]
        found = [tuple(forecast(kind, past, seen, ahead, day)) for kind, past in (("pv", pv), ("load", load))]  # type: ignore[arg-type]
        return Forecast(starts, found[0], found[1], sum(one is not None for one in load))

    def plan(self, site: Site, now: Instant, made: tuple[str, str], goal: Goal | None = None) -> Made:
        """The plan of a site; `made` is its id and its cause. Raises HubAway, Unsolvable."""
        wish = self._book.wish(site.participant)
        house, outlook, known = self._outlook(site, now, wish)
        chosen: Goal = goal or wish.get("goal", self._settings.goal)
        plan = schedule(house, outlook, chosen, self._slots.minutes)
        plan_id, cause = made
        body = self._told(site, (house, outlook, plan), now) | {"id": plan_id, "cause": cause, "slotsKnown": known}
        orders = orders_of(site.participant, outlook, plan) if cause == DAILY and self._settings.orders else []
        day = self._slots.named(self._slots.start_of(now))[0]
        return Made(plan_id, site.participant, day, cause, now, body, {one.key: as_body(one) for one in orders})

    def _outlook(self, site: Site, now: Instant, wish: dict[str, Any]) -> tuple[House, list[Outlook], int]:
        expected = self.forecast(site, now)
        house = self.surroundings.house(site)
        zone = self._slots.zone
        house = replace(house, car=car_of(wish, expected.starts, zone))
        prices = self.surroundings.prices(now)
        warned = house.battery is not None and self.surroundings.is_warned(now)
        reserve = house.battery.capacity * self._settings.reserve // MILLI if house.battery and warned else 0
        outlook = []
        for start, pv, load in zip(expected.starts, expected.pv, expected.load, strict=True):
            buy = prices.price(start, zone)
            outlook.append(Outlook(start, pv, load, buy, min(prices.sell, buy), reserve))
        return house, outlook, expected.known

    def _told(self, site: Site, planned: tuple[House, list[Outlook], Plan], now: Instant) -> dict[str, Json]:
        house, outlook, plan = planned
        length, zone = self._slots.length, self._slots.zone
        return {
            "participant": site.participant, "madeAt": to_text(now), "goal": plan.goal,
            "from": to_text(outlook[0].start), "until": to_text(outlook[-1].start + length),
            "cost": _yen(plan.cost), "costLeftAlone": _yen(plan.idle_cost),
            "why": explained(house, outlook, plan, zone, length),
            "steps": [_step(slot, step) for slot, step in zip(outlook, plan.steps, strict=True)],
        }  # fmt: skip


def _step(slot: Outlook, step: Step) -> Json:
    return {
        "start": to_text(slot.start), "sun": slot.pv, "load": slot.load, "bought": step.bought, "sold": step.sold,
        "battery": step.charged - step.discharged, "car": step.car, "held": step.held // MILLI,
        "buyPrice": slot.buy / MILLI, "sellPrice": slot.sell / MILLI,
    }  # fmt: skip


def _yen(millionths: int) -> float:
    return round(millionths / 1_000_000, 3)
