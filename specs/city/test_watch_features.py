"""The feature of watching over people as tests, and its words."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_bdd import given, parsers, scenarios, then, when

from broker.model.values import to_text
from tests.fakes.consent_city import DEF, for_
from tests.fakes.serving_city import ServingCity, serving_city

scenarios("watch.feature")

ITEMS = ["WatchOverEvent/watchRule", "WatchOverEvent/watchLevel"]
TARO, GUARDS = "urn:misono:subject:taro", "urn:ngsi-ld:RecipientOrganisation:guards"
SDM = "https://smartdatamodels.org/"
MOTION, DOOR, ROOM = (f"urn:ngsi-ld:{name}:hana" for name in ("Device:motion", "Device:door", "Room"))


@pytest.fixture
def city(store: str, tmp_path: Path) -> Iterator[ServingCity]:
    with serving_city(tmp_path, "watch", "", store) as found:
        yield found


def tell(city: ServingCity, entity_id: str, model: tuple[str, str], **members: Any) -> None:
    """A device of hers tells something, as an adapter writes it."""
    package, name = model
    library = city.city.built.packages.now() if city.city.built.packages else None
    assert library is not None
    found = library.packages[package].models[name]
    at = to_text(city.city.clock.now())
    shaped: dict[str, Any] = {
        found.attributes[member].iri: {"type": "Property", "value": value, "observedAt": at}
        for member, value in members.items()
    }
    about = {"type": "Property", "value": "urn:misono:subject:hana"}
    entity: dict[str, Any] = {"id": entity_id, "type": found.iri, f"{DEF}dataSubject": about, **shaped}
    assert city.city.hub.upsert("misono", [entity]) == [None]
    city.settle()


def hours(city: ServingCity, first: int, last: int, *, active: bool) -> None:
    """The hours of the city's clock from one to another, with activity in each or with none."""
    for hour in range(first, last):
        now = city.city.clock.now() // 3_600_000_000
        city.later(((hour - 9 - now) % 24) * 60)
        if active:
            tell(city, MOTION, ("sdm-device", "Device"), deviceState="moving")
    city.later(60)


def events(city: ServingCity) -> list[Any]:
    found: list[Any] = city.city.ask("hana", "GET", "//services/watch/events")["events"]
    return found


@given('"hana" has a motion sensor, a thermometer and a door that tell her home')
def has_sensors(city: ServingCity) -> None:
    tell(city, MOTION, ("sdm-device", "Device"), deviceState="still")
    tell(city, DOOR, ("sdm-device", "Device"), deviceState="closed")
    tell(city, ROOM, ("sdm-environment", "IndoorEnvironmentObserved"), temperature=22.0, relativeHumidity=0.5)


@given('"hana" has "taro" told first, then "guards"')
def has_told(city: ServingCity) -> None:
    contacts = [{"role": "familyContact", "who": "urn:misono:subject:taro"}, {"role": "serviceContact", "who": GUARDS}]
    sources = {"activity": [MOTION], "indoor": [ROOM], "door": [DOOR]}
    city.ask("hana", "POST", "/plan", {"sources": sources, "contacts": contacts})
    assert city.status == 201, city.told


@given(parsers.parse('for {days:d} days there was activity in the home of "hana" from {first:d} to {last:d} o\'clock'))
def was_active(city: ServingCity, days: int, first: int, last: int) -> None:
    for _ in range(days):
        hours(city, first, last, active=True)


@given('"hana" has what is noticed sent over MQTT')
def has_sent(city: ServingCity) -> None:
    city.listen("hana", "WatchOverEvent")


@given('"hana" lets "guards" be told')
def lets(city: ServingCity) -> None:
    city.allow("hana", "guards", "WatchOver", ITEMS, ITEMS)


@when(parsers.parse("there is no activity from {first:d} to {last:d} o'clock"))
def no_activity(city: ServingCity, first: int, last: int) -> None:
    hours(city, first, last, active=False)


@when(parsers.parse('the thermometer of "hana" tells {degrees:d} degrees at {percent:d} per cent'))
def tells(city: ServingCity, degrees: int, percent: int) -> None:
    city.later(1)
    tell(city, ROOM, ("sdm-environment", "IndoorEnvironmentObserved"),
         temperature=degrees, relativeHumidity=percent / 100)  # fmt: skip


