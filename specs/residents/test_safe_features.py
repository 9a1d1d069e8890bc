"""The feature of safe outputs as tests, and its words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pytest_bdd import given, parsers, scenarios, then, when

from tests.engines.wires.running import WIRES, fresh
from tests.fakes.consent_city import CITY, SHOP, ConsentCity, consent_city

scenarios("safe.feature")

SAFE = "//services/safe"
DATASETS = """
[safe.datasets.pulse]
item = "HeartRateObservation/heartRate"
bounds = [30, 220]
k = 3
epsilon = 1.0
quasi = { observedAt = "month" }
"""
STATUS = {"Forbidden": 403, "Unauthorized": 401, "ResourceNotFound": 404, "BadRequestData": 400}


@dataclass
class Story:
    """The city; `told` is the last answer, `records` are consents by name."""

    city: ConsentCity
    told: Any = None
    records: dict[str, str] = field(default_factory=dict)

    def ask(self, who: str, path: str, body: Any) -> None:
        """Of safe outputs."""
        self.told = self.city.ask(who, "POST", f"{SAFE}/{path}", body)


@pytest.fixture
def story(store: str, tmp_path: Path) -> Iterator[Story]:
    with ExitStack() as closing:
        place = closing.enter_context(fresh(WIRES[store])) if store in WIRES else store
        yield Story(closing.enter_context(consent_city(tmp_path, place, city=CITY + DATASETS)))


@given(parsers.re(r"the pulse of (?P<names>.+) was measured"))
def was_measured(story: Story, names: str) -> None:
    for more, name in enumerate(_names(names)):
        story.city.pulse(name, 60 + more)


@given(parsers.re(r"(?P<names>.+) (?:has|have) consented to the pulse for the clinic"))
def have_consented(story: Story, names: str) -> None:
    terms = story.city.terms()
    for name in _names(names):
        story.records[name] = story.city.give(name, terms)["id"]


@given(parsers.re(r"(?P<names>.+) have consented to the monthly pulse for the shop"))
def have_consented_to_months(story: Story, names: str) -> None:
    story.city.organisation(SHOP)
    terms, item = story.city.terms("shop"), "HeartRateObservation/heartRate@monthly"
    for name in _names(names):
        story.city.give(name, terms, dataItems=[item], specialCare=[item])
        assert story.city.status == 201


@given(parsers.parse('the pulse of "{name}" is {value:d} now'))
def is_now(story: Story, name: str, value: int) -> None:
    story.city.pulse(name, value)


@given(parsers.parse('"{name}" withdraws'))
def withdraws(story: Story, name: str) -> None:
    story.city.withdraw(name, record=story.records[name])
    assert story.city.status == 200


@given(parsers.parse('"{name}" has herself erased'))
def has_herself_erased(story: Story, name: str) -> None:
    assert story.city.ask(name, "POST", "//services/store/erasures", {"confirm": True})["state"] == "done"


@given(parsers.re(r"the (?P<who>clinic|shop) asks for the mean pulse"))
@when(parsers.re(r"the (?P<who>clinic|shop) asks for the mean pulse"))
@when(parsers.re(r'"(?P<who>\w*)" asks for the mean pulse'))
def asks_for_mean(story: Story, who: str) -> None:
    story.ask(who, "totals", {"dataset": "pulse", "measure": "mean"})


@when(parsers.parse('the clinic asks for the mean of "{dataset}"'))
def asks_for_other(story: Story, dataset: str) -> None:
    story.ask("clinic", "totals", {"dataset": dataset, "measure": "mean"})


@when(parsers.parse('the clinic asks for the mean pulse by "{group}"'))
def asks_by(story: Story, group: str) -> None:
    story.ask("clinic", "totals", {"dataset": "pulse", "measure": "mean", "by": [group]})


@given(parsers.parse("the clinic asks for a noisy mean at {epsilon:g}"))
@when(parsers.parse("the clinic asks for a noisy mean at {epsilon:g}"))
def asks_noisy(story: Story, epsilon: float) -> None:
    story.ask("clinic", "noisy", {"dataset": "pulse", "measure": "mean", "epsilon": epsilon})


@when(parsers.re(r"the (?P<who>clinic|shop) asks for rows"))
def asks_for_rows(story: Story, who: str) -> None:
    story.ask(who, "views", {"dataset": "pulse"})


@then(parsers.parse("it is {value:g}, of {people:d} people, and not what it is by now"))
@then(parsers.parse("it is {value:g}, of {people:d} people"))
def is_total(story: Story, value: float, people: int) -> None:
    assert (story.city.status, story.told["total"]) == (200, {"people": people, "value": value})


@then("it is hidden, since they are too few")
def is_hidden(story: Story) -> None:
    assert (story.city.status, story.told["total"], story.told["cells"]) == (200, {"hidden": "few"}, [])


@then("the auditor finds that a total was made, and nobody in it")
def total_in_audit(story: Story) -> None:
    (entry,) = story.city.ask("kaneko", "GET", "//admin/audit?kind=aggregate")
    assert (entry["told"], entry["more"]) == ([], {"cells": 1, "dataset": "pulse", "measure": "mean"})
    assert "subject" not in str(entry)


@then(parsers.re(r"it is refused as (?P<error>\w+)"))
@then(parsers.re(r'it is refused as (?P<error>\w+), naming "(?P<pointer>.*)"'))
def is_refused(story: Story, error: str, pointer: str | None = None) -> None:
    assert story.city.status == STATUS[error], story.told
    assert story.told["type"].endswith(error), story.told
    assert story.told["remedy"]
    assert pointer in (None, story.told.get("pointer"))


@then(parsers.parse("it gets a number between {low:d} and {high:d}, and {left:g} of its budget is left"))
def gets_a_number(story: Story, low: int, high: int, left: float) -> None:
    assert (story.city.status, story.told["left"]) == (200, left)
    assert low <= story.told["value"] <= high


@then(parsers.parse("{left:g} of the budget of the {who} is left"))
def is_left(story: Story, left: float, who: str) -> None:
    (shown,) = story.city.ask(who, "GET", f"{SAFE}/datasets")
    assert (shown["left"], shown["epsilon"]) == (left, 1)


@then("it gets no rows")
def gets_no_rows(story: Story) -> None:
    assert story.told["rows"] == []


@then(parsers.parse('it gets {count:d} rows of "{month}" between {low:d} and {high:d}, and nobody\'s name in them'))
def gets_rows(story: Story, count: int, month: str, low: int, high: int) -> None:
    assert [row["value"] for row in story.told["rows"]] == [[low, high]] * count
    assert {row["observedAt"] for row in story.told["rows"]} == {month}
    assert not re.search("subject|hana|taro|ken", str(story.told["rows"]))


@then("everybody can read how they were made, and not for whom")
def is_published(story: Story) -> None:
    (published,) = story.city.ask("", "GET", f"{SAFE}/methods")
    assert (published["kind"], published["rows"], published["method"]["k"]) == ("anonymised", 3, 3)
    assert "clinic" not in str(published)


def _names(text: str) -> list[str]:
    return re.findall(r'"(\w+)"', text)
