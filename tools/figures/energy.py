"""The figures of the energy community, each with its bar and where it is measured."""

from __future__ import annotations

from tools.figures import runs
from tools.figures.figure import Figure, Source, none_fails

LAWS, UNIT, HTTP, STORIES = "tests/property/energy", "tests/unit/energy", "tests/http/energy", "specs/energy"
FORECASTS = {"FORECAST_SITES": "20", "FORECAST_SEEDS": "5"}

SOURCES = (
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
)  # fmt: skip
FIGURES = (
    Figure("of persistence's error in the sun of the district", "forecasts", "district_pv_error", "at most", 0.9),
    Figure("... in its load", "forecasts", "district_load_error", "at most", 0.9),
    Figure("of persistence's error in the sun, forecast worse", "forecasts", "forecast_pv_error", "at most", 0.9),
    Figure("... in the load", "forecasts", "forecast_load_error", "at most", 0.9),
    Figure("plans that cannot be done, or are worse than nothing", "plans", "plans_wrong", "at most", 0),
    Figure("small plans of which trying everything finds better", "plans", "plans_against_brute_force", "at most", 0),
    none_fails("planning", "tests and stories of plans and of the district's figures that fail"),
)  # fmt: skip
