"""Planning at its doors: who may, what is done once a day, what is refused, what is told of nobody."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from broker.model.values import to_text
from services.energy.planning.book import DAILY, Made
from services.energy.planning.orders import PlannedOrder
from tests.fakes.planned_city import OWNERS, SLOT_US, PlannedCity, planned_city

HOUSE = "urn:ngsi-ld:EnergyProsumer:misono:h1"
OTHER = "urn:ngsi-ld:EnergyProsumer:misono:h2"
CAR = {"capacity": 40, "atArrival": 10, "needed": 30, "power": 6, "arrives": "18:00", "leaves": "07:30"}


@pytest.fixture
def city(tmp_path: Path) -> Iterator[PlannedCity]:
    with planned_city(tmp_path) as found:
        yield found


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlannedCity]:
    """A city in which nothing is changed."""
    with planned_city(tmp_path_factory.mktemp("still")) as found:
        yield found


def run(city: PlannedCity) -> Any:
    return city.ask("yamada", "POST", "/planning/runs", {})


def test_a_day_is_planned_once_for_all(city: PlannedCity) -> None:
    city.meters()
    assert run(city) == {"planned": 5, "indicators": True, "orders": 0}
    assert run(city) == {"planned": 0, "indicators": False, "orders": 0}
    assert len(city.ask("hana", "GET", "/plans")["plans"]) == 1
    city.city.clock.advance(86_400)
    assert run(city)["planned"] == 5
    assert [one["cause"] for one in city.ask("hana", "GET", "/plans")["plans"]] == ["daily", "daily"]


def test_the_meters_of_a_day_are_waited_for(city: PlannedCity) -> None:
    assert run(city)["indicators"] is False
    city.meters()
    assert run(city)["indicators"] is True
    assert "renewableShare" in city.indicators()


def test_a_day_of_which_the_meters_never_tell_has_no_figures(city: PlannedCity) -> None:
    city.city.clock.advance(7 * 3_600)
    assert run(city)["indicators"] is True
    assert set(city.indicators()) <= {"walkability"}


def test_figures_wait_for_all_sites(city: PlannedCity) -> None:
    city.meters()
    city.city.hub.delete("misono", ["urn:ngsi-ld:DigitalGridLeg:misono:h3-utility"])
    city.city.clock.advance(7 * 3_600)
    run(city)
    assert "renewableShare" not in city.indicators()


def test_figures_are_shown_once_the_hub_is_back(city: PlannedCity) -> None:
    city.meters()
    run(city)
    shown = city.indicators()
    ids = [f"urn:ngsi-ld:KeyPerformanceIndicator:EnergyCommunity:misono:community:{name}" for name in shown]
    city.city.hub.delete("misono", ids)
    file = city.part.book.file
    file.write(lambda db: db.executemany("INSERT INTO planning_unshown VALUES (?)", [(one,) for one in shown])).result()
    run(city)
    assert city.indicators() == shown
    assert file.read("SELECT * FROM planning_unshown") == []


def test_few_uses_of_a_service_are_not_told(city: PlannedCity) -> None:
    city.meters()
    city.charged(1, -2)
    run(city)
    assert "serviceUse" not in city.indicators()


def test_uses_of_services_are_counted_by_day(city: PlannedCity) -> None:
    city.meters()
    for number in range(4):
        city.charged(number, -2 if number else -40)
    run(city)
    assert city.indicators()["serviceUse"] == 3


def test_a_plan_is_for_its_house_alone(city: PlannedCity) -> None:
    made = city.ask("hana", "POST", "/plans", {})
    assert (city.status, made["participant"], made["cause"]) == (201, HOUSE, "asked")
    assert city.ask("hana", "GET", f"/plans/{made['id']}") == made
    for who in ("taro", "mei"):
        city.ask(who, "GET", f"/plans/{made['id']}")
        assert city.status == 404
    for path in ("/plans", f"/plans/{made['id']}", "/forecasts", "/planning/wish"):
        city.ask("yamada", "GET", path)
        assert city.status == 403
        city.ask("clinic", "GET", path)
        assert city.status == 403
    city.ask("", "GET", "/plans")
    assert city.status == 401


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/plans", {"participant": OTHER}),
        ("GET", f"/forecasts?participant={OTHER}", None),
        ("GET", f"/planning/wish?participant={OTHER}", None),
        ("PUT", "/planning/wish", {"goal": "price", "participant": OTHER}),
    ],
)
def test_of_others_nothing_is_told_nor_asked(still: PlannedCity, method: str, path: str, body: Any) -> None:
    told = still.ask("hana", method, path, body)
    assert (still.status, told["pointer"]) == (403, "/participant")
    assert OTHER not in json.dumps(told)


def test_a_wish_stays_and_rules_the_plans(city: PlannedCity) -> None:
    wish = {"goal": "reserve", "car": CAR}
    assert city.ask("hana", "PUT", "/planning/wish", wish) == {"participant": HOUSE, **wish}
    assert city.ask("hana", "GET", "/planning/wish") == {"participant": HOUSE, **wish}
    assert city.ask("taro", "GET", "/planning/wish") == {"participant": OTHER}
    made = city.ask("hana", "POST", "/plans", {})
    assert made["goal"] == "reserve"
    assert sum(one["car"] for one in made["steps"]) == pytest.approx(20_000 / 0.9, abs=20)
    assert city.ask("hana", "POST", "/plans", {"goal": "price"})["goal"] == "price"


@pytest.mark.parametrize(
    ("method", "path", "body", "pointer"),
    [
        ("PUT", "/planning/wish", {"goal": "profit"}, "/goal"),
        ("PUT", "/planning/wish", {"goal": "price", "car": CAR | {"needed": 41}}, "/car/needed"),
        ("POST", "/plans", {"goal": "profit"}, "/goal"),
        ("POST", "/plans", [], "/"),
        ("GET", "/plans?limit=1000", None, "limit"),
        ("GET", "/plans?since=1", None, "since"),
    ],
)
def test_what_is_wrong_is_named_with_what_would_do(
    still: PlannedCity, method: str, path: str, body: Any, pointer: str
) -> None:
    told = still.ask("hana", method, path, body)
    assert (still.status, told["pointer"]) == (400, pointer)
    assert told["remedy"]


def test_plans_come_by_pages(city: PlannedCity) -> None:
    made = [city.ask("hana", "POST", "/plans", {})["id"] for _ in range(3)]
    first = city.ask("hana", "GET", "/plans?limit=2")
    second = city.ask("hana", "GET", f"/plans?limit=2&before={first['before']}")
    assert [one["id"] for one in first["plans"] + second["plans"]] == made[::-1]
    assert "before" not in second


def test_forecasts_of_the_weather_are_followed(city: PlannedCity) -> None:
    now = city.city.clock.now()
    forecast(city, 1, now + SLOT_US)
    follow(city)
    forecast(city, 2, now + 3 * SLOT_US)
    follow(city)
    found = city.part.book.weather(now, now + 9 * SLOT_US)
    assert [(one.radiation, one.temperature) for one in found.values()] == [(640.0, 8.5)] * 4


def follow(city: PlannedCity) -> None:
    """Take what has come."""
    while city.part._ground.following.once("misono"):
        pass


def forecast(city: PlannedCity, number: int, start: int) -> None:
    """The weather of two slots."""
    weather, issued = "https://smartdatamodels.org/dataModel.Weather/", to_text(city.city.clock.now())
    ahead = {"validFrom": to_text(start), "validTo": to_text(start + 2 * SLOT_US), "dateIssued": issued}
    city.put({
        "id": f"urn:ngsi-ld:WeatherForecast:misono:{number}", "type": f"{weather}WeatherForecast",
        **{f"{weather}{name}": {"type": "Property", "value": value} for name, value in ahead.items()},
        f"{weather}solarRadiation": {"type": "Property", "value": 640, "unitCode": "D54"},
        f"{weather}temperature": {"type": "Property", "value": 8.5, "unitCode": "CEL"},
    })  # fmt: skip


def test_what_is_known_of_a_participant_is_erased(city: PlannedCity) -> None:
    city.meters()
    run(city)
    city.ask("hana", "PUT", "/planning/wish", {"goal": "reserve"})
    assert city.part.erase("misono", HOUSE)["services/energy/planning"] > 0
    assert city.part.erase("misono", HOUSE) == {}
    assert city.ask("hana", "GET", "/plans") == {"plans": []}
    rows = city.part.book.read("SELECT count(*) FROM planning_energy WHERE participant = ?", HOUSE)
    assert rows == [(0,)]


class Desk:
    """A market that takes every order, and remembers."""

    def __init__(self) -> None:
        self.taken: dict[str, PlannedOrder] = {}
        self.asked = 0

    def place_planned(self, order: PlannedOrder) -> bool:
        """As the port says."""
        self.asked += 1
        self.taken[order.key] = order
        return True


def test_plans_become_orders_once(tmp_path: Path) -> None:
    more = "[energy.market]\n"
    with planned_city(tmp_path, more=more, orders=True) as city:
        desk = Desk()
        city.part._desk = desk
        city.meters()
        run(city)
        assert desk.asked == len(desk.taken) > 0
        assert {one.participant.rpartition(":")[2] for one in desk.taken.values()} == {*OWNERS}
        run(city)
        assert desk.asked == len(desk.taken)


def test_the_market_takes_the_orders_of_plans(tmp_path: Path) -> None:
    with planned_city(tmp_path, orders=True) as city:
        city.meters()
        taken = run(city)["orders"]
        assert taken > 0
        orders = city.ask("hana", "GET", "/orders?limit=100")["orders"]
        bought = {one["start"]: one["bought"] for one in plan_of_today(city)["steps"] if one["bought"]}
        asked = {one["deliveryStart"]: one["quantity"] for one in orders if one["side"] == "buy"}
        assert asked.items() <= bought.items()
        assert asked
        assert run(city)["orders"] == 0


def plan_of_today(city: PlannedCity) -> Any:
    return city.ask("hana", "GET", f"/plans/{city.ask('hana', 'GET', '/plans')['plans'][0]['id']}")


def test_a_second_process_keeps_no_second_plan_of_a_day(city: PlannedCity) -> None:
    order = {"key-1": {"participant": HOUSE}}
    made = Made("plan-a", HOUSE, "2026-01-02", DAILY, 5, {"id": "plan-a"}, order)
    book = city.part.book
    assert book.keep_plan(made)
    assert not book.keep_plan(replace(made, id="plan-b", orders={"key-2": {"participant": HOUSE}}))
    assert book.read("SELECT key FROM planning_order") == [("key-1",)]
    assert book.keep_plan(replace(made, id="plan-c", cause="asked", orders={}))
    assert [one.id for one in book.plans([HOUSE], 0, 9)] == ["plan-c", "plan-a"]


def test_answers_of_the_operator_name_nobody(city: PlannedCity) -> None:
    city.meters()
    told = json.dumps([run(city), city.ask("yamada", "GET", "/indicators")])
    assert "EnergyProsumer" not in told
    assert "subject" not in told
