"""The market by rules: what a house has too much of goes to those who need it most, at prices that are set. Pure.

First into its own battery, then to the houses whose batteries hold least, then to the mall and the stores, and what
nobody takes to the grid. Who holds most gives first. A trade is made only where the price set for it is within both
limits; one price for all, or one for neighbours and another for shops.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from services.energy.market.orders import BUY, SELL, Order
from services.energy.market.trades import Cleared, Trade

HOUSE, SHOP = "house", "shop"
KINDS: Final = (HOUSE, SHOP)
OWN_BATTERY, GRID = "ownBattery", "grid"
_HALF: Final = 500


@dataclass(frozen=True, slots=True)
class Stand:
    """How a participant stands: what its battery holds in thousandths, and how much it still takes in (Wh)."""

    kind: str = HOUSE
    soc: int = _HALF
    room: int = 0


@dataclass(frozen=True, slots=True)
class Prices:
    """What a neighbour and a shop pay, mJPY/kWh without the fee for the line."""

    neighbour: int
    shop: int


def clear(orders: Iterable[Order], stands: Mapping[str, Stand], prices: Prices, wheeling: int = 0) -> Cleared:
    """The result; in whatever sequence the orders are given it is the same."""
    both = [*orders]
    beside: Counter[tuple[str, str]] = Counter()
    room = {name: stand.room for name, stand in stands.items()}
    left = {one.id: one.wh for one in both}
    buyers = sorted((one for one in both if one.side == BUY), key=lambda one: _needs(one, stands, wheeling))
    trades: list[Trade] = []
    for ask in sorted((one for one in both if one.side == SELL), key=lambda one: _gives(one, stands)):
        own = min(left[ask.id], room.get(ask.participant, 0)) if ask.divisible else 0
        if own:
            room[ask.participant] -= own
            left[ask.id] -= own
            beside[OWN_BATTERY, ask.participant] += own
        trades += _sell(ask, buyers, left, (stands, prices, wheeling))
        if left[ask.id]:
            beside[GRID, ask.participant] += left[ask.id]
    used = {one.price for one in trades}
    return Cleared(tuple(trades), used.pop() if len(used) == 1 else None, dict(beside))


def _sell(
    ask: Order, buyers: Iterable[Order], left: dict[str, int], rules: tuple[Mapping[str, Stand], Prices, int]
) -> list[Trade]:
    """What one seller sells, to buyers in their order; an order that is not to be divided is met whole or not."""
    stands, prices, wheeling = rules
    taken: list[Trade] = []
    rest = left[ask.id]
    for bid in buyers:
        price = prices.shop if _stand(bid, stands).kind == SHOP else prices.neighbour
        wh = min(rest, left[bid.id])
        whole = bid.divisible or (wh == bid.wh)
        if wh and whole and bid.participant != ask.participant and ask.price <= price <= bid.limit(wheeling):
            taken.append(Trade(ask, bid, wh, price))
            rest -= wh
    if not ask.divisible and rest:
        return []
    for one in taken:
        left[one.bought.id] -= one.wh
    left[ask.id] = rest
    return taken


def _stand(order: Order, stands: Mapping[str, Stand]) -> Stand:
    return stands.get(order.participant, Stand())


def _needs(order: Order, stands: Mapping[str, Stand], wheeling: int) -> tuple[bool, int, int, int, int, str]:
    stand = _stand(order, stands)
    return (
        stand.kind == SHOP, 0 if stand.kind == SHOP else stand.soc, -order.limit(wheeling), -order.priority,
        order.arrival, order.id,
    )  # fmt: skip


def _gives(order: Order, stands: Mapping[str, Stand]) -> tuple[int, int, int, str]:
    return -_stand(order, stands).soc, -order.priority, order.arrival, order.id
