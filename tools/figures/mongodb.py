"""The figures of the MongoDB engine, each with its bar and where it is measured."""

from __future__ import annotations

from tools.figures import runs
from tools.figures.figure import Figure, Source

OUTSIDE = "tests/outside/mongodb"
ENGINES = "tests/engines/mongodb"
CONTRACTS = (
    "tests/contract",
    "tests/engines/test_edges_agree.py",
    "tests/engines/test_store_machine.py",
    "tests/engines/history",
    "-k",
    "mongo or ferret",
)
PAIRS = 5000
"""Random entities and queries that must agree on each wire."""

SOURCES = (
    Source("broker", runs.conformance("broker", store="mongodb"), long=True),
    Source("history", runs.conformance("history", store="mongodb"), long=True),
    Source("contracts", runs.from_tests("mongodb_contracts", *CONTRACTS)),
    Source(
        "agreement", runs.from_tests("mongodb_agreement", "tests/engines/test_agreement.py", "-k", "mongo or ferret")
    ),
    Source("commands", runs.from_tests("mongodb_commands", f"{ENGINES}/test_command_counts.py")),
    Source("crashes", runs.from_tests("mongodb_crashes", ENGINES)),
    Source("processes", runs.from_tests("mongodb_processes", f"{OUTSIDE}/test_many_processes.py")),
    Source("killed", runs.from_tests("mongodb_killed", f"{OUTSIDE}/test_killed.py", environment={"LONG": "1"})),
    Source("outage", runs.from_tests("mongodb_outage", f"{OUTSIDE}/test_outage.py")),
    Source("copy", runs.from_tests("mongodb_copy", f"{OUTSIDE}/test_copy.py")),
    Source("city", runs.from_tests("city", "tests/unit/mongodb/test_city_compose.py", f"{OUTSIDE}/test_city_proxy.py")),
)


def _none_fails(source: str, about: str) -> Figure:
    return Figure(about, source, "failed", "at most", 0)


def _suite(area: str, tests: int) -> list[Figure]:
    return [
        Figure(f"ETSI tests of {area} run on MongoDB", area, "tests", "at least", tests),
        Figure(f"of them, failing where SQLite's do not ({area})", area, "unexplained", "at most", 0),
    ]


def _wire(wire: str) -> list[Figure]:
    return [Figure(f"random entities and queries that agree, {wire}", "agreement", f"pairs_{wire}", "at least", PAIRS)]


FIGURES = (
    *_suite("broker", 800),
    *_suite("history", 400),
    _none_fails("contracts", "contracts and laws that do not hold on the MongoDB engine, on both wires"),
    Figure("of these, passed", "contracts", "passed", "at least", 200),
    *_wire("mongo"),
    *_wire("ferret"),
    Figure("commands a create", "commands", "create_commands", "at most", 3),
    Figure("commands a GET by id", "commands", "get_commands", "at most", 1),
    Figure("commands a page of 100", "commands", "page_commands", "at most", 2),
    _none_fails("commands", "operations that send more commands than they may"),
    _none_fails("crashes", "ends between two commands that lose or double something"),
    _none_fails("processes", "changes that another process does not see within a second, and what is sent twice"),
    _none_fails("killed", "writes or notifications lost, or sent too often, in two minutes of kill -9"),
    _none_fails("outage", "requests that hang, lose or are refused wrongly while the server is away for 20 s"),
    _none_fails("copy", "copies that lose something, resumed or not"),
    Figure("read-only time of a switch, s", "copy", "read_only_s", "at most", 60),
    _none_fails("city", "faults of docker-compose.yml, its proxy and its mosquitto"),
    Figure("of these tests, skipped", "city", "skipped", "at most", 0),
)
