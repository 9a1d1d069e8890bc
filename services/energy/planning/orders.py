"""Orders out of a plan: what it buys and sells of each slot is offered to the neighbours first.

A neighbour's energy is bought at no more than the grid's costs, all fees included, and sold for no less than the grid
pays. What takes such orders is the market's; each has a key, so that the same one again is the same order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, Protocol

from broker.model.values import Instant
from services.energy.planning.houses import Outlook, Plan


@dataclass(frozen=True, slots=True)
class PlannedOrder:
    """`quantity` in Wh, `price` the limit in mJPY/kWh; a limit to buy at has the fees in it (`all_in`)."""

    key: str
    participant: str
    side: Literal["buy", "sell"]
    start: Instant
    quantity: int
    price: int
    all_in: bool


class OrderDesk(Protocol):
    """What the market offers to planning."""

    def place_planned(self, order: PlannedOrder) -> bool:
        """Take an order; whether it was taken, False where its slot can no longer be ordered for."""


def orders_of(participant: str, outlook: Sequence[Outlook], plan: Plan) -> list[PlannedOrder]:
    """What a plan asks of the market: one order a slot, so that a later plan of the same slot asks nothing more."""
    found = []
    for slot, step in zip(outlook, plan.steps, strict=True):
        key = f"{participant}#{slot.start}"
        if step.bought:
            found.append(PlannedOrder(key, participant, "buy", slot.start, step.bought, slot.buy, all_in=True))
        elif step.sold:
            found.append(PlannedOrder(key, participant, "sell", slot.start, step.sold, slot.sell, all_in=False))
    return found


def as_body(order: PlannedOrder) -> dict[str, Any]:
    """As it is kept."""
    return asdict(order)


def as_order(body: Mapping[str, Any]) -> PlannedOrder:
    """As it was kept."""
    return PlannedOrder(**body)
