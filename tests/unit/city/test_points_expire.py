"""Points by when they expire: the oldest first, nothing lost, nothing twice."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.currency.lots import Lots, expired, moved


def test_the_oldest_are_spent_first() -> None:
    assert moved([(10, 500), (20, 300)], 0, -600) == [(20, 200)]
    assert moved([(20, 300)], 10, 500) == [(10, 500), (20, 300)]
    assert expired([(10, 300), (20, 300)], 10) == ([(20, 300)], 300)


@given(st.lists(st.tuples(st.integers(1, 50), st.integers(-100, 100))), st.integers(0, 60))
def test_lots_are_the_balance(moves: list[tuple[int, int]], now: int) -> None:
    lots, balance = Lots(), 0
    for until, wanted in moves:
        amount = max(wanted, -balance)
        balance += amount
        lots = moved(lots, until, amount)
        assert sum(held for _, held in lots) == balance
    kept, gone = expired(lots, now)
    assert sum(held for _, held in kept) + gone == balance
    assert all(end > now for end, _ in kept)
