"""The double auction of a slot with one price for all: the midpoint of the last pair that meets. Pure.

    clear((ask, bid, …), wheeling=2_000).price

As much is traded as any single price allows, by those who gain most of it; equal prices go by priority, arrival, id.
Where the midpoint is no whole mJPY/kWh it is rounded down, which still is within both limits of the last pair.

An order that may not be divided is filled whole or not at all: where the auction would fill it in part it is left out,
and the slot is cleared without it. That is fair to see and ends, but it may trade less than the best choice among such
orders would; with orders that may be divided there is no better one.
"""

from __future__ import annotations

from collections.abc import Iterable

from services.energy.market.orders import BUY, SELL, Order
from services.energy.market.trades import Cleared, paired

_Filled = list[tuple[Order, int]]


def clear(orders: Iterable[Order], wheeling: int = 0) -> Cleared:
    """The result; in whatever sequence the orders are given it is the same."""
    ordered = sorted(orders, key=lambda one: one.sooner(wheeling))
    while True:
        asks, bids = _met(ordered, wheeling)
        halved = next((one for one, wh in (*asks[-1:], *bids[-1:]) if wh < one.wh and not one.divisible), None)
        if halved is None:
            break
        ordered = [one for one in ordered if one.id != halved.id]
    if not asks:
        return Cleared()
    price = (asks[-1][0].limit(wheeling) + bids[-1][0].limit(wheeling)) // 2
    return Cleared(paired(asks, bids, price), price)


def _met(ordered: Iterable[Order], wheeling: int) -> tuple[_Filled, _Filled]:
    """What each order of both sides gets while the next seller asks no more than the next buyer bids."""
    both = [*ordered]
    asks, bids = ([one for one in both if one.side == side] for side in (SELL, BUY))
    sold, bought = [0] * len(asks), [0] * len(bids)
    ask = bid = 0
    while ask < len(asks) and bid < len(bids) and asks[ask].limit(wheeling) <= bids[bid].limit(wheeling):
        wh = min(asks[ask].wh - sold[ask], bids[bid].wh - bought[bid])
        sold[ask] += wh
        bought[bid] += wh
        ask += sold[ask] == asks[ask].wh
        bid += bought[bid] == bids[bid].wh
    return (
        [(one, wh) for one, wh in zip(asks, sold, strict=True) if wh],
        [(one, wh) for one, wh in zip(bids, bought, strict=True) if wh],
    )
