"""A stream whose client wants nothing of all that happens says how far it is all the same."""

from __future__ import annotations

import asyncio

from broker.ports import Command, Put
from tests.fakes.clock import FakeClock
from tests.http.doors import broker
from tests.http.history.streaming import entity, follow

TIMES = 40


def test_one_that_wants_nothing_of_all_that_happens_says_how_far_it_is() -> None:
    with broker(clock=FakeClock()) as (built, doors):
        doors.events.heartbeat_s = 0.2

        async def work() -> None:
            one = await follow(doors.front, "attrs=charge")
            for number in range(TIMES):
                made = entity("a", speed=number)
                command = Command(made.id, lambda _c, _n, made=made: Put(made), creates=True)  # type: ignore[misc]
                built.house.broker.entities.apply("", [command]).result()
                await asyncio.sleep(0.02)
            assert len(one.events()) >= 2, "a proxy would have cut it, and a start would read all of it again"
            assert one.changes() == []
            await one.leave()

        asyncio.run(work())
