"""The part `market` of the energy community: its doors, its timer, and what other parts call in Python.

part.place_planned(order)               an order of a plan: whether it was taken
part.agreed(start, end)                 contracts of slots, for settlement
part.stop_all("gridOutage", at)         ends what is under way; nothing begins while the part of islanding says so
part.suspend("line works", at)          nothing goes on until `resume(at)`
part.warn(near=True)                    disaster is near: batteries keep their reserve
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, Protocol, cast

from broker.errors import BadRequestData, Conflict
from broker.http.rooms.route import Route
from broker.keeping import Db
from broker.model.values import Instant, Json
from services.energy.configured import Community
from services.energy.market.agreed import FAILED, Contract
from services.energy.market.book import Book, Kept, State
from services.energy.market.clearing import Clearing
from services.energy.market.configured import read_settings
from services.energy.market.doors import Doors
from services.energy.market.driving import Driving
from services.energy.market.orders import OPEN, Order, check, check_beside, closes
from services.energy.market.people import People
from services.energy.market.projecting import Projector
from services.energy.market.telling import Telling
from services.energy.settlement.inputs import Agreed
from services.energy.sites import LEG, ROUTER, sites_of
from services.following import Wish
from services.looking import Looking
from services.room import Ground

if TYPE_CHECKING:
    from services.energy.planning.orders import PlannedOrder

LOOK_S: Final = 1.0
SITES_US: Final = 30_000_000
"""So often it is looked which sites there are."""


class Islanding(Protocol):
    """What the part of islanding offers."""

    def connected(self) -> bool:
        """Whether deals may begin."""


class MarketPart:
    """See the module."""

    def __init__(self, ground: Ground, community: Community, parts: Mapping[str, object]) -> None:
        self._ground, self._community, self._parts = ground, community, parts
        self.settings = read_settings(community)
        self.book = Book(ground.file)
        self._people = People(ground.hub, community)
        self._telling = Telling(self.book, community.slots)
        self._clearing = Clearing(self.book, self._telling, self.settings, community)
        self._driving = Driving(ground.hub, self.book, self._telling, (self.settings, community))
        self._projector = Projector(ground.hub, ground.library, self.book, self._people)
        self._doors = Doors(ground, self.book, self._people, (self.settings, community))
        self._doors.place, self._doors.cancel, self._doors.stand = self.place, self.cancel, self.stand
        self._looking = Looking("energy-market", LOOK_S, self.tick, "what the market has to do waits")
        self._sites_until: Instant = 0
        ground.following.register(
            Wish("energy.market", community.tenant, frozenset({ROUTER, LEG}), self._telling.take, self.begin)
        )

    def begin(self) -> None:
        """Read what routers and legs tell by now. Raises HubAway."""
        self._telling.know(sites_of(self._ground.hub, self._community.tenant, self._community.id))
        for type_ in (ROUTER, LEG):
            for one in self._ground.hub.query(self._community.tenant, type_):

                def work(db: Db, one: Mapping[str, Json] = one) -> None:
                    self._telling.take_one(db, str(one["id"]), one, 0)

                self.book.write(work)

    def place(self, order: Order, key: str | None = None) -> Kept:
        """Take an order in, once by its key. Raises BadRequestData, Conflict."""

        def work(db: Db) -> Kept:
            now = self._ground.clock.now()
            if key is None or not self.book.orders(db, "key = ?", (key,)):
                check(order, self.settings.terms, self._community.slots, now)
                sql = "participant = ? AND start = ? AND status = 'open'"
                there = self.book.orders(db, sql, (order.participant, order.start))
                check_beside(order, [one.order for one in there])
            return self.book.place(db, order, key, now)

        return self.book.write(work)

    def place_planned(self, order: PlannedOrder) -> bool:
        """As planning's port says: the same key is the same order; False where the slot can no longer be had."""
        least, most = self.settings.terms.band
        placed = Order(
            f"urn:ngsi-ld:PowerInterchangeOrder:{self._ground.new_id()}", order.participant, order.side, order.start,
            order.quantity, min(max(order.price, least), most), all_in=order.all_in,
        )  # fmt: skip
        try:
            self.place(placed, f"plan#{order.key}")
        except (BadRequestData, Conflict):
            return False
        return True

    def cancel(self, order_id: str) -> Kept:
        """Take an order back while its gate is open. Raises Conflict, ResourceNotFound."""

        def work(db: Db) -> Kept:
            kept = self.book.orders(db, "id = ?", (order_id,))[0]
            if kept.status == OPEN and self._ground.clock.now() >= closes(kept.order.start, self.settings.terms):
                raise Conflict("the gate of its slot is closed", pointer="/order", remedy="orders stand from then on")
            return self.book.cancel(db, order_id)

        return self.book.write(work)

    def agreed(self, start: Instant, end: Instant) -> list[Agreed]:
        """Contracts whose delivery begins from `start` on, before `end`, as they are by now; none that failed."""
        found = self.book.contracts(None, "start >= ? AND start < ? ORDER BY number", (start, end))
        return [
            Agreed(one.id, one.seller, one.buyer, one.start, one.wh, one.price, stopped=bool(one.why))
            for one in found
            if one.state != FAILED
        ]

    def stop_all(self, reason: str, at: Instant) -> list[Contract]:
        """End what is under way or was to be by now; those that ended so. The legs are told at the next look.

        What stopped stays stopped; nothing else begins until the community is connected again.
        """
        return self._driving.stop_all(reason, at)

    def suspend(self, reason: str, at: Instant) -> None:
        """End what is under way, and clear and begin nothing until `resume`."""
        self.stand(State(suspended=True, near=self.book.state().near, why=reason, at=at))

    def resume(self, at: Instant) -> None:
        """Go on: with what is cleared from now on; what was stopped stays so."""
        self.stand(State(suspended=False, near=self.book.state().near, at=at))

    def warn(self, *, near: bool) -> None:
        """Whether disaster is near."""
        now = self.book.state()
        self.stand(State(now.suspended, near, now.why, now.at))

    def stand(self, state: State) -> State:
        """Have the market stand so; who suspends it also stops what is under way."""
        self.book.write(lambda db: self.book.set_state(db, state))
        if state.suspended:
            self._driving.stop_all(state.why or "suspended", state.at)
        return state

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
        """As the port says."""
        gone = self.book.forget(entity_id, self._ground.new_id) if tenant == self._community.tenant else 0
        return {"services/energy/market": gone} if gone else {}

    def state(self) -> Json:
        """As the port says."""
        return self._looking.state()

    def tick(self) -> None:
        """Clear, carry out and show what is due. Raises HubAway, ServiceUnavailable: it is tried again."""
        now = self._ground.clock.now()
        if not self._sites_until - SITES_US <= now < self._sites_until:
            self._telling.know(sites_of(self._ground.hub, self._community.tenant, self._community.id))
            self._sites_until = now + SITES_US
        state = self._standing()
        self._clearing.clear_due(now, self._ground.new_id, held=state.suspended)
        try:
            self._driving.look(now, state)
        finally:
            self._telling.thin(now)
            self._projector.catch_up(self.settings, self._community)

    def _standing(self) -> State:
        """As the market stands, and as the community does: on an island nothing is traded."""
        state, islanding = self.book.state(), cast("Islanding | None", self._parts.get("islanding"))
        if state.suspended or islanding is None or islanding.connected():
            return state
        return State(suspended=True, near=state.near, why="islanded", at=state.at)


def open_part(ground: Ground, community: Community, parts: Mapping[str, object]) -> MarketPart:
    """The part. Raises BadCity."""
    return MarketPart(ground, community, parts)
