"""Periods that ended while a process died: each is notified by whoever takes over, and hardly one of them twice."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

from broker.errors import ServiceUnavailable
from broker.model.values import Json
from broker.notify.attempts import Attempts
from broker.notify.book import Book
from broker.notify.courier import Desk, Limits
from broker.notify.periodic import CATCH_UP_S, MARK, Periodic
from broker.ports.held import Held
from broker.ports.outbox import notification_id
from tests.fakes.clock import START, FakeClock

NAME = "urn:s:1"
INTERVAL = 10
BODY = {
    "id": NAME,
    "type": "Subscription",
    "entities": [{"type": "https://example.org/Car"}],
    "timeInterval": INTERVAL,
    "notification": {"endpoint": {"uri": "http://a.example/", "accept": "application/json"}},
}


@dataclass
class Around:
    """What a process has around its timers: marks that stay, a composer, transports, a courier."""

    clock: FakeClock = field(default_factory=FakeClock)
    kept: dict[str, Json] = field(default_factory=dict)
    sent: list[str] = field(default_factory=list)
    away: bool = False
    forgetful: bool = False

    def marks(self, _tenant: str, prefix: str) -> Mapping[str, Json]:
        return {name: value for name, value in self.kept.items() if name.startswith(prefix)}

    def mark(self, _tenant: str, name: str, value: Json) -> Future[None]:
        if not self.forgetful:
            self.kept[name] = value
        done: Future[None] = Future()
        done.set_result(None)
        return done

    def period(self, _tenant: str, _entry: object, name: str) -> Any:
        if self.away:
            raise ServiceUnavailable("away")
        return SimpleNamespace(id=name)

    async def send(self, message: Any, _timeout_s: float) -> None:
        self.sent.append(message.id)

    def all_held(self, _tenant: str, _kind: str) -> list[Held]:
        return [Held(NAME, cast(Any, BODY), START, START)]

    def find_held(self, _tenant: str, _kind: str, _name: str) -> Held:
        return self.all_held("", "")[0]

    def held_generation(self, _tenant: str, _kind: str) -> int:
        return 1

    def taken_up(self, looks: int = 1) -> list[int]:
        """Start a process, have it look at its timers so often, and end it; the periods that it notified."""
        self.sent.clear()
        asyncio.run(self._life(looks))
        numbers = {notification_id("", NAME, f"period:{START}:{INTERVAL}:{one}"): one for one in range(1000)}
        return [numbers[one] for one in self.sent]

    async def _life(self, looks: int) -> None:
        me = cast(Any, self)
        desk = Desk(me, Book(me), me, me, self.clock, Attempts(), Limits(), lambda: 0.5, lambda *_: True)
        courier = SimpleNamespace(
            queues=SimpleNamespace(shut=lambda *_: False, missed=lambda *_: None),
            closer=SimpleNamespace(count=lambda *_: None),
            timeout_s=lambda _: 1.0,
        )
        timers = Periodic(desk, cast(Any, courier), me)
        timers.sync("")
        for _ in range(looks):
            await asyncio.sleep(0.05)
            self.away = False
            await timers._fire(timers._jobs["", NAME])
        await asyncio.sleep(0.05)
        await timers.stop(1)


def test_a_first_period_that_has_not_ended_is_not_notified() -> None:
    around = Around()
    around.clock.advance(INTERVAL / 2)
    assert around.taken_up() == []


def test_who_takes_over_notifies_what_ended_meanwhile_once() -> None:
    around = Around()
    around.clock.advance(INTERVAL * 1.5)
    assert around.taken_up() == [1]
    around.clock.advance(INTERVAL * 3)
    assert around.taken_up() == [2, 3, 4]
    assert around.taken_up() == []
    assert around.kept == {MARK + NAME: [START, INTERVAL, 4]}


def test_one_that_was_sent_and_not_marked_comes_again_under_its_id() -> None:
    around = Around()
    around.clock.advance(INTERVAL * 2.5)
    around.forgetful = True
    assert around.taken_up() == [1, 2]
    around.forgetful = False
    assert around.taken_up() == [1, 2]
    assert around.taken_up() == []


def test_periods_of_long_ago_are_let_be() -> None:
    around = Around()
    around.clock.advance(INTERVAL * 1.5)
    around.taken_up()
    around.clock.advance(INTERVAL * 500)
    assert around.taken_up() == list(range(501 - int(CATCH_UP_S / INTERVAL), 502))


def test_a_store_that_is_away_is_waited_for() -> None:
    around = Around(away=True)
    around.clock.advance(INTERVAL * 2.5)
    assert around.taken_up(looks=2) == [1, 2]
