"""Laws of rationing and of the fold: nothing is given that is not there, whatever comes in whatever order."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from services.energy.islanding.fold import Policy, State, fold
from services.energy.islanding.rationing import LOADS, PRIORITY, Rules, Stock, allotted, filled, ration
from services.energy.islanding.states import NEXT, STATES, way
from services.energy.islanding.telling import Telling

RULES = Rules()
ROUTERS = ("a", "b", "c")
STOCKS = st.lists(
    st.tuples(
        st.integers(0, 50_000), st.integers(0, 9_000),
        st.tuples(*[st.integers(0, 3_000)] * 4), st.integers(100, 40_000), st.integers(100, 60_000),
    ),
    min_size=1, max_size=8,
).map(lambda rows: [Stock(f"r{place}", *row) for place, row in enumerate(rows)])  # fmt: skip
TELLINGS = st.lists(
    st.builds(
        Telling, st.sampled_from(ROUTERS), st.integers(1, 40).map(lambda minute: minute * 60_000_000),
        st.sampled_from(("", *STATES)), st.sampled_from((None, True, False)),
    ),
    max_size=30,
)  # fmt: skip


@given(STOCKS)
def test_what_arrives_was_given_and_nobody_gives_what_they_keep(stocks: list[Stock]) -> None:
    found = ration(stocks, RULES)
    given_w = sum(watts for watts in found.line.values() if watts > 0)
    taken_w = -sum(watts for watts in found.line.values() if watts < 0)
    assert taken_w <= given_w * (100 - RULES.loss) // 100
    moved = allotted(stocks, RULES)
    for one in stocks:
        assert abs(found.line[one.router]) <= one.line_w
        assert -moved[one.router] <= one.usable_wh
        assert PRIORITY <= found.loads[one.router] <= len(LOADS)


@given(STOCKS, st.integers(0, 30_000))
def test_who_gets_more_than_another_lacked_it(stocks: list[Stock], pool: int) -> None:
    lacks = {one.router: one.usable_wh for one in stocks}
    got = filled(lacks, pool)
    assert sum(got.values()) == min(pool, sum(lacks.values()))
    for name, wh in got.items():
        assert wh <= lacks[name]
        assert wh == lacks[name] or wh >= max(got.values()) - 1


@given(STOCKS)
def test_the_order_of_houses_changes_nothing(stocks: list[Stock]) -> None:
    assert ration(stocks, RULES) == ration(stocks[::-1], RULES)


@given(st.sampled_from(STATES), st.sampled_from(STATES))
def test_a_way_goes_by_what_may_follow(start: str, end: str) -> None:
    states = (start, *way(start, end))
    assert states[-1] == end
    assert all(after in NEXT[before] for before, after in pairwise(states))


@settings(max_examples=60)
@given(TELLINGS, st.randoms(use_true_random=False))
def test_what_comes_twice_or_late_changes_no_state_that_routers_tell(tellings: list[Telling], chance: object) -> None:
    """However it arrives, what is known of each router in the end is what it told last."""
    once = _last(tellings)
    rough = [*tellings, *tellings]
    chance.shuffle(rough)  # type: ignore[attr-defined]  # hypothesis's own Random
    state = State.of("community", ROUTERS)
    for telling in rough:
        folded = fold(state, telling, Policy())
        assert all(one.subject in (*ROUTERS, "community") for one in folded.steps)
        state = folded.state
    for router, at in once.items():
        assert max(state.routers[router].seen.get("state", 0), state.routers[router].seen.get("mains", 0)) == at


def _last(tellings: list[Telling]) -> dict[str, int]:
    said = [one for one in tellings if one.state or one.mains is not None]
    return {router: max(one.at for one in said if one.router == router) for router in {one.router for one in said}}
