"""The figures of residents, each with its bar and where it is measured."""

from __future__ import annotations

from tools.figures import runs
from tools.figures.figure import Figure, Source, none_fails

LAWS, PROMISES, ENGINES = "tests/property/residents", "tests/contract/residents", "tests/engines/residents"
UNIT, HTTP, OUTSIDE = "tests/unit/residents", "tests/http/residents", "tests/outside/residents"
QUERIES, READS = f"{LAWS}/test_law_of_queries.py", f"{LAWS}/test_read_law.py"
WIRES = {"LAW_WIRES": "mongo ferret"}
MILLIONS = {"ERASE_RESIDENTS": "10000", "ERASE_DAYS": "365", "ERASE_VALUES": "105120"}

SOURCES = (
    Source("queries", runs.from_tests("residents_queries", QUERIES, "-k", "not wires")),
    Source("wires", runs.from_tests("residents_wires", QUERIES, "-k", "wires", environment={"MISONO_LONG": "1"})),
    Source("reads", runs.from_tests("residents_reads", READS, environment={"LAW_WORLDS": "300"})),
    Source(
        "read_wires",
        runs.from_tests("residents_read_wires", READS, "-k", "mongo or ferret", environment=WIRES),
    ),
    Source("leaks", runs.from_tests("residents_leaks", f"{PROMISES}/test_seeded_leaks.py")),
    Source("paths", runs.from_tests("residents_paths", PROMISES)),
    Source("revocation", runs.from_tests("residents_revocation", f"{OUTSIDE}/test_revocation.py")),
    Source("cost", runs.from_script("residents_cost", "tools.figures.residents_cost")),
    Source("doors", runs.from_script("residents_doors", "tools.figures.residents_doors")),
    Source("audit", runs.from_script("residents_audit", "tools.figures.audit_cost")),
    Source("erasure", runs.from_tests("residents_erasure", ENGINES)),
    Source(
        "millions",
        runs.from_tests("residents_millions", f"{ENGINES}/test_erasing_a_person.py", environment=MILLIONS),
        long=True,
    ),
    Source(
        "timing",
        runs.from_tests(
            "residents_timing", f"{OUTSIDE}/test_hidden_takes_as_long.py", environment={"TIMING": "2000"}
        ),
    ),
    Source("attacks", runs.from_tests("residents_attacks", UNIT, HTTP, OUTSIDE)),
    Source("services", runs.from_tests("residents_services", LAWS, "specs/residents")),
)  # fmt: skip


FIGURES = (
    Figure("random cases of the law of queries on memory and SQLite", "queries", "law_cases", "at least", 20_000),
    Figure("the same on MongoDB's wire", "wires", "law_cases_mongo", "at least", 2_000),
    Figure("the same on FerretDB's wire", "wires", "law_cases_ferret", "at least", 2_000),
    none_fails("queries", "engines on which a query tells of what is hidden"),
    none_fails("wires", "wires on which it does"),
    Figure("cases of it where history, changes, maps … are read", "reads", "law_reads_memory", "at least", 3_000),
    Figure("the same on SQLite", "reads", "law_reads_sqlite", "at least", 3_000),
    none_fails("reads", "engines on which they tell of what is hidden"),
    Figure("the same on MongoDB's wire", "read_wires", "law_reads_mongo", "at least", 500),
    Figure("the same on FerretDB's wire", "read_wires", "law_reads_ferret", "at least", 500),
    none_fails("read_wires", "wires on which they do"),
    Figure("seeded leaks that turn their test red", "leaks", "passed", "at least", 13),
    none_fails("leaks", "seeded leaks that do not"),
    none_fails("paths", "ways to read by which something hidden is told"),
    Figure("s after a withdrawal until nothing more leaves by any way", "revocation", "revocation", "at most", 2),
    none_fails("revocation", "ways that go on, or of which the audit says something else"),
    Figure("times that a consented type + q query takes of an unrestricted one", "cost", "query_times", "at most", 2),
    Figure("... at the door, told, written into the audit and synced", "doors", "door_query_times", "at most", 2),
    Figure("% of the creates without consents, at the door", "doors", "door_create_percent", "at least", 85),
    Figure("ms that an entry of the audit takes, many at once", "audit", "audit_entry_together_ms", "at most", 1.2),
    none_fails("erasure", "places where something is left, or comes back from a backup"),
    Figure(
        "instances among which those of one resident are erased",
        "millions",
        "erasure_instances",
        "at least",
        18_000_000,
    ),
    Figure("s that it takes", "millions", "erasure_s", "at most", 5),
    Figure("% between medians of requests for hidden and for absent ids", "timing", "hidden_or_absent", "at most", 5),
    none_fails("timing", "answers that differ"),
    none_fails("attacks", "attacks and refusals that are not as they should be"),
    none_fails("services", "laws and features of consents, store, bank, pricing and audit that fail"),
)
