"""The market over HTTP: orders, the gate, contracts carried out, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from broker.keeping import KeptFile
from broker.model.values import to_text
from services.energy.market.part import MarketPart
from services.following import Following, Wish
from tests.fakes.market_city import MARKET, MarketCity, market_city, participant


@pytest.fixture
def city(tmp_path: Path) -> Iterator[MarketCity]:
    with market_city(tmp_path) as found:
        yield found


def both(city: MarketCity, wh: int = 700) -> None:
    """Hana sells to Taro."""
    city.order("hana", "h1", "sell", wh, 9)
    assert city.status == 201
    city.order("taro", "h2", "buy", wh, 25)
    assert city.status == 201


def test_an_order_is_cleared_carried_out_and_metered_once(city: MarketCity) -> None:
    both(city)
    city.go_to_slot()
    (run,) = city.ask("ken", "GET", "/market/runs")["runs"]
    assert (run["unitPrice"], run["quantity"], run["trades"]) == (17, 700, 1)
    assert (city.set_point("h1"), city.set_point("h2")) == (1_400, -1_400)
    city.flow(h1=1_400, h2=-1_380)
    city.go(180)
    (sold,), (bought,) = city.contracts("hana"), city.contracts("taro")
    assert (sold["state"], sold["side"], sold["delivered"]) == ("deactivated", "sell", 30 * (1_400 // 60))
    assert (bought["side"], bought["received"], bought["deviation"]) == ("buy", 690, -10)
    assert (city.set_point("h1"), city.set_point("h2")) == (0, 0)
    entity = city.city.entity(sold["id"])
    assert (entity["contractState"].rpartition("/")[2], entity["unitPrice"], entity["quantity"]) == (
        "deactivated", 17, 700,
    )  # fmt: skip
    assert sorted(entity["dataSubject"]) == ["urn:misono:subject:hana", "urn:misono:subject:taro"]


def test_looking_twice_and_opening_anew_changes_nothing(city: MarketCity) -> None:
    both(city)
    city.go_to_slot()
    before = city.part.book.read("SELECT * FROM market_contract"), city.part.book.read("SELECT * FROM market_event")
    newest = city.city.hub.newest(city.city.tenant)
    for _ in range(3):
        city.part.tick()
    assert (city.part.book.read("SELECT * FROM market_contract"),
            city.part.book.read("SELECT * FROM market_event")) == before  # fmt: skip
    assert city.city.hub.newest(city.city.tenant) == newest, "no set-point is told twice in a turn"


def test_set_points_are_refreshed_while_they_hold(city: MarketCity) -> None:
    both(city)
    city.go_to_slot()
    newest = city.city.hub.newest(city.city.tenant)
    city.go(20)
    assert city.city.hub.newest(city.city.tenant) > newest
    assert city.set_point("h1") == 1_400


def test_what_is_not_safe_is_not_begun_and_what_stops_being_safe_ends(city: MarketCity) -> None:
    both(city)
    city.go_to_slot()
    assert city.contracts("hana")[0]["state"] == "activated"
    city.city.clock.advance(60)
    city.tell(h1=1_400, h2=-1_400)
    city.look()
    assert city.contracts("hana")[0]["state"] == "started"
    city.city.clock.advance(60)
    city.tell(soc=0.19, h1=1_400, h2=-1_400)
    city.look()
    (found,) = city.contracts("hana")
    assert (found["state"], "floor" in found["why"]) == ("stopped", True)
    assert (city.set_point("h1"), city.set_point("h2")) == (0, 0)
    assert [one.stopped for one in city.part.agreed(0, 1 << 60)] == [True]


def test_a_blackout_stops_all_and_nothing_is_cleared_until_it_is_over(city: MarketCity) -> None:
    both(city)
    city.go_to_slot()
    now = city.city.clock.now()
    assert len(city.part.stop_all("gridOutage", now)) == 1
    assert city.part.stop_all("gridOutage", now) == []
    city.look()
    assert city.set_point("h1") == 0
    assert [one.stopped for one in city.part.agreed(0, 1 << 60)] == [True]
    city.part.suspend("gridOutage", now)
    both(city)
    city.go_to_slot()
    assert city.ask("hana", "GET", "/market/runs")["runs"][-1]["why"] == "suspended"
    assert len(city.contracts("hana")) == 1
    city.part.resume(city.city.clock.now())
    both(city)
    city.go_to_slot()
    assert city.set_point("h1") == 1_400


def test_who_may_order_and_who_sees_what(city: MarketCity) -> None:
    city.order("ken", "h1", "sell", 700, 9)
    assert city.status == 403
    city.order("yamada", "h1", "sell", 700, 9)
    assert city.status == 403
    city.order("clinic", "h1", "sell", 700, 9)
    assert city.status == 403
    shop = city.order("yamada", "store", "buy", 700, 25)
    assert city.status == 201
    mine = city.order("hana", "h1", "sell", 700, 9)
    assert [one["id"] for one in city.ask("hana", "GET", "/orders")["orders"]] == [mine["id"]]
    assert [one["id"] for one in city.ask("yamada", "GET", "/orders")["orders"]] == [shop["id"]]
    city.ask("taro", "GET", f"/orders/{mine['id']}")
    assert city.status == 404
    city.ask("hana", "GET", "/orders?for=urn:misono:subject:taro")
    assert city.status == 403
    city.go_to_slot()
    assert city.contracts("taro") == []
    (contract,) = city.contracts("yamada")
    assert contract["side"] == "buy"
    assert participant("h1") not in str(contract)
    city.ask("taro", "GET", f"/contracts/{contract['id']}")
    assert city.status == 404


def test_orders_of_persons_are_not_the_operators_to_read(city: MarketCity) -> None:
    both(city)
    city.go_to_slot()
    (contract,) = city.contracts("yamada")
    assert set(contract) == {"id", "deliveryStart", "deliveryEnd", "state", "run"}


def test_the_same_key_orders_once_and_nothing_else(city: MarketCity) -> None:
    first = city.order("hana", "h1", "sell", 700, 9, key="a")
    assert city.order("hana", "h1", "sell", 700, 9, key="a")["id"] == first["id"]
    city.order("hana", "h1", "sell", 800, 9, key="a")
    assert city.status == 409
    assert len(city.ask("hana", "GET", "/orders")["orders"]) == 1


@pytest.mark.parametrize(
    ("more", "status", "pointer"),
    [
        ({"quantity": 0}, 400, "/quantity"),
        ({"priceLimit": 40.001}, 400, "/priceLimit"),
        ({"priceLimit": 0.0001}, 400, "/priceLimit"),
        ({"priceLimit": 1, "allIn": True}, 400, "/priceLimit"),
        ({"side": "sell", "allIn": True}, 400, "/allIn"),
        ({"deliveryStart": "2026-01-01T00:10:00Z"}, 400, "/deliveryStart"),
        ({"deliveryStart": "soon"}, 400, "/deliveryStart"),
        ({"deliveryStart": "2026-01-01T00:00:00Z"}, 409, "/deliveryStart"),
        ({"deliveryStart": "2027-01-01T00:00:00Z"}, 400, "/deliveryStart"),
        ({"colour": "green"}, 400, "/"),
    ],
)
def test_what_is_no_order_is_refused(city: MarketCity, more: dict[str, object], status: int, pointer: str) -> None:
    said = {"participant": participant("h1"), "side": "buy", "deliveryStart": city.slot(2), "quantity": 700,
            "priceLimit": 9}  # fmt: skip
    told = city.ask("hana", "POST", "/orders", {**said, **more})
    assert (city.status, told["pointer"]) == (status, pointer)
    assert city.ask("hana", "GET", "/orders") == {"orders": []}


def test_nobody_sells_and_buys_in_one_slot(city: MarketCity) -> None:
    first = city.order("hana", "h1", "sell", 700, 9)
    city.order("hana", "h1", "buy", 700, 25)
    assert city.status == 409
    assert city.ask("hana", "DELETE", f"/orders/{first['id']}")["status"] == "cancelled"
    city.order("hana", "h1", "buy", 700, 25)
    assert city.status == 201


def test_the_gate_closes_ten_minutes_before(city: MarketCity) -> None:
    found = city.order("hana", "h1", "sell", 700, 9)
    city.city.clock.advance(2 * 1_800 - 599)
    city.ask("hana", "DELETE", f"/orders/{found['id']}")
    assert city.status == 409
    said = {"participant": participant("h2"), "side": "buy", "deliveryStart": found["deliveryStart"],
            "quantity": 1, "priceLimit": 9}  # fmt: skip
    city.ask("taro", "POST", "/orders", said)
    assert city.status == 409
    city.look()
    assert city.ask("hana", "GET", f"/orders/{found['id']}")["status"] == "expired"


def test_a_slot_that_began_before_it_was_cleared_is_not_traded(city: MarketCity) -> None:
    both(city)
    city.go(2 * 1_800 + 1)
    assert city.ask("hana", "GET", "/market/runs")["runs"][-1]["why"] == "late"
    assert city.contracts("hana") == []


def test_nothing_flowed_is_a_failure_that_is_not_settled(city: MarketCity) -> None:
    both(city)
    city.go_to_slot()
    city.flow()
    city.go(120)
    assert [one["state"] for one in city.contracts("hana")] == ["failed"]
    assert city.part.agreed(0, 1 << 60) == []


def test_what_flowed_unseen_is_not_lost(city: MarketCity) -> None:
    both(city)
    city.go_to_slot()
    city.registers["h1"][0] += 650
    city.registers["h2"][1] += 640
    city.city.clock.advance(1_800)
    city.look()
    assert city.contracts("hana")[0]["state"] == "activated", "what was told last is waited for"
    city.tell()
    city.go(180)
    assert [one["delivered"] for one in city.contracts("hana")] == [650]
    assert [one["received"] for one in city.contracts("taro")] == [640]


class NothingFollowed(Following):
    """Another process of the hub follows."""

    def __init__(self) -> None:
        """Nothing is registered, nothing begun."""

    def register(self, wish: Wish) -> None:
        """Leave it to the other."""


def test_two_processes_clear_once_and_tell_each_turn_once(city: MarketCity) -> None:
    both(city)
    file = KeptFile(city.part.book.file.path, "another process")
    ground = replace(city.part._ground, file=file, following=NothingFollowed())
    other = MarketPart(ground, city.part._community, {})
    try:
        city.city.clock.advance(2 * 1_800 - 600)
        tick_together(city.part, other)
        city.city.clock.advance(600)
        city.tell()
        city.look()
        tick_together(city.part, other)
    finally:
        file.close()
    assert city.part.book.read("SELECT count(*) FROM market_contract") == [(1,)]
    assert city.part.book.read("SELECT word FROM market_event") == [("activate",)]
    assert (city.set_point("h1"), city.set_point("h2")) == (1_400, -1_400)


def tick_together(*parts: MarketPart) -> None:
    """Both look at the same time."""
    with ThreadPoolExecutor() as pool:
        for done in [pool.submit(part.tick) for part in parts for _ in range(3)]:
            done.result()


def test_only_the_operator_suspends(city: MarketCity) -> None:
    city.ask("hana", "POST", "/market/state", {"suspended": True})
    assert city.status == 403
    assert city.ask("yamada", "POST", "/market/state", {"suspended": True, "reason": "line works"})["suspended"] is True
    assert city.ask("hana", "GET", "/market/state")["reason"] == "line works"


def test_who_leaves_is_no_longer_named(city: MarketCity) -> None:
    both(city)
    city.go_to_slot()
    (contract,) = city.contracts("hana")
    assert city.part.erase(city.city.tenant, participant("h1")) == {"services/energy/market": 2}
    city.look()
    kept = str(city.part.book.read("SELECT * FROM market_order")) + str(city.part.book.contract(contract["id"]))
    assert participant("h1") not in kept
    assert city.city.entity(contract["id"]) is None


def test_the_market_by_rules_gives_to_houses_before_shops(tmp_path: Path) -> None:
    section = MARKET.replace(
        "wheeling", 'mechanism = "priority"\nprices = {neighbour = 15_000, shop = 14_000}\nwheeling'
    )
    with market_city(tmp_path, section=section) as city:
        city.order("yamada", "store", "buy", 500, 25)
        city.order("taro", "h2", "buy", 300, 25)
        city.order("hana", "h1", "sell", 700, 9)
        city.go_to_slot()
        found = {one["side"]: one for who in ("taro", "yamada") for one in city.contracts(who) if "side" in one}
        assert found["buy"]["quantity"] == 400
        prices = sorted(one.price for one in city.part.agreed(0, 1 << 60))
        assert prices == [14_000, 15_000]
        assert to_text(city.part.agreed(0, 1 << 60)[0].start) == city.slot(0)
