"""The feature of prices as tests, and its words."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pytest_bdd import given, parsers, scenarios, then, when

from tests.engines.wires.running import WIRES, fresh
from tests.fakes.priced_city import HEART, PricedCity, priced_city

scenarios("pricing.feature")


@dataclass
class Story:
    """`told` is the last answer, `quote` the last quote, `token` what somebody verifies."""

    city: PricedCity
    told: Any = None
    quote: Any = None
    token: str = ""

    def ten_days(self) -> dict[str, Any]:
        """What is asked for."""
        return {"dataItems": [f"{HEART}@daily"], "from": self.city.day(-11), "until": self.city.day(-1)}

    def asks(self, **wanted: Any) -> None:
        """The clinic asks a price."""
        self.told = self.quote = self.city.quote(**wanted)
        self.token = self.quote.get("quote", "")


@pytest.fixture
def story(store: str, tmp_path: Path) -> Iterator[Story]:
    with ExitStack() as closing:
        place = closing.enter_context(fresh(WIRES[store])) if store in WIRES else store
        yield Story(closing.enter_context(priced_city(tmp_path, place)))


@given(parsers.parse("the clinic has {amount:d} points"))
@given(parsers.parse("the clinic has {amount:d} points more"))
def is_issued(story: Story, amount: int) -> None:
    story.city.money("clinic", amount)


@given(parsers.parse("the daily pulse of ten days costs {amount:d} points a person"))
def costs(story: Story, amount: int) -> None:
    told = story.city.ask("hana", "POST", "/estimates", {**story.ten_days(), "recipientClass": "commercial"})
    assert told["price"] == amount


@given(parsers.parse('"{one}" and "{other}" consent to their pulse'))
def consent(story: Story, one: str, other: str) -> None:
    story.city.consents(one, other)


@given(parsers.parse('"{who}" asks for at least {amount:d} points a time'))
def asks_for(story: Story, who: str, amount: int) -> None:
    story.city.ask(who, "PUT", "/my/reserves", {"item": HEART, "amount": amount})
    assert story.city.status == 200


@given("the clinic asked the price of the daily pulse of ten days")
@when("the clinic asks the price of the daily pulse of ten days")
def asks(story: Story) -> None:
    story.asks()


@given(parsers.parse("the clinic spent all but {amount:d} points"))
def spent(story: Story, amount: int) -> None:
    ledger = "//services/ledger"
    accounts = {who: story.city.ask(who, "POST", f"{ledger}/accounts", {"currency": "POINT"})["id"]
                for who in ("clinic", "shop")}  # fmt: skip
    body = {"from": accounts["clinic"], "to": accounts["shop"], "amount": story.city.balance("clinic") - amount}
    story.city.ask("clinic", "POST", f"{ledger}/transfers", body, Idempotency_Key="rent")
    assert story.city.status == 201


@when("the clinic asks the price of every booking")
def asks_all(story: Story) -> None:
    story.asks(dataItems=["FacilityBooking/*@daily"])


@when("it accepts")
def accepts(story: Story) -> None:
    story.told = story.city.accept(story.quote)


@when(parsers.parse('"{who}" withdraws everything'))
def withdraws(story: Story, who: str) -> None:
    story.city.city.withdraw(who, all=True)
    assert story.city.status == 200


@when(parsers.parse("the clinic buys the daily pulse of {days:d} days {times:d} times"))
def buys(story: Story, days: int, times: int) -> None:
    for _ in range(times):
        story.asks(**{"from": story.city.day(-1 - days)})
        accepts(story)


@when(parsers.parse("{seconds:d} seconds go by"))
def go_by(story: Story, seconds: int) -> None:
    story.city.city.clock.advance(seconds)


@when("somebody changes the price in it")
def changes(story: Story) -> None:
    head, body, signature = story.token.split(".")
    said = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    changed = base64.urlsafe_b64encode(json.dumps({**said, "total": 0.001}).encode()).decode().rstrip("=")
    story.token = f"{head}.{changed}.{signature}"


@when(parsers.parse('"{who}" asks what the daily pulse of ten days would cost'))
def asks_why(story: Story, who: str) -> None:
    wanted = {**story.ten_days(), "recipientClass": "commercial"}
    story.told = story.city.ask(who, "POST", "/estimates", wanted)


@then(parsers.parse("the price is {total:g} points for {people:d} persons, and no person is named"))
def the_price_is(story: Story, total: float, people: int) -> None:
    assert (story.quote["total"], story.quote["people"]) == (total, people)
    assert "urn:misono:subject" not in json.dumps(story.quote)


@then(parsers.parse('"{who}" earned {amount:g} points'))
def earned(story: Story, who: str, amount: float) -> None:
    income = story.city.ask(who, "GET", "/my/income")["income"]
    assert sum(one["paid"] for one in income) == pytest.approx(amount, abs=1e-9)
    assert story.city.balance(who) == amount


@then(parsers.parse('"{who}" earned nothing'))
def earned_nothing(story: Story, who: str) -> None:
    assert story.city.ask(who, "GET", "/my/income") == {"income": []}
    assert story.city.balance(who) is None


@then(parsers.parse("the community got {fund:g} points and the operator {operator:g} points"))
def community_got(story: Story, fund: float, operator: float) -> None:
    accounts = story.city.ask("yamada", "GET", "//services/ledger/accounts")["accounts"]
    own = {one["kind"]: one["balance"] for one in accounts}
    assert (own["communityFund"], own["operatorAccount"]) == (fund, operator)


@then(parsers.parse("the clinic has {amount:d} points"))
@then(parsers.parse("the clinic has {amount:d} points, and not {other:d}"))
def clinic_has(story: Story, amount: int) -> None:
    assert story.city.balance("clinic") == amount


@then("no price is left in this month")
def no_price_left(story: Story) -> None:
    story.asks()
    assert story.quote["total"] == 0


@then(parsers.re(r"anybody who verifies it finds it (?P<verdict>\w+)(?:, and not valid)?"))
def verified(story: Story, verdict: str) -> None:
    assert story.city.ask("", "POST", "/quotes/verify", {"quote": story.token})["verdict"] == verdict


@then("every factor is told in Japanese and in English, and no price without its reason")
def reasons(story: Story) -> None:
    (line,) = story.told["lines"]
    assert len(line["factors"]) == 5
    for text in (line["text"], *(part for one in line["factors"] for part in (one["label"], one["text"]))):
        assert not text["ja"].isascii()
        assert text["en"].replace("\u00d7", "").isascii()


@then(parsers.parse("the board reads that {people:d} persons would have earned {dearer:g} points instead of {now:g},"
                    " and no name"))  # fmt: skip
def board_reads(story: Story, people: int, dearer: float, now: float) -> None:
    found = story.city.ask("engineer", "GET", "/experiments/dearer")
    sold = [(one["sold"]["people"], one["sold"]["total"]) for one in found["versions"]]
    assert sold == [(people, now), (people, dearer)]
    assert "urn:misono:subject" not in json.dumps(found)


@then(parsers.parse('"{who}" may not read it'))
def may_not(story: Story, who: str) -> None:
    story.city.ask(who, "GET", "/experiments/dearer")
    assert story.city.status == 403


@then(parsers.re(r'it is refused as (?P<error>\w+), naming "(?P<pointer>.*)"'))
def is_refused(story: Story, error: str, pointer: str) -> None:
    assert (story.told["type"].rpartition(":")[2].rpartition("/")[2], story.told.get("pointer", "")) == (error, pointer)
