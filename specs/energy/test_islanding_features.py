"""The feature of islanding as tests, and its words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pytest_bdd import given, parsers, scenarios, then, when

from adapters.simulated.district.district import District, Span
from adapters.simulated.district.outlook import sheds
from tests.engines.wires.running import WIRES, fresh
from tests.fakes.islanding_city import START_S, IslandingCity, asked_of, islanding_city

scenarios("islanding.feature")
FOREVER_S = 86_400 * 365


@dataclass
class Story:
    """`told` is the last answer, `master` the router that was proposed."""

    city: IslandingCity
    told: Any = None
    master: str = ""

    @property
    def event(self) -> Any:
        """The community's last time without the grid."""
        return self.city.ask("hana", "GET", "/events")["events"][-1]


@pytest.fixture
def story(store: str, tmp_path: Path) -> Iterator[Story]:
    with ExitStack() as closing:
        place = closing.enter_context(fresh(WIRES[store])) if store in WIRES else store
        district = District(7, START_S, charged=60)
        yield Story(closing.enter_context(islanding_city(tmp_path, place, district)))


@given("five houses, a store and a mall with their routers")
def there_are(story: Story) -> None:
    story.city.minutes(1)
    assert len(story.city.ask("sato", "GET")["routers"]) == 7


@when("the grid goes away")
def goes_away(story: Story) -> None:
    district = story.city.district
    district.blackouts = [Span(district.at, district.at + FOREVER_S)]
    story.city.minutes(2)


@when("the grid comes back")
def comes_back(story: Story) -> None:
    story.city.district.blackouts = []


@when(parsers.parse("{minutes:d} minutes go by"))
def go_by(story: Story, minutes: int) -> None:
    story.city.minutes(minutes)


@when(parsers.parse('"{who}" proposes a black start'))
def proposes(story: Story, who: str) -> None:
    story.told = story.city.ask(who, "POST", "/black-start", {})
    story.master = story.told.get("master", "")


@when(parsers.parse('"{who}" confirms it'))
def confirms(story: Story, who: str) -> None:
    story.told = story.city.ask(who, "POST", "/black-start/confirmation", {"master": story.master})


@when(parsers.parse('"{who}" begins a drill of {minutes:d} minutes'))
def begins_drill(story: Story, who: str, minutes: int) -> None:
    story.told = story.city.ask(who, "POST", "/drills", {"minutes": minutes})


@then(parsers.parse('"{who}" reads that the community is {state} by a {cause}, and of no house what it has'))
def reads(story: Story, who: str, state: str, cause: str) -> None:
    told = story.city.ask(who, "GET")
    assert (told["state"], told["cause"]) == (state, cause)
    assert told["text"]["ja"]
    assert told["text"]["en"]
    assert not {"routers", "proposal", "stateOfCharge"} & told.keys()


@then(parsers.parse('"{who}" reads that the community is connected, and nothing of a cause'))
def reads_connected(story: Story, who: str) -> None:
    told = story.city.ask(who, "GET")
    assert told["state"] == "connected"
    assert "cause" not in told


@then(parsers.parse("the hub shows the event as {phase}, with an alert that is {severity}"))
def is_shown(story: Story, phase: str, severity: str) -> None:
    event = story.city.city.entity(story.event["id"])
    assert event["islandingPhase"].endswith(f"/{phase}")
    alert = story.city.city.hub.entity("misono", story.event["id"].replace(":IslandingEvent:", ":Alert:"))
    assert alert is not None
    assert severity in str(alert)


@then(parsers.parse('"{name}" gets power from its neighbours, and no priority load is off'))
def gets_power(story: Story, name: str) -> None:
    assert story.city.district.routers[name].watts["interchange"] < 0
    assert not any(sheds(story.city.district, one) for one in story.city.district.routers)


@then(parsers.parse("the event went through {states}"))
def went_through(story: Story, states: str) -> None:
    assert [one["state"] for one in story.event["steps"]] == states.split(", ")


@then(parsers.parse("it is refused as {kind}, and no router was asked to form the line"))
def is_refused(story: Story, kind: str) -> None:
    assert story.told["type"].endswith(kind), story.told
    story.city.minutes(1)
    assert not any(asked_of(story.city, name, "exchange") for name in story.city.district.routers)
