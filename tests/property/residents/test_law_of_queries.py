"""What somebody may not see is absent from every answer to a query: 20,000 random cases on memory and SQLite.

With small limits the planner of SQLite takes ways that a few entities would not make it take. LAW_CITIES=N draws so
many times as many cities. On MongoDB's wires there are 2,000 cases; every change tries 272 on FerretDB, which reads
all of a collection for each answer and takes ten times as long for a case (MISONO_LONG=1: its 2,000, a figure).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from broker.stores.sqlite import plan
from tests.property.residents.law_of_queries import Shown, assert_lawful, cities

TIMES = int(os.environ.get("LAW_CITIES", "1"))
LONG = bool(os.environ.get("MISONO_LONG"))
CASES_MIN = 20_000
CASES_A_CITY = 68
_LIMITS: dict[str, dict[str, Any]] = {
    "as shipped": {},
    "walks": {"FEW": 0, "KNOWN": 0, "SHORT": 1, "WALK_MAX": 3, "CHUNK": 2},
    "drives": {"FEW": 0, "KNOWN": 0, "SHORT": 0, "WALK_MAX": 0},
}
_CITIES = {"memory": 150, **dict.fromkeys(_LIMITS, 50)}
_ON_WIRES = {"mongo": 30, "ferret": 30} if LONG else {"mongo": 30, "ferret": 4}


class Asked:
    """The comparisons that were made, each once, whichever test comes first."""

    def __init__(self, directory_of: Callable[[str], Path]) -> None:
        self.shown = Shown()
        self._directory_of = directory_of
        self._made: set[str] = set()

    def on(self, name: str) -> None:
        """Ask on memory, or on SQLite under one of the sets of limits."""
        if name in self._made:
            return
        self._made.add(name)
        first = 10_000 * [*_CITIES].index(name)
        with pytest.MonkeyPatch.context() as patch:
            for limit, value in _LIMITS.get(name, {}).items():
                patch.setattr(plan, limit, value)
            engine = "memory" if name == "memory" else "sqlite"
            with cities(engine, self._directory_of("law")) as held:
                assert_lawful(held, self.shown, range(first, first + TIMES * _CITIES[name]))


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Asked:
    """One for this module."""
    return Asked(tmp_path_factory.mktemp)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", _CITIES)
def test_what_is_hidden_is_absent_from_queries(name: str, asked: Asked) -> None:
    asked.on(name)


@pytest.mark.timeout(900)
def test_the_cases_bite(asked: Asked) -> None:
    for name in _CITIES:
        asked.on(name)
    asked.shown.assert_bites(CASES_MIN)


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("engine", _ON_WIRES)
def test_what_is_hidden_is_absent_on_wires(engine: str, tmp_path: Path) -> None:
    shown = Shown()
    with cities(engine, tmp_path) as held:
        assert_lawful(held, shown, range(50_000, 50_000 + _ON_WIRES[engine]))
    print(f"figure law_cases_{engine} {shown.cases.total()}")
    shown.assert_bites(_ON_WIRES[engine] * CASES_A_CITY)