@when(parsers.parse('the door of "hana" is "{state}"'))
def door_is(city: ServingCity, state: str) -> None:
    city.later(1)
    tell(city, DOOR, ("sdm-device", "Device"), deviceState=state)


@when(parsers.parse("{minutes:d} minutes go by"))
def go_by(city: ServingCity, minutes: int) -> None:
    city.later(minutes)


@when(parsers.parse('"{who}" looks'))
def looks(city: ServingCity, who: str) -> None:
    (event,) = events(city)
    city.ask(who, "POST", f"/events/{event['id']}/acknowledgement", {})
    assert city.status == 200, city.told
    city.settle()


@when('"ken" says that he looks')
def ken_looks(city: ServingCity) -> None:
    (event,) = events(city)
    city.ask("ken", "POST", f"/events/{event['id']}/acknowledgement", {})


@when(parsers.parse('"{who}" asks what was noticed about "{whom}"'))
def asks(city: ServingCity, who: str, whom: str) -> None:
    city.ask(who, "GET", f"/events{for_(whom)}")


@when('"taro" asks to be watched over by the sensor of "hana"')
def asks_by_hers(city: ServingCity) -> None:
    contacts = [{"role": "familyContact", "who": "urn:misono:subject:mei"}]
    city.ask("taro", "POST", "/plan", {"sources": {"activity": [MOTION]}, "contacts": contacts})


@when('"hana" ends it')
def ends(city: ServingCity) -> None:
    city.ask("hana", "POST", "/plan/end", {})
    assert city.status == 200


@then(parsers.parse('it is noticed as "{rule}", and "{who}" is told but not "{other}"'))
def is_noticed_and_told(city: ServingCity, rule: str, who: str, other: str) -> None:
    (event,) = events(city)
    assert event["rule"] == rule
    assert not event["text"]["ja"].isascii()
    assert event["text"]["en"].isascii()
    assert [one["id"] for one in city.ask(who, "GET", "/told")["events"]] == [event["id"]]
    assert city.ask(other, "GET", "/told") == {"events": []}


@then(parsers.parse('over MQTT comes "{name}" "{value}"'))
def comes(city: ServingCity, name: str, value: str) -> None:
    city.hears(name, value)


@then(parsers.parse('it is noticed as "{rule}" at the level "{level}"'))
def is_noticed(city: ServingCity, rule: str, level: str) -> None:
    (event,) = events(city)
    assert (event["rule"], event["level"]) == (rule, level)


@then(parsers.re(r'it is "(?P<state>\w+)", and (?:nobody else was told|not "\w+"|nobody has to look)'))
def is_so(city: ServingCity, state: str) -> None:
    (event,) = events(city)
    assert event["state"] == state
    city.ask("hana", "GET", f"/events/{event['id']}")
    told = {one["by"] for one in city.told["acts"] if one["what"] == "tell"}
    assert told == {TARO, GUARDS} if state == "watchEscalated" else told == {TARO}
    shown = city.ask("hana", "GET", f"//ngsi-ld/v1/entities/{event['id']}")
    assert shown[f"{DEF}watchState"]["vocab"].endswith(state)


@then('"guards" is told without the evidence, of which there is none in the answer')
def told_without(city: ServingCity) -> None:
    (event,) = city.ask("guards", "GET", "/told")["events"]
    assert not {"evidenceFrom", "evidenceTo", "sources"} & event.keys()


@then('"guards" is told of nothing')
def told_nothing(city: ServingCity) -> None:
    assert city.ask("guards", "GET", "/told") == {"events": []}


@then("nothing is noticed")
def nothing(city: ServingCity) -> None:
    assert events(city) == []


@then('the hub shows "ken" nothing of it')
def hub_hides(city: ServingCity) -> None:
    (event,) = events(city)
    city.ask("ken", "GET", f"//ngsi-ld/v1/entities/{event['id']}")
    assert city.status == 404


@then(parsers.re(r'it is refused as (?P<error>\w+), naming "(?P<pointer>.*)"'))
def is_refused(city: ServingCity, error: str, pointer: str) -> None:
    city.refused(error, pointer)
