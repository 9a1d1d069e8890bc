"""Safe outputs over HTTP: of those who allowed it, for the purpose they allowed, within a budget, and in the audit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.consent_city import CITY, SHOP, ConsentCity, consent_city

SAFE = "//services/safe"
DATASETS = """
[safe.datasets.pulse]
item = "HeartRateObservation/heartRate"
bounds = [30, 220]
k = 3
epsilon = 1.0
quasi = { observedAt = "month" }
"""
NAMES = ("hana", "taro", "ken", "mei")


@pytest.fixture
def city(tmp_path: Path) -> Iterator[ConsentCity]:
    with consent_city(tmp_path, city=CITY + DATASETS) as found:
        found.records = {}  # type: ignore[attr-defined]
        terms = found.terms()
        for place, name in enumerate(NAMES):
            found.pulse(name, 60 + place)
            if name != "mei":
                found.records[name] = found.give(name, terms)["id"]  # type: ignore[attr-defined]
        yield found


def asked(city: ConsentCity, path: str, body: Any, who: str = "clinic") -> Any:
    return city.ask(who, "POST", f"{SAFE}/{path}", body)


def test_a_total_is_of_those_who_allowed_it(city: ConsentCity) -> None:
    found = asked(city, "totals", {"dataset": "pulse", "measure": "mean"})
    assert (city.status, found["total"]) == (200, {"people": 3, "value": 61.0})
    assert asked(city, "totals", {"dataset": "pulse", "measure": "mean"}, "shop")["total"] == {"hidden": "few"}
    [entry] = [one for one in city.ask("kaneko", "GET", "//admin/audit?kind=aggregate") if one["more"]["cells"]]
    assert (entry["told"], entry["more"]) == ([], {"cells": 1, "dataset": "pulse", "measure": "mean"})


def test_asking_twice_tells_nobodys_change(city: ConsentCity) -> None:
    first = asked(city, "totals", {"dataset": "pulse", "measure": "sum"})
    assert first["total"] == {"people": 3, "value": 183.0}
    city.clock.advance(60)
    city.pulse("hana", 147)
    assert asked(city, "totals", {"dataset": "pulse", "measure": "sum"}) == first
    assert asked(city, "totals", {"dataset": "pulse", "measure": "mean"})["total"]["value"] == 61.0
    for name in ("taro", "ken"):
        city.pulse(name, 70)
    later = asked(city, "totals", {"dataset": "pulse", "measure": "sum"})
    assert later["total"] == {"people": 3, "value": 287.0}
    assert later["asOf"] > first["asOf"]


def test_who_came_alone_is_in_no_new_answer(city: ConsentCity) -> None:
    first = asked(city, "totals", {"dataset": "pulse", "measure": "sum"})
    city.give("mei", city.terms())
    assert asked(city, "totals", {"dataset": "pulse", "measure": "sum"}) == first
    refused = asked(city, "views", {"dataset": "pulse"})
    assert (city.status, refused["title"]) == (403, "Forbidden")
    assert "noisy" in refused["remedy"]


def test_rows_are_of_those_who_allowed_single_values(city: ConsentCity) -> None:
    city.organisation(SHOP)
    terms = city.terms("shop")
    for name in NAMES:
        monthly = "HeartRateObservation/heartRate@monthly"
        item = "HeartRateObservation/heartRate" if name == "hana" else monthly
        city.give(name, terms, dataItems=[item], specialCare=[item])
        assert city.status == 201
    assert asked(city, "totals", {"dataset": "pulse"}, "shop")["total"]["people"] == 4
    assert asked(city, "views", {"dataset": "pulse"}, "shop")["rows"] == []


def test_rows_are_the_same_until_enough_changed(city: ConsentCity) -> None:
    first = asked(city, "views", {"dataset": "pulse"})
    city.pulse("hana", 147)
    assert asked(city, "views", {"dataset": "pulse"}) == first


def test_too_few_are_never_shown(city: ConsentCity) -> None:
    city.withdraw("hana", record=city.records["hana"])  # type: ignore[attr-defined]
    assert asked(city, "totals", {"dataset": "pulse"})["total"] == {"hidden": "few"}
    assert asked(city, "views", {"dataset": "pulse"})["rows"] == []


def test_noise_is_paid_for_from_a_budget_of_each_recipient(city: ConsentCity) -> None:
    found = asked(city, "noisy", {"dataset": "pulse", "measure": "mean", "epsilon": 0.75})
    assert (city.status, found["left"]) == (200, 0.25)
    assert 30 <= found["value"] <= 220
    refused = asked(city, "noisy", {"dataset": "pulse", "measure": "count", "epsilon": 0.5})
    assert (city.status, refused["remedy"]) == (403, "epsilon: 0.25 at most")
    [shown] = city.ask("clinic", "GET", f"{SAFE}/datasets")
    assert (shown["left"], shown["epsilon"]) == (0.25, 1.0)
    asked(city, "noisy", {"dataset": "pulse", "measure": "count", "epsilon": 0.5}, "shop")
    assert city.status == 200


def test_an_anonymised_view_is_published_with_its_method(city: ConsentCity) -> None:
    found = asked(city, "views", {"dataset": "pulse"})
    assert [row["value"] for row in found["rows"]] == [[49.0, 68.0]] * 3
    assert {row["observedAt"] for row in found["rows"]} == {"2026-01"}
    [published] = city.ask("", "GET", f"{SAFE}/methods")
    assert (published["kind"], published["rows"], published["method"]["k"]) == ("anonymised", 3, 3)
    assert "clinic" not in str(published)


@pytest.mark.parametrize(
    ("who", "status"), [("hana", 403), ("yamada", 403), ("kaneko", 403), ("", 401), ("clinic", 400)]
)
def test_only_recipients_ask_and_for_what_there_is(city: ConsentCity, who: str, status: int) -> None:
    asked(city, "totals", {"dataset": "pulse", "by": ["town"]}, who)
    assert city.status == status


@pytest.mark.parametrize(
    "body",
    [[], {"dataset": "pulse", "more": 1}, {"dataset": "pulse", "measure": "max"}, {"dataset": "pulse", "by": "town"},
     {"dataset": "pulse", "epsilon": 1}],
)  # fmt: skip
def test_a_body_that_is_not_in_order_is_refused(city: ConsentCity, body: Any) -> None:
    assert asked(city, "totals", body)["remedy"]
    assert city.status == 400


@pytest.mark.parametrize("epsilon", [0, -1, True, "1", None, 1e-9, 1e300])
def test_an_epsilon_that_is_none_is_refused(city: ConsentCity, epsilon: Any) -> None:
    asked(city, "noisy", {"dataset": "pulse", "epsilon": epsilon})
    assert city.status == 400
    asked(city, "noisy", {"dataset": "other", "epsilon": 1})
    assert city.status == 404
