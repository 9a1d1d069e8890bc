"""Histories over HTTP, at both doors and on both engines (clauses 6.18 to 6.22, 6.24, 6.3.10 to 6.3.13)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from broker.model.values import NGSI_LD_NULL
from tests.fakes.clock import FakeClock
from tests.http.doors import ROOT, Door, Reply, broker, flask_door, front_door

HISTORIES = ROOT + "/temporal/entities"
HOUSE, OTHER = "urn:ngsi-ld:House:1", "urn:ngsi-ld:House:2"
PAGE = 5


class Talk:
    """Requests to one door, bodies as JSON."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        """One request below the API's root."""
        text = None if body is None else json.dumps(body).encode()
        return self._door(method, ROOT + path.replace(" ", "%20"), headers, text)

    def get(self, path: str, **headers: str) -> Any:
        """The JSON of a 200."""
        reply = self("GET", path, **headers)
        assert reply.status == 200, reply
        return json.loads(reply.body)


@pytest.fixture(name="ask", params=["memory front", "memory flask", "sqlite front", "mongo front"])
def one_broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Talk]:
    store, door = request.param.split(" ")
    with broker(clock=FakeClock(), store=store, data=str(tmp_path), temporal_page=str(PAGE)) as (_, doors):
        yield Talk((front_door if door == "front" else flask_door)(doors))


def past(value: Any, minute: int, **more: Any) -> dict[str, Any]:
    return {"type": "Property", "value": value, "observedAt": f"2026-01-01T00:{minute:02}:00Z", **more}


def fill(ask: Talk, count: int = 3, entity_id: str = HOUSE, **attributes: Any) -> None:
    body = {"id": entity_id, "type": "House", "speed": [past(n, n) for n in range(count)], **attributes}
    assert ask("POST", "/temporal/entities", body).status == 201


def test_a_history_begins_with_201_and_grows_with_204(ask: Talk) -> None:
    body = {"id": HOUSE, "type": "House", "speed": [past(1, 1)]}
    first = ask("POST", "/temporal/entities", body)
    assert (first.status, first.headers["location"]) == (201, f"{HISTORIES}/{HOUSE}")
    second = ask("POST", "/temporal/entities", {**body, "type": ["House", "Home"], "speed": [past(2, 2)]})
    assert second.status == 204
    found = ask.get(f"/temporal/entities/{HOUSE}")
    assert (found["type"], [one["value"] for one in found["speed"]]) == (["House", "Home"], [1, 2])


def test_an_instance_of_the_same_time_and_dataset_takes_the_place_of_the_other(ask: Talk) -> None:
    fill(ask, 2)
    ask("POST", f"/temporal/entities/{HOUSE}/attrs", {"speed": [past(9, 1), past(8, 1, datasetId="urn:x:d")]})
    found = ask.get(f"/temporal/entities/{HOUSE}")["speed"]
    assert [(one["value"], one.get("datasetId")) for one in found] == [(0, None), (9, None), (8, "urn:x:d")]


def test_what_the_current_state_goes_through_is_history(ask: Talk) -> None:
    assert ask("POST", "/entities", {"id": HOUSE, "type": "House", "speed": 1, "scope": "/a"}).status == 201
    assert ask("PATCH", f"/entities/{HOUSE}", {"speed": 2, "scope": "/b"}).status == 204
    assert ask("DELETE", f"/entities/{HOUSE}/attrs/speed").status == 204
    found = ask.get(f"/temporal/entities/{HOUSE}?options=sysAttrs")
    assert [one["value"] for one in found["speed"]] == [1, 2, NGSI_LD_NULL]
    assert found["speed"][2]["deletedAt"]
    assert [one["value"] for one in found["scope"]] == ["/a", "/b"]
    assert all(one["observedAt"] == one["modifiedAt"] for one in found["scope"])


