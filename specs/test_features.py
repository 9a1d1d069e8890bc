"""Every feature of this folder as tests, and what holds for the features themselves."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pytest_bdd import scenarios

from broker.http.table import OPERATIONS

SPECS = Path(__file__).parent
FEATURES = sorted(SPECS.rglob("*.feature"))
CLAUSES = frozenset((SPECS / "clauses.txt").read_text().split())
NEGATIVE = re.compile(r"^\s*(?:Then|And|But) .*\b(?:refused|hidden|no|nobody|none|not|nothing|neither)\b")
APART = ("adapters", "city", "energy", "residents")
"""Features of services and devices: their words are beside them."""

scenarios(*sorted({str(path.parent.relative_to(SPECS)) for path in FEATURES if path.parent.name not in APART}))


def scenario_texts(feature: Path) -> list[str]:
    return re.split(r"(?m)^\s*Scenario(?: Outline)?:", feature.read_text())[1:]


@pytest.mark.parametrize("feature", FEATURES, ids=lambda path: path.stem)
def test_a_feature_is_of_one_clause_that_exists_or_our_own(feature: Path) -> None:
    if feature.parent.name == "own" or feature.parent.name in APART:
        assert feature.read_text().startswith("@own")
        return
    clause = feature.name.partition("_")[0]
    assert clause in CLAUSES
    assert feature.read_text().startswith(f"@clause:{clause}\n")


@pytest.mark.parametrize("feature", FEATURES, ids=lambda path: path.stem)
def test_every_scenario_says_what_does_not_happen(feature: Path) -> None:
    for text in scenario_texts(feature):
        assert any(NEGATIVE.match(line) for line in text.splitlines()), text


@pytest.mark.parametrize("feature", FEATURES, ids=lambda path: path.stem)
def test_every_feature_has_a_refusal(feature: Path) -> None:
    assert "refused as" in feature.read_text()


def test_every_operation_of_this_release_has_a_feature() -> None:
    told = {feature.name.partition("_")[0] for feature in FEATURES}
    served = {operation.clause for operation in OPERATIONS}
    assert served - {""} <= told, f"no feature for {sorted(served - told)}; only what is Misono's own has no clause"
