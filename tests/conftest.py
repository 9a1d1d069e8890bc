"""How laws are tried: fewer examples at the desk, more in continuous integration (`HYPOTHESIS_PROFILE=ci`)."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# No deadlines: a busy machine is no bug. Budgets are held by tools/run_tests.py and by the bench.
settings.register_profile("desk", deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", parent=settings.get_profile("desk"), max_examples=100, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "desk"))
