"""The feature of the market as tests, and its words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pytest_bdd import given, parsers, scenarios, then, when

from tests.engines.wires.running import WIRES, fresh
from tests.fakes.market_city import OWNERS, MarketCity, market_city, participant

scenarios("market.feature")


@dataclass
class Story:
    """`told` is the last answer, `start` when the slot begins that orders are for."""

    city: MarketCity
    start: str
    told: Any = None


@pytest.fixture
def story(store: str, tmp_path: Path) -> Iterator[Story]:
    with ExitStack() as closing:
        place = closing.enter_context(fresh(WIRES[store])) if store in WIRES else store
        city = closing.enter_context(market_city(tmp_path, place))
        yield Story(city, city.slot(2))


@given("three houses and a store with their routers")
def there_are(story: Story) -> None:
    assert len(story.city.part.settings.sites) == 1
    assert story.city.ask("hana", "GET", "/market/state")["suspended"] is False


@given(parsers.re(r'"(?P<who>\w+)" (?P<side>sell|buy)s (?P<what>.*)'))
def orders(story: Story, who: str, side: str, what: str) -> None:
    would(story, who, side, what)
    assert story.city.status == 201


@when(parsers.re(r'"(?P<who>\w+)" would (?P<side>sell|buy) (?P<what>.*)'))
def would(story: Story, who: str, side: str, what: str) -> None:
    found = re.fullmatch(r'(\d+) Wh (?:of|for) "(\w+)".* (\d+) yen', what)
    assert found is not None
    body = {"participant": participant(found[2]), "side": side, "deliveryStart": story.start,
            "quantity": int(found[1]), "priceLimit": int(found[3])}  # fmt: skip
    story.told = story.city.ask(who, "POST", "/orders", body)


@when("the gate closes")
def closes(story: Story) -> None:
    story.city.go(2 * 1_800 - 600)


@when("the slot begins")
def begins(story: Story) -> None:
    story.city.go_to_slot()


@when(parsers.parse("the slot begins with batteries at {percent:d} %"))
def begins_low(story: Story, percent: int) -> None:
    story.city.go(2 * 1_800 - 600)
    story.city.city.clock.advance(600)
    story.city.tell(soc=percent / 100)
    story.city.look()


@when("a router reports a fault")
def faulty(story: Story) -> None:
    story.city.city.clock.advance(60)
    story.city.tell(state="fault", h1=1_400, h2=-1_400)
    story.city.look()


@when(parsers.parse('{watts:d} W flow from "{one}" to "{other}" for the slot'))
def flow(story: Story, watts: int, one: str, other: str) -> None:
    story.city.flow(**{one: watts, other: -watts})
    story.city.go(180)


@then(parsers.parse("the slot was cleared at {yen:d} yen, and nobody is named"))
def cleared(story: Story, yen: int) -> None:
    (run,) = story.city.ask("ken", "GET", "/market/runs")["runs"]
    assert run["unitPrice"] == yen
    assert "EnergyProsumer" not in str(run)


@then(parsers.parse('the leg of "{one}" is asked for {watts:d} W, and that of "{other}" for {less:d} W'))
def asked(story: Story, one: str, watts: int, other: str, less: int) -> None:
    assert (story.city.set_point(one), story.city.set_point(other)) == (watts, less)


@then(parsers.parse('the legs of "{one}" and "{other}" are asked for nothing any more'))
def asked_nothing(story: Story, one: str, other: str) -> None:
    assert (story.city.set_point(one), story.city.set_point(other)) == (0, 0)


@then("no leg was asked for anything")
def never_asked(story: Story) -> None:
    assert {story.city.set_point(name) for name in OWNERS} == {None}


@then(parsers.parse('"{who}" reads that {wh:d} Wh were delivered, and not {other:d}'))
def delivered(story: Story, who: str, wh: int, other: int) -> None:
    (found,) = story.city.contracts(who)
    assert (found["state"], found["delivered"], found["quantity"]) == ("deactivated", wh, other)


@then(parsers.parse('the order of "{who}" is {status}, and there is no contract'))
def order_is(story: Story, who: str, status: str) -> None:
    assert [one["status"] for one in story.city.ask(who, "GET", "/orders")["orders"]] == [status]
    assert story.city.contracts(who) == []


@then(parsers.parse('the contract of "{who}" {state}, for its rule "{rule}", and nothing flowed'))
@then(parsers.parse('the contract of "{who}" {state}, for its rule "{rule}", and nothing more flows'))
def ended(story: Story, who: str, state: str, rule: str) -> None:
    (found,) = story.city.contracts(who)
    assert (found["state"], found["why"].partition(":")[0]) == (state, rule)


@then(parsers.parse('"{who}" reads one contract, and neither whose nor how much'))
def reads_one(story: Story, who: str) -> None:
    (found,) = story.city.contracts(who)
    assert set(found) == {"id", "deliveryStart", "deliveryEnd", "state", "run"}


@then(parsers.parse('it is refused as {error}, naming "{pointer}"'))
def is_refused(story: Story, error: str, pointer: str) -> None:
    assert (re.split("[:/]", story.told["type"])[-1], story.told.get("pointer", "")) == (error, pointer)
    assert all(one["status"] == "open" for one in story.city.ask("ken", "GET", "/orders")["orders"])
