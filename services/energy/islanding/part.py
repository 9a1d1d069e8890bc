"""The part of islanding: it follows routers, asks them what the state needs, and shows how things are.

part.connected()            whether deals may begin: the market asks this at each gate
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol, cast

from broker.http.rooms.route import Route
from broker.keeping import Db
from broker.model.values import Instant, Json
from broker.ports.hub import HubChange
from services.energy.configured import Community
from services.energy.islanding.asking import ask, autonomy
from services.energy.islanding.book import Book
from services.energy.islanding.configured import read_settings
from services.energy.islanding.doors import Doors
from services.energy.islanding.fold import State, Tick
from services.energy.islanding.reading import TYPES, leg_of, of_leg, of_router
from services.energy.islanding.sending import due, send, wanted
from services.energy.islanding.showing import Projector
from services.energy.islanding.states import CONNECTED
from services.energy.islanding.telling import Telling
from services.energy.room import Part
from services.energy.sites import LEG, ROUTER, Site, sites_of
from services.following import Wish
from services.looking import Looking
from services.room import Ground

LOOK_S: Final = 1.0


class Deals(Protocol):
    """What the market offers: all contracts in flight end, and are settled as they were metered."""

    def stop_all(self, reason: str, at: Instant) -> object:
        """Stop them; those that are stopped already stay so. `reason` is a cause of islanding."""


class IslandingPart:
    """See the module."""

    def __init__(self, ground: Ground, community: Community, parts: Mapping[str, Part]) -> None:
        self.settings = read_settings(community.section("islanding"))
        self._ground, self._community = ground, community
        self._deals = cast("Deals | None", parts.get("market"))
        start = State.of(community.id, self.settings.sites)
        self.book = Book(ground.file, start, self.settings.policy)
        self._legs: dict[str, tuple[str, str]] = {}
        self._sites: tuple[Site, ...] = ()
        place = (community.tenant, community.id)
        self._projector = Projector(ground.hub, ground.library, self.book, place)
        self._looking = Looking("islanding", LOOK_S, self.tick, "routers are not asked what they should be")
        self._doors = Doors(self.book, self.settings, ground.clock, self._looking.once)
        ground.following.register(Wish("energy-islanding", community.tenant, TYPES, self.took, self.begin))

    def connected(self) -> bool:
        """Whether the community is on the grid, and stays there as far as is known."""
        state = self.book.state()
        return state.state == CONNECTED and state.drill is None

    def routes(self) -> Sequence[Route]:
        """As the port says."""
        return self._doors.routes()

    def start(self) -> None:
        """As the port says."""
        self._looking.start()

    def stop(self) -> None:
        """As the port says."""
        self._looking.stop()

    def erase(self, tenant: str, entity_id: str) -> Mapping[str, int]:  # noqa: ARG002  the port's
        """As the port says: what is kept is of routers and the community, and of operators' acts, not of residents."""
        return {}

    def state(self) -> Json:
        """As the port says."""
        return self._looking.state()

    def begin(self) -> None:
        """Read how everything is by now."""
        self._look_up()
        tellings = list[Telling]()
        now = self._ground.clock.now()
        for type_ in (ROUTER, LEG):
            for entity in self._ground.hub.query(self._community.tenant, type_):
                tellings += self._said(str(entity["id"]), entity, now)
        self.book.follow(tellings)

    def took(self, db: Db, changes: Sequence[HubChange]) -> None:
        """What changed, in the transaction that moves on."""
        self.book.take(db, [telling for one in changes for telling in self._said(one.entity_id, one.after, one.at)])

    def tick(self) -> None:
        """Let time go by, ask routers, stop deals, show what changed. Raises what keeps it from that."""
        now = self._ground.clock.now()
        state = self.book.follow([Tick(now)])
        try:
            self._ask(state, now)
        finally:  # a hub or a market that is away keeps the other from nothing
            self._stop_deals()
        if state.state != CONNECTED:
            sites = self.settings.sites
            left = {name: autonomy(state, sites, name) for name in sites}
            self.book.keep_minutes({**left, state.subject: autonomy(state, sites)})
        self._projector.catch_up()

    def _stop_deals(self) -> None:
        for number, at, cause in self.book.to_stop():
            if self._deals is not None:
                self._deals.stop_all(cause, at)
            self.book.stopped(number)

    def _ask(self, state: State, now: Instant) -> None:
        asked, found = ask(state, self.settings.sites, self.settings.rules, self.book.loads())
        if found.loads and found.loads != self.book.loads():
            self.book.keep_loads(found.loads)
        if not asked:
            return
        if not self._sites:
            self._look_up()
        fresh = due(wanted(asked, self._sites), self.book.sent(), now)
        taken = send(self._ground.hub, self._community.tenant, fresh, now)
        self.book.keep_sent({one[:2]: one[2] for one in taken}, now)

    def _look_up(self) -> None:
        self._sites = sites_of(self._ground.hub, self._community.tenant, self._community.id)
        self._legs |= {leg: (one.router, role) for one in self._sites for role, leg in one.legs.items()}

    def _said(self, entity_id: str, said: Mapping[str, Any], at: Instant) -> list[Telling]:
        """What an entity's attributes tell; nothing of those that are no part of the community."""
        site = self.settings.sites.get(entity_id)
        if site is not None:
            found = of_router(entity_id, said, at, site)
            return [] if found is None else [found]
        if (leg := leg_of(said)) is not None:
            self._legs[entity_id] = leg
        router, role = self._legs.get(entity_id, ("", ""))
        if router not in self.settings.sites:
            return []
        found = of_leg(router, role, said, at, self.settings.volts)
        return [] if found is None else [found]


def open_part(ground: Ground, community: Community, parts: Mapping[str, Part]) -> IslandingPart:
    """The part. Raises BadCity."""
    return IslandingPart(ground, community, parts)
