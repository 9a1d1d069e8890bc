"""An answer that tells how many there are, or which, tells of persons too: the audit has it, once, without a value."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from broker.http import extents
from broker.http.catalogue import CATALOGUE
from broker.http.table import OPERATIONS
from tests.fakes.consent_city import CLINIC, HEART, PULSE, consent_city
from tests.fakes.consented import NS
from tests.http.doors import ROOT
from tests.http.residents.test_audit_says_what_left import GRANTS, PEOPLE, TYPE, Hub, hub, person, value

__all__ = ["hub"]

AT = "timerel=after&timeAt=2020-01-01T00:00:00Z"
ITEMS = {TYPE: frozenset({f"{NS}pulse"})}


def post(path: str, **body: Any) -> Callable[[Hub], Any]:
    def ask(hub: Hub) -> Any:
        text = json.dumps({"type": "Query", "entities": [{"type": "Person"}], **body}).encode()
        reply = hub.door("POST", ROOT + path, {"Content-Type": "application/json"}, text)
        assert reply.status in (200, 201), reply.body
        return json.loads(reply.body)

    return ask


def get(path: str) -> Callable[[Hub], Any]:
    def ask(hub: Hub) -> Any:
        reply = hub.door("GET", ROOT + path)
        assert reply.status in (200, 201), reply.body
        assert reply.headers["misono-disclosure"]
        return json.loads(reply.body)

    return ask


TIMES = {"timerel": "after", "timeAt": "2020-01-01T00:00:00Z"}
EXITS = [
    ("count", get("/entities?type=Person&q=pulse>60&limit=0&count=true")),
    ("count", post("/entityOperations/query?limit=0&count=true", q="pulse>60")),
    ("count", get(f"/temporal/entities?type=Person&q=pulse>60&{AT}&limit=0&count=true")),
    ("count", post("/temporal/entityOperations/query?limit=0&count=true", q="pulse>60", temporalQ=TIMES)),
    ("map", get("/entityMaps?type=Person&q=pulse>60")),
    ("map", post("/entityMaps", q="pulse>60")),
    ("map", get(f"/temporal/entityMaps?type=Person&q=pulse>60&{AT}")),
    ("map", post("/temporal/entityMaps", q="pulse>60", temporalQ=TIMES)),
    ("count", get("/types/Person")),
    ("count", get("/attributes/pulse")),
]


@pytest.fixture
def city(hub: Hub) -> Hub:
    """Somebody who consented, somebody who did not, and something that is nobody's."""
    at = {"observedAt": "2026-01-02T00:00:00Z"}
    hub.put(
        person(1, [PEOPLE[0]], pulse=value(70, **at), note=value(1)),
        person(2, [PEOPLE[2]], pulse=value(71, **at)),
        {**person(3, [], note=value(1), pole=value(3)), "type": "Lamp"},
    )
    hub.policy.grants = dict(GRANTS)
    return hub


@pytest.mark.parametrize("number", range(len(EXITS)))
def test_the_audit_says_of_whom_a_count_or_a_map_tells(city: Hub, number: int) -> None:
    kind, ask = EXITS[number]
    ask(city)
    [entry] = city.audit.every
    [told] = entry.told
    assert (entry.kind, entry.more) == ("disclosure", {"tells": [kind]})
    assert (told.subject, told.values) == (PEOPLE[0], 0)
    assert (told.items, told.records) == (ITEMS, frozenset({"urn:r:1"}))
    assert (told.first, told.last) == (None, None)


def test_a_map_says_it_again_when_it_is_looked_at(city: Hub) -> None:
    for path in ("/entityMaps?type=Person&q=pulse>60", f"/temporal/entityMaps?type=Person&{AT}"):
        found = get(path)(city)
        city.audit.every.clear()
        assert list(get(f"/entityMaps/{found['id']}")(city)["entityMap"]) == ["urn:ngsi-ld:Person:1"]
        [entry] = city.audit.every
        assert ([one.subject for one in entry.told], entry.more) == ([PEOPLE[0]], {"tells": ["map"]})


def test_a_page_with_its_count_is_one_entry(city: Hub) -> None:
    city.put(person(4, [PEOPLE[1]], pulse=value(50)))
    get("/entities?type=Person&limit=1&count=true")(city)
    [entry] = city.audit.every
    assert {one.subject: one.values for one in entry.told} == {PEOPLE[0]: 1, PEOPLE[1]: 0}
    assert entry.more == {"tells": ["count"]}


def test_a_count_tells_of_who_is_linked(city: Hub) -> None:
    city.put({**person(5, [], serves={"type": "Relationship", "object": "urn:ngsi-ld:Person:1"}), "type": "Lamp"})
    get("/entities?type=Lamp&q=serves{pulse>60}&join=inline&joinLevel=1&limit=0&count=true")(city)
    [entry] = city.audit.every
    assert [(one.subject, one.items, one.values) for one in entry.told] == [(PEOPLE[0], ITEMS, 0)]


