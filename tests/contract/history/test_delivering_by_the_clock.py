"""Delivery under a clock that jumps (an hour on, an hour back): nobody waits longer, no period comes twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from broker.model.values import Instant
from broker.wiring import SystemClock
from tests.contract.history.test_delivering import QUICK, City, values
from tests.fakes.receiver import Receiver, answer, answer_ok
from tests.http.doors import broker, front_door

HOUR_US = 3_600_000_000


class JumpingClock:
    """The machine's clock, put forward or back by `offset`."""

    def __init__(self) -> None:
        self.offset = 0
        self._real = SystemClock()

    def now(self) -> Instant:
        """Microseconds since the epoch."""
        return self._real.now() + self.offset


@pytest.mark.parametrize("store", ["memory", "sqlite", "mongo"])
@pytest.mark.parametrize("jump", [HOUR_US, -HOUR_US])
def test_retries_and_throttling_do_not_follow_the_clock(store: str, jump: int, tmp_path: Path) -> None:
    clock = JumpingClock()
    options: Any = {**QUICK, "store": store, "data": str(tmp_path / "data")}
    with broker(clock=clock, deliver=True, **options) as (built, doors), Receiver(behave=answer(500)) as receiver:
        city = City(front_door(doors), built.store.outbox, tmp_path)
        city.subscribe(receiver.url)
        city.subscribe(receiver.url + "/throttled", "urn:ngsi-ld:Subscription:2", throttling=30)
        city.put(1)
        city.until(lambda: receiver.refused >= 2)
        clock.offset = jump
        receiver.behave = answer_ok
        city.put(2)
        receiver.wait(3, 5)
        city.until(lambda: city.idle)
        paths = [one.path for one in receiver.received]
        assert sorted(paths) == ["/", "/", "/throttled"]
        assert values([one for one in receiver.received if one.path == "/"]) == [1, 2]


def test_what_waited_for_later_is_not_put_off_by_a_restart_under_an_older_clock(tmp_path: Path) -> None:
    clock = JumpingClock()
    options: Any = {**QUICK, "store": "sqlite", "data": str(tmp_path / "data"), "notify_backoff_max_s": "0.3"}
    with broker(clock=clock, deliver=True, **options) as (built, doors), Receiver(behave=answer(500)) as receiver:
        city = City(front_door(doors), built.store.outbox, tmp_path)
        city.subscribe(receiver.url)
        city.put(1)
        city.until(lambda: receiver.refused >= 2)
        port = receiver.port
    clock.offset = -HOUR_US
    with broker(clock=clock, deliver=True, **options), Receiver(port=port) as receiver:
        assert values(receiver.wait(1, 10)) == [1]


@pytest.mark.parametrize("store", ["memory", "sqlite", "mongo"])
def test_periods_go_on_and_none_comes_twice(store: str, tmp_path: Path) -> None:
    clock = JumpingClock()
    options: Any = {**QUICK, "store": store, "data": str(tmp_path / "data")}
    with broker(clock=clock, deliver=True, **options) as (built, doors), Receiver() as receiver:
        city = City(front_door(doors), built.store.outbox, tmp_path)
        city.put(1)
        city.subscribe(receiver.url, timeInterval=0.3)
        for jump in (0, HOUR_US, -HOUR_US, 0):
            clock.offset = jump
            receiver.wait(len(receiver.received) + 4, 10)
        ids = [one.json["id"] for one in receiver.received]
        assert len(ids) == len(set(ids))
