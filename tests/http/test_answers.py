"""What every answer says beside its payload: tenant, @context, version, time spent, pages, ETag (clause 6.3)."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.fakes.clock import FakeClock
from tests.http.doors import ROOT, Door, broker, front_door

HOUSE = {"id": "urn:x:1", "type": "House", "use": {"type": "VocabProperty", "vocab": "home"}}
CORE = "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context"


@pytest.fixture(name="door")
def one_door() -> Iterator[Door]:
    with broker(clock=FakeClock()) as (_, doors):
        yield front_door(doors)


def create(door: Door, number: int, **headers: str) -> None:
    body = json.dumps({**HOUSE, "id": f"urn:x:{number}"}).encode()
    assert door("POST", ROOT + "/entities", headers, body).status == 201


def test_json_names_its_context_in_a_link_and_json_ld_in_its_body(door: Door) -> None:
    create(door, 1)
    plain = door("GET", ROOT + "/entities/urn:x:1", {}, None)
    assert plain.headers["content-type"] == "application/json"
    assert CORE in plain.headers["link"]
    assert "@context" not in json.loads(plain.body)
    linked = door("GET", ROOT + "/entities/urn:x:1", {"Accept": "application/ld+json"}, None)
    assert "link" not in linked.headers
    assert json.loads(linked.body)["@context"].startswith(CORE)


def test_the_tenant_is_repeated_even_where_there_is_none(door: Door) -> None:
    missing = door("GET", ROOT + "/entities/urn:x:1", {"NGSILD-Tenant": "city"}, None)
    assert (missing.status, missing.headers["ngsild-tenant"]) == (404, "city")
    assert json.loads(missing.body)["type"].endswith("NonexistentTenant")
    create(door, 1, **{"NGSILD-Tenant": "city"})
    found = door("GET", ROOT + "/entities/urn:x:1", {"NGSILD-Tenant": "city"}, None)
    assert (found.status, found.headers["ngsild-tenant"]) == (200, "city")
    assert door("GET", ROOT + "/entities/urn:x:1", {}, None).status == 404


def test_an_earlier_version_is_applied_and_said_so(door: Door) -> None:
    create(door, 1)
    old = door("GET", ROOT + "/entities/urn:x:1", {"Prefer": 'ngsi-ld="1.5"'}, None)
    assert (old.status, old.headers["preference-applied"]) == (203, "ngsi-ld=1.5")
    assert json.loads(old.body)["use"] == {"type": "Property", "value": "home"}
    new = door("GET", ROOT + "/entities/urn:x:1", {"Prefer": "ngsi-ld=2.7"}, None)
    assert (new.status, new.headers["preference-applied"]) == (200, "ngsi-ld=1.9")
    assert "preference-applied" not in door("GET", ROOT + "/entities/urn:x:1", {"Prefer": "wait=1"}, None).headers


def test_time_is_told_to_who_asks(door: Door) -> None:
    create(door, 1)
    told = door("GET", ROOT + "/entities/urn:x:1", {"Prefer": "timing"}, None).headers["server-timing"]
    assert [stage.partition(";")[0] for stage in told.split(", ")] == ["read", "context", "run", "write"]
    body = json.dumps(HOUSE | {"id": "urn:x:2"}).encode()
    told = door("POST", ROOT + "/entities", {"Prefer": "timing"}, body).headers["server-timing"]
    assert [stage.partition(";")[0] for stage in told.split(", ")] == ["read", "context", "run", "commit", "write"]
    assert "server-timing" not in door("GET", ROOT + "/entities/urn:x:1", {}, None).headers


def test_pages_count_and_link(door: Door) -> None:
    for number in range(3):
        create(door, number)
    page = door("GET", ROOT + "/entities?type=House&limit=1&offset=1&count=true", {}, None)
    assert page.headers["ngsild-results-count"] == "3"
    assert 'offset=0&type=House>;rel="prev";type="application/json"' in page.headers["link"]
    assert 'offset=2&type=House>;rel="next";type="application/json"' in page.headers["link"]
    none = door("GET", ROOT + "/entities?type=House&limit=0&count=true", {}, None)
    assert (none.headers["ngsild-results-count"], none.body) == ("3", b"[]")
    assert 'rel="next"' not in none.headers["link"]


def test_a_version_is_an_etag_and_a_stale_one_writes_nothing(door: Door) -> None:
    create(door, 1)
    tag = door("GET", ROOT + "/entities/urn:x:1", {}, None).headers["etag"]
    patch = json.dumps({"size": {"type": "Property", "value": 1}}).encode()
    first = door("POST", ROOT + "/entities/urn:x:1/attrs", {"If-Match": tag}, patch)
    assert (first.status, first.headers["etag"] == tag) == (204, False)
    assert "content-length" not in first.headers
    for stale in (tag, 'W/"1"', '"x"', '"9"'):
        assert door("POST", ROOT + "/entities/urn:x:1/attrs", {"If-Match": stale}, patch).status == 412
    assert door("DELETE", ROOT + "/entities/urn:x:1", {"If-Match": first.headers["etag"]}, None).status == 204


def test_refusals_of_headers_alone_are_bare(door: Door) -> None:
    for headers, status in (({"Content-Length": ""}, 411), ({"Content-Type": "text/plain"}, 415)):
        bare = door("POST", ROOT + "/entities", headers, None if status == 411 else b"{}")
        assert (bare.status, bare.body) == (status, b"")


def test_pages_outside_the_standard(door: Door) -> None:
    assert json.loads(door("GET", "/ready", {}, None).body) == {"status": "ready"}
    assert json.loads(door("GET", "/health", {}, None).body)["parts"] == {"store": "ok"}
    document = json.loads(door("GET", "/openapi.json", {}, None).body)
    assert document["info"]["title"] == "Misono"


@pytest.mark.parametrize("query", ["limit=500", "join=flat", "orderBy=size;desc", "limit=100"])
def test_what_takes_long_is_done_in_a_thread_and_answers_as_ever(door: Door, query: str) -> None:
    create(door, 1)
    found = door("GET", f"{ROOT}/entities?type=House&{query}", {}, None)
    assert [entity["id"] for entity in json.loads(found.body)] == ["urn:x:1"]
