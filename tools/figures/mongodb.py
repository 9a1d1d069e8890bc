"""The figures of the MongoDB engine, each with its bar and where it is measured."""

from __future__ import annotations

from tools.figures import runs
from tools.figures.figure import Figure, Source, none_fails

OUTSIDE = "tests/outside/mongodb"
ENGINES = "tests/engines/mongodb"
CONTRACTS = ("tests/contract", "tests/engines/history", "specs/test_features.py", "-k", "mongo or ferret")
AGREEMENT = f"{ENGINES}/test_queries_agree.py"
MISHAPS = f"{OUTSIDE}/test_killed_and_cut_off.py"
LONG = {"MISONO_LONG": "1"}
PAIRS = 5000
"""Random entities and queries that must agree on each wire."""
KILLS = 24
"""Two minutes, one each five seconds."""

SOURCES = (
    Source("broker", runs.conformance("broker", store="mongodb"), long=True),
    Source("history", runs.conformance("history", store="mongodb"), long=True),
    Source("contracts", runs.from_tests("mongodb_contracts", *CONTRACTS)),
    Source("java", runs.from_tests("mongodb_java", AGREEMENT, "-k", "not ferret", environment=LONG)),
    Source("ferret", runs.from_tests("mongodb_ferret", AGREEMENT, "-k", "ferret", environment=LONG)),
    Source("commands", runs.from_tests("mongodb_commands", f"{ENGINES}/test_command_counts.py")),
    Source("deaths", runs.from_tests("mongodb_deaths", f"{ENGINES}/test_death_between_commands.py")),
    Source("laws", runs.from_tests("mongodb_laws", f"{ENGINES}/test_mongo_machine.py", "tests/property/mongodb")),
    Source("processes", runs.from_tests("mongodb_processes", f"{OUTSIDE}/test_brokers_on_one_server.py")),
    Source("killed", runs.from_tests("mongodb_killed", MISHAPS, "-k", "killed_again", environment=LONG)),
    Source("outage", runs.from_tests("mongodb_outage", MISHAPS, "-k", "away", environment=LONG)),
    Source("copy", runs.from_tests("mongodb_copy", f"{OUTSIDE}/test_copy.py", environment=LONG)),
    Source("city", runs.from_tests("city", "tests/unit/mongodb/test_city_compose.py", f"{OUTSIDE}/test_city_proxy.py")),
)


def _suite(area: str, tests: int) -> list[Figure]:
    return [
        Figure(f"ETSI tests of {area} run on MongoDB", area, "tests", "at least", tests),
        Figure(f"of them, failing where SQLite's do not ({area})", area, "unexplained", "at most", 0),
    ]


def _wire(wire: str) -> list[Figure]:
    return [
        Figure(f"random entities and queries asked on {wire}", wire, "pairs", "at least", PAIRS),
        none_fails(wire, f"of them, sets that do not agree, or do not bite ({wire})"),
        Figure(f"of them, skipped ({wire})", wire, "skipped", "at most", 0),
    ]


FIGURES = (
    *_suite("broker", 800),
    *_suite("history", 400),
    none_fails("contracts", "contracts and features that do not hold on the MongoDB engine, on both wires"),
    Figure("of them, held", "contracts", "passed", "at least", 900),
    Figure("of them, skipped", "contracts", "skipped", "at most", 0),
    *_wire("java"),
    *_wire("ferret"),
    Figure("commands a create", "commands", "create_commands", "at most", 3),
    Figure("commands a GET by id", "commands", "get_commands", "at most", 1),
    Figure("commands a page of 100", "commands", "page_commands", "at most", 2),
    Figure("commands a page of 100 by value", "commands", "page_q_commands", "at most", 2),
    Figure("commands a page of 100 near a place", "commands", "page_near_commands", "at most", 2),
    none_fails("commands", "operations that send more commands than they may"),
    none_fails("deaths", "ends between two commands that lose or double something"),
    none_fails("laws", "random histories of writes, and filters, that go wrong"),
    none_fails("processes", "what another process does not see within a second, or tells twice"),
    Figure("kills in two minutes under load", "killed", "kills", "at least", KILLS),
    none_fails("killed", "writes or notifications lost, periods missing or sent too often under them"),
    Figure("of timers, notifications that came twice, one a kill allowed", "killed", "periods_twice", "at most", KILLS),
    Figure("seconds that the server is away under load", "outage", "away_s", "at least", 20),
    none_fails("outage", "requests that hang, are refused wrongly or lose something meanwhile"),
    Figure("slowest answer meanwhile, s", "outage", "slowest_s", "at most", 20),
    none_fails("copy", "copies that lose something, resumed or not"),
    Figure("read-only time of a switch, s", "copy", "read_only_s", "at most", 60),
    none_fails("city", "faults of docker-compose.yml, its proxy and its mosquitto"),
    Figure("of these tests, skipped", "city", "skipped", "at most", 0),
)
