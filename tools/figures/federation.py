"""The figures of federation, each with its bar and where it is measured."""

from __future__ import annotations

from tools.figures import runs
from tools.figures.figure import Figure, Source, none_fails

OUTSIDE = "tests/outside/federation"
FEATURES = "specs/test_features.py"

SOURCES = (
    Source("conformance", runs.conformance("federation")),
    Source("suite", runs.whole_suite, long=True),
    Source("five", runs.from_tests("five", f"{OUTSIDE}/test_five_sources.py")),
    Source("hostile", runs.from_tests("hostile_writes", f"{OUTSIDE}/test_hostile_writes.py")),
    Source("circle", runs.from_tests("circle", f"{OUTSIDE}/test_three_in_a_circle.py")),
    Source("overhead", runs.from_tests("overhead", f"{OUTSIDE}/test_overhead.py")),
    Source("agent", runs.from_tests("agent", f"{OUTSIDE}/test_agent.py")),
    Source("processes", runs.from_tests("federation_processes", f"{OUTSIDE}/test_workers_see_registrations.py")),
    Source("cities", runs.from_tests("cities", f"{OUTSIDE}/test_two_cities.py")),
    Source("agreement", runs.from_tests("federation_agreement", "tests/property/federation")),
    Source(
        "operations",
        runs.from_tests("federation_operations", "tests/http/federation", "tests/unit/federation", FEATURES),
    ),
    Source(
        "join",
        runs.from_tests("join", f"{OUTSIDE}/test_federate_command.py", "tests/http/federation/test_catalogue.py"),
    ),
    Source("hiding", runs.from_tests("federation_hiding", "tests/contract/test_hidden_is_absent.py")),
)


def _five() -> list[Figure]:
    return [
        none_fails("five", "questions over five sources, one hanging, one garbage, one large, that fail"),
        Figure("a query over all, its timeout 2,000 ms: slowest ms", "five", "five_slowest_ms", "at most", 2700),
        Figure("the hub in the middle of it, MiB", "five", "five_rss_mib", "at most", 300),
        Figure("the same after all pages of 10,000 entities, MiB", "five", "pages_rss_mib", "at most", 300),
    ]


FIGURES = (
    Figure("ETSI tests of federation that pass, %", "conformance", "percent", "at least", 98),
    Figure("ETSI tests of federation run", "conformance", "tests", "at least", 544),
    Figure("failing ETSI tests without a reason", "conformance", "unexplained", "at most", 0),
    Figure("tests of the whole ETSI suite that pass", "suite", "passed", "at least", 1755),
    Figure("tests of the whole ETSI suite run", "suite", "tests", "at least", 1779),
    Figure("of the folders of issue 3, %", "suite", "broker", "at least", 99),
    Figure("of the folders of issue 4, %", "suite", "history", "at least", 99),
    Figure("failing tests of the whole suite without a reason", "suite", "unexplained", "at most", 0),
    *_five(),
    none_fails("hostile", "proxied writes that a source did not do and that are not refused in time"),
    none_fails("circle", "questions to three hubs that registered each other that don't end, or repeat an entity"),
    Figure("a query in the circle, slowest ms", "circle", "circle_slowest_ms", "at most", 2000),
    Figure("CPU of a forwarded query as a multiple of a local one", "overhead", "forward_times", "at most", 2.5),
    Figure(
        "local GET by id with 10,000 registrations that don't match, % lost",
        "overhead",
        "registrations_loss_percent",
        "at most",
        10,
    ),
    none_fails("agent", "tests with iotagent-node-lib as a source that fail"),
    Figure("of these tests, skipped", "agent", "skipped", "at most", 0),
    none_fails("processes", "registrations that another process of the hub does not see"),
    none_fails("cities", "steps of the example of two cities that fail"),
    none_fails("agreement", "random registrations and requests on which index and loop disagree"),
    none_fails("operations", "tests of registrations, plans, merges, answers and features that fail"),
    none_fails("join", "tests of misono federate, and of the catalogue under the published shapes, that fail"),
    Figure("of these tests, skipped", "join", "skipped", "at most", 0),
    none_fails("hiding", "operations that show what is hidden, each store"),
)
