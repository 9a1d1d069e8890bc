"""Noisy answers of a data set with a price: the budget, the payment and the answer are one act, once a key."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.priced_city import PRICES, PricedCity, priced_city

SAFE = "//services/safe"
DATASETS = """
[safe.datasets.pulse]
item = "HeartRateObservation/heartRate"
bounds = [30, 220]
k = 3
epsilon = 1.0
priced = true
"""
PEOPLE = ("hana", "taro", "ken")


@pytest.fixture
def city(tmp_path: Path) -> Iterator[PricedCity]:
    with priced_city(tmp_path, prices=PRICES + DATASETS) as found:
        for name in PEOPLE:
            found.city.pulse(name)
        found.consents(*PEOPLE)
        yield found


def asked(city: PricedCity, epsilon: float = 0.5, **headers: str) -> Any:
    return city.ask("clinic", "POST", f"{SAFE}/noisy", {"dataset": "pulse", "epsilon": epsilon}, **headers)


def left(city: PricedCity) -> float:
    (shown,) = city.ask("clinic", "GET", f"{SAFE}/datasets")
    assert shown["priced"] is True
    return float(shown["left"])


def test_persons_are_paid_once_a_key(city: PricedCity) -> None:
    city.money("clinic", 10)
    first = asked(city, Idempotency_Key="one")
    assert (city.status, first["paid"], first["left"]) == (200, 6, 0.5)
    assert asked(city, Idempotency_Key="one") == first
    assert [city.balance(who) for who in ("clinic", *PEOPLE)] == [4, 1.4, 1.4, 1.4]
    assert left(city) == 0.5
    asked(city, 0.25, Idempotency_Key="one")
    assert city.status == 409


def test_who_has_not_enough_spends_nothing(city: PricedCity) -> None:
    city.money("clinic", 5)
    refused = asked(city, Idempotency_Key="one")
    assert (city.status, refused["title"]) == (409, "Conflict")
    assert [city.balance(who) for who in ("clinic", "hana")] == [5, None]
    assert left(city) == 1
    city.money("clinic", 2)
    assert asked(city, Idempotency_Key="one")["paid"] == 6


def test_who_has_no_budget_pays_nothing(city: PricedCity) -> None:
    city.money("clinic", 100)
    asked(city, 0.75, Idempotency_Key="one")
    before = city.balance("clinic")
    asked(city, Idempotency_Key="two")
    assert city.status == 403
    assert (city.balance("clinic"), left(city)) == (before, 0.25)


def test_a_price_needs_a_key_and_enough_people(city: PricedCity) -> None:
    city.money("clinic", 100)
    assert (asked(city)["remedy"][:15], city.status) == ("Idempotency-Key", 400)
    city.city.withdraw("hana", all=True)
    assert city.city.status == 200
    asked(city, Idempotency_Key="one")
    assert city.status == 403
    assert (city.balance("clinic"), left(city)) == (100, 1)
