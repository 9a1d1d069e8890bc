"""What processes on one MongoDB database see of each other, and that their numbers are their own."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from typing import Any

import pytest
from pymongo.collection import Collection
from pymongo.errors import AutoReconnect

from broker.errors import NonexistentTenant, ServiceUnavailable
from broker.model.values import Json
from broker.ports import INLINE, OverBudget
from broker.ports.held import Drop, Held, HeldCommand, Hold
from broker.stores.mongo import generations, pulse, slots
from broker.stores.mongo.connection import connect
from broker.stores.mongo.ground import Ground, Job, key
from broker.stores.mongo.held import MongoHeld
from broker.stores.mongo.hub import Hub
from broker.stores.mongo.stamps import Stamps
from broker.stores.refusals import no_tenant
from tests.engines.mongodb.counting import COUNTING
from tests.engines.wires.running import fresh
from tests.fakes.clock import FakeClock

KIND = "subscription"


class Process:
    """The hub and the held documents of a process, whose jobs run at once."""

    def __init__(self, url: str, clock: FakeClock) -> None:
        self.client, database = connect(url)
        self.stamps = Stamps(clock)
        self.hub = Hub(Ground(self.client, database, clock, self.stamps))
        self.clock = clock
        self.dropped: list[tuple[str, str, str]] = []
        self.held = MongoHeld(self.hub, self, lambda *one: self.dropped.append(one))
        self.hub.open()

    def run(self, tenant: str, jobs: Sequence[Job], *, creates: bool = False) -> Future[list[object]]:
        done: Future[list[object]] = Future()
        if creates or self.hub.tenants.exists(tenant):
            done.set_result([job(self.clock.now()) for job in jobs])
        else:
            done.set_exception(no_tenant(tenant))
        return done

    def exists(self, tenant: str) -> bool:
        return self.hub.tenants.exists(tenant)

    def hold(self, name: str, body: dict[str, Json], tenant: str = "") -> None:
        command = HeldCommand(KIND, name, lambda _current, _now: Hold(body), creates=True)
        self.held.apply_held(tenant, [command]).result()

    def close(self) -> None:
        self.hub.close()
        self.client.close()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def make(clock: FakeClock) -> Iterator[Callable[[], Process]]:
    with ExitStack() as closing:
        url = closing.enter_context(fresh())

        def made() -> Process:
            process = Process(url, clock)
            closing.callback(process.close)
            return process

        yield made


def soon(what: Callable[[], bool], seconds: float = 1.0) -> float:
    """How long it took until that held."""
    began = time.monotonic()
    while not what():
        assert time.monotonic() - began < seconds
        time.sleep(0.01)
    return time.monotonic() - began


def test_another_process_sees_a_generation_rise_within_a_second(make: Callable[[], Process]) -> None:
    one, other = make(), make()
    one.hold("s", {})
    assert one.held.held_generation("", KIND) == 1
    assert other.held.held_generation("", KIND) == 1
    one.hold("s", {"n": 2})
    assert one.held.held_generation("", KIND) == 2
    soon(lambda: other.held.held_generation("", KIND) == 2)
    other.held.apply_held("", [HeldCommand(KIND, "s", lambda _current, _now: Drop())]).result()
    assert other.held.held_generation("", KIND) == 3
    soon(lambda: one.held.held_generation("", KIND) == 3)
    assert one.held.find_held("", KIND, "s") is None
    assert other.dropped == [("", KIND, "s")]


def test_another_process_sees_contexts_within_a_second(make: Callable[[], Process]) -> None:
    one, other = make(), make()
    assert other.hub.documents.generation("context") == 0
    one.hub.documents.put("context", "urn:1", {"a": 1}, 5)
    soon(lambda: other.hub.documents.generation("context") == 1)
    assert other.hub.documents.all("context") == one.hub.documents.all("context")


def test_tenants_of_a_kind_are_seen_by_all_and_go_with_a_place(make: Callable[[], Process]) -> None:
    one, other = make(), make()
    assert other.held.tenants_of(KIND) == []
    one.hold("s", {}, "city")
    one.hold("s", {}, "city#1#urn:s")
    assert one.held.tenants_of(KIND) == ["city", "city#1#urn:s"]
    soon(lambda: other.held.tenants_of(KIND) == ["city", "city#1#urn:s"])
    assert other.held.held_generation("city#1#urn:s", KIND) == 1
    one.held.drop_all("city#1#urn:s")
    one.hub.tenants.remove("city#1#urn:s")
    assert one.held.tenants_of(KIND) == ["city"]
    soon(lambda: other.held.tenants_of(KIND) == ["city"])
    soon(lambda: not other.exists("city#1#urn:s"))
    with pytest.raises(NonexistentTenant):
        other.held.held_generation("city#1#urn:s", KIND)


def test_two_that_change_one_document_both_do(make: Callable[[], Process]) -> None:
    one, other = make(), make()
    one.hold("s", {"n": 0})
    seen: list[int] = []

    def count(process: Process, meddle: bool) -> None:
        def decide(current: object, _now: int) -> Hold:
            number = current.body["n"]  # type: ignore[attr-defined]
            seen.append(number)
            if meddle and len(seen) == 1:
                count(other, meddle=False)
            return Hold({"n": number + 1})

        process.held.apply_held("", [HeldCommand(KIND, "s", decide)]).result()

    count(one, meddle=True)
    held = one.held.find_held("", KIND, "s")
    assert held is not None
    assert (seen, held.body, held.version) == ([0, 0, 1], {"n": 2}, 3)


def test_processes_have_numbers_of_their_own_and_give_them_back(make: Callable[[], Process]) -> None:
    one = make()
    assert not one.hub.slots.others()
    assert one.hub.slots.settled() is None
    other = make()
    assert [process.hub.slots.number for process in (one, other)] == [0, 1]
    soon(one.hub.slots.others)
    assert other.hub.slots.others()
    assert other.hub.slots.settled() == (other.clock.now() - 500_000) // 64 * 64
    assert {process.stamps.next() % 64 for process in (one, other)} == {0, 1}
    other.hub.close()
    soon(lambda: not one.hub.slots.others())
    third = make()
    assert third.hub.slots.number == 1


def test_who_lost_its_number_takes_another_and_writes_nothing_meanwhile(
    make: Callable[[], Process], monkeypatch: pytest.MonkeyPatch
) -> None:
    one = make()
    one.hub.slots.check()
    where = {"_id": "pulse\n00"}
    hub = one.hub.ground.hub
    hub.update_one(where, {"$set": {"h": "another"}, "$inc": {"n": 1}})
    one.hub.slots.renew()
    assert one.hub.slots.number == 1
    one.hub.slots.check()
    monkeypatch.setattr(slots, "monotonic", lambda: time.monotonic() + slots.LEASE_S)
    with pytest.raises(Exception, match="cut off"):
        one.hub.slots.check()
    one.hub.slots.renew()
    one.hub.slots.check()


def test_a_clock_put_back_does_not_give_old_numbers_again(make: Callable[[], Process], clock: FakeClock) -> None:
    one = make()
    clock.advance(3600)
    last = one.stamps.next()
    one.hub.slots.renew()
    one.close()
    clock.advance(-3600)
    assert make().stamps.next() > last


def test_a_long_body_is_kept(make: Callable[[], Process]) -> None:
    one = make()
    body: dict[str, Json] = {"ids": [f"urn:ngsi-ld:Vehicle:{number:012}" for number in range(600_000)]}
    one.hold("m", body)
    held = one.held.find_held("", KIND, "m")
    assert held is not None
    assert held.body == body
    one.hold("m", {"ids": []})
    held = one.held.find_held("", KIND, "m")
    assert held is not None
    assert held.body == {"ids": []}


def test_a_write_is_three_commands_and_reading_a_generation_none(make: Callable[[], Process]) -> None:
    one = make()
    one.hold("s", {}, "city")
    assert COUNTING.tally(lambda: one.hold("s", {"n": 1}, "city")).names() == ["find held", "update held", "update hub"]
    assert COUNTING.tally(lambda: one.hold("t", {}, "city")).names() == ["find held", "update held", "update hub"]
    one.held.held_generation("city", KIND)
    one.held.tenants_of(KIND)
    INLINE.set(True)
    try:
        assert one.held.held_generation("city", KIND) == 3
        assert one.held.tenants_of(KIND) == ["city"]
        with pytest.raises(OverBudget):
            one.held.find_held("city", KIND, "s")
    finally:
        INLINE.set(False)


def test_looking_at_the_others_is_one_command_and_two_where_something_moved(make: Callable[[], Process]) -> None:
    one, other = make(), make()
    for beat in other.hub._beats:
        beat.stop()
    other.held.held_generation("", KIND)
    other.hub.pulse.look()
    assert COUNTING.tally(other.hub.pulse.look).names() == ["find hub"]
    one.hold("s", {})
    assert COUNTING.tally(other.hub.pulse.look).names() == ["find hub", "find held"]
    assert other.held.held_generation("", KIND) == 1


def test_a_write_of_which_nobody_knows_whether_it_came_through_makes_the_generation_unknown(
    make: Callable[[], Process], monkeypatch: pytest.MonkeyPatch
) -> None:
    one = make()
    one.hold("s", {})
    assert one.held.held_generation("", KIND) == 1
    real = Collection.bulk_write

    def lost(self: Collection[Any], *arguments: Any, **options: Any) -> Any:
        real(self, *arguments, **options)
        raise AutoReconnect("the answer is lost")

    monkeypatch.setattr(Collection, "bulk_write", lost)
    with pytest.raises(AutoReconnect):
        one.hold("s", {"n": 2})
    monkeypatch.undo()
    assert one.held.held_generation("", KIND) == 2
    held = one.held.find_held("", KIND, "s")
    assert held is not None
    assert held.body == {"n": 2}


def test_who_died_before_telling_is_found_out_with_time(make: Callable[[], Process]) -> None:
    one, other = make(), make()
    for beat in other.hub._beats:
        beat.stop()
    assert other.held.held_generation("", KIND) == 0
    one.hold("t", {}, "city")
    other.hub.pulse.look()
    name = {"_id": key("", KIND)}
    one.hub.ground.held.update_one(name, {"$set": {"k": "#", "t": "", "g": KIND}, "$inc": {"n": 1}}, upsert=True)
    for _ in range(pulse.ALL_LOOKS):
        other.hub.pulse.look()
    assert other.held.held_generation("", KIND) == 1


def test_documents_that_are_written_together_hold_together(make: Callable[[], Process]) -> None:
    one, other = make(), make()
    for name in ("first", "second", "fourth"):
        one.hold(name, {"n": 0})
    seen: list[list[int]] = [[], []]

    def count(place: int) -> Callable[[Held | None, int], Hold]:
        def decide(current: Held | None, _now: int) -> Hold:
            number = 0 if current is None else current.body["n"]
            assert isinstance(number, int)
            seen[place].append(number)
            if seen == [[0], [0]]:
                other.hold("first", {"n": 7})
            return Hold({"n": number + 1}, number + 1)

        return decide

    commands = [
        HeldCommand(KIND, "first", count(0)),
        HeldCommand(KIND, "second", count(1)),
        HeldCommand(KIND, "third", lambda _current, _now: Hold({"made": True}, "third")),
        HeldCommand(KIND, "fourth", lambda current, _now: Drop(current is not None)),
    ]
    assert one.held.apply_held("", commands).result() == [8, 1, "third", True]
    assert seen == [[0, 7], [0, 0]]
    held = {document.id: (document.body, document.version) for document in one.held.all_held("", KIND)}
    assert held == {"first": ({"n": 8}, 3), "second": ({"n": 1}, 2), "third": ({"made": True}, 1)}
    assert one.dropped == [("", KIND, "fourth")]
    soon(lambda: other.held.held_generation("", KIND) == one.held.held_generation("", KIND))


def test_what_is_written_together_is_one_command(make: Callable[[], Process]) -> None:
    one = make()
    one.hold("s", {})
    commands = [HeldCommand(KIND, f"s{number}", lambda _current, _now: Hold({})) for number in range(50)]
    together = COUNTING.tally(lambda: one.held.apply_held("", commands).result())
    assert together.names() == ["find held", "update held", "update hub"]
    assert one.held.held_generation("", KIND) == 2


def test_who_could_not_look_for_long_looks_before_it_reads(
    make: Callable[[], Process], monkeypatch: pytest.MonkeyPatch
) -> None:
    one = make()
    for beat in one.hub._beats:
        beat.stop()
    later = time.monotonic() + 60
    monkeypatch.setattr(pulse, "monotonic", lambda: later)
    assert one.hub.slots.others()
    assert one.hub.slots.settled() is None
    assert not one.hub.slots.others()


def test_no_more_generations_are_kept_than_there_is_room_for(
    make: Callable[[], Process], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generations, "KEPT_MAX", 5)
    one, other = make(), make()
    for number in range(12):
        one.hold("s", {}, f"city{number}")
        assert one.held.held_generation(f"city{number}", KIND) == 1
        assert other.held.held_generation(f"city{number}", KIND) == 1
    assert len(one.hub.generations._known) <= 6
    one.hold("s", {"n": 1}, "city3")
    assert one.held.held_generation("city3", KIND) == 2
    soon(lambda: other.held.held_generation("city3", KIND) == 2)


def test_what_could_not_be_told_is_told_later(make: Callable[[], Process], monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = make(), make()
    assert other.held.held_generation("", KIND) == 0
    assert other.hub.documents.generation("context") == 0
    real = Collection.bulk_write

    def lost(self: Collection[Any], requests: Any, **options: Any) -> Any:
        if self.name == "hub":
            raise AutoReconnect("away")
        return real(self, requests, **options)

    monkeypatch.setattr(Collection, "bulk_write", lost)
    with pytest.raises(AutoReconnect):
        one.hold("s", {})
    with pytest.raises(ServiceUnavailable):
        one.hub.documents.put("context", "urn:1", {}, 1)
    monkeypatch.undo()
    soon(lambda: other.held.held_generation("", KIND) == 1)
    one.hub.documents.put("context", "urn:1", {}, 1)
    soon(lambda: other.hub.documents.generation("context") == 1)
