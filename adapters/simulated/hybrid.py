"""A hybrid inverter that is not there: sun, battery and house by the simulated hour, and what it is told to do."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from adapters.simulated.day import Day

_STEP_H: Final = 0.1
_LOW, _HIGH = 0.1, 0.98
"""Between which charges the battery works."""
_LOSS: Final = 0.04
_EVENING: Final = (17.0, 23.0)
_MORNING: Final = (6.0, 9.0)
_NIGHT: Final = 0.35


@dataclass
class Hybrid:
    """A plant of `solar_w` at the best of the sun, with a battery, and a house that takes `load_w` in the evening.

    Powers are in W: `pv_w` and `ac_w` (to the house and the grid) as the inverter gives them, `battery_w_in` into the
    battery, which takes and gives `battery_w` at most, `grid_w_in` into the house. `set_w` is what it is told to give.
    """

    solar_w: float = 4000.0
    battery_wh: float = 12_000.0
    battery_w: float = 3000.0
    rated_w: float = 5000.0
    load_w: float = 900.0
    soc: float = 0.55
    set_w: float | None = None
    pv_w: float = 0.0
    ac_w: float = 0.0
    battery_w_in: float = 0.0
    grid_w_in: float = 0.0
    given_wh: float = 0.0
    taken_wh: float = 0.0
    pv_wh: float = 0.0
    bought_wh: float = 0.0
    sold_wh: float = 0.0
    _hours: float = field(default=0.0, repr=False)

    def go_on(self, day: Day) -> None:
        """Let everything happen that did since the last time."""
        left = day.hours_gone() - self._hours
        self._hours = day.hours_gone()
        self._flow(day.sun(), house(day.hour()) * self.load_w)
        while left > 0:
            self._pass(min(left, _STEP_H))
            left -= _STEP_H

    def _flow(self, sun: float, load: float) -> None:
        """Where power flows now: to what was set, else so that little is bought."""
        self.pv_w = self.solar_w * sun
        wanted = load if self.set_w is None else self.set_w
        charge = self.pv_w - wanted
        most = self.battery_w if self.soc < _HIGH else 0.0
        least = -self.battery_w if self.soc > _LOW else 0.0
        self.battery_w_in = min(max(charge, least), most)
        most_ac = self.rated_w if self.set_w is None else min(self.rated_w, max(self.set_w, -self.battery_w_in))
        self.ac_w = min(max(self.pv_w - self.battery_w_in, -self.rated_w), most_ac)
        self.pv_w = self.ac_w + self.battery_w_in  # what has no way out is not taken from the sun
        self.grid_w_in = load - self.ac_w

    def _pass(self, hours: float) -> None:
        gained = self.battery_w_in * hours
        self.soc = min(max(self.soc + (gained * (1 - _LOSS) if gained > 0 else gained) / self.battery_wh, 0.0), 1.0)
        self.pv_wh += max(self.pv_w, 0.0) * hours
        self.given_wh += max(self.ac_w, 0.0) * hours
        self.taken_wh += max(-self.ac_w, 0.0) * hours
        self.bought_wh += max(self.grid_w_in, 0.0) * hours
        self.sold_wh += max(-self.grid_w_in, 0.0) * hours


def house(hour: float) -> float:
    """How much of its evening's power a house takes, from 0 to 1."""
    if _EVENING[0] <= hour < _EVENING[1]:
        return 1.0
    return 0.7 if _MORNING[0] <= hour < _MORNING[1] else _NIGHT
