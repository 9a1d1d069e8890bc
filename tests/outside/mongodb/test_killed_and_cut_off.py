"""A broker of two killed again and again, and the server away: nothing that was acknowledged is lost.

`MISONO_LONG=1` kills for two minutes, every five seconds, and takes the server away for twenty, in two ways; else it is
shorter, and the server is away in the way that is harder to notice.
"""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import pytest

from broker.model.values import to_instant
from broker.ports.outbox import notification_id
from tests.fakes.receiver import Receiver
from tests.outside.mongodb.city import TIMEOUT_S, City, Writer, assert_kept, city, subscribe, until, writing
from tests.outside.served import Served

LONG = bool(os.environ.get("MISONO_LONG"))
KILLS = 24 if LONG else 2
KILL_EVERY_S = 5.0 if LONG else 3.0
"""Two minutes in all, or what it takes where a broker is not back so soon."""
AWAY_S = 20.0 if LONG else 10.0
"""At least; it comes back when somebody has noticed."""
WAYS = ("stopped", "frozen") if LONG else ("frozen",)
INTERVAL_S = 1
NAME = "urn:ngsi-ld:Subscription:"
TIMER = f"{NAME}timer"
CHANGES = f"{NAME}changes"


@pytest.fixture(name="hub")
def one_city(tmp_path: Path) -> Iterator[City]:
    with city(tmp_path) as found:
        yield found


@pytest.fixture(name="receiver")
def one_receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


def subscribe_both(broker: Served, receiver: Receiver) -> None:
    subscribe(broker, CHANGES, receiver.url, notificationTrigger=["entityCreated"])
    subscribe(broker, TIMER, receiver.url, timeInterval=INTERVAL_S, entities=[{"type": "Clock"}])
    clock = {"id": "urn:ngsi-ld:Clock:1", "type": "Clock"}
    assert broker.http.post("/entities", json=clock).status_code == 201


def told(receiver: Receiver, subscription: str) -> list[Any]:
    bodies = [one.json for one in list(receiver.received)]
    return [one for one in bodies if one["subscriptionId"] == subscription]


def things(receiver: Receiver) -> set[str]:
    return {body["data"][0]["id"] for body in told(receiver, CHANGES)}


def created(writers: list[Writer]) -> set[str]:
    return {name for writer in writers for name in writer.created}


def twice(bodies: list[Any]) -> int:
    """How many came more often than once, counted as often as they did."""
    return sum(count - 1 for count in Counter(one["id"] for one in bodies).values())


def periods(broker: Served, receiver: Receiver) -> list[int]:
    """The numbers of the timer's periods that were notified, as often as they were."""
    body = broker.http.get(f"/subscriptions/{TIMER}", params={"options": "sysAttrs"}).json()
    start = to_instant(body["modifiedAt"])
    numbers = {notification_id("", TIMER, f"period:{start}:{INTERVAL_S}:{number}"): number for number in range(1000)}
    return sorted(numbers[one["id"]] for one in told(receiver, TIMER))


def test_one_of_two_killed_again_and_again(hub: City, receiver: Receiver) -> None:
    one, other = hub.start("one"), hub.start("other")
    subscribe_both(one, receiver)
    time.sleep(1)
    with writing([one.port, other.port]) as writers:
        killed = time.monotonic()
        for name in islice(cycle(["one", "other"]), KILLS):
            time.sleep(max(0.0, KILL_EVERY_S + killed - time.monotonic()))
            killed = time.monotonic()
            hub.brokers[name].kill()
            hub.start(name)
    wanted = created(writers)
    until(lambda: wanted <= things(receiver), 60)
    numbers = periods(hub.brokers["one"], receiver)
    until(lambda: periods(hub.brokers["one"], receiver)[-1] >= numbers[-1] + 2, 20)
    assert_kept(hub.brokers["other"], writers)
    numbers = periods(hub.brokers["one"], receiver)
    assert sorted(set(numbers)) == list(range(1, numbers[-1] + 1)), "a period is missing"
    assert len(numbers) - len(set(numbers)) <= KILLS
    print(
        f"\nfigure kills {KILLS}\nfigure acknowledged {len(wanted)}\nfigure notified {len(things(receiver))}"
        f"\nfigure notified_twice {twice(told(receiver, CHANGES))}"
        f"\nfigure periods {len(set(numbers))}\nfigure periods_twice {len(numbers) - len(set(numbers))}"
    )


@pytest.mark.parametrize("way", WAYS)
def test_the_server_away_under_load(hub: City, receiver: Receiver, way: str) -> None:
    one, other = hub.start("one"), hub.start("other")
    subscribe_both(one, receiver)
    time.sleep(1)
    with writing([one.port, other.port]) as writers:
        time.sleep(3)
        until(lambda: len(created(writers)) > 20)
        take_away(hub, way)
        time.sleep(AWAY_S)
        until(lambda: [answer for writer in writers for answer in writer.answers if answer.status == 503], TIMEOUT_S)
        bring_back(hub, way)
        back = time.monotonic()
        count = len(created(writers))
        until(lambda: len(created(writers)) > count + 10, 40)
        resumed_s = time.monotonic() - back
        time.sleep(2)
    answers = [answer for writer in writers for answer in writer.answers]
    refused = [answer for answer in answers if answer.status not in (201, 204, 409)]
    assert {answer.status for answer in refused} <= {503}, Counter(answer.status for answer in refused)
    assert refused, "nobody noticed"
    assert all(answer.retry_after for answer in refused)
    slowest = max(answer.took_s for answer in answers)
    assert slowest < TIMEOUT_S - 5, slowest
    assert all(broker.process.poll() is None for broker in hub.brokers.values())
    wanted = created(writers)
    until(lambda: wanted <= things(receiver), 60)
    assert_kept(hub.brokers["other"], writers)
    print(
        f"\nfigure away_s {AWAY_S:.0f}\nfigure acknowledged {len(wanted)}\nfigure refused {len(refused)}"
        f"\nfigure slowest_s {slowest:.1f}\nfigure resumed_s {resumed_s:.1f}"
        f"\nfigure notified_twice {twice(told(receiver, CHANGES))}"
    )


def take_away(hub: City, way: str) -> None:
    if way == "stopped":
        hub.server.stop()
    elif hub.server.process is not None:
        hub.server.process.send_signal(signal.SIGSTOP)


def bring_back(hub: City, way: str) -> None:
    if way == "stopped":
        hub.server.start()
    elif hub.server.process is not None:
        hub.server.process.send_signal(signal.SIGCONT)
