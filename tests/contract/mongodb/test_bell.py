"""Processes on one store hear of each other's rows within a second, and of their own not at all."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator

import pytest

from broker.stores.mongo.connection import connect
from broker.stores.mongo.ground import Ground
from broker.stores.mongo.hub import Hub
from broker.stores.mongo.stamps import Stamps
from broker.wiring import SystemClock
from tests.engines.wires.running import fresh


@pytest.fixture
def hub() -> Iterator[Callable[[], Hub]]:
    hubs: list[Hub] = []
    with fresh() as url:

        def make() -> Hub:
            client, database = connect(url)
            hubs.append(Hub(Ground(client, database, SystemClock(), Stamps(SystemClock()))))
            hubs[-1].open()
            return hubs[-1]

        yield make
        for one in hubs:
            one.bell.close()
            one.close()
            one.ground.client.close()


def test_others_hear_each_ring_once_and_soon(hub: Callable[[], Hub]) -> None:
    first, second, third = hub(), hub(), hub()
    heard: dict[str, list[tuple[str, float]]] = {"first": [], "second": [], "third": []}

    async def main() -> None:
        for name, one in zip(heard, (first, second, third), strict=True):
            one.bell.listen(lambda tenant, name=name: heard[name].append((tenant, time.monotonic())))  # type: ignore[misc]
        await asyncio.sleep(0.5)
        began = time.monotonic()
        for tenant in ("", "city", "city"):
            first.bell.ring(tenant)
        await asyncio.sleep(1)
        second.bell.ring("")
        await asyncio.sleep(1)
        assert all(at - began < 1 for _, at in heard["second"])

    asyncio.run(main())
    assert sorted(tenant for tenant, _ in heard["second"]) in (["", "city"], ["", "city", "city"])
    assert {tenant for tenant, _ in heard["third"]} == {"", "city"}
    assert [tenant for tenant, _ in heard["first"]] == [""]


def test_who_is_alone_rings_for_nobody(hub: Callable[[], Hub]) -> None:
    one = hub()

    async def main() -> None:
        one.bell.listen(lambda _tenant: None)
        await asyncio.sleep(0.5)
        one.bell.ring("city")
        await asyncio.sleep(0.3)

    asyncio.run(main())
    assert all("r" not in row for row in one.ground.hub.find())
