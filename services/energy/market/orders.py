"""Orders for energy of a slot, and when they may be placed. Pure; Wh, mJPY/kWh, microseconds.

    Order("o1", "urn:…:h1", "sell", start, 800, 9_000, arrival=1)

Limits are prices of the energy alone; a limit to buy at that is all-in has the fee for the line in it, and is reduced
by it before orders meet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from broker.errors import BadRequestData, Conflict
from broker.model.values import Instant, to_text
from services.energy.slots import Slots

BUY, SELL = "buy", "sell"
SIDES: Final = (BUY, SELL)
SOURCES: Final = ("pvSource", "batterySource", "gridSource", "fuelCellSource", "mixed")
PRIORITY_MAX: Final = 100
WH_MAX: Final = 1_000_000_000
OPEN, PARTLY, FILLED, CANCELLED, EXPIRED = "open", "partiallyFilled", "filled", "cancelled", "expired"


@dataclass(frozen=True, slots=True)
class Order:
    """`arrival` counts orders as they came. `source` is where what is sold comes from."""

    id: str
    participant: str
    side: str
    start: Instant
    wh: int
    price: int
    arrival: int = 0
    priority: int = 0
    divisible: bool = True
    all_in: bool = False
    source: str = ""

    def limit(self, wheeling: int) -> int:
        """The energy's price at which it still would."""
        return self.price - wheeling if self.all_in and self.side == BUY else self.price

    def sooner(self, wheeling: int) -> tuple[int, int, int, str]:
        """What orders of one side are put in their order by: price, priority, arrival, id."""
        limit = self.limit(wheeling)
        return (limit if self.side == SELL else -limit, -self.priority, self.arrival, self.id)


@dataclass(frozen=True, slots=True)
class Terms:
    """Of a market: orders come in until `closure` (microseconds) before a slot, for `ahead` before it at most.

    `band` is what prices are within; `wheeling` the fee of a buyer for the line.
    """

    closure: Instant = 600_000_000
    ahead: Instant = 7 * 86_400_000_000
    band: tuple[int, int] = (0, 40_000)
    wheeling: int = 0


def closes(start: Instant, terms: Terms) -> Instant:
    """When orders for a slot no longer come in, and none is taken back any more."""
    return start - terms.closure


def check(order: Order, terms: Terms, slots: Slots, now: Instant) -> None:
    """Raises BadRequestData for an order that is none; Conflict where its slot can no longer be ordered for."""
    least, most = terms.band
    if slots.start_of(order.start) != order.start:
        raise BadRequestData(
            "no slot begins then", pointer="/deliveryStart", remedy=to_text(slots.start_of(order.start))
        )
    if not 0 < order.wh <= WH_MAX:
        raise BadRequestData("an order is for some energy", pointer="/quantity", remedy=f"1 to {WH_MAX} Wh")
    if not least <= order.price <= most:
        raise BadRequestData("the price is outside of the band", pointer="/priceLimit", remedy=f"{least} to {most}")
    if order.limit(terms.wheeling) < 0:
        raise BadRequestData(
            "the fee for the line alone is more", pointer="/priceLimit", remedy=f"{terms.wheeling} or more"
        )
    if order.all_in and order.side == SELL:
        raise BadRequestData("who sells pays no fee for the line", pointer="/allIn", remedy="false")
    if now >= closes(order.start, terms):
        gate = to_text(closes(order.start, terms))
        raise Conflict(f"the gate of this slot closed at {gate}", pointer="/deliveryStart", remedy="a later slot")
    if order.start > now + terms.ahead:
        raise BadRequestData(
            "that slot is too far ahead", pointer="/deliveryStart", remedy=f"until {to_text(now + terms.ahead)}"
        )


def check_beside(order: Order, others: Sequence[Order]) -> None:
    """Raises Conflict for one who would sell and buy in one slot: a line carries power one way at a time."""
    if any(one.side != order.side for one in others):
        raise Conflict(
            "you have an order of the other side for this slot", pointer="/side", remedy="take that one back first"
        )
