"""The feature of the ledger as tests, and its words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pytest_bdd import given, parsers, scenarios, then, when

from tests.engines.wires.running import WIRES, fresh
from tests.fakes.consent_city import DEF, ConsentCity, consent_city

scenarios("ledger.feature")

LEDGER = "//services/ledger"


@dataclass
class Story:
    """Accounts by owner; `told` is the last answer, `last` the last that was booked."""

    city: ConsentCity
    accounts: dict[str, str] = field(default_factory=dict)
    told: Any = None
    last: str = ""
    postings: int = 0

    def ask(self, who: str, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """The answer's body."""
        self.told = self.city.ask(who, method, path, body, **headers)
        return self.told

    def move(self, who: str, giver: str, taker: str, amount: float) -> None:
        """One request to move points."""
        body = {"from": self.accounts[giver], "to": self.accounts[taker], "amount": amount}
        self.ask(who, "POST", f"{LEDGER}/transfers", body, Idempotency_Key="the key")

    def booked(self) -> Any:
        """What the auditor finds."""
        return self.city.ask("kaneko", "POST", f"{LEDGER}/verify", {})


@pytest.fixture
def story(store: str, tmp_path: Path) -> Iterator[Story]:
    with ExitStack() as closing:
        place = closing.enter_context(fresh(WIRES[store])) if store in WIRES else store
        yield Story(closing.enter_context(consent_city(tmp_path, place)))


@given(parsers.parse('"{one}" and "{other}" have accounts, and "{issued}" was issued {amount:d} points'))
def have_accounts(story: Story, one: str, other: str, issued: str, amount: int) -> None:
    for who in (one, other):
        story.accounts[who] = story.ask(who, "POST", f"{LEDGER}/accounts", {"currency": "POINT"})["id"]
    body = {"to": story.accounts[issued], "amount": amount}
    story.ask("yamada", "POST", f"{LEDGER}/issuances", body, Idempotency_Key="first")
    assert story.city.status == 201
    story.postings = 1


@given(parsers.parse('"{giver}" moves {amount:g} points to "{taker}", and asks for the same once more'))
@when(parsers.parse('"{giver}" moves {amount:g} points to "{taker}", and asks for the same once more'))
def moves_twice(story: Story, giver: str, amount: float, taker: str) -> None:
    story.move(giver, giver, taker, amount)
    first, story.last = story.told, story.told["id"]
    story.move(giver, giver, taker, amount)
    assert story.told == first
    story.postings += 1


@when(parsers.parse('"{giver}" moves {amount:g} points to "{taker}"'))
@when(parsers.parse('"{giver}" moves {amount:g} points to "{taker}" by the same key'))
def moves(story: Story, giver: str, amount: float, taker: str) -> None:
    story.move(giver, giver, taker, amount)


@when(parsers.parse('"{who}" moves {amount:g} points out of the account of "{giver}"'))
def moves_anothers(story: Story, who: str, amount: float, giver: str) -> None:
    story.move(who, giver, who, amount)


@when(parsers.parse('"{who}" issues {amount:d} points to "{taker}"'))
def issues(story: Story, who: str, amount: int, taker: str) -> None:
    body = {"to": story.accounts[taker], "amount": amount}
    story.ask(who, "POST", f"{LEDGER}/issuances", body, Idempotency_Key="second")


@given(parsers.parse('the operator freezes the account of "{who}"'))
def freezes(story: Story, who: str) -> None:
    state = {"state": "accountFrozen", "reason": "lost"}
    story.ask("yamada", "POST", f"{LEDGER}/accounts/{story.accounts[who]}/state", state)
    assert story.city.status == 200


@when("the operator takes it back")
def takes_back(story: Story) -> None:
    story.ask("yamada", "POST", f"{LEDGER}/transactions/{story.last}/reversal", {"reason": "by mistake"})
    assert story.city.status == 201


@when(parsers.parse('"{who}" writes a balance of {amount:d} into the entity of the account of "{owner}"'))
def writes(story: Story, who: str, amount: int, owner: str) -> None:
    attribute = {f"{DEF}balance": {"type": "Property", "value": amount}}
    story.ask(who, "PATCH", f"//ngsi-ld/v1/entities/{story.accounts[owner]}/attrs", attribute)


@then(parsers.re(r'it is refused as (?P<error>\w+), naming "(?P<pointer>.*)"'))
def is_refused(story: Story, error: str, pointer: str) -> None:
    assert (story.told["type"].rpartition(":")[2].rpartition("/")[2], story.told.get("pointer", "")) == (error, pointer)


@then("nothing more is booked")
def nothing_more(story: Story) -> None:
    assert story.booked()["postings"] == story.postings


@then(parsers.parse("the auditor finds {count:d} postings, of which no one was changed"))
def finds(story: Story, count: int) -> None:
    found = story.booked()
    assert (found["holds"], found["postings"]) == (True, count)


@then(parsers.parse('"{who}" has {amount:g} points'))
def has(story: Story, who: str, amount: float) -> None:
    assert story.ask(who, "GET", f"{LEDGER}/accounts/{story.accounts[who]}")["balance"] == amount


@then(parsers.parse('nobody else sees the account of "{owner}": not {others}'))
def nobody_sees(story: Story, owner: str, others: str) -> None:
    for who in others.replace("not ", "").split(", "):
        story.ask(who.strip('"'), "GET", f"{LEDGER}/accounts/{story.accounts[owner]}")
        assert story.city.status == 404, who


@then(parsers.parse('the hub shows "{who}" a balance of {amount:d}'))
def hub_shows(story: Story, who: str, amount: int) -> None:
    entity = story.city.ask(who, "GET", f"//ngsi-ld/v1/entities/{story.accounts[who]}")
    assert entity[f"{DEF}balance"]["value"] == amount


@then(parsers.parse('the hub shows "{who}" no account of "{owner}"'))
def hub_shows_none(story: Story, who: str, owner: str) -> None:
    story.city.ask(who, "GET", f"//ngsi-ld/v1/entities/{story.accounts[owner]}")
    assert story.city.status == 404
