"""The audit says what was in the answers: no more, no less, and before they leave; of public data it says nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from broker.doors import Doors, make_doors
from broker.model.subjects import DATA_SUBJECT
from broker.ports.audit import Entry
from broker.ports.disclosing import Telling
from tests.fakes.clock import FakeClock
from tests.fakes.consented import NS, Granted
from tests.fakes.told import Recorded
from tests.fakes.unmistakable import UNMISTAKABLE
from tests.http.doors import ROOT, Door, broker, flask_door, front_door

PEOPLE = [f"urn:misono:subject:{name}" for name in "abc"]
NAMES = ("pulse", "weight", "place", "knows")
TYPE = f"{NS}Person"
CONTEXT = {"dataSubject": DATA_SUBJECT}


class Hub:
    """A broker with a policy that the test changes, and its audit."""

    def __init__(self, doors: Doors, policy: Granted, audit: Recorded, door: Door) -> None:
        self.doors, self.policy, self.audit, self.door = doors, policy, audit, door

    def put(self, *entities: Mapping[str, Any]) -> None:
        self.policy.all = True
        body = json.dumps([{**one, "@context": CONTEXT} for one in entities]).encode()
        headers = {"Content-Type": "application/ld+json"}
        reply = self.door("POST", f"{ROOT}/entityOperations/upsert", headers, body)
        assert reply.status in (201, 204), reply.body
        self.policy.all = False
        self.audit.every.clear()

    def empty(self) -> None:
        self.policy.all = True
        assert self.door("DELETE", f"{ROOT}/entities?type=Person").status == 204
        self.policy.all = False

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Any:
        reply = self.door("GET", ROOT + path, headers or {})
        assert reply.status in (200, 206, 404), reply.body
        return json.loads(reply.body) if reply.status != 404 else None

    def told(self) -> dict[str, dict[str, Any]]:
        """Of whom what was told, since the last time: attributes, records, values."""
        found: dict[str, dict[str, Any]] = {}
        for entry in self.audit.entries:
            for told in entry.told:
                one = found.setdefault(told.subject, {"names": set(), "records": set(), "values": 0})
                one["names"] |= {name.removeprefix(NS) for names in told.items.values() for name in names}
                one["records"] |= told.records
                one["values"] += told.values
        self.audit.every.clear()
        return found


@pytest.fixture(params=[(front_door, "memory"), (flask_door, "memory"), (front_door, "sqlite")])
def hub(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Hub]:
    (make_door, store), policy, audit, clock = request.param, Granted({}), Recorded(), FakeClock()
    with broker(access=policy, clock=clock, store=store, data=str(tmp_path)) as (built, _):
        house = replace(built.house, telling=Telling(audit, lambda _tenant: 7, clock))
        doors = make_doors(replace(built, house=house))
        yield Hub(doors, policy, audit, make_door(doors))
        doors.close()


def person(number: int, subjects: list[str], **attributes: Any) -> dict[str, Any]:
    about = {"dataSubject": {"type": "Property", "value": subjects}} if subjects else {}
    return {"id": f"urn:ngsi-ld:Person:{number}", "type": "Person", **about, **attributes}


def value(number: float, **more: Any) -> dict[str, Any]:
    return {"type": "Property", "value": number, **more}


GRANTS = {
    (PEOPLE[0], f"{NS}pulse"): "urn:r:1",
    (PEOPLE[0], f"{NS}weight"): "urn:r:2",
    (PEOPLE[1], f"{NS}pulse"): "urn:r:3",
}


def test_a_retrieved_entity_is_told_of_with_its_grants_purposes_and_epoch(hub: Hub) -> None:
    hub.put(person(1, [PEOPLE[0]], pulse=value(70, observedAt="2026-01-02T00:00:00Z"), weight=value(61), note=value(1)))
    hub.policy.grants = dict(GRANTS)
    assert hub.get("/entities/urn:ngsi-ld:Person:1")
    [entry] = hub.audit.entries
    [told] = entry.told
    assert (entry.kind, entry.operation, entry.epoch, entry.tenant) == ("disclosure", "retrieve_entity", 7, "")
    assert told.items == {TYPE: frozenset({f"{NS}pulse", f"{NS}weight"})}
    assert told.records == {"urn:r:1", "urn:r:2"}
    assert (told.values, told.last) == (2, 1_767_312_000_000_000)


def test_what_was_not_asked_for_is_not_told_of(hub: Hub) -> None:
    hub.put(person(1, [PEOPLE[0]], pulse=value(70), weight=value(61), note=value(1)), person(2, [], note=value(2)))
    hub.policy.grants = dict(GRANTS)
    hub.get("/entities/urn:ngsi-ld:Person:1?pick=weight")
    assert hub.told() == {PEOPLE[0]: {"names": {"weight"}, "records": {"urn:r:2"}, "values": 1}}
    hub.get("/entities/urn:ngsi-ld:Person:2")
    hub.get("/types")
    assert hub.audit.entries == []


def test_that_somebody_is_there_is_told_of_too(hub: Hub) -> None:
    hub.put(person(1, [PEOPLE[0]], pulse=value(70), note=value(1)))
    hub.policy.grants = dict(GRANTS)
    hub.get("/entities/urn:ngsi-ld:Person:1?pick=note")
    assert hub.told() == {PEOPLE[0]: {"names": {"note"}, "records": {"urn:r:1"}, "values": 0}}


def test_a_place_that_becomes_the_geometry_leaves_whatever_is_picked(hub: Hub) -> None:
    place = {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [139.6, 35.8]}}
    hub.put(person(1, [PEOPLE[0]], pulse=value(70), place=place))
    hub.policy.grants = {**GRANTS, (PEOPLE[0], f"{NS}place"): "urn:r:4"}
    hub.get("/entities/urn:ngsi-ld:Person:1?pick=pulse&geometryProperty=place", {"Accept": "application/geo+json"})
    assert hub.told()[PEOPLE[0]]["names"] == {"pulse", "place"}


def test_who_is_joined_is_told_of(hub: Hub) -> None:
    knows = {"type": "Relationship", "object": "urn:ngsi-ld:Person:2"}
    hub.put(person(1, [PEOPLE[0]], pulse=value(70), knows=knows), person(2, [PEOPLE[1]], pulse=value(80)))
    hub.policy.grants = {**GRANTS, (PEOPLE[0], f"{NS}knows"): "urn:r:5"}
    for mode in ("inline", "flat"):
        hub.get(f"/entities/urn:ngsi-ld:Person:1?join={mode}&joinLevel=1")
        told = hub.told()
        assert told[PEOPLE[0]]["names"] == {"pulse", "knows"}
        assert told[PEOPLE[1]] == {"names": {"pulse"}, "records": {"urn:r:3"}, "values": 1}


def test_an_emergency_is_told_of_as_one(hub: Hub) -> None:
    hub.put(person(1, [PEOPLE[2]], pulse=value(70)))
    hub.policy.grants, hub.policy.emergency = {}, "urn:e:1"
    hub.get("/entities/urn:ngsi-ld:Person:1")
    [entry] = hub.audit.entries
    assert (entry.kind, entry.told[0].records) == ("emergency", frozenset({"urn:e:1"}))
    hub.policy.emergency = ""


def test_a_history_is_told_of_by_what_is_in_the_page(hub: Hub) -> None:
    at = [f"2026-01-0{day}T00:00:00Z" for day in range(1, 6)]
    hub.put(*(person(1, [PEOPLE[0]], pulse=value(60 + number, observedAt=one)) for number, one in enumerate(at)))
    hub.policy.grants = dict(GRANTS)
    page = hub.get(f"/temporal/entities/urn:ngsi-ld:Person:1?timerel=between&timeAt={at[1]}&endTimeAt={at[3]}")
    [entry] = hub.audit.entries
    [told] = entry.told
    assert len(page["pulse"]) == told.values == 2
    assert (told.first, told.last) == (1_767_312_000_000_000, 1_767_398_400_000_000)
    hub.audit.every.clear()
    hub.get(
        f"/temporal/entities/urn:ngsi-ld:Person:1?timerel=after&timeAt={at[0]}&attrs=pulse"
        "&options=aggregatedValues&aggrMethods=avg&aggrPeriodDuration=P1D"
    )
    assert hub.told()[PEOPLE[0]]["names"] == {"pulse"}


def test_nothing_leaves_that_the_audit_has_not(hub: Hub) -> None:
    hub.put(person(1, [PEOPLE[0]], pulse=value(UNMISTAKABLE)))
    hub.policy.grants, record = dict(GRANTS), hub.audit.record

    def refuse(entry: Entry) -> Any:
        raise OSError("no space")

    hub.audit.record = refuse  # type: ignore[method-assign]
    try:
        reply = hub.door("GET", f"{ROOT}/entities/urn:ngsi-ld:Person:1")
    finally:
        hub.audit.record = record  # type: ignore[method-assign]
    assert reply.status == 500
    assert str(UNMISTAKABLE).encode() not in reply.body


PARAMETERS = st.sampled_from(
    ["", "&attrs=pulse", "&pick=id,type,pulse,weight", "&omit=pulse", "&q=pulse>50", "&q=weight>50", "&limit=1",
     "&limit=2&offset=1", "&options=keyValues", "&format=concise", "&pick=note", "&count=true&limit=0",
     "&orderBy=pulse&limit=2", "&omit=pulse,weight,dataSubject,note"]
)  # fmt: skip


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_the_audit_says_what_the_answers_say(hub: Hub, data: st.DataObject) -> None:
    grants = st.dictionaries(
        st.sampled_from([(who, f"{NS}{name}") for who in PEOPLE for name in NAMES[:2]]), st.just("urn:r")
    )
    some = st.lists(st.sampled_from(PEOPLE), max_size=2, unique=True)
    wholes = [
        person(
            number,
            data.draw(some),
            **{name: value(data.draw(st.integers(40, 60))) for name in ("pulse", "weight", "note")},
        )
        for number in range(3)
    ]
    hub.empty()
    hub.put(*wholes)
    hub.policy.grants = data.draw(grants)
    about = {one["id"]: one.get("dataSubject", {}).get("value", []) for one in wholes}
    parameters = data.draw(PARAMETERS)
    answer = hub.get(f"/entities?type=Person{parameters}", {"Link": ""})
    expected: dict[str, set[str]] = counted(hub.policy, wholes) if "count" in parameters else {}
    for entity in answer:
        names = {name for name in entity if name in NAMES}
        others = {name for name in entity if name not in {*NAMES, "id", "type", "@context"}}
        found = names or {name if name == "note" else "dataSubject" for name in others} or {"dataSubject"}
        for subject in about[entity["id"]] if "id" in entity else []:
            expected.setdefault(subject, set()).update(found)
    told = {subject: {_short(name) for name in one["names"]} for subject, one in hub.told().items()}
    assert told == expected or any("id" not in entity for entity in answer)


def counted(policy: Granted, wholes: list[dict[str, Any]]) -> dict[str, set[str]]:
    """Of whom a count of everybody tells: what may be seen of them."""
    found: dict[str, set[str]] = {}
    for one in wholes:
        about = one.get("dataSubject", {}).get("value", [])
        for name in NAMES[:2]:
            if about and all((subject, f"{NS}{name}") in policy.grants for subject in about):
                for subject in about:
                    found.setdefault(subject, set()).add(name)
    return found


def _short(name: str) -> str:
    return "dataSubject" if name == DATA_SUBJECT else name


def test_an_export_is_told_of_before_it_is_sent(tmp_path: Path) -> None:
    described = tmp_path / "catalogue.toml"
    described.write_text('title = "x"\naccess = "public"\n')
    policy, audit, clock = Granted(dict(GRANTS)), Recorded(), FakeClock()
    with broker(access=policy, clock=clock, catalogue=str(described)) as (built, _):
        house = replace(built.house, telling=Telling(audit, lambda _tenant: 7, clock))
        doors = make_doors(replace(built, house=house))
        hub = Hub(doors, policy, audit, front_door(doors))
        hub.put(person(1, [PEOPLE[0]], pulse=value(70)), person(2, [PEOPLE[2]], pulse=value(71)))
        reply = hub.door("GET", "/catalogue/export?type=Person")
        doors.close()
    assert (reply.status, len(reply.body.splitlines())) == (200, 1)
    assert reply.headers["misono-disclosure"] == "1"
    assert hub.told() == {PEOPLE[0]: {"names": {"pulse"}, "records": {"urn:r:1"}, "values": 1}}
