"""A charging unit that is not there: vehicles come and go by the simulated hour, and take what they are let have."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from adapters.simulated.day import Day

_FULL: Final = 0.95
_TAPERS: Final = 0.8
_LEAST: Final = 0.1
"""From `_TAPERS` on a battery takes less and less, down to this part of its power."""
_EMPTIEST: Final = 0.2
_EMPTIER: Final = 0.07
_ROUNDS: Final = 7
_GOLDEN: Final = 0.381966
"""By this part of a round each unit is ahead of the one before: no two of them take turns together."""


@dataclass
class Charge:
    """A vehicle that is charging: `soc` from 0 to 1, `began_wh` is where the meter stood; `events` were told of it."""

    name: str
    began_wh: float
    soc: float
    remote: bool = False
    events: int = 0


@dataclass
class Unit:
    """One unit. A vehicle comes every `every_h` simulated hours, stays `stays_h` at most, and holds `battery_wh`."""

    number: int
    power_w: float
    every_h: float
    stays_h: float
    battery_wh: float
    register_wh: float = 0.0
    limit_w: float | None = None
    operative: bool = True
    charge: Charge | None = None
    _hours: float = field(default=0.0, repr=False)
    _round: int = field(default=-1, repr=False)

    @property
    def status(self) -> str:
        """In the words of 1.6."""
        if not self.operative:
            return "Unavailable"
        return "Charging" if self.charge is not None else "Available"

    def watts(self) -> float:
        """The power that flows now."""
        if self.charge is None:
            return 0.0
        over = max(0.0, self.charge.soc - _TAPERS) / (1 - _TAPERS)
        taken = self.power_w * max(_LEAST, 1 - over)
        return taken if self.limit_w is None else min(taken, self.limit_w)

    def flow(self, day: Day) -> None:
        """Let time go on: energy flows."""
        hours = day.hours_gone()
        gone, self._hours = hours - self._hours, hours
        if self.charge is not None:
            wh = min(self.watts() * gone, (1 - self.charge.soc) * self.battery_wh)
            self.register_wh += wh
            self.charge.soc += wh / self.battery_wh

    def arrives(self, day: Day) -> bool:
        """Whether a vehicle comes now: one in each round."""
        number, within = self._place(day)
        return self.charge is None and self.operative and number != self._round and within < self.stays_h

    def leaves(self, day: Day) -> bool:
        """Whether the vehicle is full, or its time is over."""
        if self.charge is None:
            return False
        over = not self.charge.remote and self._place(day)[1] >= self.stays_h
        return self.charge.soc >= _FULL or not self.operative or over

    def begin(self, name: str, day: Day, *, remote: bool = False) -> Charge:
        """A vehicle is plugged in."""
        self._round = self._place(day)[0]
        soc = _EMPTIEST + _EMPTIER * (self._round % _ROUNDS)
        self.charge = Charge(name, self.register_wh, soc, remote)
        return self.charge

    def _place(self, day: Day) -> tuple[int, float]:
        """Which round of the unit it is, and how many hours of it are gone."""
        number, within = divmod(day.hours_gone() + self.number * _GOLDEN * self.every_h, self.every_h)
        return int(number), within
