"""The MongoDB engine answers every query as `query.match` does, on each wire, with proof that the queries bite."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import pytest

from tests.engines.agreeing import Tally, assert_agrees, assert_restricts_alike
from tests.engines.populated import engines

LONG = bool(os.environ.get("MISONO_LONG"))
"""The whole comparison is a figure; what every change is tried with is a part of it."""
POPULATIONS = {"mongo": 62, "ferret": 62} if LONG else {"mongo": 16, "ferret": 6}
RESTRICTED = {"mongo": 12, "ferret": 2}
PAIRS_A_POPULATION, OCCURRENCES_A_POPULATION = 5_000 / 62, 100 / 62


@cache
def compared(engine: str) -> Tally:
    """The comparison, made once, whichever test comes first."""
    tally = Tally()
    with engines(engine, Path()) as held:
        assert_agrees(held, tally, POPULATIONS[engine], windowed=engine != "ferret")
    return tally


@pytest.mark.parametrize("engine", POPULATIONS)
def test_mongodb_agrees_with_match(engine: str) -> None:
    assert compared(engine).pairs


@pytest.mark.parametrize("engine", RESTRICTED)
def test_a_view_and_a_condition_restrict_alike(engine: str, tmp_path: Path) -> None:
    with engines(engine, tmp_path) as held:
        assert_restricts_alike(held, RESTRICTED[engine])


@pytest.mark.parametrize("engine", POPULATIONS)
def test_the_pairs_bite(engine: str) -> None:
    share = 1 if LONG else 0.5  # fewer draws scatter more
    number = POPULATIONS[engine] * share
    compared(engine).assert_bites(int(number * PAIRS_A_POPULATION), int(number * OCCURRENCES_A_POPULATION))
