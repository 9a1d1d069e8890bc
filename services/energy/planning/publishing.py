"""The figures of the district, worked out once a day and shown as KeyPerformanceIndicator entities."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from broker.model.values import Instant, to_text
from broker.ports.hub import Fragment, Hub
from datamodels.library import Library
from services.energy.configured import Community
from services.energy.planning.book import Book
from services.energy.planning.configured import Settings
from services.energy.planning.indicators import INDICATORS, Day, indicators, walkability
from services.energy.planning.surroundings import Surroundings
from services.energy.sites import Site
from services.shaping import Shaper
from services.showing import show

HOMES: Final = ("EnergyProsumer",)
DAY_US: Final = 86_400_000_000
PATIENCE_US: Final = DAY_US // 4
"""So long after a day meters that are late are waited for."""
COMPLETE: Final = 900
"""Thousandths of a day's slots of which the meters of a site must tell, for it to be counted."""


class Publishing:
    """Of one community; `surroundings` reads the hub."""

    def __init__(self, hub: Hub, library: Callable[[], Library], book: Book, surroundings: Surroundings) -> None:
        self._hub, self._library, self._book, self._surroundings = hub, library, book, surroundings

    def work_out(self, community: Community, settings: Settings, sites: Sequence[Site], now: Instant) -> bool:
        """The indicators of the day that ended last, once; whether they are new. Raises HubAway."""
        slots = community.slots
        today = slots.of_day(slots.named(slots.start_of(now))[0])[0]
        day = slots.named(slots.start_of(today - slots.length))[0]
        if self._book.is_done(day):
            return False
        since = slots.of_day(day)[0]
        values = indicators(self._day(sites, settings, (since, today), slots.length))
        if not values and now < today + PATIENCE_US:
            return False
        return self._book.keep_indicators(day, values | self._around(settings, (since, today)), now)

    def catch_up(self, community: Community) -> None:
        """Show what is not shown. Raises ServiceUnavailable."""
        waiting = {str(row[0]) for row in self._book.read("SELECT name FROM planning_unshown")}
        rows = [row for row in self._book.newest_indicators() if row[0] in waiting]
        if not rows:
            return
        fragments = {one["id"]: one for one in (self._entity(community, row) for row in rows)}
        show(self._hub, community.tenant, fragments, "worked out")
        names = [(row[0],) for row in rows]
        self._book.file.write(lambda db: db.executemany("DELETE FROM planning_unshown WHERE name = ?", names)).result()

    def _day(self, sites: Sequence[Site], settings: Settings, span: tuple[Instant, Instant], length: Instant) -> Day:
        """What passed the meters of all, if enough of them tell of it."""
        least = (span[1] - span[0]) // length * COMPLETE // 1_000
        flows = {key: flow for key, flow in self._book.day(*span).items() if flow[0] >= least}
        metered = {one.participant for one in sites if (one.participant, "utility") in flows}
        roofs = {one.participant for one in sites if "pv" in one.legs}
        if len(metered) < max(settings.least_sites, 1) or len(metered) < len(sites):
            return Day()
        if any((one, "pv") not in flows for one in roofs):
            return Day()
        return Day(
            pv=sum(flows[one, "pv"][2] for one in roofs), bought=sum(flows[one, "utility"][2] for one in metered),
            sold=sum(flows[one, "utility"][1] for one in metered), stored=self._surroundings.stored(sites),
            co2_g_per_kwh=settings.co2_g_per_kwh,
        )  # fmt: skip

    def _around(self, settings: Settings, span: tuple[Instant, Instant]) -> dict[str, float]:
        """How much services are used, and what homes have near them."""
        library, found = self._library(), dict[str, float]()
        counts = [self._surroundings.uses(library, model, said, span) for model, said in settings.use.items()]
        told = [count for count in counts if count >= settings.small_count]
        if told:
            found["serviceUse"] = float(sum(told))
        homes = [*self._surroundings.points(library, HOMES)] if settings.everyday else []
        if len(homes) >= settings.least_sites:
            places = {kind: [*self._surroundings.points(library, models)] for kind, models in settings.everyday.items()}
            share = walkability(homes, places, settings.walk_m)
            found |= {} if share is None else {"walkability": share}
        return found

    def _entity(self, community: Community, row: tuple[Any, ...]) -> dict[str, Any]:
        name, day, value, at = row
        text = INDICATORS[name]
        until = community.slots.of_day(day)[-1] + community.slots.length
        shaper = Shaper(self._library(), "sdm-kpi", "KeyPerformanceIndicator")
        id_ = f"urn:ngsi-ld:KeyPerformanceIndicator:{community.id.removeprefix('urn:ngsi-ld:')}:{name}"
        entity: Fragment = shaper.entity(id_, {
            "name": {"ja": text.ja, "en": text.en}, "kpiValue": value, "calculationFormula": text.formula,
            "calculationFrequency": "daily", "calculationMethod": "automatic", "process": f"{name} [{text.unit}]",
            "area": community.id, "updatedAt": to_text(at), "dateExpires": to_text(until + 2 * DAY_US),
        })  # fmt: skip
        shaped: dict[str, Any] = dict(entity)
        for attribute in shaped.values():
            if isinstance(attribute, dict) and attribute.get("value") is value:
                attribute["observedAt"] = to_text(until)
        return shaped
