"""Subscriptions over two hubs, and subscriptions to registrations (clauses 5.8.1.4, 5.8.6, 5.11.7)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.receiver import Receiver, answer, answer_ok
from tests.outside.federation.hubs import house, hub, register
from tests.outside.served import Served, free_port, serving, start, stop

SUBSCRIPTION = "urn:ngsi-ld:Subscription:houses"


@dataclass
class World:
    """Misono, which has registered Aizu for houses, and a subscriber."""

    misono: Served
    aizu: Served
    reader: Receiver
    registration: str


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Two hubs and a subscriber."""
    with Receiver() as reader, hub(tmp_path / "misono", "misono") as misono, hub(tmp_path / "aizu", "aizu") as aizu:
        yield World(misono, aizu, reader, register(misono, aizu.root))


def subscribe(at: Served, reader: Receiver, path: str = "/subscriptions", **members: Any) -> None:
    """Subscribe to houses."""
    body = {
        "id": SUBSCRIPTION,
        "type": "Subscription",
        "entities": [{"type": "House"}],
        "notification": {"endpoint": {"uri": f"{reader.url}/notify"}},
        **members,
    }
    answered = at.http.post(path, json=body)
    assert answered.status_code == 201, answered.text


def until(true: Callable[[], object], seconds: float = 10) -> None:
    """Wait for something; fails when it does not come."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.05)


def copies(at: Served) -> list[dict[str, Any]]:
    """The subscriptions a hub has."""
    found: list[dict[str, Any]] = at.http.get("/subscriptions").json()
    return found


def speed(at: Served, name: str, value: int) -> None:
    """Say how fast a house is."""
    body = {"speed": {"type": "Property", "value": value}}
    assert at.http.patch(f"/entities/urn:ngsi-ld:House:{name}/attrs", json=body).status_code == 204


def test_one_subscription_is_notified_of_both_hubs(world: World) -> None:
    subscribe(world.misono, world.reader, q="speed>10")
    until(lambda: copies(world.aizu))
    world.aizu.http.post("/entities", json=house("there", speed=42))
    world.misono.http.post("/entities?local=true", json=house("here", speed=43))
    found = world.reader.wait(2)
    assert {one.json["data"][0]["id"] for one in found} == {"urn:ngsi-ld:House:there", "urn:ngsi-ld:House:here"}
    assert {one.json["subscriptionId"] for one in found} == {SUBSCRIPTION}
    until(lambda: copies(world.misono)[0]["notification"].get("timesSent") == 2)

    assert world.misono.http.patch(f"/subscriptions/{SUBSCRIPTION}", json={"q": "speed>100"}).status_code == 204
    until(lambda: copies(world.aizu)[0]["q"] == "speed>100")
    speed(world.aizu, "there", 60)
    speed(world.aizu, "there", 160)
    assert world.reader.wait(3)[2].json["data"][0]["speed"]["value"] == 160

    assert world.misono.http.delete(f"/subscriptions/{SUBSCRIPTION}").status_code == 204
    until(lambda: copies(world.aizu) == [])
    assert world.misono.http.get("/csourceSubscriptions").json() == []


def test_a_subscriber_that_is_away_misses_nothing(world: World) -> None:
    subscribe(world.misono, world.reader)
    until(lambda: copies(world.aizu))
    world.reader.behave = answer(503)
    world.aizu.http.post("/entities", json=house("there", speed=42))
    until(lambda: world.reader.refused)
    world.reader.behave = answer_ok
    assert world.reader.wait(1)[0].json["data"][0]["speed"]["value"] == 42


def test_an_entity_of_both_hubs_is_notified_whole_and_filtered_as_a_whole(world: World) -> None:
    subscribe(world.misono, world.reader, splitEntities=True, q='speed>20;brand=="x"')
    until(lambda: copies(world.aizu))
    world.misono.http.post("/entities?local=true", json=house("1", brand="x"))
    world.aizu.http.post("/entities", json=house("1", speed=10))
    speed(world.aizu, "1", 42)
    (found,) = world.reader.wait(1)
    (entity,) = found.json["data"]
    assert (entity["speed"]["value"], entity["brand"]["value"]) == (42, "x")


def test_two_that_registered_each_other_give_no_copy_back(world: World) -> None:
    register(world.aizu, world.misono.root)
    subscribe(world.misono, world.reader)
    until(lambda: copies(world.aizu))
    time.sleep(1)
    assert len(copies(world.misono)) == len(copies(world.aizu)) == 1
    world.aizu.http.post("/entities?local=true", json=house("there", speed=42))
    world.reader.wait(1)
    time.sleep(0.5)
    assert len(world.reader.received) == 1


def test_copies_survive_a_crash_and_are_taken_back_from_a_hub_that_was_away(tmp_path: Path) -> None:
    port, elsewhere = free_port(), free_port()
    options = ("--allow-private", "--public-url", f"http://127.0.0.1:{port}", "--alias", "misono")
    with Receiver() as reader:
        aizu = start(tmp_path / "aizu", "--allow-private", port=elsewhere)
        misono = start(tmp_path / "misono", *options, port=port)
        register(misono, aizu.root)
        subscribe(misono, reader)
        until(lambda: copies(aizu))
        misono.kill()
        stop(aizu)
        with serving(tmp_path / "misono", *options, port=port) as misono:
            assert misono.http.delete(f"/subscriptions/{SUBSCRIPTION}").status_code == 204
            with serving(tmp_path / "aizu", "--allow-private", port=elsewhere) as aizu:
                assert len(copies(aizu)) == 1
                until(lambda: copies(aizu) == [], 20)


def reasons(reader: Receiver, number: int) -> list[tuple[str, list[str]]]:
    """Of each notification of registrations why it came, and of which."""
    return [(one.json["triggerReason"], [two["id"] for two in one.json["data"]]) for one in reader.wait(number)]


def test_who_subscribes_to_registrations_is_told_of_them(world: World) -> None:
    subscribe(world.misono, world.reader, "/csourceSubscriptions")
    assert reasons(world.reader, 1) == [("newlyMatching", [world.registration])]
    path = f"/csourceRegistrations/{world.registration}"
    world.misono.http.patch(path, json={"description": "the other city"})
    world.misono.http.post("/csourceRegistrations", json={})
    assert reasons(world.reader, 2)[1] == ("updated", [world.registration])
    world.misono.http.patch(path, json={"information": [{"entities": [{"type": "Street"}]}]})
    assert reasons(world.reader, 3)[2] == ("noLongerMatching", [world.registration])
    counters = f"/csourceSubscriptions/{SUBSCRIPTION}"
    until(lambda: world.misono.http.get(counters).json()["notification"].get("timesSent") == 3)


def test_news_of_registrations_are_told_when_the_reader_is_back(tmp_path: Path) -> None:
    with Receiver(behave=answer(500)) as reader, hub(tmp_path / "misono", "misono") as misono:
        subscribe(misono, reader, "/csourceSubscriptions")
        name = register(misono, "http://source.example")
        until(lambda: reader.refused)
        counted = misono.http.get(f"/csourceSubscriptions/{SUBSCRIPTION}").json()["notification"]
        assert (counted["timesSent"], counted["timesFailed"], counted["status"]) == (1, 1, "failed")
        reader.behave = answer_ok
        assert reasons(reader, 1) == [("newlyMatching", [name])]


def test_registrations_are_told_by_the_clock(world: World) -> None:
    subscribe(world.misono, world.reader, "/csourceSubscriptions", timeInterval=0.5)
    found = world.reader.wait(3)
    assert found[2].at - found[1].at == pytest.approx(0.5, abs=0.3)
    assert len({one.json["id"] for one in found}) == 3
