"""What comes of a slot's orders: a price, who delivers how much to whom, and how orders are paired. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from services.energy.market.orders import Order


@dataclass(frozen=True, slots=True)
class Trade:
    """`price` in mJPY/kWh: what the buyer pays for the energy, and the seller gets."""

    sold: Order
    bought: Order
    wh: int
    price: int


@dataclass(frozen=True, slots=True)
class Cleared:
    """`price` is None where there is no single one. `beside` is what went another way, by word and participant."""

    trades: tuple[Trade, ...] = ()
    price: int | None = None
    beside: Mapping[tuple[str, str], int] = field(default_factory=dict)

    @property
    def wh(self) -> int:
        """How much was traded."""
        return sum(one.wh for one in self.trades)

    def filled(self) -> Counter[str]:
        """How much of each order was, by its id."""
        found = Counter[str]()
        for one in self.trades:
            found[one.sold.id] += one.wh
            found[one.bought.id] += one.wh
        return found


def paired(asks: Sequence[tuple[Order, int]], bids: Sequence[tuple[Order, int]], price: int) -> tuple[Trade, ...]:
    """Trades of what each order gets, both sides in their order: the first seller delivers to the first buyer."""
    trades: list[Trade] = []
    left = [wh for _, wh in bids]
    place = 0
    for ask, wh in asks:
        rest = wh
        while rest and place < len(bids):
            taken = min(rest, left[place])
            if taken:
                trades.append(Trade(ask, bids[place][0], taken, price))
            rest -= taken
            left[place] -= taken
            place += not left[place]
    return tuple(trades)
