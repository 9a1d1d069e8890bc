"""Services of the city where messages come twice or late, the hub is away, a section is wrong, and people leave."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from broker.model.values import Json, to_text
from broker.ports.hub import HubChange
from broker.serving_city import BadAccess
from services.lockers.room import open_room
from services.watch.signs import Names, latest, note
from services.watch.signs import usual as usual_of
from tests.fakes.consent_city import DEF
from tests.fakes.serving_city import ServingCity, serving_city

HANA = "urn:misono:subject:hana"
LOCKER, PLACE = "urn:ngsi-ld:ParcelLocker:store", "urn:ngsi-ld:LockerCompartment:one"
MOTION = "urn:ngsi-ld:Device:motion"
TOKYO = ZoneInfo("Asia/Tokyo")


@pytest.fixture
def lockers(tmp_path: Path) -> Iterator[ServingCity]:
    with serving_city(tmp_path, "lockers", "") as city:
        entity: dict[str, Any] = {
            "id": PLACE, "type": f"{DEF}LockerCompartment",
            f"{DEF}refLocker": {"type": "Relationship", "object": LOCKER},
            f"{DEF}compartmentState": {"type": "VocabProperty", "vocab": f"{DEF}compartmentState/free"},
        }  # fmt: skip
        assert city.city.hub.upsert("misono", [entity]) == [None]
        yield city


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[ServingCity]:
    with serving_city(tmp_path, "watch", "") as city:
        yield city


def reserved(city: ServingCity) -> Any:
    body = {"locker": LOCKER, "size": "sizeS"}
    return city.ask("hana", "POST", "/deliveries", body, Idempotency_Key="one")


def planned(city: ServingCity) -> Names:
    """A plan of hana's with one motion sensor; what the service follows."""
    packages = city.city.built.packages
    assert packages is not None
    names = Names(packages.now())
    (device,) = names.of_kind["door"]
    entity: dict[str, Any] = {
        "id": MOTION, "type": device, f"{DEF}dataSubject": {"type": "Property", "value": HANA}
    }  # fmt: skip
    assert city.city.hub.upsert("misono", [entity]) == [None]
    contacts = [{"role": "familyContact", "who": "urn:misono:subject:taro"}]
    city.ask("hana", "POST", "/plan", {"sources": {"door": [MOTION]}, "contacts": contacts})
    assert city.status == 201, city.told
    return names


def said(names: Names, state: str, at: int) -> HubChange:
    (device,) = names.of_kind["door"]
    value: Json = {"type": "Property", "value": state, "observedAt": to_text(at)}
    return HubChange(1, MOTION, (device,), at + 1, {}, {names.state: value})


def test_a_sign_that_comes_twice_or_late_changes_nothing(watch: ServingCity) -> None:
    names, now = planned(watch), watch.city.clock.now()
    file = watch.room._ground.file
    opened, closed = said(names, "open", now - 60_000_000), said(names, "closed", now - 120_000_000)
    for change in (opened, opened, closed, opened):
        file.write(lambda db, change=change: note(db, names, TOKYO, "misono", change)).result()  # type: ignore[misc]
    plan = str(watch.ask("hana", "GET", "/plan")["id"])
    signs = file.write(lambda db: latest(db, "misono", plan)).result()
    assert signs == {"open": [(MOTION, now - 60_000_000, now - 60_000_000, 1.0)]}
    learned = file.write(lambda db: usual_of(db, "misono", plan, date(2026, 1, 1))).result()
    assert learned.days == 0


def test_who_leaves_takes_their_parcel_s_entity_along(lockers: ServingCity) -> None:
    delivery = reserved(lockers)["id"]
    lockers.settle()
    assert lockers.city.entity(delivery)["dataSubject"] == HANA
    assert lockers.room.forget("misono", HANA) == {"services/lockers": 1}
    lockers.settle()
    assert lockers.city.hub.entity("misono", delivery) is None
    assert lockers.city.entity(PLACE)["compartmentState"].endswith("/free")
    lockers.ask("hana", "GET", "/deliveries")
    assert lockers.told == {"deliveries": []}


def test_an_entity_that_is_erased_takes_its_case_along(lockers: ServingCity) -> None:
    delivery = reserved(lockers)["id"]
    assert lockers.room.erase("misono", delivery) == {"services/lockers": 1}
    assert lockers.room.erase("misono", delivery) == {}


def test_what_is_kept_is_there_for_another_process(lockers: ServingCity) -> None:
    delivery = reserved(lockers)["id"]
    other = open_room(lockers.room._ground)
    lockers.city.clock.advance(25 * 3_600)
    other.tick()
    lockers.room.tick()
    found = lockers.ask("hana", "GET", f"/deliveries/{delivery}")
    assert found["state"] == "parcelFailed"
    assert [one["what"] for one in found["acts"]].count("expire") == 1


def test_a_new_code_makes_the_one_before_void(lockers: ServingCity) -> None:
    first = reserved(lockers)
    second = reserved(lockers)
    assert first["id"] == second["id"]
    lockers.ask("gate", "POST", "/openings", {"compartment": PLACE, "code": first["code"]})
    assert lockers.status == (200 if first["code"] == second["code"] else 403)
    lockers.ask("gate", "POST", "/openings", {"compartment": PLACE, "code": second["code"]})
    assert lockers.told == {"open": True, "for": "deposit"}


def test_who_ends_the_plan_leaves_no_sign(watch: ServingCity) -> None:
    names, now = planned(watch), watch.city.clock.now()
    file = watch.room._ground.file
    file.write(lambda db: note(db, names, TOKYO, "misono", said(names, "open", now))).result()
    watch.ask("hana", "POST", "/plan/end", {})
    assert watch.status == 200
    for table in ("watch_source", "watch_sign", "watch_active"):
        assert file.read(f"SELECT * FROM {table}") == []  # noqa: S608


@pytest.mark.parametrize(
    ("name", "section"),
    [
        ("watch", 'zone = "Nowhere"'), ("watch", "learn_days = 0"), ("watch", "colour = 1"),
        ("lockers", "hold_hours = 10_000"), ("lockers", "colour = 1"),
        ("childcare", 'currency = "WH"'), ("childcare", "colour = 1"), ("childcare", 'zone = "Nowhere"'),
    ],
)  # fmt: skip
def test_a_section_that_is_wrong_is_told(tmp_path: Path, name: str, section: str) -> None:
    with pytest.raises(BadAccess, match=rf"\[{name}\]"), serving_city(tmp_path, name, section):
        pass
