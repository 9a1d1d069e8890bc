"""A server that is stopped, or does not move: what is asked of it fails in time, and goes on when it is back."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import wait

import pytest

from broker.errors import ServiceUnavailable
from broker.stores.mongo.store import MongoStore, open_store
from broker.wiring import SystemClock
from tests.contract.engines import entity, put
from tests.engines.wires.running import BUILT, MISSING, start_java, stop

ANSWER_MS = 1_500
TENANTS = [f"city{number}" for number in range(8)]
pytestmark = pytest.mark.timeout(90)


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    if not (BUILT / "Wire.class").exists():
        pytest.skip(MISSING.format("mongo-java-server"))
    started = start_java()
    yield started
    started[0].send_signal(signal.SIGCONT)
    stop(started[0])


@pytest.fixture
def store(server: tuple[subprocess.Popen[bytes], str]) -> Iterator[MongoStore]:
    options = f"timeoutMS={ANSWER_MS}&serverSelectionTimeoutMS=700&connectTimeoutMS=700"
    made = open_store(f"mongodb://{server[1]}/away?{options}", SystemClock())
    for tenant in TENANTS:
        made.apply(tenant, [put(entity("a", speed=1))]).result()
    yield made
    os.kill(server[0].pid, signal.SIGCONT)
    made.close()


def test_all_that_waits_fails_in_time_and_it_goes_on(
    store: MongoStore, server: tuple[subprocess.Popen[bytes], str]
) -> None:
    os.kill(server[0].pid, signal.SIGSTOP)
    began = time.monotonic()
    pending = []
    for speed in range(2, 8):
        pending += [store.apply(tenant, [put(entity("a", speed=speed))]) for tenant in TENANTS]
        time.sleep(0.1)
    with pytest.raises(ServiceUnavailable):
        store.get(TENANTS[0], "urn:e:a")
    assert time.monotonic() - began < 2 * ANSWER_MS / 1000 + 1
    done, left = wait(pending, timeout=60)
    assert not left
    assert {type(one.exception()) for one in done} == {ServiceUnavailable}
    os.kill(server[0].pid, signal.SIGCONT)
    _again(store)


def _again(store: MongoStore) -> None:
    """It answers again by itself."""
    end = time.monotonic() + 30
    while True:
        try:
            store.apply(TENANTS[0], [put(entity("a", speed=99))]).result()
        except ServiceUnavailable:
            assert time.monotonic() < end
            time.sleep(0.2)
        else:
            break
    found = store.get(TENANTS[0], "urn:e:a")
    assert found is not None
    assert found.document["https://example.org/speed"] == {"type": "Property", "value": 99}
