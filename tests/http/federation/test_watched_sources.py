"""What operators and registrations say of sources after they have been asked (clause 5.2.9, /federation/sources)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.remote_source import RemoteSource, answering
from tests.http.doors import ROOT, Door, broker, flask_door, front_door

ID = "urn:ngsi-ld:ContextSourceRegistration:a"
PATH = f"{ROOT}/csourceRegistrations"


@pytest.fixture(params=["front", "flask"])
def door(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Door]:
    """Flask over SQLite, the front over memory."""
    flask = request.param == "flask"
    store = "sqlite" if flask else "memory"
    with broker(store=store, data=str(tmp_path), allow_private="true") as (_, doors):
        yield flask_door(doors) if flask else front_door(doors)


@pytest.fixture
def source() -> Iterator[RemoteSource]:
    with RemoteSource() as one:
        yield one


def _register(door: Door, source: RemoteSource, registration_id: str = ID, entity_type: str = "House") -> None:
    body = {
        "id": registration_id, "type": "ContextSourceRegistration", "endpoint": source.url, "registrationName": "Aizu",
        "information": [{"entities": [{"type": entity_type}]}],
    }  # fmt: skip
    reply = door("POST", PATH, {"Content-Type": "application/json"}, json.dumps(body).encode())
    assert reply.status == 201


def test_a_source_nobody_asked_is_unknown(door: Door, source: RemoteSource) -> None:
    _register(door, source)
    [shown] = json.loads(door("GET", "/federation/sources").body)
    assert shown == {
        "registrationId": ID, "registrationName": "Aizu", "endpoint": source.url, "mode": "inclusive",
        "status": "unknown", "timesSent": 0, "timesFailed": 0,
    }  # fmt: skip
    assert "timesSent" not in json.loads(door("GET", f"{PATH}/{ID}").body)


def test_successes_and_failures_are_told(door: Door, source: RemoteSource) -> None:
    _register(door, source)
    door("GET", f"{ROOT}/entities?type=House")
    source.behave = answering(503, b"{}")
    door("GET", f"{ROOT}/entities?type=House")
    [shown] = json.loads(door("GET", "/federation/sources").body)
    assert (shown["status"], shown["timesSent"], shown["timesFailed"]) == ("failed", 2, 1)
    assert shown["lastError"] == "503"
    assert shown["lastFailure"] > shown["lastSuccess"]
    assert shown["latencyMs"] > 0
    registration = json.loads(door("GET", f"{PATH}/{ID}").body)
    assert (registration["status"], registration["timesSent"], registration["timesFailed"]) == ("failed", 2, 1)
    assert registration["lastFailure"] == shown["lastFailure"]


def test_counters_begin_anew_with_a_new_registration_of_the_id(door: Door, source: RemoteSource) -> None:
    _register(door, source)
    door("GET", f"{ROOT}/entities?type=House")
    assert door("DELETE", f"{PATH}/{ID}").status == 204
    _register(door, source)
    assert json.loads(door("GET", "/federation/sources").body)[0]["timesSent"] == 0


def test_sources_come_in_pages(door: Door, source: RemoteSource) -> None:
    for number in range(3):
        _register(door, source, f"{ID}{number}")
    first = door("GET", "/federation/sources?limit=2")
    assert [one["registrationId"] for one in json.loads(first.body)] == [f"{ID}0", f"{ID}1"]
    assert first.headers["link"] == '</federation/sources?offset=2&limit=2>;rel="next";type="application/json"'
    rest = door("GET", "/federation/sources?limit=2&offset=2")
    assert [one["registrationId"] for one in json.loads(rest.body)] == [f"{ID}2"]
    assert "link" not in rest.headers


def test_prometheus_gets_numbers(door: Door, source: RemoteSource) -> None:
    _register(door, source)
    door("GET", f"{ROOT}/entities?type=House")
    reply = door("GET", "/metrics")
    assert reply.status == 200
    assert reply.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert f'misono_source_requests_total{{process="0",tenant="",registration="{ID}"}} 1' in reply.body.decode()


def test_another_tenant_has_its_own(door: Door, source: RemoteSource) -> None:
    _register(door, source)
    assert door("GET", "/federation/sources", {"NGSILD-Tenant": "nobody"}).status == 404
