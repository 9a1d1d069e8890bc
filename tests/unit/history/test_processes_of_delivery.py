"""How processes share delivery: slots, leases of partitions, the doorbell; and attempts that are not durable yet."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from broker.errors import ServiceUnavailable
from broker.model.entity import Entity
from broker.notify import closing
from broker.notify.attempts import Attempts
from broker.notify.closing import Closer
from broker.notify.doorbell import Doorbell
from broker.notify.partitions import LEASE_S, PARTITIONS, RENEW_S, Partitions, partition_of
from broker.notify.slots import Slot
from broker.notify.triggers import differences, removals
from broker.ports.outbox import Closing, Delivery, EntityChange, OutboxRow
from broker.stores.memory_leases import MemoryLeases
from tests.fakes.clock import START, FakeClock


class Hall:
    """Processes on one set of leases, under one clock."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.leases = MemoryLeases(self.clock)

    def now(self) -> float:
        return (self.clock.now() - START) / 1e6

    def process(self, name: str, share: int) -> Partitions:
        return Partitions(self.leases, name, share, self.now)


def test_each_takes_its_share_and_no_partition_has_two() -> None:
    hall = Hall()
    one, other = hall.process("a", 2), hall.process("b", 2)
    assert one.renew()
    assert other.renew()
    assert one.held | other.held == set(range(PARTITIONS))
    assert not one.held & other.held
    assert not one.renew()


def test_what_nobody_holds_is_taken_once_all_had_time() -> None:
    hall = Hall()
    one = hall.process("a", 1)
    one.renew()
    assert len(one.held) == 1
    for _ in range(6):
        hall.clock.advance(RENEW_S)
        one.renew()
    assert one.held == set(range(PARTITIONS))


def test_the_partitions_of_one_that_died_go_to_who_is_left() -> None:
    hall = Hall()
    one, other = hall.process("a", 2), hall.process("b", 2)
    one.renew()
    other.renew()
    for _ in range(6):
        hall.clock.advance(RENEW_S)
        other.renew()
    assert other.held == set(range(PARTITIONS))
    assert one.held == set(), "it stood still for longer than its leases"
    assert one.lapsed


def test_one_that_was_started_again_has_its_leases_at_once() -> None:
    hall = Hall()
    hall.process("a", PARTITIONS).renew()
    again = hall.process("a", PARTITIONS)
    again.renew()
    assert again.held == set(range(PARTITIONS))
    again.release()
    other = hall.process("b", PARTITIONS)
    other.renew()
    assert other.held == set(range(PARTITIONS))
    assert all(other.ours("", f"urn:{number}") for number in range(20))
    assert {partition_of("", f"urn:{number}") for number in range(100)} == set(range(PARTITIONS))
    hall.clock.advance(LEASE_S)
    assert not other.ours("", "urn:1")


def test_slots_are_numbered_from_below_and_free_again(tmp_path: Path) -> None:
    first, second = Slot(tmp_path), Slot(tmp_path)
    assert (first.number, second.number) == (0, 1)
    first.release()
    third = Slot(tmp_path)
    assert third.number == 0
    second.release()
    third.release()


def test_a_bell_is_heard_by_the_others(tmp_path: Path) -> None:
    async def run() -> list[tuple[str, str]]:
        heard: list[tuple[str, str]] = []
        bells = [Doorbell(tmp_path, slot, 3) for slot in range(3)]
        elsewhere = Doorbell(tmp_path / "other", 0, 3)

        def hears(name: str) -> Callable[[str], None]:
            return lambda tenant: heard.append((name, tenant))

        for number, bell in enumerate([*bells, elsewhere]):
            bell.listen(hears(str(number)))
        bells[0].ring("city")
        bells[1].ring("")
        await asyncio.sleep(0.05)
        for bell in [*bells, elsewhere]:
            bell.close()
        return heard

    heard = asyncio.run(run())
    assert sorted(heard) == [("0", ""), ("1", "city"), ("2", ""), ("2", "city")]


def test_attempts_are_counted_until_they_are_durable() -> None:
    attempts, durable = Attempts(), {"s": Delivery(5, 1, 10, 10, 9)}
    one, other = attempts.begin("", "s", 20), attempts.begin("", "new", 30)
    assert attempts.over("", lambda: durable) == {
        "s": Delivery(6, 1, 20, 10, 9),
        "new": Delivery(1, 0, 30, None, None),
    }
    one.failed, other.failed = True, False
    assert attempts.over("", lambda: durable) == {"s": Delivery(6, 2, 20, 10, 20), "new": Delivery(1, 0, 30, 30, None)}
    attempts.settle([one, other])
    assert attempts.over("", lambda: durable) == durable
    assert attempts.over("other", dict) == {}


class SlowOutbox:
    """Takes closings when it is told to, and refuses the first."""

    def __init__(self) -> None:
        self.batches: list[list[Closing]] = []
        self.pending: list[Future[None]] = []

    def close_rows(self, _tenant: str, closings: list[Closing]) -> Future[None]:
        self.batches.append(list(closings))
        self.pending.append(Future())
        return self.pending[-1]


def test_closings_gather_while_a_batch_is_on_its_way_and_a_refused_one_is_written_again(monkeypatch: Any) -> None:
    monkeypatch.setattr(closing, "AGAIN_S", 0.01)
    outbox: Any = SlowOutbox()
    held = Entity({"id": "urn:x", "type": "T"}, 1, 1)
    rows = [OutboxRow(number, "n", "s", EntityChange(1, 1, None, held), 0) for number in range(4)]

    async def run() -> None:
        closer = Closer(outbox, Attempts())
        closer.close("", Closing(rows[0], "delivered", 1), None)
        await asyncio.sleep(0)
        for row in rows[1:]:
            closer.close("", Closing(row, "delivered", 1), None)
        await asyncio.sleep(0)
        outbox.pending[0].set_exception(ServiceUnavailable("full"))
        await asyncio.sleep(0.05)
        outbox.pending[1].set_result(None)
        await closer.settled()

    asyncio.run(run())
    assert [[one.row.number for one in batch] for batch in outbox.batches] == [[0], [0, 1, 2, 3]]


INSTANCE = st.fixed_dictionaries({"type": st.just("Property"), "value": st.integers(0, 2)})
ATTRIBUTE = st.one_of(
    INSTANCE, st.lists(INSTANCE, min_size=2, max_size=2).map(lambda two: [two[0], {**two[1], "datasetId": "urn:d"}])
)
DOCUMENT = st.dictionaries(st.sampled_from(["https://x/a", "https://x/b", "https://x/c"]), ATTRIBUTE)


@settings(deadline=None)
@given(DOCUMENT, DOCUMENT, st.sampled_from([None, "/a", ["/a", "/b"]]), st.sampled_from([None, "/a"]))
def test_what_is_gone_is_the_same_as_among_all_differences(old: Any, new: Any, before: Any, after: Any) -> None:
    def entity(attributes: Any, scope: Any) -> Entity:
        return Entity({"id": "urn:x", "type": "T", **({"scope": scope} if scope else {}), **attributes}, 1, 1)

    change = EntityChange(1, 1, entity(old, before), entity(new, after))
    assert removals(change).deleted == differences(change).deleted
