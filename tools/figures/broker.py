"""The broker's figures: what its issue says it must show, each with its bar and where it is measured."""

from __future__ import annotations

from tools.figures import runs
from tools.figures.figure import Figure, Source, none_fails

OUTSIDE = "tests/outside"
BENCH = (
    "idle,create_c1,create_c16,create_c64,upsert_new,mem_20k,upsert_same,upsert_chg,get_c1,get_c16,query_c4,find_c4,"
    "tail_c4,page_c4,geo_c4,patch_c1,patch_c16,patch_c64,mixed_c16,upsert_big,mem_100k,get_c16_100k,"
    "query_c4_100k,find_c4_100k,tail_c4_100k,page_c4_100k,geo_c4_100k,patch_c16_100k,create_c16_100k"
)
"""The steps of the load generator that are about current state."""

SOURCES = (
    Source("conformance", runs.conformance("broker")),
    Source("agreement", runs.from_tests("agreement", "tests/engines/test_agreement.py")),
    Source("laws", runs.from_tests("laws", "tests/property", "tests/engines/test_store_machine.py", "tests/contract")),
    Source("schemathesis", runs.from_tests("schemathesis", f"{OUTSIDE}/test_schemathesis.py")),
    Source("hostile", runs.from_tests("hostile", f"{OUTSIDE}/test_hostile_input.py")),
    Source("doors", runs.from_tests("doors", "tests/http/test_both_doors.py")),
    Source("client", runs.from_tests("client", f"{OUTSIDE}/test_ngsildclient.py")),
    Source("increments", runs.from_tests("increments", f"{OUTSIDE}/test_increments.py")),
    Source("kills", runs.from_tests("kills", f"{OUTSIDE}/test_kill.py")),
    Source("cuts", runs.from_tests("cuts", "tests/engines/test_power_loss.py")),
    Source("backup", runs.from_tests("backup", "tests/engines/test_backup.py")),
    Source("hiding", runs.from_tests("hiding", "tests/contract/test_hidden_is_absent.py")),
    Source("models", runs.from_tests("models", f"{OUTSIDE}/test_smart_data_models.py")),
    Source("tenants", runs.from_tests("tenants", f"{OUTSIDE}/test_tenants.py", environment={"TENANTS": "10000"})),
    Source("durability", runs.durability),
    Source("bench", runs.bench("bench", BENCH), long=True),
)


def _rates() -> list[Figure]:
    rows = [
        ("create_c16", 2000, 500),
        ("create_c16_100k", 2000, 500),
        ("get_c16", 12000, 90),
        ("get_c16_100k", 12000, 90),
    ]
    found = []
    for step, rate, cpu_us in rows:
        found.append(Figure(f"{step}, operations/s", "bench", f"{step}.ops_per_s", "at least", rate))
        found.append(Figure(f"{step}, µs of CPU each", "bench", f"{step}.sut_cpu_us_per_op", "at most", cpu_us))
    found.append(Figure("upsert_new, entities/s", "bench", "upsert_new.entities_per_s", "at least", 6700))
    found.append(Figure("patch_c16_100k, operations/s", "bench", "patch_c16_100k.ops_per_s", "at least", 2000))
    return found


def _reads() -> list[Figure]:
    found = []
    for step, p50_ms in (("query_c4", 5), ("geo_c4", 5), ("find_c4", 5), ("tail_c4", 15), ("page_c4", 50)):
        found.append(Figure(f"{step}_100k, p50 ms", "bench", f"{step}_100k.p50_ms", "at most", p50_ms))
        found.append(
            Figure(f"{step}_100k, p50 as a multiple of that over 20,000", "bench", f"{step}.growth", "at most", 2)
        )
    return found


FIGURES = (
    Figure("ETSI tests that pass, %", "conformance", "percent", "at least", 99),
    Figure("ETSI tests run", "conformance", "tests", "at least", 796),
    Figure("failing ETSI tests without a reason", "conformance", "unexplained", "at most", 0),
    none_fails("agreement", "runs of random queries that a store and query.match answer differently"),
    Figure("entity and query pairs compared", "agreement", "pairs", "at least", 10_000),
    Figure("of them, such as select some but not all, %", "agreement", "biting_percent", "at least", 30),
    none_fails("laws", "laws that fail: fidelity, parsers, changes, state machines, every port on every store"),
    none_fails("schemathesis", "schemathesis runs that found a wrong answer, both doors"),
    none_fails("hostile", "tests of hostile input that fail"),
    none_fails("doors", "operations that the two doors answer differently"),
    none_fails("client", "runs of PyPI ngsildclient 0.5.2 that fail"),
    none_fails("increments", "runs of 16 clients that lose an increment, 1 and 2 workers"),
    none_fails("kills", "runs of 50 kills under load that lose an acknowledged write"),
    none_fails("cuts", "runs of power cuts that lose or halve an acknowledged write"),
    Figure("power cuts", "cuts", "cuts", "at least", 200),
    none_fails("backup", "backups and restores under load that fail"),
    none_fails("hiding", "operations that show what is hidden, each store"),
    none_fails("models", "imports of the 180 smart data model examples that fail"),
    Figure("RSS with 10,000 tenants of 10 entities, MiB", "tenants", "rss_mib", "at most", 400),
    Figure("cold GET among 10,000 tenants, p99 ms", "tenants", "cold_get_p99_ms", "at most", 20),
    *(
        Figure(f"syncs between a {kind} and its answer, least", "durability", f"{kind}_syncs", "at least", 1)
        for kind in ("create", "patch", "upsert", "delete")
    ),
    Figure("entity there after kill -9 right after its 201", "durability", "kept", "at least", 1),
    *_rates(),
    *_reads(),
    Figure("RSS at 100,000 entities, MiB", "bench", "mem_100k.rss_mib", "at most", 250),
    Figure("disk at 100,000 entities, MiB", "bench", "mem_100k.disk_mib", "at most", 500),
    Figure("largest WAL, MiB", "bench", "wal_peak_mib", "at most", 64),
    Figure("idle RSS, MiB", "bench", "idle.rss_mib", "at most", 90),
    Figure("start to ready, s", "bench", "start_s", "at most", 2),
)
