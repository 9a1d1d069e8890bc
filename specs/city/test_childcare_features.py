"""The feature of childcare that neighbours share as tests, and its words."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_bdd import given, parsers, scenarios, then, when

from tests.fakes.serving_city import ServingCity, serving_city

scenarios("childcare.feature")

LEDGER = "//services/ledger"


@pytest.fixture
def city(store: str, tmp_path: Path) -> Iterator[ServingCity]:
    with serving_city(tmp_path, "childcare", "", store) as found:
        yield found


def accounts(city: ServingCity, who: str) -> dict[str, float]:
    found = city.city.ask(who, "GET", f"{LEDGER}/accounts")["accounts"]
    return {one["currency"]: one["balance"] for one in found}


@given(parsers.parse('"{who}" takes on "{kind}" of children from {months:d} months on, and {checked} checked'))
def takes_on(city: ServingCity, who: str, kind: str, months: int, checked: str) -> None:
    city.ask(who, "POST", "/supporters", {"kinds": [kind], "leastMonths": months})
    assert city.status == 201, city.told
    city.ids[who] = city.told["id"]
    if checked == "was":
        city.ask("yamada", "POST", f"/supporters/{city.ids[who]}/check", {})
        assert city.status == 200


@given(parsers.parse('"{who}" has {amount:d} yen'))
def is_issued(city: ServingCity, who: str, amount: int) -> None:
    account = city.ask(who, "POST", f"{LEDGER}/accounts", {"currency": "JPY"})["id"]
    city.ask("yamada", "POST", f"{LEDGER}/issuances", {"to": account, "amount": amount}, Idempotency_Key=who)
    assert city.status == 201


@given('"hana" has what becomes of it sent over MQTT')
def has_sent(city: ServingCity) -> None:
    city.listen("hana", "ChildcareShareRequest")


@when(
    parsers.parse('"hana" asks for "{kind}" of a child of {months:d} months for {hours:d} hours at {amount:d} yen')
)  # fmt: skip
def asks_for(city: ServingCity, kind: str, months: int, hours: int, amount: int) -> None:
    times = {"start": city.city.in_days(1), "end": city.city.in_days(1 + hours / 24)}
    body = {"kind": kind, "ages": [months], "feePerHour": amount, **times}
    for _ in range(2):
        city.ask("hana", "POST", "/requests", body, Idempotency_Key="once")
    assert city.status == 200, city.told
    city.ids["request"] = city.told["id"]
    city.settle()


@when(parsers.parse('"{who}" offers to help'))
def offers(city: ServingCity, who: str) -> None:
    city.ask(who, "POST", f"/requests/{city.ids['request']}/offers", {})


@when(parsers.parse('"{who}" chooses "{whom}"'))
def chooses(city: ServingCity, who: str, whom: str) -> None:
    city.ask(who, "POST", f"/requests/{city.ids['request']}/match", {"supporter": city.ids[whom]})
    city.settle()


@when(parsers.parse('it is over, and "{who}" says so twice'))
def says_twice(city: ServingCity, who: str) -> None:
    city.later(36 * 60)
    says_done(city, who)
    says_done(city, who)


@when(parsers.parse('"{who}" says that it is done'))
def says_done(city: ServingCity, who: str) -> None:
    city.ask(who, "POST", f"/requests/{city.ids['request']}/completion", {})


@when(parsers.parse('"{who}" takes it back'))
def takes_back(city: ServingCity, who: str) -> None:
    city.ask(who, "POST", f"/requests/{city.ids['request']}/cancellation", {})


@when(parsers.parse("{minutes:d} minutes go by"))
def go_by(city: ServingCity, minutes: int) -> None:
    city.later(minutes)


@then('"taro" finds it without the name of the family, of which nothing is told')
def finds(city: ServingCity) -> None:
    (found,) = city.ask("taro", "GET", "/open")["requests"]
    assert found["id"] == city.ids["request"]
    assert "urn:misono:subject" not in str(found)


@then(parsers.parse('"{who}" has {amount:d} yen, and not {other:d}'))
def has(city: ServingCity, who: str, amount: int) -> None:
    assert accounts(city, who) == {"JPY": amount}


@then(parsers.parse('over MQTT comes "{name}" "{value}"'))
def comes(city: ServingCity, name: str, value: str) -> None:
    city.hears(name, value)


@then("it suits nobody")
def suits_nobody(city: ServingCity) -> None:
    assert city.ask("hana", "GET", f"/requests/{city.ids['request']}")["suiting"] == []


@then(parsers.parse('it is "{state}", and nobody is paid'))
def is_so(city: ServingCity, state: str) -> None:
    found = city.ask("hana", "GET", f"/requests/{city.ids['request']}")
    assert found["state"] == state
    assert not found["text"]["ja"].isascii()
    assert accounts(city, "hana") == {"JPY": 5000}


@then(parsers.parse('the hub shows "{who}" nothing of it'))
def hub_hides(city: ServingCity, who: str) -> None:
    city.ask(who, "GET", f"//ngsi-ld/v1/entities/{city.ids['request']}")
    assert city.status == 404


@then(parsers.re(r'it is refused as (?P<error>\w+), naming "(?P<pointer>.*)"'))
def is_refused(city: ServingCity, error: str, pointer: str) -> None:
    city.refused(error, pointer)
