"""Which role may do what at the doors of the city (energy, watch-over, lockers, …): a part of the table in `rights`."""

from __future__ import annotations

from typing import Final

from broker.access.roles import BOARD, DEVICE, OPERATOR, OVERSEERS, RECIPIENT, RESIDENT, Rows

MARKET: Final[Rows] = {
    "energy_place_order": RESIDENT | OPERATOR, "energy_cancel_order": RESIDENT | OPERATOR,
    "energy_list_orders": RESIDENT | OPERATOR, "energy_retrieve_order": RESIDENT | OPERATOR,
    "energy_list_market_runs": RESIDENT | OVERSEERS, "energy_retrieve_market": RESIDENT | OVERSEERS,
    "energy_set_market": OPERATOR,
    "energy_list_contracts": RESIDENT | OVERSEERS, "energy_retrieve_contract": RESIDENT | OVERSEERS,
}  # fmt: skip

SETTLEMENT: Final[Rows] = {
    "energy_list_meters": RESIDENT | OVERSEERS, "energy_correct_meter": OPERATOR,
    "energy_list_runs": RESIDENT | OVERSEERS, "energy_run_settlement": OPERATOR,
    "energy_read_statement": RESIDENT | OVERSEERS,
    "energy_list_tariffs": RESIDENT | OVERSEERS, "energy_add_tariff": OPERATOR,
    "energy_list_imbalance": RESIDENT | OVERSEERS, "energy_import_imbalance": OPERATOR,
}  # fmt: skip

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

LOCKERS: Final[Rows] = {
    "lockers_reserve": RESIDENT | RECIPIENT, "lockers_list_deliveries": RESIDENT,
    "lockers_retrieve_delivery": RESIDENT | RECIPIENT, "lockers_new_code": RESIDENT | RECIPIENT,
    "lockers_new_pin": RESIDENT, "lockers_cancel": RESIDENT | RECIPIENT, "lockers_open": DEVICE,
}  # fmt: skip

CHILDCARE: Final[Rows] = {
    "childcare_register_supporter": RESIDENT, "childcare_end_supporter": RESIDENT,
    "childcare_check_supporter": OPERATOR,
    "childcare_ask": RESIDENT, "childcare_list_requests": RESIDENT, "childcare_retrieve_request": RESIDENT,
    "childcare_list_open": RESIDENT, "childcare_offer": RESIDENT, "childcare_match": RESIDENT,
    "childcare_complete": RESIDENT, "childcare_cancel": RESIDENT,
}  # fmt: skip

CURRENCY: Final[Rows] = {"currency_list_points": RESIDENT}

CITY: Final[Rows] = {**MARKET, **SETTLEMENT, **WATCH, **LOCKERS, **CHILDCARE, **CURRENCY, **ISLANDING, **PLANNING}
