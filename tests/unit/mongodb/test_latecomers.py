"""A courier takes in every row once, in whatever order, under whatever number and however often it hears of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import Any, cast

from hypothesis import given, settings
from hypothesis import strategies as st

from broker.errors import ServiceUnavailable
from broker.notify import courier as couriers
from broker.notify.attempts import Attempts
from broker.notify.book import Book
from broker.notify.courier import Courier, Desk, Limits
from broker.ports.held import Held
from broker.ports.outbox import Closing, EntityChange, OutboxRow, notification_id
from tests.contract.engines import entity
from tests.fakes.clock import START, FakeClock

LATE = 3_000
NAME = "urn:s:1"
BODY = {
    "id": NAME,
    "type": "Subscription",
    "entities": [{"type": "https://example.org/Car"}],
    "notification": {"endpoint": {"uri": "http://a.example/", "accept": "application/json"}},
}


@dataclass
class Shared:
    """The port Outbox, as one process of several sees it: numbers come out of order, `now` goes on."""

    rows: dict[str, OutboxRow] = field(default_factory=dict)
    now: int = 100_000
    away: int = 0

    def tenants(self) -> list[str]:
        return [""]

    def newest(self, _tenant: str) -> int:
        return max((row.number for row in self.rows.values()), default=0)

    def settled(self, number: int) -> int:
        return min(number, self.now - LATE)

    def waiting(self, _tenant: str, after: int, limit: int, _subscription: str = "") -> list[OutboxRow]:
        if self.away:
            self.away -= 1
            raise ServiceUnavailable("away")
        found = sorted((row for row in self.rows.values() if row.number > after), key=lambda row: row.number)
        return found[:limit]

    def close_rows(self, _tenant: str, closings: Sequence[Closing]) -> Future[None]:
        for closing in closings:
            del self.rows[closing.row.id]
        done: Future[None] = Future()
        done.set_result(None)
        return done


class Subscriptions:
    def held_generation(self, _tenant: str, _kind: str) -> int:
        return 1

    def find_held(self, _tenant: str, _kind: str, name: str) -> Held | None:
        return self.all_held("", "")[0] if name == NAME else None

    def all_held(self, _tenant: str, _kind: str) -> list[Held]:
        return [Held(NAME, cast(Any, BODY), 1, 1)]


@dataclass
class Straight:
    """Composer and transports: what is sent is the row."""

    sent: list[str] = field(default_factory=list)

    def ready(self, *_: object) -> bool:
        return True

    def change(self, _tenant: str, _entry: object, row: OutboxRow) -> OutboxRow:
        return row

    async def send(self, row: OutboxRow, _timeout_s: float) -> None:
        await asyncio.sleep(0)
        self.sent.append(row.id)


def desk(outbox: Shared, line: Straight) -> Desk:
    book, any_line = Book(cast(Any, Subscriptions())), cast(Any, line)
    return Desk(
        cast(Any, outbox), book, any_line, any_line, FakeClock(), Attempts(), Limits(), lambda: 0.5, lambda *_: True
    )


def row(place: int, number: int) -> OutboxRow:
    change = EntityChange(place, START, None, entity(f"{place % 3}", speed=place))
    return OutboxRow(number, notification_id("", NAME, str(place)), NAME, change, START)


async def _quiet() -> None:
    for _ in range(30):
        await asyncio.sleep(0)


def run(work: Callable[[Shared, Straight, Courier], Coroutine[Any, Any, None]]) -> tuple[Shared, Straight]:
    outbox, line = Shared(), Straight()

    async def main() -> None:
        courier = Courier(desk(outbox, line))
        courier.open("")
        await _quiet()
        await work(outbox, line, courier)
        await _quiet()
        await courier.stop(1)

    asyncio.run(main())
    return outbox, line


BEHIND = {"tell": 0, "write": 700, "late": 2_900}
"""How far the number of what is written may lie behind, three times and once more."""
STEPS = st.lists(
    st.tuples(st.sampled_from([*BEHIND, "read", "move", "wait", "look"]), st.integers(0, 2_900)),
    max_size=40,
)


async def step(outbox: Shared, courier: Courier, what: str) -> None:
    if what == "read":
        courier.read_on("")
    elif what == "look":
        courier.look("")
    elif what == "wait":
        await _quiet()
    elif what == "move":  # what was written late gets a later number
        outbox.rows = {name: replace(one, number=one.number + 500) for name, one in outbox.rows.items()}


@settings(max_examples=300)
@given(STEPS)
def test_every_row_is_sent_once(steps: list[tuple[str, int]]) -> None:
    written: list[str] = []

    async def work(outbox: Shared, _line: Straight, courier: Courier) -> None:
        for place, (what, behind) in enumerate(steps, 1):
            outbox.now += 10
            await step(outbox, courier, what)
            if what in BEHIND:
                made = row(place, outbox.now + place - min(behind, BEHIND[what]) - 3 * BEHIND[what])
                written.append(made.id)
                outbox.rows[made.id] = made
                if what == "tell":
                    courier.told("", [made])
        for _ in range(4):
            outbox.now += 20_000
            courier.look("")
            await _quiet()

    outbox, line = run(work)
    assert sorted(line.sent) == sorted(written), steps
    assert outbox.rows == {}


def test_a_store_that_is_away_is_asked_again(monkeypatch: Any) -> None:
    monkeypatch.setattr(couriers, "AGAIN_S", 0.01)

    async def work(outbox: Shared, line: Straight, courier: Courier) -> None:
        made = row(1, outbox.now)
        outbox.rows[made.id] = made
        outbox.away = 3
        courier.take_over("")
        await asyncio.sleep(0.2)
        assert line.sent == [made.id]

    run(work)
