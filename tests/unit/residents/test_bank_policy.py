"""Offers and agreements as ODRL: what a JSON-LD processor makes of them, passing on prohibited by default."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pyld import jsonld

from services.bank.policy import ODRL
from tests.fakes.bank_city import PURPOSE, UNIVERSITY, BankCity, bank_city

DEF = "https://misono.example/def/"


@pytest.fixture
def city(tmp_path: Path) -> Iterator[BankCity]:
    with bank_city(tmp_path) as found:
        found.board()
        yield found


def expanded(document: Any) -> Any:
    """As JSON-LD, without asking anybody for a @context."""

    def refuse(url: str, _: Any) -> Any:
        raise AssertionError(f"{url} was asked for")

    (found,) = jsonld.expand(document, {"documentLoader": refuse})
    return found


def ids(parts: Any) -> list[str]:
    return [part["@id"] for part in parts]


def test_an_offer_is_an_odrl_offer(city: BankCity) -> None:
    offer = city.live_offer(retention="P1Y", reservePrice=5, priceCurrency="POINT")
    policy = expanded(city.ask("university", "GET", f"/offers/{offer}/policy"))
    assert dict(city.last.headers)["Content-Type"] == "application/ld+json"
    assert (policy["@id"], policy["@type"]) == (offer, [f"{ODRL}Offer"])
    (permission,) = policy[f"{ODRL}permission"]
    assert ids(permission[f"{ODRL}action"]) == [f"{ODRL}use"]
    (target,) = permission[f"{ODRL}target"]
    assert ids(target[f"{DEF}attribute"]) == [f"{DEF}bookingStart"]
    by = {ids(one[f"{ODRL}leftOperand"])[0].removeprefix(ODRL): one for one in permission[f"{ODRL}constraint"]}
    assert ids(by["purpose"][f"{ODRL}rightOperand"]) == [PURPOSE]
    assert by["dateTime"][f"{ODRL}rightOperand"][0]["@type"].endswith("#dateTime")
    duties = str(permission[f"{ODRL}duty"])
    assert f"{ODRL}delete" in duties
    assert "'@value': 'P1Y'" in duties
    assert f"{ODRL}compensate" in duties


def test_passing_on_and_profiling_are_prohibited_unless_the_offer_says_otherwise(city: BankCity) -> None:
    for profiling, prohibited in ((False, {"distribute", "sell", "profile"}), (True, {"distribute", "sell"})):
        offer = city.offer(profiling=profiling)
        policy = expanded(city.ask("operator", "GET", f"/offers/{offer}/policy"))
        actions = {ids(one[f"{ODRL}action"])[0] for one in policy[f"{ODRL}prohibition"]}
        assert {action.removeprefix(ODRL).removeprefix(DEF) for action in actions} == prohibited


def test_an_agreement_names_whom_it_is_with_and_the_offer_it_came_of(city: BankCity) -> None:
    city.recipient()
    offer = city.live_offer()
    agreement = city.agreement(offer)["id"]
    policy = expanded(city.ask("university", "GET", f"/agreements/{agreement}/policy"))
    assert policy["@type"] == [f"{ODRL}Agreement"]
    assert (ids(policy[f"{ODRL}assignee"]), ids(policy[f"{ODRL}inheritFrom"])) == ([UNIVERSITY], [offer])
    assert f"{ODRL}distribute" in [ids(one[f"{ODRL}action"])[0] for one in policy[f"{ODRL}prohibition"]]
