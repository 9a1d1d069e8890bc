"""What is done again and again goes on, whatever becomes of it each time."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from threading import Event

import pytest
from pymongo.errors import AutoReconnect

from broker.errors import ServiceUnavailable
from broker.stores.mongo import beat
from broker.stores.mongo.beat import Beat


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beat, "RETRY_S", 0.005)


def failing(faults: list[Exception], done: Event) -> Callable[[], None]:
    def work() -> None:
        if not faults:
            done.set()
            return
        raise faults.pop(0)

    return work


def test_it_goes_on_after_failures_and_says_so_once(caplog: pytest.LogCaptureFixture) -> None:
    done = Event()
    faults = [AutoReconnect("x"), AutoReconnect("mongodb://user:secret@host"), ServiceUnavailable("y"), ValueError("z")]
    beating = Beat("thing", 0.005, failing(list(faults), done))
    with caplog.at_level(logging.WARNING, "misono.store"):
        beating.start()
        assert done.wait(5)
        beating.stop()
    assert len(caplog.records) == 1
    assert "secret" not in caplog.text


def test_after_the_end_nothing_is_done() -> None:
    times: list[float] = []
    beating = Beat("thing", 0.005, lambda: times.append(time.monotonic()))
    beating.stop()
    beating = Beat("thing", 0.005, lambda: times.append(time.monotonic()))
    beating.start()
    until = time.monotonic() + 5
    while not times and time.monotonic() < until:
        time.sleep(0.001)
    beating.stop()
    count = len(times)
    time.sleep(0.05)
    assert len(times) == count > 0


def test_a_server_that_is_away_is_asked_again_soon() -> None:
    done = Event()
    beating = Beat("thing", 0.2, failing([AutoReconnect("x")] * 10, done))
    began = time.monotonic()
    beating.start()
    assert done.wait(2)
    beating.stop()
    assert time.monotonic() - began < 1
