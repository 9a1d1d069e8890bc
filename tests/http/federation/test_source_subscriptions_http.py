"""`/csourceSubscriptions` behind a door (clauses 6.12, 6.13)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.clock import FakeClock
from tests.http.doors import ROOT, Door, Reply, broker, flask_door, front_door

PATH = ROOT + "/csourceSubscriptions"
ID = "urn:ngsi-ld:Subscription:a"
SMALL: dict[str, Any] = {
    "id": ID,
    "type": "Subscription",
    "entities": [{"type": "House"}],
    "notification": {"endpoint": {"uri": "http://subscriber.example/"}},
}
TIMES = {"timerel": "after", "timeAt": "2026-01-01T00:00:00Z", "timeproperty": "createdAt"}


@pytest.fixture(name="door", params=["front", "flask"])
def one_door(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Door]:
    """Flask over SQLite, the front over memory."""
    flask = request.param == "flask"
    with broker(clock=FakeClock(), store="sqlite" if flask else "memory", data=str(tmp_path)) as (_, doors):
        yield flask_door(doors) if flask else front_door(doors)


def send(door: Door, method: str, path: str, body: Any = None) -> Reply:
    return door(method, path, {}, None if body is None else json.dumps(body).encode())


def shown(door: Door, path: str = f"{PATH}/{ID}") -> Any:
    reply = send(door, "GET", path)
    assert reply.status == 200
    return json.loads(reply.body)


def test_one_that_was_made_is_shown_as_it_was_given(door: Door) -> None:
    body = {**SMALL, "temporalQ": TIMES, "csf": 'mode=="redirect"', "expiresAt": "2099-01-01T00:00:00Z"}
    reply = send(door, "POST", PATH, body)
    assert reply.status == 201
    assert reply.headers["location"] == f"/ngsi-ld/v1/csourceSubscriptions/{ID}"
    found = shown(door)
    endpoint = {"uri": "http://subscriber.example/", "accept": "application/json"}
    assert found.pop("notification") == {"format": "normalized", "endpoint": endpoint}
    assert found.pop("status") == "active"
    assert found == {name: value for name, value in body.items() if name != "notification"}


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"notification": None}, "/notification"),
        ({"type": "Other"}, "/type"),
        ({"watchedAttributes": []}, "/watchedAttributes"),
        ({"expiresAt": "2000-01-01T00:00:00Z"}, "/expiresAt"),
        ({"temporalQ": {"timerel": "after"}}, "/temporalQ"),
        ({"temporalQ": {**TIMES, "more": 1}}, "/temporalQ/more"),
    ],
)
def test_what_is_wrong_is_named(door: Door, change: dict[str, Any], pointer: str) -> None:
    reply = send(door, "POST", PATH, SMALL | change)
    assert reply.status == 400
    assert json.loads(reply.body)["pointer"].startswith(pointer)


def test_an_id_is_taken_once(door: Door) -> None:
    assert send(door, "POST", PATH, SMALL).status == 201
    assert send(door, "POST", PATH, SMALL).status == 409
    assert send(door, "POST", ROOT + "/subscriptions", SMALL).status == 201, "those to entities are others"


def test_one_is_changed_and_deleted(door: Door) -> None:
    send(door, "POST", PATH, SMALL)
    assert send(door, "PATCH", f"{PATH}/{ID}", {"isActive": False, "entities": [{"type": "Street"}]}).status == 204
    assert (shown(door)["status"], shown(door)["entities"]) == ("paused", [{"type": "Street"}])
    assert send(door, "DELETE", f"{PATH}/{ID}").status == 204
    for method, body in (("GET", None), ("PATCH", {"isActive": True}), ("DELETE", None)):
        assert send(door, method, f"{PATH}/{ID}", body).status == 404
        assert send(door, method, f"{PATH}/none", body).status == 400


def test_pages_are_linked(door: Door) -> None:
    for name in "abc":
        send(door, "POST", PATH, SMALL | {"id": f"urn:ngsi-ld:Subscription:{name}"})
    reply = send(door, "GET", f"{PATH}?limit=1&offset=1&count=true")
    assert [one["id"][-1] for one in json.loads(reply.body)] == ["b"]
    assert reply.headers["ngsild-results-count"] == "3"
    assert 'offset=0>;rel="prev"' in reply.headers["link"]
    assert 'offset=2>;rel="next"' in reply.headers["link"]


def test_nobody_is_notified_without_a_token(door: Door) -> None:
    body = {"type": "Notification", "data": []}
    for token in ("nobody", "nobody.city", "."):
        assert send(door, "POST", f"/federation/relay/{token}", body).status == 404
