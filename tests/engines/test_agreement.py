"""SQLite answers every query as `query.match` does: random entities, random queries, and proof that they bite.

Run with three sets of limits: as shipped, and with limits so small that eight entities are "many", so that every way
of the planner is taken.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from broker.stores.sqlite import plan
from tests.engines.agreeing import Tally, assert_agrees, assert_restricts_alike
from tests.engines.populated import engines

POPULATIONS = 72
PAIRS_MIN = 10_000

_LIMITS: dict[str, dict[str, Any]] = {
    "as shipped": {},
    "walks": {"FEW": 0, "SHORT": 1, "WALK_MAX": 3, "CHUNK": 2},
    "drives": {"FEW": 0, "SHORT": 0, "WALK_MAX": 0},
}


class Agreement:
    """The comparison of the engines, made once under each set of limits, whichever test comes first."""

    def __init__(self, directory_of: Callable[[str], Path]) -> None:
        self.tally = Tally()
        self._directory_of = directory_of
        self._made: set[str] = set()

    def under(self, limits: str) -> None:
        """Ask both engines, with the planner's limits set so."""
        if limits in self._made:
            return
        self._made.add(limits)
        with pytest.MonkeyPatch.context() as patch, engines("sqlite", self._directory_of(limits)) as held:
            for name, value in _LIMITS[limits].items():
                patch.setattr(plan, name, value)
            assert_agrees(held, self.tally, POPULATIONS)


@pytest.fixture(scope="module")
def agreement(tmp_path_factory: pytest.TempPathFactory) -> Agreement:
    """One for this module."""
    return Agreement(tmp_path_factory.mktemp)


@pytest.mark.parametrize("limits", _LIMITS)
def test_sqlite_agrees_with_match(limits: str, agreement: Agreement) -> None:
    agreement.under(limits)


def test_a_view_and_a_condition_restrict_alike(tmp_path: Path) -> None:
    with engines("sqlite", tmp_path) as held:
        assert_restricts_alike(held, 40)


@pytest.mark.timeout(900)  # all three comparisons, where it comes first
def test_the_pairs_bite(agreement: Agreement) -> None:
    """At least 10,000 pairs, 30 % selecting some but not all; every node, operator and value a hundred times."""
    for limits in _LIMITS:
        agreement.under(limits)
    agreement.tally.assert_bites(PAIRS_MIN)
