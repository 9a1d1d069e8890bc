"""Leases on MongoDB between processes: one winner however many try, tokens that only rise, few commands."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from broker.errors import ServiceUnavailable
from broker.ports import INLINE, OverBudget
from broker.stores.mongo.connection import connect
from broker.stores.mongo.leases import MongoLeases
from tests.engines.mongodb.counting import COUNTING
from tests.engines.wires.running import fresh
from tests.fakes.clock import FakeClock

PROCESSES = 6


class RealClock:
    def now(self) -> int:
        return time.time_ns() // 1000  # noqa: TID251 - the machine's clock is what is tested


@pytest.fixture
def url() -> Iterator[str]:
    with fresh() as made:
        yield made


def test_of_many_that_take_it_at_once_one_has_it(url: str) -> None:
    together = Barrier(PROCESSES)
    clients = [connect(url) for _ in range(PROCESSES)]

    def take(number: int, name: str) -> int | None:
        leases = MongoLeases(clients[number][1]["hub"], RealClock())
        together.wait()
        return leases.take(name, f"p{number}", 10)

    try:
        with ThreadPoolExecutor(PROCESSES) as pool:
            for turn in range(20):
                tokens = list(pool.map(lambda number, turn=turn: take(number, f"job{turn}"), range(PROCESSES)))
                assert [token for token in tokens if token is not None] == [1]
    finally:
        for client, _ in clients:
            client.close()


def test_tokens_rise_from_holder_to_holder_in_real_time(url: str) -> None:
    client, database = connect(url)
    try:
        one, other = (MongoLeases(database["hub"], RealClock()) for _ in range(2))
        seen = [one.take("job", "one", 0.2)]
        assert other.take("job", "other", 0.2) is None
        time.sleep(0.25)
        seen.append(other.take("job", "other", 0.2))
        assert one.take("job", "one", 0.2) is None
        time.sleep(0.25)
        assert other.take("job", "other", 0.2) == seen[-1]  # it ran out, and nobody took it
        other.release("job", "other")
        seen.append(one.take("job", "one", 0.2))
        assert seen == [1, 2, 3]
    finally:
        client.close()


def test_a_machine_whose_clock_is_behind_takes_nothing_away(url: str) -> None:
    client, database = connect(url)
    clock, behind = FakeClock(), FakeClock()
    behind.advance(-3)
    try:
        assert MongoLeases(database["hub"], clock).take("job", "one", 15) == 1
        assert MongoLeases(database["hub"], behind).take("job", "other", 15) is None
    finally:
        client.close()


def test_renewing_is_one_command_and_the_event_loop_asks_for_none(url: str) -> None:
    client, database = connect(url)
    leases = MongoLeases(database["hub"], RealClock())
    try:
        leases.take("job", "one", 10)
        assert COUNTING.tally(lambda: leases.take("job", "one", 10)).names() == ["findAndModify hub"]
        leases.release("job", "one")
        assert COUNTING.tally(lambda: leases.take("job", "one", 10)).names() == ["findAndModify hub"]
        INLINE.set(True)
        with pytest.raises(OverBudget):
            leases.take("job", "one", 10)
    finally:
        INLINE.set(False)
        client.close()


def test_a_server_that_is_away_is_no_fault_of_ours() -> None:
    client, database = connect("mongodb://127.0.0.1:1/x?serverSelectionTimeoutMS=50")
    try:
        with pytest.raises(ServiceUnavailable):
            MongoLeases(database["hub"], RealClock()).take("job", "one", 10)
    finally:
        client.close()
