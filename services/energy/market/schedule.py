"""What a slot's contracts mean at the line: power and current of each leg. Pure; watts, milliamperes, into the line.

Wh of a slot become a steady power: 700 Wh in half an hour are 1,400 W. Who sells sends into the line (positive), who
buys takes from it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from services.energy.market.agreed import Contract

HOUR_MINUTES: Final = 60
MILLI: Final = 1_000


@dataclass(frozen=True, slots=True)
class LegPower:
    """Of one participant's leg at the line: what it sends, and what it takes, of which one ought to be 0 (watts)."""

    participant: str
    leg: str
    sends: int = 0
    takes: int = 0

    @property
    def watts(self) -> int:
        """Into the line."""
        return self.sends - self.takes


def power(wh: int, minutes: int) -> int:
    """Watts that make so much in a slot: whole ones, for an hour is made of whole slots."""
    return wh * HOUR_MINUTES // minutes


def current(watts: int, volts: int) -> int:
    """Milliamperes, rounded away from nothing: a limit is not passed by a rounding."""
    return -(-abs(watts) * MILLI // volts)


def schedule(contracts: Iterable[Contract], legs: Mapping[str, str], minutes: int) -> tuple[LegPower, ...]:
    """The legs of a slot, by participant; `legs` are the ids of those at the line. A leg nobody knows is empty."""
    sends: defaultdict[str, int] = defaultdict(int)
    takes: defaultdict[str, int] = defaultdict(int)
    for one in contracts:
        sends[one.seller] += one.wh
        takes[one.buyer] += one.wh
    return tuple(
        LegPower(name, legs.get(name, ""), power(sends[name], minutes), power(takes[name], minutes))
        for name in sorted({*sends, *takes})
    )
