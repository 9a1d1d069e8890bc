"""Run pytest over everything that has a test, and hold each area's seconds against its budget.

    python tools/run_tests.py [pytest's own arguments]

Before pytest's counts stands a table: seconds and tests by kind (`unit`, `property`, `http`, ...) and by area.
An area that takes over a fifth more than its budget fails the run: a slow test suite is one that nobody runs.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
BUDGET_S = {
    "broker": 9 * 60,
    "history": 6 * 60,
    "federation": 5 * 60,
    "mongodb": 8 * 60,
    "models": 4 * 60,
    "adapters": 6 * 60,
    "residents": 5 * 60,
    "energy": 3 * 60,
    "linkeddata": 8 * 60,
}
"""Seconds an area's tests may take on two cores of the build machine."""
AREAS = {**{area: area for area in BUDGET_S}, "console": "linkeddata", "city": "energy"}
"""Names of folders, and whose area they are: the console shows linked data, a city's services are energy's."""
TOLERANCE = 1.2
ON_MONGODB = re.compile(r"[\[-](mongo|ferret)\b")


def place(node_id: str) -> tuple[str, str]:
    """Kind and area of a test: `tests/unit/query/test_q.py::test_or` gives `("unit", "broker")`.

    An area is a top-level package, `history` or `federation`; the console is `linkeddata`'s. What stands in a folder
    of no area's name is the broker's. Of a test that runs on every engine, the case on MongoDB's is `mongodb`'s:
    `test_or[mongo]`; but the residents' are their own.
    """
    path, _, test = node_id.partition("::")
    parts = path.split("/")
    kind = parts[1] if parts[0] == "tests" and len(parts) > 1 else parts[0]
    area = next((AREAS[part] for part in parts[1:-1] if part in AREAS), "broker")
    return kind, "mongodb" if ON_MONGODB.search(test) and area != "residents" else area


class Stopwatch:
    """A pytest plugin: the seconds of set-up, call and tear-down of every test, by kind and by area."""

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()
        self.tests: Counter[str] = Counter()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add one phase of one test."""
        for label in place(report.nodeid):
            self.seconds[label] += report.duration  # type: ignore[assignment]
            self.tests[label] += report.when == "call"

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the table, the longest first."""
        terminalreporter.section("seconds")
        for label, seconds in sorted(self.seconds.items(), key=lambda row: -row[1]):
            budget = f"  budget {BUDGET_S[label]} s" if label in BUDGET_S else ""
            over = "  OVER BUDGET" if label in self.over_budget() else ""
            terminalreporter.write_line(f"{label:<10} {self.tests[label]:>6} tests {seconds:>8.1f} s{budget}{over}")

    def over_budget(self) -> list[str]:
        """The areas that took more than their budget and a fifth."""
        return [area for area, budget in BUDGET_S.items() if self.seconds[area] > budget * TOLERANCE]


def main() -> int:
    """Give pytest's exit code, or 1 where only a budget is not kept."""
    stopwatch = Stopwatch()
    # One file that cannot be read shall not keep the others from running.
    options = [f"--rootdir={ROOT}", "--continue-on-collection-errors", *sys.argv[1:]]
    code = pytest.main(options, plugins=[stopwatch])
    return int(code) or int(bool(stopwatch.over_budget()))


if __name__ == "__main__":
    sys.exit(main())
