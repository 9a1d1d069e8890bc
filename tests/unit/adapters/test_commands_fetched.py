"""Commands that devices ask for themselves: what was given up is not there any more when they ask."""

from __future__ import annotations

import asyncio

import pytest

from adapters.device import Device
from adapters.links.mailbox import Mailbox
from adapters.order import Delivered, NotReached, Order

ORDER = Order("urn:x:1", Device("c1", "chargers"), "ping", 1)


def test_a_device_that_asks_in_time_gets_it_once() -> None:
    async def work() -> None:
        box = Mailbox()
        offered = asyncio.create_task(box.offer(ORDER, 0))
        await asyncio.sleep(0)
        assert box.fetch(Device("c2", "chargers"), 0) == []
        assert box.fetch(ORDER.device, 0) == [ORDER]
        assert await offered == Delivered("DELIVERED")
        assert box.fetch(ORDER.device, 0) == []
        assert await box.offer(ORDER, 0) == Delivered("DELIVERED")

    asyncio.run(work())


def test_what_was_given_up_is_not_fetched_after_all() -> None:
    async def work() -> None:
        box = Mailbox(wait_s=0.01)
        with pytest.raises(NotReached):
            await box.offer(ORDER, 0)
        assert box.fetch(ORDER.device, 0) == []
        offered = asyncio.create_task(box.offer(ORDER, 0))
        await asyncio.sleep(0)
        offered.cancel()
        await asyncio.gather(offered, return_exceptions=True)
        assert box.fetch(ORDER.device, 0) == []
        again = asyncio.create_task(box.offer(ORDER, 0))
        await asyncio.sleep(0)
        assert box.fetch(ORDER.device, 0) == [ORDER]
        assert (await again).status == "DELIVERED"

    asyncio.run(work())


def test_a_device_of_another_tenant_with_the_same_id_gets_nothing() -> None:
    async def work() -> None:
        box, theirs = Mailbox(), Device("c1", "chargers", tenant="city_b")
        offered = asyncio.create_task(box.offer(ORDER, 0))
        await asyncio.sleep(0)
        assert box.fetch(theirs, 0) == []
        assert not offered.done()
        assert box.fetch(ORDER.device, 0) == [ORDER]
        assert (await offered).status == "DELIVERED"

    asyncio.run(work())
