"""`/subscriptions` behind a door: locations, pages, contexts, warnings (clauses 6.10, 6.11)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.clock import FakeClock
from tests.http.doors import ROOT, Door, Reply, broker, flask_door, front_door

PATH = ROOT + "/subscriptions"
ID = "urn:ngsi-ld:Subscription:a/1"
SMALL: dict[str, Any] = {
    "type": "Subscription",
    "entities": [{"type": "House"}],
    "notification": {"endpoint": {"uri": "http://h/notify"}},
}
CORE = "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context-v1.9.jsonld"
LD_JSON = "application/ld+json"


@pytest.fixture(name="door", params=["front", "flask"])
def one_door(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Door]:
    """Flask over SQLite, the front over memory."""
    flask = request.param == "flask"
    with broker(clock=FakeClock(), store="sqlite" if flask else "memory", data=str(tmp_path)) as (_, doors):
        yield flask_door(doors) if flask else front_door(doors)


def post(door: Door, body: dict[str, Any], **headers: str) -> Reply:
    return door(
        "POST", PATH, {name.replace("_", "-"): text for name, text in headers.items()}, json.dumps(body).encode()
    )


def get(door: Door, path: str = "", **headers: str) -> Reply:
    return door("GET", PATH + path, headers, None)


def test_a_subscription_lives_at_its_location(door: Door) -> None:
    reply = post(door, {**SMALL, "id": ID})
    assert (reply.status, reply.headers["location"]) == (201, PATH + "/urn:ngsi-ld:Subscription:a%2F1")
    path = "/urn:ngsi-ld:Subscription:a%2F1"
    found = get(door, path)
    assert (found.status, json.loads(found.body)["id"]) == (200, ID)
    assert f"<{CORE}>" in found.headers["link"]
    assert "@context" not in json.loads(found.body)
    assert json.loads(get(door, path, Accept=LD_JSON).body)["@context"] == CORE
    assert door("PATCH", PATH + path, {}, b'{"isActive": false}').status == 204
    assert json.loads(get(door, path).body)["status"] == "paused"
    assert door("DELETE", PATH + path, {}, None).status == 204
    assert get(door, path).status == 404


def test_an_empty_id_is_no_resource_to_change(door: Door) -> None:
    assert door("PATCH", PATH + "/", {}, b'{"isActive": false}').status == 405
    assert door("DELETE", PATH + "/", {}, None).status == 405


def test_pages_are_linked(door: Door) -> None:
    for number in range(3):
        post(door, {**SMALL, "id": f"urn:s:{number}"})
    reply = get(door, "?limit=1&offset=1&count=true", Accept=LD_JSON)
    assert [one["id"] for one in json.loads(reply.body)] == ["urn:s:1"]
    assert reply.headers["ngsild-results-count"] == "3"
    assert f'<{PATH}?count=true&limit=1&offset=0>;rel="prev";type="application/ld+json"' in reply.headers["link"]
    assert f'<{PATH}?count=true&limit=1&offset=2>;rel="next";type="application/ld+json"' in reply.headers["link"]
    assert "link" not in get(door, "?limit=15", Accept=LD_JSON).headers
    assert json.loads(get(door, "?limit=0&count=true").body) == []


def test_the_context_of_the_request_is_that_of_the_notifications(door: Door) -> None:
    context = {"House": "https://x.org/House"}
    reply = post(door, {**SMALL, "id": "urn:s:1", "@context": context}, Content_Type=LD_JSON)
    assert reply.status == 201
    found = json.loads(get(door, "/urn:s:1").body)
    assert found["entities"] == [{"type": "https://x.org/House"}]
    assert "/ngsi-ld/v1/jsonldContexts/" in found["jsonldContext"]
    body = {**SMALL, "id": "urn:s:2", "jsonldContext": CORE, "@context": context}
    post(door, body, Content_Type=LD_JSON)
    assert json.loads(get(door, "/urn:s:2").body)["jsonldContext"] == CORE
    null = json.dumps({"jsonldContext": None, "@context": context}).encode()
    assert door("PATCH", PATH + "/urn:s:2", {"Content-Type": LD_JSON}, null).status == 204
    assert "/jsonldContexts/" in json.loads(get(door, "/urn:s:2").body)["jsonldContext"]


def test_a_context_that_cannot_be_had_is_refused_at_once(door: Door) -> None:
    assert post(door, {**SMALL, "jsonldContext": "http://127.0.0.1:1/none.jsonld"}).status == 504
    assert post(door, {**SMALL, "jsonldContext": "nonsense"}).status == 400
    assert json.loads(get(door).body) == []


def test_a_subscription_that_will_not_see_deletions_is_told(door: Door) -> None:
    reply = post(door, {**SMALL, "id": "urn:s:1", "wachtedAttributes": ["x"], 'a"\n語': 1})
    warning = reply.headers["ngsild-warning"]
    assert warning.startswith('199 misono "')
    assert "deletions are not notified" in warning
    assert warning.endswith('were ignored: wachtedAttributes, a???"')
    assert "ngsild-warning" not in post(door, {**SMALL, "notificationTrigger": ["entityCreated"]}).headers
    assert "ngsild-warning" not in post(door, {**SMALL, "timeInterval": 60}).headers
    assert "ngsild-warning" not in door("PATCH", PATH + "/urn:s:1", {}, b'{"description": "x"}').headers
    assert "ngsild-warning" in door("PATCH", PATH + "/urn:s:1", {}, b'{"notificationTrigger": null}').headers


def test_secrets_are_kept_and_not_shown(door: Door) -> None:
    endpoint = {"uri": "mqtt://user:word@h/a", "receiverInfo": [{"key": "Authorization", "value": "Bearer top"}]}
    post(door, {**SMALL, "id": "urn:s:1", "notification": {"endpoint": endpoint}})
    for path in ("/urn:s:1", ""):
        text = get(door, path).body.decode()
        assert "***" in text
        assert "top" not in text
        assert "word" not in text


def test_system_attributes_are_shown_where_asked_for(door: Door) -> None:
    post(door, {**SMALL, "id": "urn:s:1"})
    assert "createdAt" not in json.loads(get(door, "/urn:s:1").body)
    found = json.loads(get(door, "/urn:s:1?options=sysAttrs").body)
    assert found["createdAt"] == found["modifiedAt"] == "2026-01-01T00:00:00.000000Z"


def test_a_tenant_has_its_own(door: Door) -> None:
    tenant = {"NGSILD-Tenant": "city"}
    assert door("GET", PATH, tenant, None).status == 404
    assert post(door, {**SMALL, "id": "urn:s:1"}, **tenant).status == 201
    assert len(json.loads(door("GET", PATH, tenant, None).body)) == 1
    assert json.loads(get(door).body) == []


def test_an_earlier_version_is_applied_to_nothing(door: Door) -> None:
    post(door, {**SMALL, "id": "urn:s:1"})
    reply = get(door, "/urn:s:1", Prefer="ngsi-ld=1.0")
    assert (reply.status, reply.headers["preference-applied"]) == (200, "ngsi-ld=1.0")
