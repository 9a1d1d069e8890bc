"""Delivery as a whole, on both engines: from a write to a receiver, whatever that one does (clause 5.8.6)."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from broker.ports.outbox import Delivery
from tests.fakes.mosquitto import Mosquitto, listening
from tests.fakes.receiver import Receiver, answer, answer_ok, hang
from tests.http.doors import ROOT, Door, broker, front_door
from tests.outside.served import free_port

QUICK = {"allow_private": "true", "notify_backoff_s": "0.02", "notify_backoff_max_s": "0.2", "notify_timeout_s": "0.5"}
THING = "urn:ngsi-ld:Thing:"
NAME = "urn:ngsi-ld:Subscription:1"


class City:
    """A broker that delivers, spoken to as a client does."""

    def __init__(self, door: Door, outbox: Any, data: Path) -> None:
        self.door, self.outbox, self.data = door, outbox, data

    def ask(self, method: str, path: str, body: object = None, *status: int) -> Any:
        root = "" if path.startswith("/admin") else ROOT
        reply = self.door(method, root + path, {}, None if body is None else json.dumps(body).encode())
        assert reply.status in (status or (200, 201, 204)), (reply.status, reply.body)
        return json.loads(reply.body) if reply.body else reply.headers

    def subscribe(self, uri: str, name: str = NAME, endpoint: dict[str, Any] | None = None, **more: Any) -> None:
        body = {
            "id": name,
            "type": "Subscription",
            "entities": [{"type": "Thing"}],
            "notification": {"endpoint": {"uri": uri, **(endpoint or {})}},
            **more,
        }
        self.ask("POST", "/subscriptions", body)

    def put(self, value: object, entity: str = "1") -> None:
        body = {"id": THING + entity, "type": "Thing", "value": {"type": "Property", "value": value}}
        self.ask("POST", "/entityOperations/upsert", [body])

    def counters(self, name: str = NAME) -> dict[str, Any]:
        found: dict[str, Any] = self.ask("GET", f"/subscriptions/{name}")["notification"]
        return found

    def until(self, holds: Callable[[], object], seconds: float = 10) -> None:
        ends = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < ends
            time.sleep(0.01)

    @property
    def idle(self) -> bool:
        """Whether nothing waits in the store."""
        return not self.outbox.waiting("", 0, 1)


def values(received: list[Any]) -> list[Any]:
    return [one.json["data"][0]["value"]["value"] for one in received]


@pytest.fixture(name="make", params=["memory", "sqlite", "mongo"])
def cities(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., Any]:
    def make(**options: str) -> Any:
        data = tmp_path / "data"
        given: Any = {**QUICK, **options}
        return broker(deliver=True, store=request.param, data=str(data), **given)

    return make


@pytest.fixture(name="city")
def one_city(make: Callable[..., Any], tmp_path: Path) -> Iterator[City]:
    with make() as (built, doors):
        yield City(front_door(doors), built.store.outbox, tmp_path)


@pytest.fixture(name="receiver")
def one_receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


def test_two_quick_updates_give_two_notifications_with_their_own_values(city: City, receiver: Receiver) -> None:
    city.subscribe(receiver.url + "/n")
    for value in range(50):
        city.put(value)
    received = receiver.wait(50)
    assert values(received) == list(range(50))
    assert len({one.json["id"] for one in received}) == 50
    assert {one.json["subscriptionId"] for one in received} == {NAME}
    city.until(lambda: city.idle)
    found = city.counters()
    assert (found["timesSent"], found["status"]) == (50, "ok")
    assert found["lastNotification"] == found["lastSuccess"]
    assert "timesFailed" not in found


def test_what_is_under_way_is_counted_before_the_receiver_has_answered(city: City, receiver: Receiver) -> None:
    receiver.behave = hang
    city.subscribe(receiver.url, endpoint={"timeout": 5000})
    city.put(1)
    city.until(lambda: city.counters().get("timesSent") == 1)
    assert "lastNotification" in city.counters()
    receiver.released.set()


def test_a_receiver_that_comes_back_gets_everything_in_order(city: City, receiver: Receiver) -> None:
    receiver.behave = answer(500)
    city.subscribe(receiver.url)
    for value in range(30):
        city.put(value, str(value % 3))
    city.until(lambda: receiver.refused >= 5)
    receiver.behave = answer_ok
    received = receiver.wait(30)
    for entity in range(3):
        own = [one for one in received if one.json["data"][0]["id"] == THING + str(entity)]
        assert values(own) == list(range(entity, 30, 3))
    city.until(lambda: city.idle)
    found = city.counters()
    assert found["timesSent"] - found["timesFailed"] == 30
    assert found["status"] == "ok"


def test_a_failed_row_holds_back_only_its_entity(make: Callable[..., Any], receiver: Receiver, tmp_path: Path) -> None:
    told: list[tuple[str, Any]] = []

    def choosy(handler: Any) -> None:
        thing = json.loads(handler.body)["data"][0]
        told.append((thing["id"], thing["value"]["value"]))
        answer(422 if thing["value"]["value"] == 0 else 200)(handler)

    receiver.behave = choosy
    with make(notify_backoff_s="0.3", notify_backoff_max_s="0.3", notify_attempts="3") as (built, doors):
        city = City(front_door(doors), built.store.outbox, tmp_path)
        city.subscribe(receiver.url)
        for value in range(10):
            city.put(value, "a" if value % 2 == 0 else "b")
        city.until(lambda: len(told) == 3 + 9)
    assert [value for thing, value in told if thing == THING + "a"] == [0, 0, 0, 2, 4, 6, 8]
    assert {value for _, value in told[:7]} >= {1, 3, 5, 7, 9}


def test_a_slow_or_dead_endpoint_delays_no_other(city: City, receiver: Receiver) -> None:
    with Receiver(behave=hang) as slow:
        city.subscribe(slow.url, "urn:ngsi-ld:Subscription:slow", {"timeout": 5000})
        city.subscribe(f"http://127.0.0.1:{free_port()}/", "urn:ngsi-ld:Subscription:dead")
        city.subscribe(receiver.url)
        for value in range(20):
            city.put(value, str(value))
        receiver.wait(20, 3)


def test_after_the_last_attempt_a_row_is_a_dead_letter_that_can_be_sent_again(
    make: Callable[..., Any], receiver: Receiver, tmp_path: Path
) -> None:
    with make(notify_attempts="3") as (built, doors):
        city = City(front_door(doors), built.store.outbox, tmp_path)
        receiver.behave = answer(410)
        city.subscribe(receiver.url)
        city.put(1)
        city.put(2)
        city.until(lambda: len(city.ask("GET", "/admin/dead-letters")) == 2)
        first, second = city.ask("GET", "/admin/dead-letters")
        assert first["attempts"] == 3
        assert first["reason"] == "the receiver answered 410 Gone"
        assert (first["entityId"], first["subscriptionId"]) == (THING + "1", NAME)
        assert city.counters()["status"] == "failed"
        receiver.behave = answer_ok
        assert city.ask("POST", "/admin/dead-letters/redeliver", {"numbers": [first["number"]]}) == {"redelivered": 1}
        [got] = receiver.wait(1)
        assert got.json["id"] == first["notificationId"]
        assert got.headers["Misono-Redelivered"] == "true"
        assert city.ask("POST", "/admin/dead-letters/discard", {"subscriptionId": NAME}) == {"discarded": 1}
        assert city.ask("GET", "/admin/dead-letters") == []
        assert second["number"] > first["number"]


def test_dead_letters_come_by_pages(make: Callable[..., Any], tmp_path: Path) -> None:
    with make(notify_attempts="1") as (built, doors):
        city = City(front_door(doors), built.store.outbox, tmp_path)
        city.subscribe(f"http://127.0.0.1:{free_port()}/")
        for value in range(5):
            city.put(value)
        city.until(lambda: len(city.ask("GET", "/admin/dead-letters")) == 5)
        numbers, path = [], "/admin/dead-letters?limit=2"
        while path:
            reply = city.door("GET", path)
            numbers += [one["number"] for one in json.loads(reply.body)]
            path = reply.headers.get("link", "").partition(">")[0][1:]
        assert numbers == sorted(set(numbers))
        assert len(numbers) == 5


@pytest.mark.parametrize("body", [{}, {"numbers": "all"}, {"numbers": [True]}, {"numbers": [1], "subscriptionId": "x"}])
def test_dead_letters_are_named(city: City, body: object) -> None:
    assert "remedy" in city.ask("POST", "/admin/dead-letters/redeliver", body, 400)


def test_a_paused_subscription_is_told_nothing_and_later_nothing_of_the_past(
    make: Callable[..., Any], receiver: Receiver, tmp_path: Path
) -> None:
    with make(notify_backoff_s="0.5") as (built, doors):  # time to pause it between two attempts
        pause_and_resume(City(front_door(doors), built.store.outbox, tmp_path), receiver)


def pause_and_resume(city: City, receiver: Receiver) -> None:
    receiver.behave = answer(500)
    city.subscribe(receiver.url)
    city.put(1)
    city.until(lambda: receiver.refused >= 1)
    city.ask("PATCH", f"/subscriptions/{NAME}", {"isActive": False})
    receiver.behave = answer_ok
    city.until(lambda: city.idle)
    assert receiver.received == []
    city.ask("PATCH", f"/subscriptions/{NAME}", {"isActive": True})
    city.put(2)
    assert values(receiver.wait(1)) == [2]


def test_a_deleted_subscription_is_told_nothing_more(city: City, receiver: Receiver) -> None:
    receiver.behave = answer(500)
    city.subscribe(receiver.url)
    city.put(1)
    city.until(lambda: receiver.refused >= 1)
    city.ask("DELETE", f"/subscriptions/{NAME}")
    refused = receiver.refused
    time.sleep(0.5)
    assert receiver.refused <= refused + 1
    assert city.idle


def test_a_subscription_that_moved_is_told_at_its_new_place(city: City, receiver: Receiver) -> None:
    with Receiver(behave=answer(500)) as old:
        city.subscribe(old.url)
        city.put(1)
        city.until(lambda: old.refused >= 1)
        city.ask("PATCH", f"/subscriptions/{NAME}", {"notification": {"endpoint": {"uri": receiver.url}}})
        assert values(receiver.wait(1)) == [1]


def test_throttling_lets_one_pass_and_drops_those_too_soon(city: City, receiver: Receiver) -> None:
    city.subscribe(receiver.url, throttling=0.4)
    for value in range(5):
        city.put(value)
    receiver.wait(1)
    time.sleep(0.5)
    city.put(9)
    receiver.wait(2)
    city.until(lambda: city.idle)
    assert values(receiver.received) == [0, 9]
    assert city.counters()["timesSent"] == 2


def test_a_cooldown_is_kept(city: City, receiver: Receiver) -> None:
    receiver.behave = answer(500)
    city.subscribe(receiver.url, endpoint={"cooldown": 600})
    city.put(1, "a")
    city.until(lambda: receiver.refused == 1)
    failed_at = time.monotonic()
    receiver.behave = answer_ok
    city.put(2, "b")
    received = receiver.wait(2)
    assert received[0].at - failed_at > 0.5


def test_periods_are_notified_with_ids_of_their_own(city: City, receiver: Receiver) -> None:
    city.put(1, "a")
    city.put(2, "b")
    city.subscribe(receiver.url, timeInterval=0.3)
    received = receiver.wait(4)
    assert [len(one.json["data"]) for one in received] == [2] * len(received)
    assert len({one.json["id"] for one in received}) == len(received)
    pauses = [later.at - earlier.at for earlier, later in pairwise(received)]
    assert all(0.1 < pause < 0.6 for pause in pauses), pauses
    city.ask("PATCH", f"/subscriptions/{NAME}", {"isActive": False})
    time.sleep(0.1)
    number = len(receiver.received)
    time.sleep(0.7)
    assert len(receiver.received) == number
    assert city.counters()["timesSent"] == number


def test_a_period_that_finds_nothing_is_not_notified(city: City, receiver: Receiver) -> None:
    city.subscribe(receiver.url, timeInterval=0.1)
    time.sleep(0.6)
    assert receiver.received == []
    assert "timesSent" not in city.counters()


def test_the_tenant_is_told(city: City, receiver: Receiver) -> None:
    body = {
        "type": "Subscription",
        "entities": [{"type": "Thing"}],
        "notification": {"endpoint": {"uri": receiver.url}},
    }
    headers = {"NGSILD-Tenant": "other"}
    assert city.door("POST", ROOT + "/subscriptions", headers, json.dumps(body).encode()).status == 201
    thing = {"id": THING + "1", "type": "Thing", "value": {"type": "Property", "value": 1}}
    assert city.door("POST", ROOT + "/entities", headers, json.dumps(thing).encode()).status == 201
    [got] = receiver.wait(1)
    assert got.headers["NGSILD-Tenant"] == "other"


def test_a_test_delivery_says_what_became_of_it_and_counts_nothing(city: City, receiver: Receiver) -> None:
    city.subscribe(receiver.url, notificationTrigger=["entityDeleted"])
    ask = {"subscriptionId": NAME}
    assert city.ask("POST", "/admin/test-deliveries", ask)["reason"] == "the subscription selects no entity"
    city.put(1)
    assert city.ask("POST", "/admin/test-deliveries", ask)["delivered"] is True
    assert values(receiver.wait(1)) == [1]
    receiver.behave = answer(500)
    found = city.ask("POST", "/admin/test-deliveries", ask)
    assert (found["delivered"], found["reason"][:25]) == (False, "the receiver answered 500")
    assert "timesSent" not in city.counters()
    city.ask("POST", "/admin/test-deliveries", {"subscriptionId": "urn:x:none"}, 404)


def test_mqtt_and_http_are_told_alike(city: City, receiver: Receiver, tmp_path: Path) -> None:
    with Mosquitto(tmp_path, free_port()) as server, listening(server.port) as heard:
        info = [{"key": "MQTT-QoS", "value": "1"}]
        city.subscribe(f"mqtt://127.0.0.1:{server.port}/city", "urn:ngsi-ld:Subscription:2", {"notifierInfo": info})
        city.subscribe(receiver.url)
        for value in range(10):
            city.put(value)
        by_mqtt = [body["body"] for _, _, body in heard.wait(10)]
        assert [one["data"] for one in by_mqtt] == [one.json["data"] for one in receiver.wait(10)]


def test_a_restart_goes_on_where_it_was(tmp_path: Path, receiver: Receiver) -> None:
    options: Any = {"store": "sqlite", "data": str(tmp_path / "data"), **QUICK}
    with broker(deliver=False, **options) as (built, doors):
        city = City(front_door(doors), built.store.outbox, tmp_path)
        city.subscribe(receiver.url, throttling=60)
        city.subscribe(receiver.url + "/all", "urn:ngsi-ld:Subscription:2")
        for value in range(40):
            city.put(value)
    with broker(deliver=True, **options) as (built, doors):
        received = receiver.wait(41)
        assert values([one for one in received if one.path == "/all"]) == list(range(40))
        found = built.store.outbox
        City(front_door(doors), found, tmp_path).until(lambda: not found.waiting("", 0, 1))
        assert found.deliveries("")[NAME].times_sent == 1
    with broker(deliver=True, **options) as (built, doors):
        city = City(front_door(doors), built.store.outbox, tmp_path)
        city.put(99)
        received = receiver.wait(42)
        city.until(lambda: city.idle)
        assert [one.path for one in received[41:]] == ["/all"], "the other is throttled still"
        assert isinstance(built.store.outbox.deliveries("")[NAME], Delivery)


def test_more_rows_than_are_kept_arrive_all(
    make: Callable[..., Any], receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("broker.notify.queues.LANE_ROWS", 20)
    monkeypatch.setattr("broker.notify.queues.CHAIN_ROWS", 4)
    monkeypatch.setattr("broker.notify.courier.READ_ROWS", 8)
    with make() as (built, doors):
        city = City(front_door(doors), built.store.outbox, tmp_path)
        receiver.behave = answer(500)
        city.subscribe(receiver.url)
        for value in range(120):
            city.put(value, str(value % 3 if value < 60 else value % 7))
        receiver.behave = answer_ok
        assert sorted(values(receiver.wait(120))) == list(range(120))
        city.until(lambda: city.idle)
