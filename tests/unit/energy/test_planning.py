"""Plans of a house told to its people, its wishes, what registers say, the figures of a district, the section."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from broker.errors import BadRequestData
from broker.model.values import Json
from services.energy.planning.configured import read_settings
from services.energy.planning.explaining import explained, reasons_of
from services.energy.planning.houses import Battery, Car, Goal, House, Outlook
from services.energy.planning.indicators import Day, indicators, metres, walkability
from services.energy.planning.metered import by_slot, load_of, readings_of
from services.energy.planning.orders import as_body, as_order, orders_of
from services.energy.planning.programme import Programme, Unsolvable
from services.energy.planning.scheduling import schedule
from services.energy.planning.wishes import car_of, read_wish
from services.energy.slots import MINUTE_US, Slots
from services.room import BadCity

TOKYO = Slots(30, ZoneInfo("Asia/Tokyo"))
HALF = 30 * MINUTE_US
CAR = {"capacity": 40, "atArrival": 10, "needed": 30, "power": 6, "arrives": "18:00", "leaves": "07:30"}


def days(*slots: tuple[int, int, int], reserve: int = 0) -> list[Outlook]:
    """(sun, load, price) of slots on end."""
    return [Outlook(place * HALF, pv, load, buy, 0, reserve) for place, (pv, load, buy) in enumerate(slots)]


def words(outlook: list[Outlook], goal: Goal = "price", held: int = 4_000, **more: Any) -> list[tuple[str, ...]]:
    house = House(10_000, 10_000, Battery(10_000, held, 4_000, 4_000), **more)
    plan = schedule(house, outlook, goal, 30)
    return [reasons_of(house, outlook, plan, place) for place in range(len(outlook))]


def test_sun_is_stored_and_used_when_energy_is_dear() -> None:
    assert words(days((1_500, 500, 20_000), (0, 0, 20_000), (0, 900, 40_000))) == [("sun",), ("rest",), ("dear",)]


def test_a_cheap_hour_fills_the_battery() -> None:
    assert words(days((0, 100, 10_000), (0, 900, 40_000)), held=2_000) == [("cheap",), ("dear",)]


def test_a_warning_fills_the_battery_and_says_so() -> None:
    assert words(days((0, 100, 40_000), (0, 100, 40_000), reserve=6_000))[0] == ("warning",)


def test_who_wants_a_reserve_has_it_filled() -> None:
    assert words(days((0, 100, 40_000), (0, 100, 40_000)), "reserve")[0] == ("filling",)


def test_who_wants_to_use_their_own_does() -> None:
    assert words(days((0, 800, 20_000)), "selfConsumption") == [("own",)]


def test_the_car_takes_the_cheap_hours_before_it_leaves() -> None:
    outlook = days((0, 0, 30_000), (0, 0, 10_000), (0, 0, 30_000), (0, 0, 5_000))
    car = Car(40_000, 0, 2_500, 6_000, 0, 3)
    assert words(outlook, car=car, held=2_000) == [("rest",), ("car",), ("rest",), ("rest",)]


def test_reasons_are_told_in_both_languages_and_slots_alike_once() -> None:
    house = House(10_000, 10_000, Battery(10_000, 2_000, 4_000, 4_000), Car(40_000, 0, 900, 2_000, 0, 2))
    outlook = days((0, 100, 30_000), (0, 100, 30_000), (0, 100, 30_000))
    told: list[Any] = explained(house, outlook, schedule(house, outlook, "price", 30), TOKYO.zone, HALF)
    assert [one["reasons"] for one in told] == [["car"], ["rest"]]
    assert all(not one["ja"].isascii() and one["en"].isascii() for one in told)
    assert "10:00" in next(one["en"] for one in told if "car" in one["reasons"])
    assert told[0]["until"] == told[1]["from"]


def test_a_house_without_anything_only_buys() -> None:
    plan = schedule(House(6_000, 6_000), days((0, 700, 30_000), (900, 100, 30_000)), "price", 30)
    assert [(one.bought, one.sold) for one in plan.steps] == [(700, 0), (0, 800)]
    assert (plan.measure, plan.cost) == (plan.idle, 700 * 30_000)


def test_energy_is_not_sold_for_more_than_it_costs() -> None:
    with pytest.raises(ValueError, match="not sold for more"):
        schedule(House(1, 1), [Outlook(0, 0, 0, 10, 11)], "price", 30)


def test_a_programme_without_an_answer_says_so() -> None:
    programme = Programme()
    one = programme.variable(0, 1)
    programme.row({one: 1}, least=2)
    with pytest.raises(Unsolvable):
        programme.solve()


def test_orders_are_what_passes_the_meter_and_keep_their_keys() -> None:
    outlook = days((0, 700, 30_000), (900, 100, 30_000))
    plan = schedule(House(6_000, 6_000), outlook, "price", 30)
    found = orders_of("urn:h1", outlook, plan)
    assert [(one.side, one.quantity, one.price, one.all_in) for one in found] == [
        ("buy", 700, 30_000, True), ("sell", 800, 0, False),
    ]  # fmt: skip
    assert len({one.key for one in found}) == 2
    assert [as_order(as_body(one)) for one in found] == found


def test_registers_give_whole_slots_alone() -> None:
    readings = [(0, 100), (HALF, 400), (2 * HALF + HALF // 2, 700), (3 * HALF, 900), (9 * HALF, 950), (10 * HALF, 20)]
    assert by_slot(readings, TOKYO) == {0: 300}
    assert by_slot(readings[:1], TOKYO) == {}
    assert by_slot([(HALF // 2, 0), (HALF + HALF // 2, 600), (2 * HALF + HALF // 2, 700)], TOKYO) == {HALF: 350}


def test_readings_are_of_numbers_with_a_moment() -> None:
    at = "2026-01-01T00:00:00Z"
    given: list[Json] = [
        {"value": 5, "observedAt": at},
        {"value": "x", "observedAt": at},
        {"value": 7},
        {"value": True},
    ]
    assert [value for _, value in readings_of(given)] == [5]


def test_load_is_metered_or_what_came_over_the_others() -> None:
    assert load_of({"load": (500, 0), "utility": (0, 9)}) == 500
    assert load_of({"utility": (100, 400), "pv": (0, 900), "battery": (300, 0)}) == 900
    assert load_of({"pv": (0, 900)}) is None


def test_the_figures_of_a_day() -> None:
    found = indicators(Day(pv=90_000, bought=60_000, sold=30_000, stored=40_000, co2_g_per_kwh=400))
    assert found == {
        "renewableShare": 0.5, "selfConsumption": 0.6667, "autonomyHours": 8.0, "co2Emitted": 24.0, "co2Avoided": 24.0,
    }  # fmt: skip
    assert indicators(Day(pv=0, bought=10, sold=0)) == {"renewableShare": 0.0}
    assert indicators(Day(pv=None, bought=1, sold=1)) == {}
    assert indicators(Day(pv=0, bought=0, sold=0)) == {}


def test_walkability_asks_for_one_of_every_kind() -> None:
    homes = [(139.73, 35.87), (139.80, 35.87)]
    near = {"shop": [(139.731, 35.871)], "stop": [(139.733, 35.87), (139.80, 35.87)]}
    assert walkability(homes, near, 800) == 0.5
    assert walkability(homes, {"shop": []}, 800) == 0.0
    assert walkability([], near, 800) is walkability(homes, {}, 800) is None
    assert metres((139.73, 35.87), (139.73, 35.88)) == pytest.approx(1_112, abs=2)


def test_a_car_is_there_between_its_times() -> None:
    starts = TOKYO.of_day("2026-01-02")
    found = car_of({"car": CAR}, starts, TOKYO.zone)
    assert found == Car(40_000, 10_000, 30_000, 6_000, 0, 15)
    assert car_of({"car": CAR | {"arrives": "09:00", "leaves": "17:00"}}, starts, TOKYO.zone) == Car(
        40_000, 10_000, 30_000, 6_000, 18, 34
    )
    assert car_of({"car": CAR}, starts[20:30], TOKYO.zone) is None
    assert car_of({}, starts, TOKYO.zone) is None


@pytest.mark.parametrize(
    ("wish", "pointer"),
    [
        ({"goal": "profit"}, "/goal"),
        ({}, "/"),
        ({"goal": "price", "car": CAR | {"needed": 50}}, "/car/needed"),
        ({"goal": "price", "car": CAR | {"arrives": "07:30"}}, "/car/leaves"),
        ({"goal": "price", "car": CAR | {"leaves": "25:00"}}, "/car/leaves"),
    ],
)
def test_a_wish_that_cannot_be_is_refused(wish: dict[str, Any], pointer: str) -> None:
    with pytest.raises(BadRequestData) as refused:
        read_wish(wish)
    assert refused.value.pointer == pointer
    assert refused.value.remedy


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({"aim": "price"}, "no member aim"),
        ({"goal": "profit"}, "goal is one of"),
        ({"ahead_hours": 0}, "ahead_hours is a whole number"),
        ({"sell": 40_000}, "no more than buy"),
        ({"co2_g_per_kwh": 0.4}, "co2_g_per_kwh"),
        ({"orders": "yes"}, "orders is true"),
        ({"warnings": []}, "warnings is a list"),
        ({"use": {"Trip": 1}}, "use is a table"),
        ({"everyday": 1}, "everyday is a table"),
        ({"everyday": {"shop": "Store"}}, "everyday.shop is a list"),
    ],
)
def test_a_section_that_is_wrong_says_which_member(section: dict[str, Json], said: str) -> None:
    with pytest.raises(BadCity, match=said):
        read_settings(section)
