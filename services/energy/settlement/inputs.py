"""What a slot is settled from: all of it whole numbers, each in a version, and one hash over everything. Pure.

Energy is in Wh, positive into the house; money in mJPY; prices in mJPY per kWh; shares in millionths.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from typing import Final, Protocol

from broker.model.values import Instant

MILLION: Final = 1_000_000
RECEIVED, GROSS_UP = "received", "grossUp"
"""Who bears what is lost on the line: the buyer gets less than was sold, or the seller sends more than was bought."""


@dataclass(frozen=True, slots=True)
class Agreed:
    """A contract of one slot. `stopped`: it ended before its time (a blackout), and is settled as it was metered."""

    id: str
    seller: str
    buyer: str
    start: Instant
    wh: int
    price: int
    stopped: bool = False


class Contracts(Protocol):
    """Where contracts come from: the market, or the hub."""

    def agreed(self, start: Instant, end: Instant) -> list[Agreed]:
        """Those whose delivery begins from `start` on, before `end`, as they are by now."""


@dataclass(frozen=True, slots=True)
class Metered:
    """What one participant took from and gave to the line, by the last version of its meter."""

    imported: int
    exported: int
    version: int = 1
    estimated: bool = False


@dataclass(frozen=True, slots=True)
class Tariff:
    """What the line costs from `since` on; shares in millionths. `tax` is on what a buyer pays, without it before."""

    since: Instant = 0
    version: int = 1
    wheeling: int = 0
    fee: int = 0
    loss: int = 0
    tax: int = 0
    losses: str = RECEIVED


@dataclass(frozen=True, slots=True)
class Imbalance:
    """The price of what differs from the plan: `shortage` is paid for more taken, `surplus` got for less."""

    shortage: int
    surplus: int
    version: int = 1


@dataclass(frozen=True, slots=True)
class SlotInputs:
    """Everything that a slot is settled from. Without an imbalance price nothing is settled that needs one."""

    start: Instant
    contracts: tuple[Agreed, ...]
    meters: Mapping[str, Metered] = field(default_factory=dict)
    tariff: Tariff = field(default_factory=Tariff)
    imbalance: Imbalance | None = None

    def hash(self) -> str:
        """The same for the same inputs, in whatever order they came."""
        told = [
            self.start, sorted(_contract(one) for one in self.contracts),
            sorted((who, one.imported, one.exported, one.version, one.estimated) for who, one in self.meters.items()),
            asdict(self.tariff), None if self.imbalance is None else asdict(self.imbalance),
        ]  # fmt: skip
        return sha256(json.dumps(told, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _contract(one: Agreed) -> tuple[str, str, str, int, int, int, bool]:
    return one.id, one.seller, one.buyer, one.start, one.wh, one.price, one.stopped
