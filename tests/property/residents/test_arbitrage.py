"""Nobody gains by asking otherwise: laws of prices over random rules and random wants (Koutris et al. 2012)."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import assume, event, given
from hypothesis import strategies as st

from broker.ports.consents import GRANULARITIES
from services.ledger.postings import shared
from services.pricing.prices import Buyer, Line, price, price_of_noise
from services.pricing.rules import FRESHNESS, RECIPIENT_CLASSES, SENSITIVITIES, TABLES, BadRules, Rules, read_rules

ITEMS = ("HeartRateObservation/heartRate", "Purchase/amount", "IndoorEnvironmentObserved/temperature")
WHOLE_YEAR = {"raw": 105_120, "hourly": 8_760, "daily": 365, "monthly": 12, "aggregate": 1}


@st.composite
def rule_sets(draw: st.DrawFn) -> Rules:
    """Any rules that are taken: factors as fractions, in the order that they must have."""
    factor = st.fractions(0, 20, max_denominator=997)

    def rising(count: int) -> list[Fraction]:
        return sorted(draw(st.lists(factor, min_size=count, max_size=count)))

    given_: dict[str, Any] = {
        "base": {"*": draw(st.integers(0, 1_000)), ITEMS[0]: draw(st.integers(0, 100_000))},
        "levels": {item: draw(st.sampled_from(SENSITIVITIES)) for item in ITEMS[:2]},
        "cap_month": draw(st.one_of(st.just(10**12), st.integers(0, 50_000))),
        "epsilon": draw(st.integers(0, 10_000)),
    }
    for name, words in TABLES.items():
        values = rising(len(words))
        if name in ("granularity", "freshness"):
            values.reverse()
        given_[name] = dict(zip(words, map(str, values), strict=True))
    return read_rules("any", given_)


lines = st.lists(
    st.builds(
        Line, st.sampled_from(ITEMS), st.sampled_from(GRANULARITIES), st.integers(0, 5_000), st.sampled_from(FRESHNESS)
    ),
    max_size=5,
)
buyers = st.builds(Buyer, st.sampled_from(RECIPIENT_CLASSES), st.booleans())


@given(rule_sets(), lines, lines, buyers, st.integers(0, 60_000))
def test_a_whole_never_costs_more_than_its_parts_bought_one_after_the_other(
    rules: Rules, some: list[Line], others: list[Line], buyer: Buyer, paid: int
) -> None:
    whole = price(rules, some + others, buyer, paid)
    first = price(rules, some, buyer, paid)
    second = price(rules, others, buyer, paid + first.amount)
    assert whole.amount <= first.amount + second.amount
    assert paid + first.amount + second.amount <= max(rules.cap_month, paid), "no month pays more than its cap"
    event(f"capped: {whole.capped}")
    event(f"rounded: {whole.exact.denominator > 1}")


@given(rule_sets(), lines, buyers, st.integers(1, 4_999))
def test_splitting_a_line_never_pays(rules: Rules, wanted: list[Line], buyer: Buyer, at: int) -> None:
    assume(wanted and wanted[0].values > at)
    one, *rest = wanted
    parts = [
        Line(one.item, one.granularity, at, one.freshness),
        Line(one.item, one.granularity, one.values - at, one.freshness),
    ]
    whole = price(rules, wanted, buyer)
    first = price(rules, [parts[0]], buyer)
    assert whole.amount <= first.amount + price(rules, [parts[1], *rest], buyer, first.amount).amount
    assert price(rules, [*parts, *rest], buyer).exact == whole.exact


@given(rule_sets(), st.sampled_from(ITEMS), st.sampled_from(FRESHNESS), buyers)
def test_what_can_be_made_of_something_never_costs_more_than_it(
    rules: Rules, item: str, freshness: str, buyer: Buyer
) -> None:
    costs = [price(rules, [Line(item, one, WHOLE_YEAR[one], freshness)], buyer).amount for one in GRANULARITIES]
    assert costs == sorted(costs, reverse=True), "a year of coarser values is made of a year of finer ones"
    aged = [price(rules, [Line(item, "raw", 100, one)], buyer).amount for one in FRESHNESS]
    assert aged == sorted(aged, reverse=True), "who waits has older values"


@given(rule_sets(), st.fractions(0, 10), st.fractions(0, 10), st.sampled_from(SENSITIVITIES), buyers)
def test_a_budget_spent_in_parts_never_costs_less(
    rules: Rules, some: Fraction, more: Fraction, level: str, buyer: Buyer
) -> None:
    together = price_of_noise(rules, some + more, level, buyer)
    assert together <= price_of_noise(rules, some, level, buyer) + price_of_noise(rules, more, level, buyer)
    assert price_of_noise(rules, some, level, buyer) <= together, "less noise never costs less"


@given(st.integers(0, 10**12), st.lists(st.integers(0, 1_000), min_size=1, max_size=6).filter(any))
def test_what_is_shared_is_all_of_it_and_nobody_is_a_unit_away_from_their_part(total: int, weights: list[int]) -> None:
    parts = shared(total, weights)
    assert sum(parts) == total
    for part, weight in zip(parts, weights, strict=True):
        assert abs(Fraction(part) - Fraction(total * weight, sum(weights))) < 1


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("granularity", {"raw": 1, "hourly": 2, "daily": 0.25, "monthly": 0.1, "aggregate": 0.05}),
        ("freshness", {"live": 1, "day": 1, "month": 2, "year": 0.1, "older": 0}),
        ("sensitivity", {"level1": 2, "level2": 1, "level3": 3, "level4": 4}),
        ("exclusivity", {"shared": 2, "exclusive": 1}),
    ],
)
def test_rules_by_which_the_dearer_would_be_had_cheaper_are_refused(table: str, words: dict[str, float]) -> None:
    fair: dict[str, Any] = {name: dict.fromkeys(all_words, 1) for name, all_words in TABLES.items()}
    assert read_rules("fair", {"base": {"*": 1}, **fair}).version == "fair"
    with pytest.raises(BadRules, match=table):
        read_rules("unfair", {"base": {"*": 1}, **fair, table: words})
