"""Nobody gains by asking for days in parts, or for coarser values of the same days, whenever it is asked."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

from hypothesis import event, given, settings
from hypothesis import strategies as st

from broker.ports.consents import GRANULARITIES
from services.pricing.paying import parts
from services.pricing.prices import Buyer, accepts, price
from services.pricing.rules import TABLES, Rules, read_rules
from services.pricing.spans import Span, Wanted, lines_of, parts_of, values_in

TODAY = date(2026, 11, 23)
ITEM = "HeartRateObservation/heartRate"


@st.composite
def rule_sets(draw: st.DrawFn) -> Rules:
    given_: dict[str, object] = {"base": {"*": draw(st.integers(0, 500))}, "cap_month": 10**12}
    for name, words in TABLES.items():
        values = sorted(
            draw(st.lists(st.fractions(0, 5, max_denominator=97), min_size=len(words), max_size=len(words)))
        )
        if name in ("granularity", "freshness"):
            values.reverse()
        given_[name] = dict(zip(words, map(str, values), strict=True))
    weights = draw(st.tuples(st.integers(0, 90), st.integers(0, 90), st.integers(1, 90)))
    given_["split"] = dict(zip(("persons", "community", "operator"), weights, strict=True))
    return read_rules("any", given_)


days = st.integers(-40, 900).map(lambda ago: TODAY - timedelta(days=ago))
raw = st.integers(24, 1_440)


@settings(max_examples=25)
@given(rule_sets(), st.lists(days, min_size=3, max_size=6, unique=True), st.sampled_from(GRANULARITIES), raw)
def test_days_asked_in_parts_never_cost_less(rules: Rules, at: list[date], granularity: str, per_day: int) -> None:
    bounds, buyer = sorted(at), Buyer("commercial")

    def cost(span: Span) -> int:
        return price(rules, lines_of([Wanted(ITEM, granularity)], span, TODAY, per_day), buyer).amount

    whole = cost(Span(bounds[0], bounds[-1]))
    some = sum(cost(Span(first, end)) for first, end in pairwise(bounds))
    assert whole <= some
    event(f"parts by age: {len(parts_of(Span(bounds[0], bounds[-1]), TODAY))}")
    event(f"dearer in parts: {whole < some}")


@settings(max_examples=25)
@given(rule_sets(), st.lists(days, min_size=2, max_size=2, unique=True), raw)
def test_coarser_values_of_the_same_days_never_cost_more(rules: Rules, at: list[date], per_day: int) -> None:
    span, buyer = Span(*sorted(at)), Buyer("commercial")
    counts = [values_in(span, granularity, per_day) for granularity in GRANULARITIES]
    assert counts == sorted(counts, reverse=True)
    costs = [
        price(rules, lines_of([Wanted(ITEM, one)], span, TODAY, per_day), buyer).amount for one in GRANULARITIES
    ]  # fmt: skip
    assert costs == sorted(costs, reverse=True)


@given(days, days)
def test_every_day_is_in_one_part(one: date, other: date) -> None:
    span = Span(min(one, other), max(one, other) + timedelta(days=1))
    found = sorted((part for _, part in parts_of(span, TODAY)), key=lambda part: part.first)
    assert (found[0].first, found[-1].end) == (span.first, span.end)
    assert all(before.end == after.first and before.days > 0 for before, after in pairwise(found))


@settings(max_examples=25)
@given(rule_sets(), st.integers(0, 10**9))
def test_a_price_is_shared_whole(rules: Rules, gross: int) -> None:
    assert sum(parts(rules, gross)) == gross
    assert min(parts(rules, gross)) >= 0


@given(st.dictionaries(st.sampled_from([ITEM, "HeartRateObservation/*", "*", "Other/at"]), st.integers(1, 100)),
       st.integers(0, 300))  # fmt: skip
def test_more_is_accepted_where_less_is_and_the_nearest_ask_counts(asks: dict[str, int], amount: int) -> None:
    if accepts(asks, [ITEM], amount):
        assert accepts(asks, [ITEM], amount + 1)
    nearest = next((asks[one] for one in (ITEM, "HeartRateObservation/*", "*") if one in asks), 0)
    assert accepts(asks, [ITEM], amount) == (amount >= nearest)
