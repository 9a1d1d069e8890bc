"""Brokers that share nothing but a server: what one is told the others know, and each notification comes once."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import plain
from tests.fakes.receiver import Receiver
from tests.outside.mongodb.city import City, city, subscribe, until
from tests.outside.served import Served

SOON_S = 1.0
NAME = "urn:ngsi-ld:Subscription:"
THINGS = 5


@pytest.fixture(name="hub")
def one_city(tmp_path: Path) -> Iterator[City]:
    with city(tmp_path) as found:
        yield found


@pytest.fixture(name="receiver")
def one_receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


def put(broker: Served, value: int) -> None:
    """On a connection of its own: now one worker has it, now another."""
    thing = {
        "id": f"urn:ngsi-ld:Thing:{value % THINGS}",
        "type": "Thing",
        "value": {"type": "Property", "value": value},
    }
    answer = plain.post(f"{broker.root}/ngsi-ld/v1/entityOperations/upsert", json=[thing])
    assert answer.status_code in (201, 204), answer.text


def values_by_thing(bodies: list[Any]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for body in bodies:
        (thing,) = body["data"]
        found.setdefault(thing["id"], []).append(thing["value"]["value"])
    return found


def test_what_one_is_told_the_other_knows_within_a_second(hub: City, receiver: Receiver) -> None:
    one, other = hub.start("one"), hub.start("other")
    put(other, 0)

    subscribe(one, NAME + "1", receiver.url)
    time.sleep(SOON_S)
    put(other, 1)
    until(lambda: receiver.received)  # what did not know of it would never tell

    changed = one.http.patch(f"/subscriptions/{NAME}1", json={"isActive": False})
    assert changed.status_code == 204, changed.text
    time.sleep(SOON_S)
    put(other, 2)
    time.sleep(SOON_S)
    assert len(receiver.received) == 1
    assert other.http.get(f"/subscriptions/{NAME}1").json()["isActive"] is False

    with Receiver() as source:
        registration = {
            "id": "urn:ngsi-ld:ContextSourceRegistration:1",
            "type": "ContextSourceRegistration",
            "information": [{"entities": [{"type": "Lamp"}]}],
            "endpoint": source.url,
        }
        assert other.http.get("/entities?type=Lamp").json() == []
        assert one.http.post("/csourceRegistrations", json=registration).status_code == 201
        time.sleep(SOON_S)
        answer = other.http.get("/entities?type=Lamp")
        assert "NGSILD-Warning" in answer.headers, "it was asked, and gave nothing good"

    made = one.http.post("/jsonldContexts", json={"@context": {"mine": "https://example.org/mine"}})
    assert made.status_code == 201, made.text
    url = (
        f"{one.root}{made.headers['Location']}"
        if made.headers["Location"].startswith("/")
        else made.headers["Location"]
    )
    kept = other.http.get(f"/jsonldContexts/{url.rpartition('/')[2]}")
    assert kept.json() == {"@context": {"mine": "https://example.org/mine"}}


@pytest.mark.parametrize("workers", [2])
def test_in_normal_running_each_notification_comes_once(hub: City, receiver: Receiver, workers: int) -> None:
    brokers = [hub.start(name, "--workers", str(workers)) for name in ("one", "other")]
    names = [f"{NAME}{at}" for at in range(8)]
    subscribe(brokers[0], f"{NAME}timer", receiver.url, timeInterval=1)
    for at, name in enumerate(names):
        subscribe(brokers[at % 2], name, receiver.url)
    time.sleep(SOON_S)
    for value in range(60):
        put(brokers[value // THINGS % 2], value)
    until(lambda: len(told(receiver)) >= 480, 60)
    time.sleep(3)
    everything = [one.json for one in list(receiver.received)]
    assert max(Counter(one["id"] for one in everything).values()) == 1, "nothing came twice"
    assert len(told(receiver)) == 480
    for name in names:
        found = values_by_thing([one for one in everything if one["subscriptionId"] == name])
        assert {thing: sorted(values) for thing, values in found.items()} == {
            f"urn:ngsi-ld:Thing:{at}": list(range(at, 60, THINGS)) for at in range(THINGS)
        }
    assert sum(one["subscriptionId"] == f"{NAME}timer" for one in everything) >= 3
    counters = brokers[1].http.get(f"/subscriptions/{names[0]}").json()["notification"]
    assert counters["timesSent"] == 60


def told(receiver: Receiver) -> list[Any]:
    bodies = [one.json for one in list(receiver.received)]
    return [one for one in bodies if not one["subscriptionId"].endswith("timer")]
