"""A battery in whole joules: what it takes and gives at its terminals, and what it loses by it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

WH: Final = 3_600
"""Joules."""
PER_CENT: Final = 100
CHARGING, DISCHARGING = 95, 95
"""Per cent of what flows that is not lost."""
EMPTY, FULL = 5, 95
"""Per cent of its capacity that it never leaves."""


@dataclass(slots=True)
class Battery:
    """`held_j` is what is in it; `lost_j` what became heat."""

    capacity_j: int
    power_w: int
    held_j: int
    lost_j: int = 0

    @property
    def per_mille(self) -> int:
        """Its state of charge in thousandths."""
        return self.held_j * 1_000 // self.capacity_j

    def at(self, per_cent: int) -> int:
        """Joules that it holds at a state of charge."""
        return self.capacity_j * per_cent // PER_CENT

    def can_give(self, seconds: int, down_to: int = EMPTY) -> int:
        """Watts at its terminals for so long, down to a state of charge (per cent)."""
        over = max(0, self.held_j - self.at(down_to)) * DISCHARGING // PER_CENT
        return min(self.power_w, over // seconds)

    def can_take(self, seconds: int) -> int:
        """Watts at its terminals for so long."""
        room = max(0, self.at(FULL) - self.held_j) * PER_CENT // CHARGING
        return min(self.power_w, room // seconds)

    def flow(self, watts: int, seconds: int) -> None:
        """Let it take (positive) or give."""
        joules = watts * seconds
        change = joules * CHARGING // PER_CENT if joules >= 0 else -(-joules * PER_CENT // DISCHARGING)
        self.held_j += change
        self.lost_j += joules - change
