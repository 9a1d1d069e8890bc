"""The outbox on a server, without the rest of the engine: what it does that the port does not say."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from broker.errors import NonexistentTenant
from broker.model.entity import Entity
from broker.ports.held import Held
from broker.ports.outbox import SUBSCRIPTION, Closing, Delivery, EntityChange, OutboxRow, notification_id
from broker.stores.images import changed
from broker.stores.mongo.connection import connect
from broker.stores.mongo.ground import Ground, Happened, Job
from broker.stores.mongo.outbox import MongoOutbox
from broker.stores.mongo.outbox_rows import IMAGE
from broker.stores.mongo.stamps import Stamps
from tests.contract.engines import NS, entity
from tests.engines.wires.running import fresh
from tests.fakes.clock import START, FakeClock
from tests.fakes.watching import TypeWatches


@dataclass
class Straight:
    """The port Line: every job at once."""

    clock: FakeClock
    known: set[str] = field(default_factory=lambda: {""})

    def run(self, tenant: str, jobs: Sequence[Job], *, creates: bool = False) -> Future[list[object]]:
        done: Future[list[object]] = Future()
        if creates or self.exists(tenant):
            done.set_result([job(self.clock.now()) for job in jobs])
        else:
            done.set_exception(NonexistentTenant("none"))
        return done

    def exists(self, tenant: str) -> bool:
        return tenant in self.known


@dataclass
class Shelf:
    """Subscriptions of one tenant; the generation is how many there were."""

    held: dict[str, Held] = field(default_factory=dict)

    def add(self, name: str, watched: str) -> None:
        self.held[name] = Held(name, {"watches": watched}, 1, 1)

    def all_held(self, _tenant: str, _kind: str) -> list[Held]:
        return list(self.held.values())

    def find_held(self, _tenant: str, _kind: str, document_id: str) -> Held | None:
        return self.held.get(document_id)

    def held_generation(self, _tenant: str, _kind: str) -> int:
        return len(self.held)

    def tenants_of(self, _kind: str) -> list[str]:
        return [""] if self.held else []


class Desk:
    """One process: its outbox, and what a writer does with it."""

    def __init__(self, url: str, slot: int, clock: FakeClock, shelf: Shelf) -> None:
        self.client, database = connect(url)
        self.ground = Ground(self.client, database, clock, Stamps(clock, slot))
        self.outbox = MongoOutbox(self.ground, Straight(clock), shelf, TypeWatches())
        self.told: list[OutboxRow] = []
        self.outbox.listen(lambda _tenant, rows: self.told.extend(rows))

    def decide(self, name: str, speed: int = 1, tenant: str = "") -> Happened:
        after = entity(name, speed=speed)
        matched = self.outbox.matched(tenant, EntityChange(0, START, None, after), lambda _: None)
        change = EntityChange(self.ground.stamps.next(1 + len(matched)), START, None, after)
        return Happened(tenant, change, changed(None, after), matched)

    def write(self, *happened: Happened) -> None:
        documents = [one for each in happened for one in self.outbox.documents(each)]
        self.ground.trail.insert_many(documents, ordered=False)
        self.outbox.committed(happened[0].tenant, happened)

    def waiting(self) -> list[OutboxRow]:
        return self.outbox.waiting("", 0, 100)


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def desk(shelf: Shelf) -> Iterator[Callable[[int], Desk]]:
    desks: list[Desk] = []
    with fresh() as url:

        def make(slot: int = 0) -> Desk:
            desks.append(Desk(url, slot, FakeClock(), shelf))
            return desks[-1]

        yield make
        for one in desks:
            one.client.close()


def test_rows_are_written_told_read_and_closed(desk: Callable[..., Desk], shelf: Shelf) -> None:
    shelf.add("s1", f"{NS}Car")
    shelf.add("s2", "*")
    shelf.add("s3", f"{NS}Bus")
    one = desk()
    one.write(one.decide("a"), one.decide("b", 10**30))
    rows = one.waiting()
    assert rows == one.told
    assert [(row.subscription, row.change.entity.id[-1]) for row in rows] == [
        ("s1", "a"), ("s2", "a"), ("s1", "b"), ("s2", "b")
    ]  # fmt: skip
    assert rows[0].id == notification_id("", "s1", str(rows[0].change.sequence))
    closings = [Closing(rows[0], "delivered", 5), Closing(rows[1], "retry", 6, 60, "no"), Closing(rows[2], "dead", 7)]
    one.outbox.close_rows("", closings).result()
    one.outbox.close_rows("", closings[:1]).result()
    assert [(row.number, row.attempts, row.due) for row in one.waiting()] == [
        (rows[1].number, 1, 60), (rows[3].number, 0, START)
    ]  # fmt: skip
    assert [row.number for row in one.outbox.dead("", 0, 9)] == [rows[2].number]
    assert one.outbox.deliveries("") == {"s1": Delivery(2, 1, 7, 5, 7), "s2": Delivery(1, 1, 6, None, 6)}
    assert one.outbox.newest("") == rows[3].number


def test_a_row_written_again_stays_as_it_is(desk: Callable[..., Desk], shelf: Shelf) -> None:
    shelf.add("s1", "*")
    one = desk()
    happened = one.decide("a")
    one.write(happened)
    (row,) = one.waiting()
    again = one.outbox.documents(happened)
    assert [found["_id"] for found in again] == [found["_id"] for found in one.ground.trail.find()]
    assert again[0]["n"] == row.number
    one.outbox.close_rows("", [Closing(row, "delivered", 5)]).result()
    assert one.waiting() == []


def test_many_rows_of_one_change_share_its_image(desk: Callable[..., Desk], shelf: Shelf) -> None:
    for number in range(6):
        shelf.add(f"s{number}", "*")
    one, other = desk(0), desk(1)
    one.write(one.decide("a"), one.decide("b"))
    rows = other.waiting()
    assert rows == one.told
    assert len(rows) == 12
    one.outbox.close_rows("", [Closing(row, "delivered", 5) for row in rows[:5]]).result()
    assert images(one) == 2
    other.outbox.close_rows("", [Closing(rows[5], "dead", 5)]).result()
    assert images(one) == 2
    (dead,) = other.outbox.dead("", 0, 9)
    assert dead.change == rows[5].change
    assert one.outbox.discard("", [dead.number]).result() == 1
    assert images(one) == 1
    for number in range(6):
        one.outbox.dropped("", SUBSCRIPTION, f"s{number}")
    assert list(one.ground.trail.find({"k": {"$ne": "d"}})) == []


def test_an_erased_entity_has_no_rows(desk: Callable[..., Desk], shelf: Shelf) -> None:
    for number in range(5):
        shelf.add(f"s{number}", "*")
    one = desk()
    one.write(one.decide("a"), one.decide("b"))
    rows = one.waiting()
    one.outbox.close_rows("", [Closing(rows[0], "dead", 5)]).result()
    assert one.outbox.erase("", "urn:e:a") == 5
    assert {row.change.entity.id for row in one.waiting()} == {"urn:e:b"}
    assert images(one) == 1


def test_numbers_of_two_processes_are_never_the_same(desk: Callable[..., Desk], shelf: Shelf) -> None:
    shelf.add("s1", "*")
    one, other = desk(0), desk(1)
    for number in range(5):
        one.write(one.decide(f"a{number}"))
        other.write(other.decide(f"b{number}"))
    rows = one.waiting()
    assert len({row.number for row in rows}) == 10
    assert sorted(one.told + other.told, key=lambda row: row.number) == rows


def test_a_number_is_settled_once_no_lower_one_can_come(desk: Callable[..., Desk]) -> None:
    one = desk()
    clock = cast(FakeClock, one.ground.clock)
    assert one.outbox.settled(START) < START
    clock.advance(60)
    assert one.outbox.settled(START) == START


def test_revived_rows_come_after_what_waits(desk: Callable[..., Desk], shelf: Shelf) -> None:
    for number in range(4):
        shelf.add(f"s{number}", "*")
    one = desk()
    one.write(one.decide("a"))
    first, *rest = one.waiting()
    one.outbox.close_rows("", [Closing(first, "dead", 5, reason="no")]).result()
    one.told.clear()
    assert one.outbox.revive("", [first.number, rest[0].number]).result() == 1
    *kept, revived = one.waiting()
    assert kept == rest
    assert one.told == [revived]
    assert (revived.id, revived.attempts, revived.redelivered, revived.reason) == (first.id, 0, True, "")
    one.outbox.close_rows("", [Closing(revived, "delivered", 5)]).result()
    assert one.waiting() == rest


def images(desk: Desk) -> int:
    found: Any = desk.ground.trail.count_documents({"k": IMAGE})
    return int(found)


def test_entities_come_back_with_their_instants(desk: Callable[..., Desk], shelf: Shelf) -> None:
    shelf.add("s1", "*")
    one = desk()
    before = Entity(entity("a", speed=1).document, 3, 4, 5, 6)
    after = Entity(entity("a", speed=2.0).document, 3, 9, None, 7)
    change = EntityChange(one.ground.stamps.next(2), 9, before, after)
    one.write(Happened("", change, changed(before, after), ("s1",)))
    assert one.waiting()[0].change == change
