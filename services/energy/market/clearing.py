"""Clearing a slot once its gate is closed: once, whichever process does it, and however often it is tried."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from broker.keeping import Db
from broker.model.values import Instant
from services.energy.configured import Community
from services.energy.market import auction, priority
from services.energy.market.agreed import Contract
from services.energy.market.book import Book, Run
from services.energy.market.configured import AUCTION, Settings
from services.energy.market.orders import EXPIRED, FILLED, PARTLY, Order
from services.energy.market.priority import Stand
from services.energy.market.telling import Telling
from services.energy.market.trades import Cleared
from services.energy.slots import Slots

SUSPENDED, LATE = "suspended", "late"
_SHARE: Final = 1_000


class Clearing:
    """See the module."""

    def __init__(self, book: Book, telling: Telling, settings: Settings, community: Community) -> None:
        self._book, self._telling, self._settings, self._community = book, telling, settings, community

    def due(self, now: Instant) -> list[Instant]:
        """Slots whose gate is closed and that have open orders."""
        sql = "SELECT DISTINCT start FROM market_order WHERE status = 'open' AND start <= ? ORDER BY start"
        return [row[0] for row in self._book.read(sql, now + self._settings.terms.closure)]

    def clear_due(self, now: Instant, new_id: Callable[[], str], *, held: bool) -> int:
        """Clear them, or (`held`) have their orders end; how many there were."""
        stands = self._stands() if self._settings.mechanism != AUCTION else {}
        return sum(
            self._book.write(partial(self._clear, start=start, now=now, stands=None if held else stands, new_id=new_id))
            for start in self.due(now)
        )

    def _clear(
        self, db: Db, *, start: Instant, now: Instant, stands: dict[str, Stand] | None, new_id: Callable[[], str]
    ) -> bool:
        orders = [one.order for one in self._book.orders(db, "start = ? AND status = 'open'", (start,))]
        why = SUSPENDED if stands is None or self._book.state(db).suspended else LATE if now >= start else ""
        cleared = Cleared() if why or stands is None else self._cleared(orders, stands)
        run = Run(
            start, run_id(self._community.id, self._community.slots, start), self._settings.mechanism, now,
            cleared.price, cleared.wh, len(orders), len(cleared.trades), why,
        )  # fmt: skip
        if not self._book.add_run(db, run):
            return False
        filled = cleared.filled()
        for one in orders:
            wh = filled[one.id]
            self._book.set_order(db, one.id, EXPIRED if not wh else FILLED if wh == one.wh else PARTLY, wh)
        for trade in cleared.trades:
            self._book.add_contract(db, Contract(
                f"urn:ngsi-ld:PowerInterchangeContract:{new_id()}", run.id, trade.sold.participant,
                trade.bought.participant, start, start + self._community.slots.length, trade.wh, trade.price,
                trade.sold.id, trade.bought.id,
            ))  # fmt: skip
        return True

    def _cleared(self, orders: list[Order], stands: dict[str, Stand]) -> Cleared:
        wheeling = self._settings.terms.wheeling
        if self._settings.mechanism == AUCTION:
            return auction.clear(orders, wheeling)
        return priority.clear(orders, stands, self._settings.prices, wheeling)

    def _stands(self) -> dict[str, Stand]:
        told = self._telling.told(self._settings)
        found = {}
        for name in {*told, *self._settings.sites}:
            said = self._settings.site(name)
            soc = told[name].soc if name in told else None
            room = 0 if soc is None else max(0, self._settings.limits.ceiling - soc) * said.battery_wh // _SHARE
            found[name] = Stand(said.kind, _SHARE if soc is None else soc, room)
        return found


def run_id(community: str, slots: Slots, start: Instant) -> str:
    """The name of the run of a slot: it is the same whoever clears it."""
    day, number = slots.named(start)
    return f"urn:misono:market-run:{community.rpartition(':')[2]}:{day}:{number}"
