"""What goes out because of snapshots, on both engines: news of their status, and notifications from inside of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.receiver import Receiver
from tests.http.doors import ROOT, Door, broker, front_door

ID = "urn:ngsi-ld:Snapshot:1"
CITY = {"NGSILD-Tenant": "city"}
TAKE = {
    "type": "Snapshot",
    "id": ID,
    "snapshotQueries": [{"type": "Query", "entities": [{"type": "Thing"}]}],
}


@pytest.fixture(name="receiver")
def one_receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture(name="door", params=["memory", "sqlite", "mongo"])
def one_door(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Door]:
    options = {"store": request.param, "data": str(tmp_path), "allow_private": "true", "notify_backoff_s": "0.02"}
    with broker(deliver=True, **options) as (_, doors):
        yield front_door(doors)


def ask(door: Door, asked: str, body: object = None, **headers: str) -> Any:
    method, path = asked.split(" ")
    given = {"NGSILD-Tenant": "city", **{name.replace("_", "-"): text for name, text in headers.items()}}
    reply = door(method, ROOT + path, given, None if body is None else json.dumps(body).encode())
    assert reply.status in (200, 201, 204), reply
    return json.loads(reply.body) if reply.body else None


def thing(value: int) -> dict[str, Any]:
    return {"id": "urn:ngsi-ld:Thing:1", "type": "Thing", "value": {"type": "Property", "value": value}}


def test_the_receiver_hears_of_the_end_and_of_changes(door: Door, receiver: Receiver) -> None:
    ask(door, "POST /entities", thing(1))
    info = [{"key": "X-Secret-Key", "value": "42"}]
    ask(door, "POST /snapshots", {**TAKE, "endpoint": f"{receiver.url}/done", "receiverInfo": info})
    first = receiver.wait(1)[0]
    assert (first.path, first.headers["X-Secret-Key"], first.headers["NGSILD-Tenant"]) == ("/done", "42", "city")
    assert first.headers["Content-Type"] == "application/json"
    assert "ngsi-ld-core-context" in first.headers["Link"]
    assert (first.json["type"], first.json["snapshotStatus"]) == ("SnapshotNotification", "success")
    shown = ask(door, f"GET /snapshots/{ID}")
    assert shown["receiverInfo"] == [{"key": "X-Secret-Key", "value": "***"}]
    ask(door, f"PATCH /snapshots/{ID}", {"snapshotPriority": 8})
    assert receiver.wait(2)[1].json["snapshotPriority"] == 8
    ask(door, f"DELETE /snapshots/{ID}")
    last = receiver.wait(3)[2].json
    assert last["expiresAt"] <= last["notifiedAt"]
    assert len({one.json["id"] for one in receiver.received}) == 3


def test_news_that_are_not_taken_are_sent_again(door: Door, receiver: Receiver) -> None:
    ask(door, "POST /entities", thing(1))
    receiver.stop()
    ask(door, "POST /snapshots", {**TAKE, "endpoint": receiver.url})
    receiver.start()
    assert receiver.wait(1)[0].json["snapshotId"] == ID


def test_who_subscribes_in_a_snapshot_hears_of_what_changes_there(door: Door, receiver: Receiver) -> None:
    ask(door, "POST /entities", thing(1))
    ask(door, "POST /snapshots", {**TAKE, "endpoint": f"{receiver.url}/done"})
    receiver.wait(1)
    subscription = {
        "id": "urn:ngsi-ld:Subscription:1",
        "type": "Subscription",
        "entities": [{"type": "Thing"}],
        "notification": {"endpoint": {"uri": f"{receiver.url}/inside"}},
    }
    ask(door, "POST /subscriptions", subscription, NGSILD_Snapshot=ID)
    ask(door, "PATCH /entities/urn:ngsi-ld:Thing:1/attrs", {"value": {"type": "Property", "value": 7}})
    ask(
        door,
        "PATCH /entities/urn:ngsi-ld:Thing:1/attrs",
        {"value": {"type": "Property", "value": 8}},
        NGSILD_Snapshot=ID,
    )
    inside = receiver.wait(2)[1]
    assert inside.path == "/inside"
    assert (inside.headers["NGSILD-Tenant"], inside.headers["NGSILD-Snapshot"]) == ("city", ID)
    assert inside.json["data"][0]["value"]["value"] == 8
    assert ask(door, "GET /subscriptions") == []
    assert len(ask(door, "GET /subscriptions", NGSILD_Snapshot=ID)) == 1
