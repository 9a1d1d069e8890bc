"""A blackout through a whole hub: telemetry in, set-points out, events and alerts, over restarts of the services."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from adapters.simulated.district.district import District, Span
from services.energy.islanding.book import Book
from services.energy.islanding.fold import State
from tests.fakes.islanding_city import COMMUNITY, START_S, IslandingCity, asked_of, islanding_city, leg, router

OUT = START_S + 5 * 60


def dark_city(minutes: int = 60) -> District:
    """A district whose mains go after five minutes."""
    return District(7, START_S, charged=60, blackouts=[Span(OUT, OUT + minutes * 60)])


def black_start(city: IslandingCity) -> str:
    """Two persons start it; the master."""
    master = str(city.ask("sato", "POST", "/black-start", {})["master"])
    assert city.status == 201
    city.ask("suzuki", "POST", "/black-start/confirmation", {"master": master})
    assert city.status == 200
    return master


def assert_runs_out(city: IslandingCity) -> None:
    """What is asked has an id, so that it can be said again, and an end."""
    said = city.city.hub.entity("misono", leg("h5", "interchange"))
    assert said is not None
    power: Any = next(value for name, value in said.items() if name.endswith("/exchangePower"))
    named = {name.rpartition("/")[2]: value for name, value in power.items()}
    assert named["unitCode"] == "WTT"
    assert named["commandTtl"]["value"] == 180
    assert named["commandId"]["value"].startswith("urn:misono:islanding:")


def test_a_blackout_from_beginning_to_end(tmp_path: Path) -> None:
    with islanding_city(tmp_path, district=dark_city(30)) as city:
        city.minutes(4)
        assert city.ask("hana", "GET")["state"] == "connected"
        city.minutes(3)
        told = city.ask("hana", "GET")
        assert (told["state"], told["cause"]) == ("isolated", "gridOutage")
        assert "routers" not in told
        assert told["autonomyMinutes"] > 0
        master = black_start(city)
        city.minutes(6)
        assert city.ask("hana", "GET")["state"] == "islanded"
        assert {"mode": "form"} in asked_of(city, master.split(":")[-1], "exchange")
        assert any(watts < 0 for watts in asked_of(city, "h5", "exchangePower"))
        assert_runs_out(city)
        city.minutes(36)
        event = city.ask("hana", "GET", "/events")["events"]
        assert [one["subject"] for one in event] == [COMMUNITY]
        states = [step["state"] for step in event[0]["steps"]]
        assert states == ["isolated", "blackStart", "islanded", "resynchronising", "connected"]
        shown = city.city.entity(event[0]["id"])
        assert shown["islandingPhase"].endswith("/connected")
        assert shown["endedAt"]
        everything = city.ask("sato", "GET", "/events")["events"]
        assert {one["subject"] for one in everything} == {COMMUNITY, *(router(name) for name in city.district.routers)}
        assert all(one["endedAt"] for one in everything)
        alert = event[0]["id"].replace("IslandingEvent", "Alert")
        assert city.city.hub.entity("misono", alert) is not None


def test_one_person_alone_starts_nothing(tmp_path: Path) -> None:
    with islanding_city(tmp_path, district=dark_city()) as city:
        city.ask("sato", "POST", "/black-start", {})
        assert city.status == 409
        city.minutes(8)
        assert city.ask("sato", "GET")["state"] == "isolated"
        city.ask("suzuki", "POST", "/black-start/confirmation", {"master": router("h1")})
        assert city.status == 409
        master = city.ask("sato", "POST", "/black-start", {"master": router("h1")})["master"]
        city.ask("sato", "POST", "/black-start/confirmation", {"master": master})
        assert city.status == 403
        city.ask("suzuki", "POST", "/black-start/confirmation", {"master": router("h2")})
        assert city.status == 409
        city.minutes(12)
        city.ask("suzuki", "POST", "/black-start/confirmation", {"master": master})
        assert city.status == 409, "a proposal does not wait for ever"
        assert asked_of(city, "h1", "exchange") == []
        assert city.ask("sato", "GET")["state"] == "isolated"


def test_a_drill_is_an_event_like_any_other(tmp_path: Path) -> None:
    with islanding_city(tmp_path, district=District(7, START_S, charged=60)) as city:
        city.minutes(1)
        city.ask("sato", "POST", "/drills", {"minutes": 20})
        assert city.status == 201
        city.minutes(4)
        told = city.ask("sato", "GET")
        assert (told["state"], told["cause"]) == ("isolated", "drill")
        city.ask("sato", "POST", "/drills", {"minutes": 20})
        assert city.status == 409
        black_start(city)
        city.minutes(6)
        assert city.ask("sato", "GET")["state"] == "islanded"
        city.ask("suzuki", "POST", "/drills/end", {})
        city.minutes(12)
        event = city.ask("hana", "GET", "/events")["events"][0]
        assert (event["cause"], event["phase"]) == ("drill", "connected")
        city.ask("suzuki", "POST", "/drills/end", {})
        assert city.status == 409


REFUSED: tuple[tuple[str, str, str, Any, int], ...] = (
    ("hana", "POST", "/drills", {"minutes": 5}, 403),
    ("hana", "POST", "/black-start", {}, 403),
    ("clinic", "GET", "", None, 403),
    ("clinic", "GET", "/events", None, 403),
    ("kaneko", "POST", "/drills", {"minutes": 5}, 403),
    ("sato", "POST", "/drills", {"minutes": 10_000}, 400),
    ("sato", "POST", "/drills", {}, 400),
    ("sato", "POST", "/drills", {"minutes": 5, "cause": "gridOutage"}, 400),
    ("sato", "POST", "/black-start", {"master": 5}, 400),
    ("sato", "GET", "/events?limit=x", None, 400),
    ("", "GET", "", None, 401),
)


def test_what_is_refused_changes_nothing(tmp_path: Path) -> None:
    with islanding_city(tmp_path) as city:
        for who, method, path, body, status in REFUSED:
            told = city.ask(who, method, path, body)
            assert city.status == status, (who, path, told)
        told = city.ask("sato", "GET")
        assert (told["state"], told["drillUntil"], told["proposal"]) == ("connected", None, None)


def test_another_process_goes_on_where_this_one_was(tmp_path: Path) -> None:
    with islanding_city(tmp_path, district=dark_city()) as city:
        city.minutes(8)
        file = city.part._ground.file
        other = Book(file, State.of(COMMUNITY, city.part.settings.sites), city.part.settings.policy)
        assert other.state() == city.part.book.state()
        assert other.state().state == "isolated"


def test_deals_are_stopped_once_even_if_the_market_was_away(tmp_path: Path) -> None:
    with islanding_city(tmp_path, district=dark_city()) as city:
        market = Away()
        city.part._deals = market
        city.minutes(4)
        for _ in range(2):
            city.district.step()
        city.city.clock.set(city.district.at * 1_000_000)
        city.tell()
        city.follow()
        with pytest.raises(ConnectionError):
            city.part.tick()
        market.away = False
        city.minutes(10)
        assert [reason for reason, _ in market.told] == ["gridOutage"]


class Away:
    """The port Deals, at first not there."""

    def __init__(self) -> None:
        self.away = True
        self.told: list[tuple[str, int]] = []

    def stop_all(self, reason: str, at: int) -> None:
        if self.away:
            raise ConnectionError
        self.told.append((reason, at))
