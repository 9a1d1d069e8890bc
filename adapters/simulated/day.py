"""The simulated hour of the day, for devices that are not there."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

HOURS: Final = 24.0
_SUNRISE, _SUNSET = 6.5, 16.5


@dataclass(frozen=True, slots=True)
class Day:
    """A day that begins at `starts_at` o'clock and takes `length_s`; `seconds` is a clock that only goes on."""

    seconds: Callable[[], float]
    length_s: float = 600.0
    starts_at: float = 9.0

    def hour(self) -> float:
        """From 0 to below 24: `9.5` is half past nine."""
        return (self.starts_at + self.seconds() / self.length_s * HOURS) % HOURS

    def sun(self) -> float:
        """How much of its best a solar plant gives, from 0 to 1."""
        height = (self.hour() - _SUNRISE) / (_SUNSET - _SUNRISE)
        return math.sin(math.pi * height) if 0.0 < height < 1.0 else 0.0

    def hours_gone(self) -> float:
        """Simulated hours since the beginning: what a counter of energy goes by."""
        return self.seconds() / self.length_s * HOURS
