"""The feature of parcel lockers as tests, and its words."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_bdd import given, parsers, scenarios, then, when

from tests.fakes.consent_city import DEF
from tests.fakes.serving_city import ServingCity, serving_city

scenarios("lockers.feature")

LOCKER = "urn:ngsi-ld:ParcelLocker:store"
PLACES = {"small": ("sizeS", "ambient"), "large": ("sizeL", "ambient"), "chilled": ("sizeM", "chilled")}
ITEM = "ParcelDelivery/deliveryState"


@pytest.fixture
def city(store: str, tmp_path: Path) -> Iterator[ServingCity]:
    with serving_city(tmp_path, "lockers", "", store) as found:
        yield found


def place(name: str) -> str:
    return f"urn:ngsi-ld:LockerCompartment:{name}"


def settled(city: ServingCity) -> None:
    city.settle()
    city.ids.update({new: city.told[name] for new, name in (("delivery", "id"), ("code", "code")) if name in city.told})


@given("a locker with a small, a large and a chilled compartment")
def a_locker(city: ServingCity) -> None:
    for name, (size, temperature) in PLACES.items():
        words = {"compartmentState": "compartmentState/free", "compartmentSize": f"parcelSize/{size}",
                 "temperatureClass": f"temperatureClass/{temperature}"}  # fmt: skip
        shaped = {DEF + member: {"type": "VocabProperty", "vocab": DEF + word} for member, word in words.items()}
        entity: dict[str, Any] = {"id": place(name), "type": f"{DEF}LockerCompartment",
                  f"{DEF}refLocker": {"type": "Relationship", "object": LOCKER}, **shaped}  # fmt: skip
        assert city.city.hub.upsert("misono", [entity]) == [None]


@given('"hana" lets "carrier" leave parcels for her')
def lets(city: ServingCity) -> None:
    city.allow("hana", "carrier", "LivingService", [ITEM], [])


@given('"hana" has what becomes of it sent over MQTT')
def has_sent(city: ServingCity) -> None:
    city.listen("hana", "ParcelDelivery")


@given(parsers.parse('"carrier" deposited a parcel of "{size}" for "hana"'))
def deposited(city: ServingCity, size: str) -> None:
    reserves(city, "carrier", size, "hana")
    is_told(city)
    assert city.status == 200, city.told


@when(parsers.parse('"{who}" reserves a place of "{size}" for "{whom}"'))
def reserves(city: ServingCity, who: str, size: str, whom: str) -> None:
    body = {"locker": LOCKER, "size": size, "recipient": f"urn:misono:subject:{whom}"}
    city.ask(who, "POST", "/deliveries", body, Idempotency_Key="parcel 1")
    settled(city)


@when(parsers.parse('"hana" reserves a place of "{size}" for herself'))
def reserves_herself(city: ServingCity, size: str) -> None:
    city.ask("hana", "POST", "/deliveries", {"locker": LOCKER, "size": size}, Idempotency_Key="mine")


@when(parsers.parse('"{who}" asks for a {what}'))
def asks_for(city: ServingCity, who: str, what: str) -> None:
    city.ask(who, "POST", f"/deliveries/{city.ids['delivery']}/{what.lower()}", {})
    settled(city)


@when('the locker is told the code of "carrier"')
@when("the locker is told the PIN")
def is_told(city: ServingCity) -> None:
    found = city.city.ask("hana", "GET", f"//services/lockers/deliveries/{city.ids['delivery']}")
    city.ask("gate", "POST", "/openings", {"compartment": found["compartment"], "code": city.ids["code"]})
    city.settle()


@when(parsers.parse("the locker is told a wrong code {times:d} times"))
def is_told_wrong(city: ServingCity, times: int) -> None:
    wrong = f"{(int(city.ids['code']) + 1) % 1_000_000:06d}"
    for _ in range(times):
        city.ask("gate", "POST", "/openings", {"compartment": place("small"), "code": wrong})
        assert city.status == 403


@when(parsers.parse("{minutes:d} minutes go by"))
def go_by(city: ServingCity, minutes: int) -> None:
    city.later(minutes)


@then(parsers.parse('it opens for "{what}"'))
def opens(city: ServingCity, what: str) -> None:
    assert city.told == {"open": True, "for": what}


@then(parsers.parse('it is "{state}" in "{name}", and in no other'))
def is_in(city: ServingCity, state: str, name: str) -> None:
    found = city.city.ask("hana", "GET", f"//services/lockers/deliveries/{city.ids['delivery']}")
    assert (found["state"], found["compartment"]) == (state, place(name))
    taken = [one for one in PLACES if not city.city.entity(place(one))["compartmentState"].endswith("/free")]
    assert taken == [name]


@then(parsers.parse('it is "{state}", and nothing lies in "{name}" after 3 minutes'))
def is_gone(city: ServingCity, state: str, name: str) -> None:
    city.later(3)
    found = city.city.ask("hana", "GET", f"//services/lockers/deliveries/{city.ids['delivery']}")
    assert found["state"] == state
    assert city.city.entity(place(name))["compartmentState"].endswith("/free")


@then("it was handed over once, and not twice")
def handed_over_once(city: ServingCity) -> None:
    acts = city.ask("hana", "GET", f"/deliveries/{city.ids['delivery']}")["acts"]
    assert [one["what"] for one in acts].count("pickup") == 1


@then(parsers.parse('over MQTT comes "{name}" "{value}"'))
def comes(city: ServingCity, name: str, value: str) -> None:
    city.hears(name, value)


@then("neither the hub nor a table holds the PIN")
def nowhere(city: ServingCity) -> None:
    code, file = city.ids["code"], city.room._ground.file
    tables = [str(row[0]) for row in file.read("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    kept = [str(row) for table in tables for row in file.read(f"SELECT * FROM {table}")]  # noqa: S608
    shown = str(city.city.hub.entity("misono", city.ids["delivery"]))
    assert not [one for one in (*kept, shown) if f"'{code}'" in one or f'"{code}"' in one]
    assert "scrypt" not in shown
    assert "digest" not in shown


@then('the hub does not show it to "taro"')
def hub_hides(city: ServingCity) -> None:
    city.ask("taro", "GET", f"//ngsi-ld/v1/entities/{city.ids['delivery']}")
    assert city.status == 404


@then(parsers.re(r'it is refused as (?P<error>\w+), naming "(?P<pointer>.*)"'))
def is_refused(city: ServingCity, error: str, pointer: str) -> None:
    city.refused(error, pointer)
