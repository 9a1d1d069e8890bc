"""The electric bus of the district: five minutes at 250 kW from what trains gave back when they braked.

depot = Depot(begin)
depot.step(60)                        a minute goes by; depot.sessions are the charges that are over

Trains fill a store beside the line; what it lacks when the bus stands there comes from the mains, if there are any.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from adapters.simulated.district.battery import WH
from adapters.simulated.district.weather import DAY_S, ZONE_S

POWER_W: Final = 250_000
CHARGE_S: Final = 300
EVERY_S: Final = 1_800
"""A bus comes twice an hour, from six to ten."""
HOURS: Final = (6, 22)
TRAIN_S, TRAIN_J = 600, 9_000 * WH
"""A train brakes every ten minutes, and gives that back."""
KEEPS: Final = 92
"""Per cent of what a train gives that is there for the bus."""
_WHOLE: Final = 100


@dataclass(frozen=True, slots=True)
class Session:
    """One charge: joules in all, and those that trains gave."""

    start: int
    end: int
    joules: int
    regenerated: int


@dataclass(slots=True)
class Depot:
    """See the module; instants are seconds since 1970."""

    at: int
    capacity_j: int = 60_000 * WH
    held_j: int = 30_000 * WH
    given_j: int = 0
    lost_j: int = 0
    mains_j: int = 0
    sessions: list[Session] = field(default_factory=list)
    _under_way: Session | None = None

    def step(self, seconds: int, *, mains: bool = True) -> None:
        """Let so much time go by, a minute at most."""
        if self._in_service() and self.at % TRAIN_S < seconds:
            self._brake()
        if self._in_service() and self.at % EVERY_S < seconds and self._under_way is None:
            self._under_way = Session(self.at, self.at, 0, 0)
        if self._under_way is not None:
            self._charge(self._under_way, seconds, mains=mains)
        self.at += seconds

    def _in_service(self) -> bool:
        return HOURS[0] * 3_600 <= (self.at + ZONE_S) % DAY_S < HOURS[1] * 3_600

    def _brake(self) -> None:
        kept = min(TRAIN_J * KEEPS // _WHOLE, self.capacity_j - self.held_j)
        self.given_j += TRAIN_J
        self.lost_j += TRAIN_J - kept
        self.held_j += kept

    def _charge(self, one: Session, seconds: int, *, mains: bool) -> None:
        wanted = POWER_W * seconds
        stored = min(wanted, self.held_j)
        bought = wanted - stored if mains else 0
        self.held_j -= stored
        self.mains_j += bought
        after = Session(one.start, self.at + seconds, one.joules + stored + bought, one.regenerated + stored)
        over = after.end - after.start >= CHARGE_S or not stored + bought
        self._under_way = None if over else after
        if over and after.joules:
            self.sessions.append(after)
