"""The figures of subscriptions, notifications, history and the stream, each with its bar and where it is measured."""

from __future__ import annotations

from tools.figures import runs
from tools.figures.figure import Figure, Source, none_fails

OUTSIDE = "tests/outside/history"
BENCH = "subs_1,subs_1000,tcreate,tappend_c16,tquery_c4"

SOURCES = (
    Source("conformance", runs.conformance("history")),
    Source("agreement", runs.from_tests("history_agreement", "tests/engines/history", "tests/property/history")),
    Source("contracts", runs.from_tests("history_contracts", "tests/contract/history")),
    Source("hiding", runs.from_tests("history_hiding", "tests/contract/test_hidden_is_absent.py")),
    Source("faults", runs.from_tests("faults", f"{OUTSIDE}/test_delivery_faults.py", environment={"MISONO_LONG": "1"})),
    Source(
        "delivery",
        runs.from_tests(
            "delivery",
            "tests/contract/history/test_delivering.py",
            "tests/unit/history/test_queues.py",
            "tests/unit/history/test_webhook_transport.py",
            "tests/unit/history/test_mqtt_transport.py",
        ),
    ),
    Source("processes", runs.from_tests("processes", "tests/engines/history/test_several_processes.py")),
    Source("killed", runs.from_tests("killed", "tests/engines/history/test_outbox_killed.py")),
    Source("year", runs.from_tests("year", f"{OUTSIDE}/test_year.py")),
    Source(
        "stream", runs.from_tests("stream", "tests/http/history/test_events.py", f"{OUTSIDE}/test_events_served.py")
    ),
    Source("bench", runs.bench("history_bench", BENCH)),
)


def _subscriptions() -> list[Figure]:
    found = []
    for step, about in (("subs_1", "1 subscription"), ("subs_1000", "1,000 subscriptions")):
        found += [
            Figure(f"{about}, as fast as it goes: notifications lost", "bench", f"{step}.sat_lost", "at most", 0),
            Figure(f"{about}, 100 updates/s: notifications lost", "bench", f"{step}.paced_lost", "at most", 0),
            Figure(f"{about}: notifications that should not be", "bench", f"{step}.spurious", "at most", 0),
            Figure(f"{about}: notified/s sustained", "bench", f"{step}.sat_notified_per_s", "at least", 600),
            Figure(
                f"{about}, 100 updates/s: p99 ms from sending to receiving",
                "bench",
                f"{step}.paced_notif_p99_ms",
                "at most",
                50,
            ),
        ]
    found.append(
        Figure("update rate with 1,000 subscriptions, % of that with 1", "bench", "subs.share", "at least", 80)
    )
    return found


def _year() -> list[Figure]:
    asked = (("day", "a day"), ("month", "a month's daily averages"), ("last_ten", "the last ten"))
    return [
        none_fails("year", "loads of a year of one house that fail, or are read back wrong"),
        Figure("instances of the attribute", "year", "instances", "at least", 105_120),
        *(Figure(f"{about} of the year, slowest ms", "year", f"{key}_max_ms", "at most", 100) for key, about in asked),
        Figure("hourly avg, min, max over 100,000 instances, p50 ms", "year", "hourly_p50_ms", "at most", 50),
    ]


FIGURES = (
    Figure("ETSI tests that pass, %", "conformance", "percent", "at least", 99),
    Figure("ETSI tests run", "conformance", "tests", "at least", 439),
    Figure("failing ETSI tests without a reason", "conformance", "unexplained", "at most", 0),
    none_fails(
        "agreement", "random histories and subscriptions that the engines, or index and loop, answer differently"
    ),
    none_fails("contracts", "promises of held documents, outbox, leases and history that an engine breaks"),
    none_fails("hiding", "operations that show what is hidden, each store"),
    none_fails(
        "faults", "receiver a minute away, mosquitto restarted, broker killed 20 times: runs that lose or disorder"
    ),
    Figure("of these runs, skipped", "faults", "skipped", "at most", 0),
    none_fails(
        "delivery", "tests of delivery that fail: 500, hang, reset, 10 MB, order, dead letters, MQTT, signatures"
    ),
    Figure("of these tests, skipped", "delivery", "skipped", "at most", 0),
    none_fails("processes", "jobs that two processes on one store do twice or not at all"),
    none_fails("killed", "kills between commit and delivery that lose a notification"),
    *_subscriptions(),
    Figure("temporal appends/s, 16 connections", "bench", "tappend_c16.ops_per_s", "at least", 2000),
    Figure("after + lastN queries/s, 4 connections", "bench", "tquery_c4.ops_per_s", "at least", 4700),
    *_year(),
    none_fails(
        "stream", "tests of the change stream that fail: order, positions, filters, back-pressure, access, stop"
    ),
    Figure("300 idle followers, ms of CPU a second", "stream", "idle_ms_a_second", "at most", 50),
    Figure("a follower, KiB", "stream", "follower_kib", "at most", 100),
)
