"""Which role may do what at the doors of the city (energy, watch-over, lockers, …): a part of the table in `rights`."""

from __future__ import annotations

from typing import Final

from broker.access.roles import BOARD, OPERATOR, OVERSEERS, RECIPIENT, RESIDENT, Rows

ISLANDING: Final[Rows] = {
    "energy_islanding_state": OVERSEERS | RESIDENT, "energy_islanding_events": OVERSEERS | RESIDENT,
    "energy_begin_drill": OPERATOR, "energy_end_drill": OPERATOR,
    "energy_propose_black_start": OPERATOR, "energy_confirm_black_start": OPERATOR,
}  # fmt: skip

PLANNING: Final[Rows] = {
    "energy_list_plans": RESIDENT, "energy_ask_plan": RESIDENT, "energy_retrieve_plan": RESIDENT,
    "energy_forecast": RESIDENT, "energy_planning_wish": RESIDENT, "energy_set_planning_wish": RESIDENT,
    "energy_run_planning": OPERATOR, "energy_indicators": OVERSEERS | RESIDENT | BOARD,
}  # fmt: skip

WATCH: Final[Rows] = {
    "watch_show_plan": RESIDENT, "watch_set_plan": RESIDENT, "watch_end_plan": RESIDENT,
    "watch_list_events": RESIDENT,
    "watch_retrieve_event": RESIDENT | RECIPIENT, "watch_list_told": RESIDENT | RECIPIENT,
    "watch_acknowledge": RESIDENT | RECIPIENT, "watch_resolve": RESIDENT | RECIPIENT,
}  # fmt: skip

CITY: Final[Rows] = {**WATCH, **ISLANDING, **PLANNING}