def test_an_attribute_of_history_alone_ends_where_it_is_deleted(ask: Talk) -> None:
    fill(ask, 1, scope="/a")
    assert ask("DELETE", f"/entities/{HOUSE}/attrs/speed").status == 204
    assert ask("DELETE", f"/entities/{HOUSE}/attrs/scope").status == 204
    found = ask.get(f"/temporal/entities/{HOUSE}?timeproperty=deletedAt")
    assert [one["value"] for one in found["speed"]] == [NGSI_LD_NULL]
    assert [one["value"] for one in found["scope"]] == [[]]
    again = ask("DELETE", f"/entities/{HOUSE}/attrs/speed")
    assert (again.status, json.loads(again.body)["pointer"]) == (404, "entityId")


def test_instances_are_corrected_and_erased_by_their_ids(ask: Talk) -> None:
    fill(ask, 2)
    first = ask.get(f"/temporal/entities/{HOUSE}?options=sysAttrs")["speed"][0]
    path = f"/temporal/entities/{HOUSE}/attrs/speed/{first['instanceId']}"
    assert ask("PATCH", path, {"speed": [past(7, 0)]}).status == 204
    now = ask.get(f"/temporal/entities/{HOUSE}?options=sysAttrs")["speed"][0]
    assert (now["value"], now["instanceId"], now["createdAt"]) == (7, first["instanceId"], first["createdAt"])
    assert ask("DELETE", path).status == 204
    assert [one["value"] for one in ask.get(f"/temporal/entities/{HOUSE}")["speed"]] == [1]
    assert ask("DELETE", path).status == 404
    assert ask("PATCH", path, past(7, 0)).status == 404


@pytest.mark.parametrize(
    ("query", "left"),
    [("", [3]), ("?datasetId=urn:x:d", [0, 1, 2]), ("?deleteAll=true", None)],
)
def test_an_attribute_goes_by_dataset_or_whole(ask: Talk, query: str, left: list[int] | None) -> None:
    fill(ask, 3)
    ask("POST", f"/temporal/entities/{HOUSE}/attrs", {"speed": past(3, 3, datasetId="urn:x:d"), "size": past(1, 1)})
    assert ask("DELETE", f"/temporal/entities/{HOUSE}/attrs/speed{query}").status == 204
    found = ask.get(f"/temporal/entities/{HOUSE}").get("speed")
    assert (found and [one["value"] for one in found]) == left


def test_a_history_that_is_deleted_is_gone(ask: Talk) -> None:
    fill(ask)
    assert ask("DELETE", f"/temporal/entities/{HOUSE}").status == 204
    assert ask("GET", f"/temporal/entities/{HOUSE}").status == 404
    assert ask("DELETE", f"/temporal/entities/{HOUSE}").status == 404


@pytest.mark.parametrize(
    ("query", "values"),
    [
        ("", [0, 1, 2]),
        ("?timerel=before&timeAt=2026-01-01T00:01:00Z", [0]),
        ("?timerel=after&timeAt=2026-01-01T00:01:00.000Z", [1, 2]),
        ("?timerel=between&timeAt=2026-01-01T00:00:00Z&endTimeAt=2026-01-01T00:02:00Z", [0, 1]),
        ("?lastN=2", [2, 1]),
        ("?timerel=before&timeAt=2026-01-01T00:02:00Z&lastN=1", [1]),
        ("?attrs=speed", [0, 1, 2]),
        ("?pick=speed&datasetId=@none", [0, 1, 2]),
    ],
)
def test_a_time_selects_instances(ask: Talk, query: str, values: list[int]) -> None:
    fill(ask)
    assert [one["value"] for one in ask.get(f"/temporal/entities/{HOUSE}{query}")["speed"]] == values


def test_series_and_aggregates(ask: Talk) -> None:
    fill(ask, size=[past("a", 1)])
    found = ask.get(f"/temporal/entities/{HOUSE}?format=temporalValues")
    assert found["speed"]["values"][0] == [0, "2026-01-01T00:00:00Z"]
    path = (
        f"/temporal/entities/{HOUSE}?options=aggregatedValues&aggrMethods=avg,max&aggrPeriodDuration=PT2M&attrs=speed"
    )
    assert ask.get(path)["speed"] == {
        "type": "Property",
        "avg": [
            [0.5, "2026-01-01T00:00:00Z", "2026-01-01T00:02:00Z"],
            [2, "2026-01-01T00:02:00Z", "2026-01-01T00:04:00Z"],
        ],
        "max": [
            [1, "2026-01-01T00:00:00Z", "2026-01-01T00:02:00Z"],
            [2, "2026-01-01T00:02:00Z", "2026-01-01T00:04:00Z"],
        ],
    }


