"""The figures of the energy community, each with its bar and where it is measured."""

from __future__ import annotations

from tools.figures import runs
from tools.figures.figure import Figure, Source, none_fails

LAWS, UNIT, HTTP, STORIES = "tests/property/energy", "tests/unit/energy", "tests/http/energy", "specs/energy"
OUTSIDE = "tests/outside/energy"
FORECASTS = {"FORECAST_SITES": "20", "FORECAST_SEEDS": "5"}
SETTLED = {"SETTLE_PARTICIPANTS": "10000", "SETTLE_SLOTS": "48", "SETTLE_DAYS": "30"}

SOURCES = (
    Source("settling", runs.from_tests("energy_settling", f"{UNIT}/test_settlement_speed.py", environment=SETTLED)),
    Source(
        "settlement",
        runs.from_tests(
            "energy_settlement", f"{LAWS}/test_settlement_law.py", f"{UNIT}/test_settlement_runs.py",
            f"{STORIES}/test_settlement_features.py",
        ),
    ),
    Source(
        "market",
        runs.from_tests(
            "energy_market", f"{LAWS}/test_market_laws.py",
            environment={"MISONO_MARKET_BOOKS": "5000", "MISONO_MARKET_SMALL": "5000"},
        ),
    ),
    Source(
        "clearing",
        runs.from_tests(
            "energy_clearing", f"{UNIT}/test_clearing.py", f"{UNIT}/test_safety_gate.py", f"{HTTP}/test_market.py",
            f"{STORIES}/test_market_features.py", f"{OUTSIDE}/test_emulated_interchange.py",
        ),
    ),
    Source(
        "forecasts", runs.from_tests("energy_forecasts", f"{UNIT}/test_forecasts.py", environment=FORECASTS)
    ),
    Source(
        "plans", runs.from_tests("energy_plans", f"{LAWS}/test_plan_laws.py", environment={"PLANS": "1000"})
    ),
    Source(
        "planning",
        runs.from_tests(
            "energy_planning", f"{UNIT}/test_planning.py", f"{HTTP}/test_planning_doors.py",
            f"{STORIES}/test_planning_features.py",
        ),
    ),
    Source(
        "blackouts",
        runs.from_tests("energy_blackouts", f"{LAWS}/test_blackout.py", environment={"BLACKOUTS": "300"}),
    ),
    Source(
        "district",
        runs.from_tests("energy_district", f"{LAWS}/test_district.py", environment={"DISTRICT_DAYS": "30"}),
    ),
    Source(
        "islanding",
        runs.from_tests(
            "energy_islanding", f"{LAWS}/test_rationing.py", f"{HTTP}/test_islanding.py",
            f"{HTTP}/test_blackout_of_contracts.py",
            f"{STORIES}/test_islanding_features.py", f"{OUTSIDE}/test_simulated_routers.py",
        ),
    ),
)  # fmt: skip
FIGURES = (
    Figure("s to settle 10,000 participants by 48 slots", "settling", "settle_participants_s", "at most", 60),
    Figure("s to settle 30 days of 7 sites, read each minute", "settling", "settle_days_s", "at most", 60),
    none_fails("settling", "sums that are not zero, runs again that book, corrections that touch another slot"),
    none_fails("settlement", "vectors, laws and stories of settlement that do not hold"),
    Figure("books cleared as well as by trying everything", "market", "market_brute_force_books", "at least", 5000),
    none_fails("market", "laws of both markets that do not hold: reason, budget, energy, sequence"),
    Figure("W lost of 700 W with the APIS emulator", "clearing", "market_interchange_loss_w", "at least", 126),
    none_fails("clearing", "vectors (15,000 mJPY/kWh, all-in too), rules of the gate, doors and stories that fail"),
    Figure("of persistence's error in the sun of the district", "forecasts", "district_pv_error", "at most", 0.9),
    Figure("... in its load", "forecasts", "district_load_error", "at most", 0.9),
    Figure("of persistence's error in the sun, forecast worse", "forecasts", "forecast_pv_error", "at most", 0.9),
    Figure("... in the load", "forecasts", "forecast_load_error", "at most", 0.9),
    Figure("plans that cannot be done, or are worse than nothing", "plans", "plans_wrong", "at most", 0),
    Figure("small plans of which trying everything finds better", "plans", "plans_against_brute_force", "at most", 0),
    none_fails("planning", "tests and stories of plans and of the district's figures that fail"),
    Figure("blackouts gone through, with messages lost, doubled, late", "blackouts", "passed", "at least", 300),
    none_fails("blackouts", "blackouts in which a state, a load, a contract or the books go wrong"),
    Figure("s that a month of seven sites takes in the simulator", "district", "district_month_s", "at most", 60),
    none_fails("district", "laws of the simulator that fail"),
    none_fails("islanding", "laws, doors and stories of islanding that fail"),
)  # fmt: skip