def test_an_emergency_counts_as_one(city: Hub) -> None:
    city.policy.grants, city.policy.emergency = {}, "urn:e:1"
    get("/entityMaps?type=Person")(city)
    [entry] = city.audit.every
    assert (entry.kind, entry.more, len(entry.told)) == ("emergency", {"tells": ["map"]}, 2)
    city.policy.emergency = ""


@pytest.mark.parametrize(
    "path",
    [
        "/entities?type=Lamp&limit=0&count=true",
        "/entities?type=Person&id=urn:ngsi-ld:Person:2&limit=0&count=true",
        "/entityMaps?type=Lamp&q=pole>1",
        f"/temporal/entities?type=Lamp&{AT}&count=true",
        "/types/Lamp",
        "/types",
        "/attributes/pole",
        "/attributes",
    ],
)
def test_nothing_is_said_of_who_was_not_asked_about(city: Hub, path: str) -> None:
    assert city.door("GET", ROOT + path).status in (200, 201)
    assert city.audit.every == []


def test_nothing_is_told_before_it_is_written(city: Hub) -> None:
    city.audit.fails = True
    for path in ("/entities?type=Person&q=pulse>60&limit=0&count=true", "/entityMaps?type=Person", "/types/Person"):
        reply = city.door("GET", ROOT + path)
        assert reply.status >= 500
        assert "ngsild-results-count" not in reply.headers
        assert b"Person:1" not in reply.body


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whoever_counts_or_is_listed_is_told_of(hub: Hub, data: st.DataObject) -> None:
    subjects = st.lists(st.sampled_from(PEOPLE), min_size=1, max_size=2, unique=True)
    wholes = [
        person(number, data.draw(subjects), **{name: value(data.draw(st.integers(40, 60))) for name in names})
        for number, names in enumerate(
            data.draw(st.lists(st.sets(st.sampled_from(["pulse", "weight", "note"]), min_size=1), max_size=4))
        )
    ]
    hub.empty()
    if wholes:
        hub.put(*wholes)
    some = st.sampled_from([(who, f"{NS}{name}") for who in PEOPLE for name in ("pulse", "weight")])
    hub.policy.grants = data.draw(st.dictionaries(some, st.just("urn:r"), min_size=2))
    hub.audit.every.clear()
    query = data.draw(st.sampled_from(["q=pulse>50", "q=weight<=50", "q=pulse>50;weight>45", "q=note", "attrs=weight"]))
    listed = [one["id"] for one in hub.get(f"/entities?type=Person&{query}")]
    hub.audit.every.clear()
    path = data.draw(st.sampled_from(["/entities?limit=0&count=true&", "/entityMaps?"]))
    reply = hub.door("GET", f"{ROOT}{path}type=Person&{query}")
    assert reply.status in (200, 201)
    told = hub.told()
    assert all(one["values"] == 0 for one in told.values())
    about = {one["id"]: one["dataSubject"]["value"] for one in wholes}
    counting = {subject for entity_id in listed for subject in about[entity_id]}
    assert counting <= told.keys()
    assert told.keys() <= {subject for subject, _ in hub.policy.grants}
    assert all((subject, f"{NS}{name}") in hub.policy.grants for subject, one in told.items() for name in one["names"])


@pytest.mark.parametrize("store", ["memory", "sqlite"])
def test_a_value_is_not_guessed_by_counts_unseen(store: str, tmp_path: Path) -> None:
    with consent_city(tmp_path, store) as found:
        found.pulse("hana")
        found.pulse("taro")
        record = found.give("hana", found.terms())
        type_, pulse = quote(HEART, safe=""), quote(PULSE, safe="")
        for kind, path in (("count", "entities?limit=0&count=true&"), ("map", "entityMaps?")):
            found.ask("clinic", "GET", f"//ngsi-ld/v1/{path}type={type_}&q={pulse}>=62")
            entry = found.ask("kaneko", "GET", "//admin/audit?kind=disclosure")[-1]
            [one] = entry["told"]
            assert (one["subject"], one["records"]) == ("urn:misono:subject:hana", [record["id"]])
            assert (one["items"], entry["recipient"]) == ({HEART: [PULSE]}, CLINIC)
            assert entry["more"] == {"tells": [kind]}
        before = found.ask("kaneko", "GET", "//admin/audit")
        found.ask("hana", "GET", f"//ngsi-ld/v1/entities?limit=0&count=true&type={type_}")
        assert found.status == 200
        assert found.ask("kaneko", "GET", "//admin/audit") == before


def test_every_operation_that_counts_or_lists_is_known() -> None:
    names = {one.name for one in (*OPERATIONS, *CATALOGUE)}
    known = {*extents.COUNTED, *extents.MAPS, *extents.OTHERS}
    assert known <= names
    counting = {one.name for one in OPERATIONS if "count" in one.accepts.names and one.clause.startswith("5.7")}
    assert counting <= extents.COUNTED.keys()
    assert {one.name for one in OPERATIONS if one.name.startswith("create") and "entity_map" in one.name} == {
        *extents.MAPS
    }