@pytest.mark.parametrize(
    ("query", "status", "range_told", "values"),
    [
        ("", 206, "2026-01-01T00:00:00Z-2026-01-01T00:04:00Z/*", [0, 1, 2, 3, 4]),
        (
            "timerel=after&timeAt=2025-01-01T00:00:00Z",
            206,
            "2025-01-01T00:00:00Z-2026-01-01T00:04:00Z/*",
            [0, 1, 2, 3, 4],
        ),
        ("lastN=7", 206, "2026-01-01T00:08:00Z-2026-01-01T00:04:00Z/7", [8, 7, 6, 5, 4]),
        ("lastN=5", 200, None, [8, 7, 6, 5, 4]),
        (
            "timerel=before&timeAt=2027-01-01T00:00:00Z&lastN=9",
            206,
            "2027-01-01T00:00:00Z-2026-01-01T00:04:00Z/9",
            [8, 7, 6, 5, 4],
        ),
    ],
)
def test_too_many_instances_are_a_part(
    ask: Talk, query: str, status: int, range_told: str | None, values: list[int]
) -> None:
    fill(ask, 9)
    reply = ask("GET", f"/temporal/entities/{HOUSE}?{query}")
    assert (reply.status, [one["value"] for one in json.loads(reply.body)["speed"]]) == (status, values)
    assert reply.headers.get("content-range") == (None if range_told is None else f"date-time {range_told}")


def test_a_query_pages_counts_and_orders(ask: Talk) -> None:
    fill(ask, 2, OTHER)
    fill(ask, 2, HOUSE, size=[past("x", 1)])
    ever = "/temporal/entities?type=House&timerel=after&timeAt=2020-01-01T00:00:00Z"
    assert [one["id"] for one in ask.get(ever)] == [OTHER, HOUSE]
    assert [one["id"] for one in ask.get(ever + "&orderBy=id")] == [HOUSE, OTHER]
    first = ask("GET", ever + "&limit=1&count=true&orderBy=id;desc")
    assert ([one["id"] for one in json.loads(first.body)], first.headers["ngsild-results-count"]) == ([OTHER], "2")
    assert 'rel="next"' in first.headers["link"]
    assert "offset=1" in first.headers["link"]
    assert [one["id"] for one in ask.get(ever + "&q=speed==1;size==%22x%22")] == [HOUSE]
    assert ask.get(ever + "&attrs=size&pick=")[0].keys() == {"id", "type", "size"}
    assert ask.get(ever + "&pick=size") == [{"size": ask.get(f"/temporal/entities/{HOUSE}")["size"]}]
    assert ask.get("/temporal/entities?type=House&timerel=after&timeAt=2027-01-01T00:00:00Z") == []


def test_a_body_asks_the_same(ask: Talk) -> None:
    fill(ask)
    body = {
        "type": "Query",
        "entities": [{"type": "House"}],
        "temporalQ": {"timerel": "after", "timeAt": "2026-01-01T00:01:00Z"},
        "aggrParams": {"aggrMethods": ["sum"]},
    }
    reply = ask("POST", "/temporal/entityOperations/query?count=true", body)
    assert (reply.status, reply.headers["ngsild-results-count"]) == (200, "1")
    assert json.loads(reply.body)[0]["speed"]["sum"][0][0] == 3


