"""The features of plans and of the district's figures as tests, and their words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from pytest_bdd import given, parsers, scenarios, then, when

from tests.engines.wires.running import WIRES, fresh
from tests.fakes.planned_city import KPI, PlannedCity, planned_city

scenarios("planning.feature", "kpi.feature")

SOON = 6
"""Half hours in which a battery is full, at most."""


@dataclass
class Story:
    """`told` is the last answer, `plan` the last plan, `shown` what the hub showed first."""

    city: PlannedCity
    told: Any = None
    plan: Any = None
    shown: dict[str, Any] = field(default_factory=dict)

    def reasons(self) -> set[str]:
        """The words of all reasons of the plan."""
        return {word for one in self.plan["why"] for word in one["reasons"]}


@pytest.fixture
def story(store: str, tmp_path: Path) -> Iterator[Story]:
    with ExitStack() as closing:
        place = closing.enter_context(fresh(WIRES[store])) if store in WIRES else store
        yield Story(closing.enter_context(planned_city(tmp_path, place)))


@given("the meters of five houses told of the day before")
def meters(story: Story) -> None:
    story.city.meters()


@given(parsers.parse("a kWh costs {cheap:d} yen until seven in the morning, and {dear:d} yen afterwards"))
def prices(story: Story, cheap: int, dear: int) -> None:
    story.city.tariff(cheap, dear)


@given("a typhoon is warned of")
def warned(story: Story) -> None:
    story.city.warn()


@given("a shower is told of")
def told_of(story: Story) -> None:
    story.city.warn("low")


@given(parsers.parse('"{who}" wishes that her car has {needed:d} kWh when it leaves at {leaves}'))
@when(parsers.parse('"{who}" wishes that her car has {needed:d} kWh when it leaves at {leaves}'))
def wishes_car(story: Story, who: str, needed: int, leaves: str) -> None:
    car = {"capacity": 40, "atArrival": 10, "needed": needed, "power": 6, "arrives": "18:00", "leaves": leaves}
    story.told = story.city.ask(who, "PUT", "/planning/wish", {"goal": "price", "car": car})


@given(parsers.parse('"{who}" wishes to be ready for an outage'))
def wishes_reserve(story: Story, who: str) -> None:
    story.city.ask(who, "PUT", "/planning/wish", {"goal": "reserve"})
    assert story.city.status == 200


@given("one of them told nothing")
def one_silent(story: Story) -> None:
    assert story.city.city.hub.delete("misono", ["urn:ngsi-ld:DigitalGridLeg:misono:h3-utility"]) == [None]


@given(parsers.parse("{there:d} cars were charged the day before, and {earlier:d} earlier"))
def charged(story: Story, there: int, earlier: int) -> None:
    for number in range(there + earlier):
        story.city.charged(number, -2 if number < there else -40)


@given("a shop within a walk of 1 of five homes")
def shop(story: Story) -> None:
    story.city.shop()


@given("the operator has the day planned")
@when("the operator has the day planned")
def has_planned(story: Story) -> None:
    story.shown = story.shown or story.city.indicators()
    story.told = story.city.ask("yamada", "POST", "/planning/runs", {})
    assert story.city.status == 200
    story.shown = story.shown or story.city.indicators()


@when("the operator has the day planned in the morning")
def has_planned_late(story: Story) -> None:
    story.city.city.clock.advance(7 * 3_600)
    has_planned(story)


@given(parsers.parse('"{who}" asked for a plan'))
@when(parsers.parse('"{who}" asks for a plan'))
def asks(story: Story, who: str) -> None:
    story.told = story.plan = story.city.ask(who, "POST", "/plans", {})
    assert story.city.status == 201


@when(parsers.parse('"{who}" asks for that plan'))
def asks_that(story: Story, who: str) -> None:
    story.told = story.city.ask(who, "GET", f"/plans/{story.plan['id']}")


@when(parsers.parse('"{who}" asks for a plan of the house of "hana"'))
def asks_other(story: Story, who: str) -> None:
    story.told = story.city.ask(who, "POST", "/plans", {"participant": "urn:ngsi-ld:EnergyProsumer:misono:h1"})


@when(parsers.parse('"{who}" asks what her house will make and use'))
def asks_forecast(story: Story, who: str) -> None:
    story.told = story.city.ask(who, "GET", "/forecasts")


@when("the operator asks what her house will make and use")
def operator_asks(story: Story) -> None:
    asks_forecast(story, "yamada")


@when(parsers.parse('"{who}" asks for the district\'s figures'))
def asks_figures(story: Story, who: str) -> None:
    story.told = story.city.ask(who, "GET", "/indicators")


@when("the clinic asks for the district's figures")
def clinic_asks(story: Story) -> None:
    asks_figures(story, "clinic")


@then(parsers.re(r"(?P<count>\d+) houses were planned(, and nobody has a second plan)?"))
def planned(story: Story, count: str) -> None:
    assert story.told["planned"] == int(count)
    for who in ("hana", "taro", "ken", "mei"):
        assert len(story.city.ask(who, "GET", "/plans")["plans"]) == 1


@then(parsers.parse('"{who}" has {count:d} plan'))
def has_plans(story: Story, who: str, count: int) -> None:
    assert len(story.city.ask(who, "GET", "/plans")["plans"]) == count


@then("every hour of it has its reason in both languages, and none is without")
def has_reasons(story: Story) -> None:
    why = story.plan["why"]
    assert (why[0]["from"], why[-1]["until"]) == (story.plan["from"], story.plan["until"])
    assert all(one["until"] == other["from"] for one, other in pairwise(why))
    assert all(not one["ja"].isascii() and one["en"].isascii() and one["reasons"] for one in why)


@then("it is never worse than leaving everything alone")
def not_worse(story: Story) -> None:
    stored = (story.plan["steps"][-1]["held"] - 4_000) / 1_000 * 20 * 0.95
    assert story.plan["cost"] - stored <= story.plan["costLeftAlone"] + 0.1


@then(parsers.parse("the battery holds {least:d} Wh within 3 hours, and not less from then on"))
def holds(story: Story, least: int) -> None:
    assert min(one["held"] for one in story.plan["steps"][SOON - 1 :]) >= least


@then("the battery is as full as it may be within 3 hours, and not less from then on")
def is_full(story: Story) -> None:
    holds(story, 8_000 * 95 // 100 - 1)


@then("the reason is the warning")
def is_warning(story: Story) -> None:
    assert "warning" in story.reasons()


@then("the reason is not the warning")
def is_no_warning(story: Story) -> None:
    assert "warning" not in story.reasons()


@then(parsers.parse("the car takes {amount:g} kWh before 07:30, and nothing after it"))
def car_takes(story: Story, amount: float) -> None:
    leaves = story.city.city.in_days(6.5 / 24)
    before = [one["car"] for one in story.plan["steps"] if one["start"] < leaves]
    after = [one["car"] for one in story.plan["steps"] if one["start"] >= leaves]
    assert (sum(before) / 1_000, sum(after)) == (pytest.approx(amount, abs=0.1), 0)


@then("the reason names when the car leaves")
def names_leaving(story: Story) -> None:
    told = [one for one in story.plan["why"] if "car" in one["reasons"]]
    assert told
    assert all("07:30" in one["ja"] and "07:30" in one["en"] for one in told)


@then(parsers.parse("{count:d} half hours are told, and none is below nothing"))
def half_hours(story: Story, count: int) -> None:
    assert len(story.told["slots"]) == count
    assert all(one["sun"] >= 0 and one["load"] >= 0 for one in story.told["slots"])


@then("the hub shows the renewable share, the self-consumption, the hours of autonomy and the CO2 of the district")
def shows_all(story: Story) -> None:
    assert {"renewableShare", "selfConsumption", "autonomyHours", "co2Emitted", "co2Avoided"} <= story.shown.keys()


@then("the renewable share is what of the energy used was not bought")
def renewable(story: Story) -> None:
    bought, own = story.shown["co2Emitted"], story.shown["co2Avoided"]
    assert story.shown["renewableShare"] == pytest.approx(own / (own + bought), abs=0.001)


@then("nothing in them names a house")
def names_nobody(story: Story) -> None:
    found = json.dumps([*story.city.city.hub.query("misono", f"{KPI}KeyPerformanceIndicator")])
    assert "EnergyProsumer" not in found
    assert "subject" not in found


@then("each figure is there once, and none has changed")
def unchanged(story: Story) -> None:
    assert story.city.indicators() == story.shown
    entities = [*story.city.city.hub.query("misono", f"{KPI}KeyPerformanceIndicator")]
    assert len(entities) == len(story.shown)


@then("the hub shows no renewable share")
def no_share(story: Story) -> None:
    assert "renewableShare" not in story.city.indicators()


@then(parsers.parse("{count:d} uses of services are told, and not {other:d}"))
def uses(story: Story, count: int, other: int) -> None:
    assert story.city.indicators()["serviceUse"] == count != other


@then("no use of services is told")
def no_uses(story: Story) -> None:
    assert "serviceUse" not in story.city.indicators()


@then(parsers.parse("the walkability is {share:g}, and not more"))
def walkable(story: Story, share: float) -> None:
    assert story.city.indicators()["walkability"] == share


@then(parsers.parse("she reads {count:d} figures with their names in both languages, and no house"))
def reads(story: Story, count: int) -> None:
    found = story.told["indicators"]
    assert len(found) == count
    assert all(not one["label"]["ja"].isascii() and one["label"]["en"].isascii() for one in found)
    assert "EnergyProsumer" not in json.dumps(found)


@then(parsers.re(r'it is refused as (?P<error>\w+), naming "(?P<pointer>.*)"'))
def is_refused(story: Story, error: str, pointer: str) -> None:
    assert (story.told["type"].rpartition(":")[2].rpartition("/")[2], story.told.get("pointer", "")) == (error, pointer)
