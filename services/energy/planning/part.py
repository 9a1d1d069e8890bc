"""Planning, a part of the energy community: its doors, and what it does each day.

Every day of the city, from its first minutes on: read the meters of the day before, plan the day of every house, work
out the district's figures. What fails is tried again; what was done is not done twice, by whichever process.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from typing import Final, cast

from broker.http.rooms.route import Route
from broker.model.values import Instant, Json
from services.energy.configured import Community
from services.energy.planning.book import DAILY, Book
from services.energy.planning.configured import read_settings
from services.energy.planning.doors import Doors
from services.energy.planning.gathering import Gathering
from services.energy.planning.orders import OrderDesk, as_order
from services.energy.planning.planner import Planner
from services.energy.planning.programme import Unsolvable
from services.energy.planning.publishing import Publishing
from services.energy.room import Part
from services.energy.sites import Site
from services.looking import Looking
from services.room import Ground

log = logging.getLogger("misono.services")
LOOK_S: Final = 60.0
ORDERS_MOST: Final = 1_000


class PlanningPart:
    """See the module; `desk` takes orders where plans become some."""

    def __init__(self, ground: Ground, community: Community, desk: OrderDesk | None) -> None:
        self.settings = read_settings(community.section("planning"))
        self._ground, self._community, self._desk = ground, community, desk
        self.book = Book(ground.file)
        self.planner = Planner(ground.hub, self.book, community, self.settings)
        place = (community.tenant, self.settings.history_days)
        self._gathering = Gathering(ground, self.book, community.slots, place)
        self._publishing = Publishing(ground.hub, ground.library, self.book, self.planner.surroundings)
        self._doors = Doors(ground, self.book, self.planner, self.run)
        self._looking = Looking("energy.planning", LOOK_S, self.tick, "plans of the day wait")
        ground.following.register(self._gathering.wish())

    def tick(self) -> None:
        """Do what is due. Raises HubAway, ServiceUnavailable."""
        self.run(self._ground.clock.now())

    def run(self, now: Instant) -> Mapping[str, Json]:
        """Do what is due of the day, and tell how much was done now. Raises HubAway, ServiceUnavailable."""
        sites = self.planner.surroundings.sites()
        day = self._community.slots.named(self._community.slots.start_of(now))[0]
        waiting = [site for site in sites if not self.book.has_daily(site.participant, day)]
        if waiting or not self._done(now):
            self._gathering.gather(sites, now)
        planned = sum(self._plan(site, now) for site in waiting)
        fresh = self._publishing.work_out(self._community, self.settings, sites, now) if sites else False
        placed = self._place()
        self._publishing.catch_up(self._community)
        return {"planned": planned, "indicators": fresh, "orders": placed}

    def routes(self) -> Sequence[Route]:
        """As the port says."""
        return self._doors.routes()

    def start(self) -> None:
        """As the port says."""
        self._looking.start()

    def stop(self) -> None:
        """As the port says."""
        self._looking.stop()

    def erase(self, tenant: str, entity_id: str) -> Mapping[str, int]:
        """As the port says: all that is kept of a participant."""
        gone = self.book.forget(entity_id) if tenant == self._community.tenant else 0
        return {"services/energy/planning": gone} if gone else {}

    def state(self) -> Json:
        """As the port says."""
        return self._looking.state()

    def _done(self, now: Instant) -> bool:
        slots = self._community.slots
        today = slots.of_day(slots.named(slots.start_of(now))[0])[0]
        return self.book.is_done(slots.named(slots.start_of(today - slots.length))[0])

    def _plan(self, site: Site, now: Instant) -> bool:
        """Whether its plan of the day is new; one that cannot be made keeps no other from theirs."""
        try:
            made = self.planner.plan(site, now, (f"plan-{self._ground.new_id()}", DAILY))
        except Unsolvable as error:
            log.warning("a site has no plan today: %s", error)
            return False
        return self.book.keep_plan(made)

    def _place(self) -> int:
        """Hand orders to the market; each is kept until the market has it, which takes the same one once."""
        if self._desk is None:
            return 0
        sql = "SELECT key, body FROM planning_order WHERE NOT placed ORDER BY key LIMIT ?"
        rows = self.book.read(sql, ORDERS_MOST)
        taken = sum(self._desk.place_planned(as_order(json.loads(body))) for _, body in rows)
        keys = [(key,) for key, _ in rows]
        if keys:
            update = "UPDATE planning_order SET placed = 1 WHERE key = ?"
            self.book.file.write(lambda db: db.executemany(update, keys)).result()
        return taken


def open_part(ground: Ground, community: Community, parts: Mapping[str, Part]) -> PlanningPart:
    """The part. Raises BadCity."""
    market = parts.get("market")
    desk = cast("OrderDesk", market) if market is not None and hasattr(market, "place_planned") else None
    return PlanningPart(ground, community, desk)
