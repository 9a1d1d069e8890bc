"""The feature of the life of points as tests, and its words."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_bdd import given, parsers, scenarios, then, when

from broker.errors import Conflict
from tests.fakes.consent_city import for_
from tests.fakes.serving_city import ServingCity, serving_city

scenarios("currency.feature")

LEDGER = "//services/ledger"


@pytest.fixture
def city(store: str, tmp_path: Path) -> Iterator[ServingCity]:
    with serving_city(tmp_path, "currency", "life_days = 365", store) as found:
        yield found


def settled(city: ServingCity) -> None:
    city.settle()
    city.city.served._rooms["ledger"].tick()  # type: ignore[attr-defined]
    city.settle()


def account(city: ServingCity, who: str) -> str:
    return str(city.city.ask(who, "POST", f"{LEDGER}/accounts", {"currency": "POINT"})["id"])


@given('"hana" was issued 100 points, and 200 days later 50 more')
def was_issued(city: ServingCity) -> None:
    for amount, days in ((100, 200), (50, 0)):
        body = {"to": account(city, "hana"), "amount": amount}
        city.ask("yamada", "POST", f"{LEDGER}/issuances", body, Idempotency_Key=str(amount))
        assert city.status == 201, city.told
        settled(city)
        city.later(days * 1_440)


@given('"taro" was issued 20 points')
def taro_was_issued(city: ServingCity) -> None:
    body = {"to": account(city, "taro"), "amount": 20}
    city.ask("yamada", "POST", f"{LEDGER}/issuances", body, Idempotency_Key="taro")
    settled(city)


@given('the operator froze the account of "hana"')
def froze(city: ServingCity) -> None:
    state = {"state": "accountFrozen", "reason": "lost"}
    city.ask("yamada", "POST", f"{LEDGER}/accounts/{account(city, 'hana')}/state", state)
    assert city.status == 200


@when('400 days go by while "hana" waits')
def go_by_frozen(city: ServingCity) -> None:
    city.city.clock.advance(400 * 86_400)
    with pytest.raises(Conflict):
        city.settle()


@given('"hana" has what becomes of her account sent over MQTT')
def has_sent(city: ServingCity) -> None:
    city.listen("hana", "LocalCurrencyAccount")


@given(parsers.parse('"hana" moves {amount:d} points to "taro"'))
@when(parsers.parse('"hana" moves {amount:d} points to "taro"'))
def moves(city: ServingCity, amount: int) -> None:
    body = {"from": account(city, "hana"), "to": account(city, "taro"), "amount": amount}
    city.ask("hana", "POST", f"{LEDGER}/transfers", body, Idempotency_Key="gift")
    settled(city)


@when(parsers.parse("{days:d} days go by"))
def go_by(city: ServingCity, days: int) -> None:
    city.later(days * 1_440)
    settled(city)


@when('"hana" asks for the points of "taro"')
def asks(city: ServingCity) -> None:
    city.ask("hana", "GET", f"/points{for_('taro')}")


@then(parsers.parse('"{who}" has {amount:d} points, and not {other:d}'))
def has(city: ServingCity, who: str, amount: int) -> None:
    assert city.city.ask(who, "GET", f"{LEDGER}/accounts/{account(city, who)}")["balance"] == amount
    assert sum(one["amount"] for one in city.city.ask(who, "GET", "//services/currency/points")["points"]) == amount


@then(parsers.parse('the points of "hana" are {older:d} and {newer:d}, and no others'))
def points_are(city: ServingCity, older: int, newer: int) -> None:
    city.ask("hana", "GET", "/points")
    assert [one["amount"] for one in city.told["points"]] == [older, newer]
    assert not city.told["text"]["ja"].isascii()


@then(parsers.parse('over MQTT comes "{name}" "{value}"'))
def comes(city: ServingCity, name: str, value: str) -> None:
    city.hears(name, value)


@then("the books hold, and nothing is missing")
def books_hold(city: ServingCity) -> None:
    assert city.city.ask("kaneko", "POST", f"{LEDGER}/verify", {})["holds"] is True


@then(parsers.re(r'it is refused as (?P<error>\w+), naming "(?P<pointer>.*)"'))
def is_refused(city: ServingCity, error: str, pointer: str) -> None:
    city.refused(error, pointer)
