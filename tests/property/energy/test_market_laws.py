"""Laws of both markets: nobody pays or gets worse than they said, energy and money are kept, sequence does not matter.

MISONO_MARKET_BOOKS is how many random books are tried (`make figures AREA=energy` has more).
"""

from __future__ import annotations

import os
import random
from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from services.energy.market import auction, priority
from services.energy.market.orders import BUY, SELL, Order
from services.energy.market.priority import HOUSE, SHOP, Prices, Stand
from services.energy.market.trades import Cleared

BOOKS = int(os.environ.get("MISONO_MARKET_BOOKS", "200"))
SMALL = int(os.environ.get("MISONO_MARKET_SMALL", "150"))
FEE = 2_000


@st.composite
def books(draw: st.DrawFn, divided: bool = False) -> list[Order]:
    """Orders of distinct participants, each of one side."""
    many = draw(st.integers(0, 12))
    return [
        Order(
            f"o{place}", f"p{place}", draw(st.sampled_from([BUY, SELL])), 0, draw(st.integers(1, 5_000)),
            draw(st.integers(0, 40_000)), draw(st.integers(0, 3)), draw(st.integers(0, 1)),
            divided or draw(st.booleans()), draw(st.booleans()),
        )
        for place in range(many)
    ]  # fmt: skip


def check(book: list[Order], cleared: Cleared) -> None:
    """What holds of every result."""
    filled = cleared.filled()
    for one in book:
        assert 0 <= filled[one.id] <= one.wh
        assert one.divisible or filled[one.id] in (0, one.wh)
    for trade in cleared.trades:
        assert trade.wh > 0
        assert trade.sold.price <= trade.price <= trade.bought.limit(FEE)
        assert (trade.sold.side, trade.bought.side) == (SELL, BUY)
    sold = sum(filled[one.id] for one in book if one.side == SELL)
    bought = sum(filled[one.id] for one in book if one.side == BUY)
    assert sold == bought == cleared.wh
    paid = sum(one.wh * one.price for one in cleared.trades)
    got = sum(one.wh * (cleared.price or one.price) for one in cleared.trades)
    assert paid == got


@settings(max_examples=BOOKS, deadline=None)
@given(book=books(), seed=st.integers(0, 99))
def test_the_auction_is_lawful_in_whatever_sequence(book: list[Order], seed: int) -> None:
    cleared = auction.clear(book, FEE)
    check(book, cleared)
    if cleared.trades:
        assert {one.price for one in cleared.trades} == {cleared.price}
    assert auction.clear(random.Random(seed).sample(book, len(book)), FEE) == cleared


@settings(max_examples=BOOKS, deadline=None)
@given(book=books(), seed=st.integers(0, 99))
def test_the_market_by_rules_is_lawful_in_whatever_sequence(book: list[Order], seed: int) -> None:
    chance = random.Random(seed)
    stands = {one.participant: Stand(chance.choice((HOUSE, SHOP)), chance.randint(0, 1_000), chance.randint(0, 500))
              for one in book}  # fmt: skip
    cleared = priority.clear(book, stands, Prices(15_000, 14_000), FEE)
    check(book, cleared)
    assert priority.clear(chance.sample(book, len(book)), stands, Prices(15_000, 14_000), FEE) == cleared
    for one in book:
        if one.side == SELL:
            beside = sum(wh for (_, name), wh in cleared.beside.items() if name == one.participant)
            assert cleared.filled()[one.id] + beside == one.wh


def best(book: list[Order]) -> tuple[int, int]:
    """The most that any single price allows, and the most that is gained by so much: by trying everything."""
    found = (0, 0)
    for price in {one.limit(0) for one in book}:
        willing = [one for one in book if (one.price <= price if one.side == SELL else one.price >= price)]
        for fills in product(*(range(one.wh + 1) for one in willing)):
            both = [*zip(willing, fills, strict=True)]
            sold = sum(wh for one, wh in both if one.side == SELL)
            if sold == sum(wh for one, wh in both if one.side == BUY):
                gain = sum(wh * (one.price if one.side == BUY else -one.price) for one, wh in both)
                found = max(found, (sold, gain))
    return found


def test_the_auction_is_the_best_there_is_on_small_books() -> None:
    for seed in range(SMALL):
        chance = random.Random(seed)
        book = [
            Order(
                f"o{place}",
                f"p{place}",
                chance.choice((BUY, SELL)),
                0,
                chance.randint(1, 3),
                chance.randint(0, 9),
                place,
            )
            for place in range(chance.randint(1, 6))
        ]
        cleared = auction.clear(book)
        gain = sum(one.wh * (one.bought.price - one.sold.price) for one in cleared.trades)
        assert (cleared.wh, gain) == best(book), seed
    print(f"figure market_brute_force_books {SMALL} {SMALL}")
