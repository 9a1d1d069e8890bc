"""A contract, and how far it has come: what happens to it moves it on, once, in whatever way it is told. Pure.

    notActivated -> activated (set-points are sent) -> started (power flows) -> stopped -> deactivated (metered)
    and -> failed from before it started: refused by the safety gate, or nothing ever flowed

A contract that was stopped before its time keeps why; what of it was delivered is settled as it was metered.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from broker.model.values import Instant
from services.ledger.postings import shared

NOT_ACTIVATED, ACTIVATED, STARTED = "notActivated", "activated", "started"
STOPPED, DEACTIVATED, FAILED = "stopped", "deactivated", "failed"
STATES: Final = (NOT_ACTIVATED, ACTIVATED, STARTED, STOPPED, DEACTIVATED, FAILED)
MOVES: Final = {
    "activate": ((NOT_ACTIVATED,), ACTIVATED),
    "start": ((ACTIVATED,), STARTED),
    "stop": ((ACTIVATED, STARTED), STOPPED),
    "fail": ((NOT_ACTIVATED, ACTIVATED), FAILED),
    "deactivate": ((STOPPED,), DEACTIVATED),
}
IN_FLIGHT: Final = (ACTIVATED, STARTED)
OVER: Final = (DEACTIVATED, FAILED)


@dataclass(frozen=True, slots=True)
class Contract:
    """`stopped_at` and `why` where it ended before its time. `delivered` and `received` (Wh) are of the meters.

    `sold` and `bought` are the orders that it came from.
    """

    id: str
    run: str
    seller: str
    buyer: str
    start: Instant
    end: Instant
    wh: int
    price: int
    sold: str = ""
    bought: str = ""
    state: str = NOT_ACTIVATED
    why: str = ""
    stopped_at: Instant | None = None
    delivered: int | None = None
    received: int | None = None
    number: int = 0

    @property
    def deviation(self) -> tuple[int, int] | None:
        """What the seller delivered, and the buyer got, more than agreed (less: negative); None before it is known."""
        if self.delivered is None or self.received is None:
            return None
        return self.delivered - self.wh, self.received - self.wh


@dataclass(frozen=True, slots=True)
class Happened:
    """`word` is one of MOVES. `why` says why it ended before its time; `wh` what was metered at both legs."""

    word: str
    at: Instant
    why: str = ""
    wh: tuple[int, int] | None = None


def moved(contract: Contract, happened: Happened) -> Contract:
    """The contract after that; itself where that does not concern it any more, or not yet."""
    before, after = MOVES[happened.word]
    if contract.state not in before:
        return contract
    if happened.word == "deactivate" and happened.wh is not None:
        return replace(contract, state=after, delivered=happened.wh[0], received=happened.wh[1])
    if happened.word in ("stop", "fail") and happened.why:
        return replace(contract, state=after, why=happened.why, stopped_at=happened.at)
    return replace(contract, state=after)


def parts(metered: int, contracts: Sequence[Contract]) -> list[int]:
    """What a leg metered in a slot, for each of its contracts: by their energy, exact to the Wh."""
    return shared(max(0, metered), [one.wh for one in contracts])
