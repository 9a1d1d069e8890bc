"""Which role may do what at the doors of the city (energy, watch-over, lockers, …): a part of the table in `rights`."""

from __future__ import annotations

from typing import Final

from broker.access.roles import OPERATOR, OVERSEERS, RESIDENT, Rows

ISLANDING: Final[Rows] = {
    "energy_islanding_state": OVERSEERS | RESIDENT, "energy_islanding_events": OVERSEERS | RESIDENT,
    "energy_begin_drill": OPERATOR, "energy_end_drill": OPERATOR,
    "energy_propose_black_start": OPERATOR, "energy_confirm_black_start": OPERATOR,
}  # fmt: skip

CITY: Final[Rows] = {**ISLANDING}
