"""The figures of data models, each with its bar and where it is measured."""

from __future__ import annotations

from tools.figures import gate_rates, opendata, runs
from tools.figures.figure import Figure, Source, none_fails

UNIT, OUTSIDE = "tests/unit/models", "tests/outside/models"

SOURCES = (
    Source("packages", runs.from_tests("model_packages", f"{UNIT}/test_packages.py", f"{UNIT}/test_installed.py")),
    Source("official", runs.from_tests("model_official", f"{OUTSIDE}/test_official_models.py")),
    Source("law", runs.from_tests("model_law", "tests/property/models")),
    Source(
        "mutations", runs.from_tests("model_mutations", f"{UNIT}/test_mutations.py", environment={"MUTATIONS": "1000"})
    ),
    Source("shapes", runs.from_tests("model_shapes", f"{OUTSIDE}/test_shapes.py", environment={"SHAPES": "all"})),
    Source(
        "gate",
        runs.from_tests("model_gate", f"{UNIT}/test_gate.py", f"{UNIT}/test_policies.py", "tests/http/models"),
    ),
    Source("city", runs.from_tests("model_city", f"{OUTSIDE}/test_new_city.py")),
    Source("rates", gate_rates.rates),
    Source("opendata", opendata.imported),
)


FIGURES = (
    none_fails("packages", "packages that break a rule, or are not as their manifest says"),
    Figure("models whose official example was tried", "official", "official_examples", "at least", 115),
    Figure(
        "official examples refused without a rule of theirs being named",
        "official",
        "official_unexplained",
        "at most",
        0,
    ),
    Figure(
        "examples of ours that an official schema refuses without a reason",
        "official",
        "ours_unexplained",
        "at most",
        0,
    ),
    Figure(
        "models whose triples differ between the official context and ours",
        "official",
        "triples_differing",
        "at most",
        0,
    ),
    Figure("tests with the official set, skipped", "official", "skipped", "at most", 0),
    none_fails("law", "bodies on which the normalized schema and the decoder disagree"),
    Figure(
        "models of which 1,000 mutations are refused with the right pointer",
        "mutations",
        "mutated_models",
        "at least",
        187,
    ),
    none_fails("mutations", "packages with a mutation that is taken, or refused elsewhere"),
    none_fails("shapes", "packages whose shapes refuse a good example or take a broken one"),
    Figure("creates with the gate on reject, % of those with off", "rates", "create_percent", "at least", 80),
    Figure("upserts with the gate on reject, % of those with off", "rates", "upsert_percent", "at least", 80),
    Figure("import of 100,000 rows of facilities with errors in 1 %, s", "opendata", "import_s", "at most", 60),
    Figure("right rows of that file that did not go in", "opendata", "import_missing", "at most", 0),
    Figure("wrong rows of it that the report does not name", "opendata", "import_untold", "at most", 0),
    Figure("imports with a wrong row that wrote something", "opendata", "import_half_written", "at most", 0),
    none_fails("gate", "tests of the gate, its policies and what the doors tell of models that fail"),
    none_fails("city", "steps of docs/new-city.md that fail"),
)
