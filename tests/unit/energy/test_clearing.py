"""The two markets on books that are known: the district's own vector, what is not divided, who comes first."""

from __future__ import annotations

import pytest

from services.energy.market import auction, priority
from services.energy.market.agreed import DEACTIVATED, FAILED, STARTED, STOPPED, Contract, Happened, moved, parts
from services.energy.market.orders import Order
from services.energy.market.priority import GRID, OWN_BATTERY, SHOP, Prices, Stand
from services.energy.market.schedule import schedule
from services.energy.market.trades import Cleared

ASKS = (("H1", 800, 9_000), ("H2", 600, 11_000), ("MALL", 3_000, 14_000))
BIDS = (("H3", 700, 25_000), ("H4", 500, 20_000), ("CVS", 1_500, 16_000), ("H5", 400, 12_000))
TRADES = [("H1", "H3", 700), ("H1", "H4", 100), ("H2", "H4", 400), ("H2", "CVS", 200), ("MALL", "CVS", 1_300)]


def sell(name: str, wh: int, price: int, **more: int | bool) -> Order:
    return Order(f"s{name}", name, "sell", 0, wh, price, **more)  # type: ignore[arg-type]


def buy(name: str, wh: int, price: int, **more: int | bool) -> Order:
    return Order(f"b{name}", name, "buy", 0, wh, price, **more)  # type: ignore[arg-type]


def traded(cleared: Cleared) -> list[tuple[str, str, int]]:
    return [(one.sold.participant, one.bought.participant, one.wh) for one in cleared.trades]


@pytest.mark.parametrize(("more", "fee"), [(0, False), (2_000, True)], ids=["energy alone", "all in"])
def test_the_vector_of_the_district(more: int, fee: bool) -> None:
    book = [sell(*one) for one in ASKS]
    book += [buy(name, wh, price + more, all_in=fee) for name, wh, price in BIDS]
    cleared = auction.clear(book, wheeling=2_000)
    assert cleared.price == 15_000
    assert traded(cleared) == TRADES


def test_half_a_unit_is_rounded_down() -> None:
    assert auction.clear([sell("a", 1, 10), buy("b", 1, 13)]).price == 11


def test_nothing_meets_and_nothing_is_traded() -> None:
    assert auction.clear([sell("a", 1, 14), buy("b", 1, 13)]) == Cleared()
    assert auction.clear([]) == Cleared()


def test_equal_prices_go_by_priority_then_arrival_then_id() -> None:
    book = [buy("a", 10, 9, arrival=2), buy("b", 10, 9, arrival=1), buy("c", 10, 9, arrival=3, priority=1)]
    assert traded(auction.clear([*book, sell("s", 15, 9)])) == [("s", "c", 10), ("s", "b", 5)]


def test_what_is_not_divided_is_filled_whole_or_not_at_all() -> None:
    whole = buy("a", 10, 9, divisible=False)
    assert traded(auction.clear([sell("s", 10, 5), whole])) == [("s", "a", 10)]
    assert traded(auction.clear([sell("s", 9, 5), whole])) == []
    assert traded(auction.clear([sell("s", 9, 5), whole, buy("b", 4, 6)])) == [("s", "b", 4)]


def test_by_rules_the_own_battery_then_the_emptiest_house_then_shops_then_the_grid() -> None:
    stands = {"h1": Stand(soc=900, room=100), "h2": Stand(soc=400), "h3": Stand(soc=300), "mall": Stand(SHOP)}
    book = [sell("h1", 1_000, 5), buy("mall", 200, 20), buy("h2", 300, 20), buy("h3", 250, 20)]
    cleared = priority.clear(book, stands, Prices(15, 14))
    assert traded(cleared) == [("h1", "h3", 250), ("h1", "h2", 300), ("h1", "mall", 200)]
    assert [one.price for one in cleared.trades] == [15, 15, 14]
    assert cleared.beside == {(OWN_BATTERY, "h1"): 100, (GRID, "h1"): 150}
    assert cleared.price is None


def test_by_rules_nobody_trades_outside_of_their_limits() -> None:
    book = [sell("a", 10, 16), sell("b", 10, 5), buy("c", 10, 14), buy("d", 10, 17, all_in=True)]
    assert traded(priority.clear(book, {}, Prices(15, 15), wheeling=2)) == [("b", "d", 10)]


def test_by_rules_what_is_not_divided_is_met_whole() -> None:
    book = [sell("a", 10, 5, divisible=False), buy("b", 6, 15), buy("c", 5, 15, divisible=False)]
    assert traded(priority.clear(book, {}, Prices(15, 15))) == []


def test_a_contract_moves_on_once_and_only_forwards() -> None:
    contract = Contract("c", "r", "h1", "h2", 0, 1_800_000_000, 700, 15_000)
    assert moved(contract, Happened("start", 1)) == contract, "what was not activated does not start"
    started = moved(moved(contract, Happened("activate", 1)), Happened("start", 2))
    assert (started.state, moved(started, Happened("activate", 3))) == (STARTED, started)
    stopped = moved(started, Happened("stop", 4, "gridOutage"))
    assert (stopped.state, stopped.why, stopped.stopped_at) == (STOPPED, "gridOutage", 4)
    assert moved(stopped, Happened("stop", 5, "again")) == stopped
    metered = moved(stopped, Happened("deactivate", 6, wh=(300, 290)))
    assert (metered.state, metered.deviation) == (DEACTIVATED, (-400, -410))
    assert moved(metered, Happened("fail", 7, "late")) == metered
    assert moved(contract, Happened("fail", 1, "floor")).state == FAILED
    assert contract.deviation is None


def test_what_a_leg_metered_is_shared_exactly() -> None:
    contracts = [Contract(str(wh), "r", "a", "b", 0, 1, wh, 1) for wh in (100, 100, 100)]
    assert parts(200, contracts) == [67, 67, 66]


def test_a_schedule_is_power_at_the_line() -> None:
    contracts = [Contract("1", "r", "a", "b", 0, 1, 700, 1), Contract("2", "r", "a", "c", 0, 1, 50, 1)]
    legs = schedule(contracts, {"a": "la", "b": "lb"}, 30)
    assert [(one.leg, one.watts) for one in legs] == [("la", 1_500), ("lb", -1_400), ("", -100)]
