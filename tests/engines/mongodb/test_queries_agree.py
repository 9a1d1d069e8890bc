"""The MongoDB engine answers every query as `query.match` does, on each wire, with proof that the queries bite."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from tests.engines.agreeing import Tally, assert_agrees, assert_restricts_alike
from tests.engines.populated import engines

POPULATIONS = {"mongo": 62, "ferret": 62}
RESTRICTED = {"mongo": 20, "ferret": 4}
PAIRS_MIN = 5_000


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
    compared(engine).assert_bites(PAIRS_MIN)
