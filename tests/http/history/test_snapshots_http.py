"""Snapshots and entity maps over HTTP, on both engines and at both doors (clauses 6.3.22, 6.32 to 6.38)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from broker.doors import Built
from broker.timers import Background
from tests.fakes.clock import FakeClock
from tests.http.doors import ROOT, Door, Reply, broker, flask_door, front_door

ID = "urn:ngsi-ld:Snapshot:1"
ON_IT = {"NGSILD-Snapshot": ID}
VEHICLES = {"type": "Query", "entities": [{"type": "Vehicle"}]}
TAKE = {"type": "Snapshot", "id": ID, "snapshotQueries": [VEHICLES]}
OWN = '<https://example.org/own.jsonld>; rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"'


class Client:
    """Asks, and waits for what goes on in the background."""

    def __init__(self, built: Built, door: Door) -> None:
        self.built = built
        self.door = door

    def __call__(self, asked: str, body: object = None, headers: Mapping[str, str] | None = None) -> Reply:
        method, path = asked.split(" ", 1)
        text = None if body is None else json.dumps(body).encode()
        reply = self.door(method, path if path.startswith(ROOT) else ROOT + path, headers or {}, text)
        background = self.built.house.broker.background
        assert isinstance(background, Background)
        background.settle()
        return reply

    def json(self, asked: str, body: object = None, headers: Mapping[str, str] | None = None) -> Any:
        return json.loads(self(asked, body, headers).body)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(params=[("memory", front_door), ("sqlite", front_door), ("sqlite", flask_door), ("mongo", front_door)])
def ask(request: pytest.FixtureRequest, tmp_path: Path, clock: FakeClock) -> Iterator[Client]:
    engine, door = request.param
    with broker(clock=clock, store=engine, data=str(tmp_path)) as (built, doors):
        client = Client(built, door(doors))
        for number in range(4):
            entity = {"id": f"urn:v:{number}", "type": "Vehicle", "speed": {"type": "Property", "value": number}}
            assert client("POST /entities", entity).status == 201
        clock.advance(60)
        yield client


def ids(found: Any) -> list[str]:
    return [one["id"] for one in found]


def test_what_is_frozen_stays_and_the_rest_goes_on(ask: Client) -> None:
    reply = ask("POST /snapshots", TAKE)
    assert (reply.status, reply.headers["location"]) == (201, f"{ROOT}/snapshots/{ID}")
    assert ask.json(f"GET /snapshots/{ID}")["snapshotStatus"] == "success"
    before = ask.json("GET /entities?type=Vehicle&options=sysAttrs")
    ask("PATCH /entities/urn:v:1/attrs", {"speed": {"type": "Property", "value": 99}})
    ask("DELETE /entities/urn:v:2")
    answer = ask("GET /entities?type=Vehicle&options=sysAttrs", headers=ON_IT)
    assert (json.loads(answer.body), answer.headers["ngsild-snapshot"]) == (before, ID)
    assert ids(ask.json("GET /entities?type=Vehicle&q=speed>1", headers=ON_IT)) == ["urn:v:2", "urn:v:3"]
    assert ids(ask.json("GET /entities?type=Vehicle&q=speed>1")) == ["urn:v:1", "urn:v:3"]


def test_what_if_is_asked_in_a_snapshot_alone(ask: Client) -> None:
    ask("POST /snapshots", TAKE)
    assert ask("POST /entities", {"id": "urn:b:1", "type": "Barn"}, ON_IT).status == 201
    assert ask("PATCH /entities/urn:v:0/attrs", {"speed": {"type": "Property", "value": 7}}, ON_IT).status == 204
    assert ask("POST /entityOperations/delete", ["urn:v:1"], ON_IT).status == 204
    assert ask("DELETE /entities?type=Vehicle&q=speed==3", None, ON_IT).status == 204
    assert ids(ask.json("GET /entities?type=Vehicle,Barn", headers=ON_IT)) == ["urn:v:0", "urn:v:2", "urn:b:1"]
    assert ask.json("GET /types", headers=ON_IT)["typeList"] == ["Barn", "Vehicle"]
    assert ids(ask.json("GET /entities?type=Vehicle,Barn")) == [f"urn:v:{number}" for number in range(4)]
    assert ask.json("GET /types")["typeList"] == ["Vehicle"]


def test_a_tenant_s_snapshot_is_that_tenant_s(ask: Client) -> None:
    city = {"NGSILD-Tenant": "city"}
    assert ask("POST /snapshots", TAKE, city).status == 404
    ask("POST /entities", {"id": "urn:b:1", "type": "Vehicle"}, city)
    assert ask("POST /snapshots", TAKE, city).status == 201
    assert ask("POST /snapshots", TAKE).status == 201
    answer = ask("GET /entities?type=Vehicle", headers={**city, **ON_IT})
    assert ids(json.loads(answer.body)) == ["urn:b:1"]
    assert (answer.headers["ngsild-tenant"], answer.headers["ngsild-snapshot"]) == ("city", ID)
    assert len(ask.json("GET /entities?type=Vehicle", headers=ON_IT)) == 4
    assert ask(f"GET /snapshots/{ID}", headers={"NGSILD-Tenant": "none"}).status == 404
    assert sorted(ask.built.store.names())[:2] == ["", f"#{ask.built.store.names()[1].split('#')[1]}#{ID}"]


def test_its_own_context_names_what_a_snapshot_holds(ask: Client) -> None:
    context = {"@context": {"speed": "https://example.org/speed", "Vehicle": "https://example.org/Vehicle"}}
    ld = {"Content-Type": "application/ld+json"}
    fast = {"id": "urn:v:9", "type": "Vehicle", "speed": {"type": "Property", "value": 5}, **context}
    assert ask("POST /entities", fast, ld).status == 201
    take = {**TAKE, "snapshotQueries": [{**VEHICLES, "q": "speed>1"}], **context}
    assert ask("POST /snapshots", take, ld).status == 201
    every = ask.json("GET /entities?local=true", headers=ON_IT)
    assert ids(every) == ["urn:v:9"]
    query = {**VEHICLES, **context}
    answer = ask("POST /entityOperations/query", query, {**ld, **ON_IT})
    assert json.loads(answer.body)[0]["speed"]["value"] == 5
    link = answer.headers["link"].split(">")[0].strip("<")
    assert ask("GET " + link[link.index(ROOT) :]).status == 200, "the @context that was made is the tenant's"


def test_history_is_frozen_as_well(ask: Client, clock: FakeClock) -> None:
    for value in (11, 12):
        ask("PATCH /entities/urn:v:1/attrs", {"speed": {"type": "Property", "value": value}})
        clock.advance(60)
    window = {"timerel": "before", "timeAt": "2026-01-01T00:02:30Z", "timeproperty": "modifiedAt"}
    body = {"type": "Snapshot", "id": ID, "snapshotTemporalQueries": [{**VEHICLES, "temporalQ": window}]}
    ask("POST /snapshots", body)
    asked = "GET /temporal/entities/urn:v:1?format=temporalValues&timeproperty=modifiedAt"
    before = ask.json(asked)
    ask("PATCH /entities/urn:v:1/attrs", {"speed": {"type": "Property", "value": 13}})
    assert ask.json(asked, headers=ON_IT) == before
    assert ask.json(asked) != before
    every = "GET /temporal/entities?type=Vehicle&timerel=before&timeAt=2027-01-01T00:00:00Z&timeproperty=modifiedAt"
    assert ids(ask.json(every, headers=ON_IT)) == [f"urn:v:{number}" for number in range(4)]
    ask(f"POST /snapshots/{ID}/clone", {"type": "Snapshot", "id": "urn:s:2"})
    assert ask.json(asked, headers={"NGSILD-Snapshot": "urn:s:2"}) == before
    both = {**body, "id": "urn:s:3", "snapshotQueries": [VEHICLES]}
    ask("POST /snapshots", both)
    values = ask.json(asked, headers={"NGSILD-Snapshot": "urn:s:3"})["speed"]["values"]
    assert [value for value, _ in values] == [1, 11, 12, 13]


def test_a_map_on_a_snapshot_lists_what_is_in_it(ask: Client) -> None:
    ask("POST /snapshots", TAKE)
    ask("DELETE /entities/urn:v:3", None, ON_IT)
    reply = ask("GET /entities?type=Vehicle&entityMap=true&limit=2", headers=ON_IT)
    assert (reply.status, len(json.loads(reply.body))) == (201, 2)
    where = reply.headers["ngsild-entitymap"]
    assert list(ask.json(f"GET {where}", headers=ON_IT)["entityMap"]) == ["urn:v:0", "urn:v:1", "urn:v:2"]
    assert ask(f"GET {where}").status == 404


@pytest.mark.parametrize(
    "asked",
    ["GET /snapshots/urn:s:1", "DELETE /snapshots/urn:s:1", "GET /jsonldContexts", "GET /csourceRegistrations?type=A"],
)
def test_what_is_not_done_to_the_data_of_a_snapshot_is_refused(ask: Client, asked: str) -> None:
    ask("POST /snapshots", TAKE)
    reply = ask(asked, headers=ON_IT)
    assert (reply.status, json.loads(reply.body)["pointer"]) == (400, "NGSILD-Snapshot")
    assert reply.headers["ngsild-snapshot"] == ID


@pytest.mark.parametrize(("header", "status"), [("urn:none", 404), ("no uri", 400), ("", 400)])
def test_a_snapshot_that_is_not_there(ask: Client, header: str, status: int) -> None:
    for asked in ("GET /entities?type=Vehicle", "GET /entities/urn:v:1", "DELETE /entities/urn:v:1"):
        reply = ask.door(asked.split()[0], ROOT + asked.split()[1], {"NGSILD-Snapshot": header or " "}, None)
        assert reply.status == status, asked
    assert ask("GET /entities/urn:v:1").status == 200


def test_it_is_changed_and_purged(ask: Client, clock: FakeClock) -> None:
    ask("POST /snapshots", TAKE)
    after = ask.json(f"PATCH /snapshots/{ID}", {"snapshotPriority": 2, "snapshotLifetime": "PT1H"})
    assert (after["snapshotPriority"], after["expiresAt"]) == (2, "2026-01-01T01:01:00.000000Z")
    assert after == ask.json(f"GET /snapshots/{ID}")
    assert after["snapshotQueries"] == [VEHICLES]
    for q, status in (("speed>5", 400), ("rel{a==1}", 400), ("snapshotPriority>2", 404), ("snapshotPriority<3", 204)):
        assert ask("DELETE /snapshots?q=" + q.replace("{", "%7B").replace("}", "%7D")).status == status, q
    assert ask("DELETE /snapshots").status == 400
    assert ask(f"GET /snapshots/{ID}").status == 404
    assert ask.built.store.names() == [""]


def test_a_batch_of_requests_reads_ahead_past_a_snapshot(ask: Client) -> None:
    ask("POST /snapshots", TAKE)
    ask("PATCH /entities/urn:v:1/attrs", {"speed": {"type": "Property", "value": 99}})
    assert ask.json("GET /entities/urn:v:1", headers=ON_IT)["speed"]["value"] == 1
    assert ask.json("GET /entities/urn:v:1?join=inline", headers=ON_IT)["speed"]["value"] == 1


def test_maps_of_histories_fix_what_is_paged(ask: Client) -> None:
    times = "timerel=before&timeAt=2027-01-01T00:00:00Z&timeproperty=modifiedAt"
    reply = ask(f"GET /temporal/entityMaps?type=Vehicle&q=speed<3&{times}")
    assert reply.status == 201
    headers = {"NGSILD-EntityMap": reply.headers["ngsild-entitymap"]}
    ask("POST /entities", {"id": "urn:v:00", "type": "Vehicle", "speed": {"type": "Property", "value": 0}})
    first = ask(f"GET /temporal/entities?type=Vehicle&limit=2&count=true&{times}", headers=headers)
    assert (ids(json.loads(first.body)), first.headers["ngsild-results-count"]) == (["urn:v:0", "urn:v:1"], "3")
    assert first.headers["ngsild-entitymap"] == headers["NGSILD-EntityMap"]
    assert 'rel="next"' in first.headers["link"]
    rest = ask.json(f"GET /temporal/entities?type=Vehicle&limit=2&offset=2&{times}", headers=headers)
    assert ids(rest) == ["urn:v:2"]
    assert ask(f"GET /temporal/entities/urn:v:2?{times}", headers=headers).status == 200
    assert ask(f"GET /temporal/entities/urn:v:3?{times}", headers=headers).status == 404
    posted = {**VEHICLES, "temporalQ": {"timerel": "after", "timeAt": "2027-01-01T00:00:00Z"}}
    assert ask.json("POST /temporal/entityMaps", posted)["entityMap"] == {}
    assert ask("POST /temporal/entityMaps", VEHICLES).status == 400


def test_maps_by_post_and_their_lifetimes(ask: Client) -> None:
    made = ask.json("POST /entityMaps?entityMapLifetime=PT5M", {**VEHICLES, "q": "speed>2"})
    assert (list(made["entityMap"]), made["expiresAt"]) == (["urn:v:3"], "2026-01-01T00:06:00.000000Z")
    body = {**VEHICLES, "entityMap": True, "entityMapLifetime": "PT10M"}
    reply = ask("POST /entityOperations/query?limit=1", body)
    assert reply.status == 201
    assert ask.json("GET " + reply.headers["ngsild-entitymap"])["expiresAt"] == "2026-01-01T00:11:00.000000Z"
    for wrong in ("GET /entityMaps?type=Vehicle&entityMapLifetime=1hour", "GET /entityMaps?id=urn:v:1"):
        assert ask(wrong).status == 400
    where = f"/entityMaps/{made['id']}"
    for fragment, status in (
        ({"expiresAt": "tomorrow"}, 400),
        ({"type": "Map"}, 400),
        ({"id": "urn:other"}, 400),
        ({"size": 3}, 400),
        ({"entityMap": {"urn:x": ["@none"]}, "id": made["id"], "type": "EntityMap"}, 204),
        ({"expiresAt": "2099-01-01T00:00:00Z"}, 204),
    ):
        assert ask(f"PATCH {where}", fragment).status == status, fragment
    after = ask.json(f"GET {where}")
    assert (list(after["entityMap"]), after["expiresAt"]) == (["urn:v:3"], "2026-01-01T01:01:00.000000Z")


def test_a_purge_takes_what_its_map_lists(ask: Client) -> None:
    made = ask("GET /entityMaps?type=Vehicle&q=speed>1")
    headers = {"NGSILD-EntityMap": made.headers["ngsild-entitymap"]}
    ask("PATCH /entities/urn:v:3/attrs", {"speed": {"type": "Property", "value": 0}})
    reply = ask("DELETE /entities?type=Vehicle&q=speed>0", headers=headers)
    assert (reply.status, reply.headers["ngsild-entitymap"]) == (204, headers["NGSILD-EntityMap"])
    assert ids(ask.json("GET /entities?type=Vehicle")) == ["urn:v:0", "urn:v:1", "urn:v:3"]
    assert ask("DELETE /entities?type=Vehicle", headers={"NGSILD-EntityMap": "urn:none"}).status == 404
    assert len(ask.json("GET /entities?type=Vehicle")) == 3