@pytest.mark.parametrize(
    ("request_line", "body", "status", "pointer"),
    [
        ("POST ", {"id": OTHER, "speed": [past(1, 1)]}, 400, "/type"),
        ("POST ", {"type": "House", "speed": [past(1, 1)]}, 400, "/id"),
        (f"POST /{OTHER}/attrs", {"speed": [past(1, 1)]}, 404, "entityId"),
        (f"POST /{HOUSE}/attrs", {}, 400, None),
        ("POST /nouri/attrs", {"speed": [past(1, 1)]}, 400, "entityId"),
        ("POST //attrs", {"speed": [past(1, 1)]}, 400, "entityId"),
        (f"DELETE /{HOUSE}/attrs/size", None, 404, "attrId"),
        (f"DELETE /{HOUSE}/attrs/no(name", None, 400, "attrId"),
        (f"DELETE /{HOUSE}/attrs/speed?datasetId=urn:x:d&deleteAll=true", None, 400, "datasetId"),
        (f"DELETE /{HOUSE}/attrs/speed/nouri", None, 400, "instanceId"),
        (f"PATCH /{HOUSE}/attrs/speed/urn:x:1", past(1, 1), 404, "instanceId"),
        (f"PATCH /{HOUSE}/attrs//urn:x:1", past(1, 1), 405, None),
        ("GET /nouri", None, 400, "entityId"),
        (f"GET /{OTHER}", None, 404, "entityId"),
        (f"GET /{HOUSE}?timerel=after&timeAt=2030-01-01T00:00:00Z", None, 404, "entityId"),
        (f"GET /{HOUSE}?omit=id,type,speed", None, 404, "omit"),
        (f"GET /{HOUSE}?pick=speed{{size}}", None, 400, "pick"),
        (f"GET /{HOUSE}?format=aggregatedValues", None, 400, "aggrMethods"),
        (f"GET /{HOUSE}?options=temporalValues,aggregatedValues", None, 400, "options"),
        (f"GET /{HOUSE}?attrs=speed&aggrMethods=bogus", None, 400, "aggrMethods"),
        ("GET ?type=House", None, 400, "timerel"),
        ("GET ?timerel=after&timeAt=2026-01-01T00:00:00Z", None, 400, "type"),
        ("GET ?type=House&timerel=after&timeAt=2026-01-01T00:00:00Z&orderBy=speed", None, 400, "orderBy"),
        ("GET ?type=House&timerel=after&timeAt=2026-01-01T00:00:00Z&q=speed{size}==1", None, 400, "q"),
    ],
)
def test_what_is_wrong_is_named(ask: Talk, request_line: str, body: Any, status: int, pointer: str | None) -> None:
    fill(ask, 1)
    method, path = request_line.split(" ", 1)
    reply = ask(method, "/temporal/entities" + path, body)
    assert (reply.status, json.loads(reply.body).get("pointer")) == (status, pointer), reply


def test_an_attribute_that_no_method_fits_is_refused(ask: Talk) -> None:
    fill(ask, 1, size=[past("a", 1)])
    reply = ask("GET", f"/temporal/entities/{HOUSE}?attrs=size&aggrMethods=sum")
    assert (reply.status, json.loads(reply.body)["type"].endswith("InvalidRequest")) == (400, True)


def test_json_ld_holds_its_context_and_an_earlier_version_is_told(ask: Talk) -> None:
    fill(ask, 1, use=[{"type": "VocabProperty", "vocab": "home"}])
    found = ask.get(f"/temporal/entities/{HOUSE}", Accept="application/ld+json")
    assert found["@context"]
    old = ask("GET", f"/temporal/entities/{HOUSE}", Prefer="ngsi-ld=1.5")
    assert (old.status, json.loads(old.body)["use"][0]["type"]) == (203, "Property")


def test_a_history_makes_its_tenant(ask: Talk) -> None:
    body = {"id": HOUSE, "type": "House", "speed": [past(1, 1)]}
    assert ask("GET", f"/temporal/entities/{HOUSE}", **{"NGSILD-Tenant": "city"}).status == 404
    assert ask("POST", f"/temporal/entities/{HOUSE}/attrs", body, **{"NGSILD-Tenant": "city"}).status == 404
    assert ask("POST", "/temporal/entities", body, **{"NGSILD-Tenant": "city"}).status == 201
    assert ask("GET", f"/temporal/entities/{HOUSE}", **{"NGSILD-Tenant": "city"}).status == 200
    assert ask("GET", f"/temporal/entities/{HOUSE}").status == 404
