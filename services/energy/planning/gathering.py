"""What passed the legs of the community's routers, out of the hub's history, and the weather that was forecast for it.

Each leg is read from where it was read last; what was read twice is kept once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from broker.keeping import Db
from broker.model.entity import instances
from broker.model.values import Instant, Json, to_instant
from broker.ports.hub import HubChange
from services.energy.planning.book import Book
from services.energy.planning.metered import Reading, by_slot, readings_of
from services.energy.sites import DEF, Site
from services.energy.slots import Slots
from services.following import Wish
from services.room import Ground

FORECAST: Final = "https://smartdatamodels.org/dataModel.Weather/"
TYPE: Final = f"{FORECAST}WeatherForecast"
PAGES_MOST: Final = 40
"""So many pages of a leg's history are read at once; the rest in the next round."""
DAY_US: Final = 86_400_000_000
SLOTS_MOST: Final = 400
"""No single forecast says something of more slots."""


class Gathering:
    """Of one community."""

    def __init__(self, ground: Ground, book: Book, slots: Slots, where: tuple[str, int]) -> None:
        self._hub, self._clock, self._book, self._slots = ground.hub, ground.clock, book, slots
        self._tenant, self._days = where

    def gather(self, sites: Sequence[Site], now: Instant) -> None:
        """Read what is new of every leg, and forget what is older than what is kept. Raises HubAway."""
        for site in sites:
            for role, leg in site.legs.items():
                self._leg((site.participant, role, leg), now)
        self._book.thin(now - self._days * DAY_US)

    def wish(self) -> Wish:
        """That of forecasts of the weather."""
        return Wish("energy.planning.weather", self._tenant, frozenset({TYPE}), self.took, self.begin)

    def begin(self) -> None:
        """Keep what is forecast by now. Raises HubAway."""
        now = self._clock.now()
        rows = [row for one in self._hub.query(self._tenant, TYPE) for row in self._forecast(one, now)]
        self._book.file.write(lambda db: self._book.keep_weather(db, rows)).result()

    def took(self, db: Db, changes: Sequence[HubChange]) -> None:
        """Keep what was forecast."""
        for change in changes:
            known = {f"{FORECAST}validFrom", f"{FORECAST}validTo"} <= change.after.keys()
            whole = change.after if known else self._hub.entity(self._tenant, change.entity_id) or {}
            self._book.keep_weather(db, self._forecast(whole, change.at))

    def _leg(self, whose: tuple[str, str, str], now: Instant) -> None:
        leg = whose[2]
        since = self._book.read_until(leg)
        begin = now - self._days * DAY_US if since is None else since - self._slots.length
        into, out, until = self._registers(leg, begin)
        # what is known of one register alone: the other one did not move
        passed_in, passed_out = by_slot(into, self._slots), by_slot(out, self._slots)
        starts = (passed_in.keys() & passed_out.keys()) if into and out else passed_in.keys() | passed_out.keys()
        flows = {start: (passed_in.get(start, 0), passed_out.get(start, 0)) for start in starts}
        if flows:
            self._book.keep_energy(whose, flows, max(flows) + self._slots.length)
        elif until is not None and since is not None and until - since > DAY_US:
            self._book.keep_energy(whose, {}, until)

    def _registers(self, leg: str, since: Instant) -> tuple[list[Reading], list[Reading], Instant | None]:
        """(into, out of what is connected, the last moment that was read)."""
        into: dict[Instant, int] = {}
        out: dict[Instant, int] = {}
        more: Instant | None = since
        for _ in range(PAGES_MOST):
            past = self._hub.history(self._tenant, leg, more)
            if past is None:
                break
            into.update(readings_of(past.document.get(f"{DEF}energyIn")))
            out.update(readings_of(past.document.get(f"{DEF}energyOut")))
            more = past.more
            if more is None:
                break
        return sorted(into.items()), sorted(out.items()), max([*into, *out], default=None)

    def _forecast(
        self, whole: Mapping[str, Json], issued: Instant
    ) -> list[tuple[Instant, float | None, float | None, Instant]]:
        """A row for each slot that a forecast is for."""
        since, until = (_moment(whole.get(f"{FORECAST}{name}")) for name in ("validFrom", "validTo"))
        sun, warmth = (_amount(whole.get(f"{FORECAST}{name}")) for name in ("solarRadiation", "temperature"))
        if since is None or until is None or (sun is None and warmth is None):
            return []
        starts = [*self._slots.between(since, min(until, since + SLOTS_MOST * self._slots.length))]
        return [(start, sun, warmth, issued) for start in starts]


def _value(attribute: Json) -> Any:  # noqa: ANN401  of many shapes
    value = next(iter(instances(attribute)), {}).get("value")
    return value.get("@value") if isinstance(value, dict) else value


def _moment(attribute: Json) -> Instant | None:
    value = _value(attribute)
    return to_instant(value) if isinstance(value, str) else None


def _amount(attribute: Json) -> float | None:
    value = _value(attribute)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
