"""Notifications when things go wrong: nothing that was acknowledged is lost, and order is kept (clause 5.8.6).

`MISONO_LONG=1` leaves the receiver away for a whole minute, with the delays that a city has; else time runs faster.
"""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.fakes import plain
from tests.fakes.mosquitto import Mosquitto, listening
from tests.fakes.receiver import Receiver
from tests.outside.served import Served, free_port, start, stop

LONG = bool(os.environ.get("MISONO_LONG"))
QUICK = () if LONG else ("--notify-backoff-s", "0.1", "--notify-backoff-max-s", "1")
AWAY_S = 60.0 if LONG else 4.0
THINGS = 5
NAME = "urn:ngsi-ld:Subscription:1"


def subscribe(broker: Served, uri: str, **more: Any) -> None:
    endpoint = {"uri": uri, "notifierInfo": [{"key": "MQTT-QoS", "value": "1"}]}
    body = {
        "id": NAME,
        "type": "Subscription",
        "entities": [{"type": "Thing"}],
        "notification": {"endpoint": endpoint},
        **more,
    }
    assert broker.http.post("/subscriptions", json=body).status_code == 201


def put(broker: Served, value: int) -> None:
    name = f"urn:ngsi-ld:Thing:{value % THINGS}"
    body = [{"id": name, "type": "Thing", "value": {"type": "Property", "value": value}}]
    assert broker.http.post("/entityOperations/upsert", json=body).status_code in (201, 204)


def told(bodies: list[Any]) -> dict[str, list[int]]:
    """The values that were told of each thing; a notification that came twice, by its id, once."""
    found: dict[str, list[int]] = {}
    seen = set()
    for body in bodies:
        if body["id"] not in seen:
            seen.add(body["id"])
            [thing] = body["data"]
            found.setdefault(thing["id"], []).append(thing["value"]["value"])
    return found


def assert_all_in_order(found: dict[str, list[int]], number: int) -> None:
    assert found == {f"urn:ngsi-ld:Thing:{one}": list(range(one, number, THINGS)) for one in range(THINGS)}


@pytest.fixture(name="receiver")
def one_receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture(name="broker")
def one_broker(tmp_path: Path) -> Iterator[Served]:
    broker = start(tmp_path / "data", "--allow-private", *QUICK)
    yield broker
    stop(broker)


def test_a_receiver_away_for_a_while_gets_all_in_order(broker: Served, receiver: Receiver) -> None:
    subscribe(broker, receiver.url)
    put(broker, 0)
    receiver.wait(1)
    receiver.stop()
    for value in range(1, 500):
        put(broker, value)
    time.sleep(AWAY_S)
    receiver.start()
    received = receiver.wait(500, 60)
    assert_all_in_order(told([one.json for one in received]), 500)


def test_mosquitto_restarted_loses_nothing(broker: Served, tmp_path: Path) -> None:
    server = Mosquitto(tmp_path, free_port()).start()
    heard: list[Any] = []
    try:
        with listening(server.port) as first:
            subscribe(broker, f"mqtt://127.0.0.1:{server.port}/t")
            for value in range(100):
                put(broker, value)
            first.wait(50)
            server.stop()
            for value in range(100, 200):
                put(broker, value)
        heard += [body["body"] for _, _, body in first.messages]
        server.options = (*server.options, "persistence false")
        server.start()
        with listening(server.port) as second:
            ends = time.monotonic() + 30
            while len({one["id"] for one in heard + [body["body"] for _, _, body in second.messages]}) < 200:
                assert time.monotonic() < ends
                time.sleep(0.05)
        heard += [body["body"] for _, _, body in second.messages]
        assert_all_in_order(told(heard), 200)
    finally:
        server.stop()


def test_killed_between_commit_and_delivery_twenty_times_loses_nothing(tmp_path: Path, receiver: Receiver) -> None:
    chance, number = random.Random(4), 0
    broker = start(tmp_path / "data", "--allow-private", *QUICK)
    subscribe(broker, receiver.url)
    try:
        for _ in range(20):
            number = write_until_killed(broker, number, chance.uniform(0.05, 0.3))
            broker = start(tmp_path / "data", "--allow-private", *QUICK, port=broker.port)
        ends = time.monotonic() + 30
        while not set(range(number)) <= values_of(receiver):
            assert time.monotonic() < ends, set(range(number)) - values_of(receiver)
            time.sleep(0.1)
        assert values_of(receiver) <= set(range(number + 1)), "and the one that was written, but not acknowledged"
        told_in = told([one.json for one in receiver.received])
        assert all(values == sorted(values) for values in told_in.values())
        ids = [one.json["id"] for one in receiver.received]
        assert len(ids) - len(set(ids)) <= 20 * 8 + number // 10, "at least once, and seldom twice"
        counters = broker.http.get(f"/subscriptions/{NAME}").json()["notification"]
        assert counters["timesSent"] >= len(set(ids))
    finally:
        stop(broker)


def write_until_killed(broker: Served, number: int, after_s: float) -> int:
    """Write one value after the other, kill the broker in between; the first value that was not acknowledged."""
    timer = threading.Timer(after_s, broker.process.send_signal, (signal.SIGKILL,))
    timer.start()
    try:
        while True:
            put(broker, number)
            number += 1
    except httpx.HTTPError:
        return number
    finally:
        timer.join()
        broker.process.wait(10)
        broker.http.close()


def values_of(receiver: Receiver) -> set[int]:
    return {one.json["data"][0]["value"]["value"] for one in list(receiver.received)}


@pytest.mark.parametrize("workers", [2])
def test_several_processes_deliver_each_notification_once_and_in_order(
    tmp_path: Path, receiver: Receiver, workers: int
) -> None:
    broker = start(tmp_path / "data", "--allow-private", "--workers", str(workers), *QUICK)
    try:
        names = [f"{NAME}:{one}" for one in range(8)]
        subscribe(broker, receiver.url, timeInterval=0.5)
        for name in names:
            subscribe(broker, receiver.url, id=name)
        for value in range(100):
            # A connection of its own each time: now one process has it, now the other.
            name = f"urn:ngsi-ld:Thing:{value % THINGS}"
            thing = [{"id": name, "type": "Thing", "value": {"type": "Property", "value": value}}]
            url = f"{broker.root}/ngsi-ld/v1/entityOperations/upsert"
            assert plain.post(url, json=thing).status_code in (201, 204)
        ends = time.monotonic() + 40
        while sum(one.json["subscriptionId"] != NAME for one in list(receiver.received)) < 800:
            assert time.monotonic() < ends, len(receiver.received)
            time.sleep(0.1)
        time.sleep(1.2)
        everything = [one.json for one in receiver.received]
        assert len({one["id"] for one in everything}) == len(everything), "nothing came twice"
        for name in names:
            assert_all_in_order(told([one for one in everything if one["subscriptionId"] == name]), 100)
        periods = sum(one["subscriptionId"] == NAME for one in everything)
        assert periods >= 2
        counters = broker.http.get(f"/subscriptions/{names[0]}").json()["notification"]
        assert counters["timesSent"] == 100
    finally:
        stop(broker)
