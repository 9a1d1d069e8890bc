"""Commands on a history that are cut off between any two writes, and two processes that write one history at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from pymongo.errors import AutoReconnect

from broker.errors import ServiceUnavailable
from broker.model.evolution import Evolution
from broker.ports import UNRESTRICTED
from broker.ports.evolution import (
    AddInstances,
    AddTypes,
    Begin,
    DropAll,
    DropAttribute,
    EvolutionCommand,
    EvolutionPage,
    EvolutionStep,
    ReplaceInstance,
    Retention,
)
from broker.query.ast import EVERYTHING, Window
from broker.query.temporal import TemporalQuery
from broker.stores.mongo import history_plan
from tests.contract.engines import NS
from tests.contract.history.evolving import A, seen
from tests.engines.mongodb.histories import Process, process
from tests.engines.wires.running import fresh
from tests.fakes.clock import FakeClock

SPEED, NAME = f"{NS}speed", f"{NS}name"
CAR = (f"{NS}Car",)
Work = Callable[[Process], object]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def url() -> Iterator[str]:
    with fresh() as made:
        yield made


def told(held: Process) -> list[Evolution]:
    page = held.history.evolution("", A, TemporalQuery(), UNRESTRICTED)
    every = held.history.evolutions("", EVERYTHING, TemporalQuery(), Window(10), UNRESTRICTED)
    assert every.evolutions == page.evolutions
    return page.evolutions


def values(held: Process, name: str = SPEED) -> list[Any]:
    return [one["value"] for found in told(held) for one in found.attributes.get(name, ())]


def begun(held: Process) -> None:
    held.evolve(A, Begin(CAR), AddInstances(SPEED, [seen(n, n) for n in range(4)]), AddInstances(NAME, [seen("x", 1)]))


def replaced(held: Process) -> object:
    page = held.history.evolution("", A, TemporalQuery(), UNRESTRICTED)
    instance_id = str(page.evolutions[0].attributes[SPEED][0]["instanceId"])
    return held.evolve(A, ReplaceInstance(SPEED, instance_id, seen(9, 9)))


WORK: dict[str, Work] = {
    "add": lambda held: held.evolve(A, AddInstances(SPEED, [seen(7, 1), seen(8, 8)]), AddTypes((f"{NS}Van",))),
    "replace": replaced,
    "drop": lambda held: held.evolve(A, DropAttribute(SPEED)),
    "drop all": lambda held: held.evolve(A, DropAll()),
    "retain": lambda held: held.history.retain("", [Retention(frozenset(), 1)]),
}


@pytest.mark.parametrize("work", WORK)
def test_a_command_that_is_cut_off_is_done_or_not(url: str, clock: FakeClock, work: str) -> None:
    """Every cut: what it did is there as a whole once it is looked after, or nothing of it is."""
    states: list[tuple[object, bool]] = []
    for cut in range(9):
        with process(url, clock) as first, process(url, clock, 1) as second:
            first.ground.client.drop_database(first.ground.database.name)
            begun(first)
            before = told(second)
            clock.advance(3_600)
            first.fate.left = cut
            try:
                WORK[work](first)
            except (AutoReconnect, ServiceUnavailable):
                pass
            else:
                states.append(("done", told(second) != before))
                break
            clock.advance(6)
            repaired = second.history.repair()
            assert second.history.repair() == 0
            assert list(second.ground.known.find({"p": {"$exists": True}})) == []
            after = told(second)
            states.append((repaired, after != before))
            assert after == before or told_again(first) == after
    assert states[0] == (0, False)
    assert states[-1] == ("done", True)
    assert {repaired for repaired, _ in states[1:-1]} == {1}
    assert all(changed for _, changed in states[1:])


def told_again(held: Process) -> list[Evolution]:
    """What the process that was cut off sees."""
    held.fate.left = None
    return told(held)


def test_what_was_left_is_done_before_the_next(url: str, clock: FakeClock) -> None:
    with process(url, clock) as held:
        begun(held)
        held.fate.left = 1
        with pytest.raises(AutoReconnect):
            held.evolve(A, AddInstances(SPEED, [seen(7, 7)]))
        held.fate.left = None
        assert held.evolve(A, AddInstances(SPEED, [seen(8, 8)])) is True
        assert values(held) == [0, 1, 2, 3, 7, 8]


def test_what_another_process_is_at_is_waited_for(url: str, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history_plan, "WAIT_S", 0.001)
    with process(url, clock) as first, process(url, clock, 1) as second:
        begun(first)
        first.fate.left = 1
        with pytest.raises(AutoReconnect):
            first.evolve(A, DropAttribute(SPEED))
        refused = second.evolve(A, AddInstances(SPEED, [seen(8, 8)]))
        assert isinstance(refused, ServiceUnavailable)
        clock.advance(6)
        assert second.evolve(A, AddInstances(SPEED, [seen(8, 8)])) is True
        assert values(second) == [8]


def test_two_processes_write_one_history(url: str, clock: FakeClock) -> None:
    """The one that comes second decides again, on what the other one wrote."""
    with process(url, clock) as first, process(url, clock, 1) as second:
        begun(first)
        known: list[tuple[str, ...]] = []

        def decide(head: Evolution | None, _now: int) -> tuple[Sequence[EvolutionStep], object]:
            assert head is not None
            known.append(head.types)
            if len(known) == 1:
                second.evolve(A, AddTypes((f"{NS}Bus",)), AddInstances(SPEED, [seen(8, 1)]))
            return [AddInstances(SPEED, [seen(7, 1)])], None

        assert first.history.apply_evolution("", [EvolutionCommand(A, decide)]).result() == [None]
        assert known == [CAR, (*CAR, f"{NS}Bus")]
        assert values(first) == values(second) == [0, 7, 2, 3]


def test_both_begin_one_history(url: str, clock: FakeClock) -> None:
    with process(url, clock) as first, process(url, clock, 1) as second:

        def decide(head: Evolution | None, _now: int) -> tuple[Sequence[EvolutionStep], object]:
            if head is None:
                begun(second)
            return [AddInstances(SPEED, [seen(7, 7)])], head is not None

        assert first.history.apply_evolution("", [EvolutionCommand(A, decide, creates=True)]).result() == [True]
        assert values(first) == [0, 1, 2, 3, 7]


def test_one_who_never_comes_first_is_refused(url: str, clock: FakeClock) -> None:
    with process(url, clock) as first, process(url, clock, 1) as second:
        begun(first)

        def decide(_head: Evolution | None, _now: int) -> tuple[Sequence[EvolutionStep], object]:
            second.evolve(A, AddTypes((f"{NS}Bus",)))
            return [AddInstances(SPEED, [seen(7, 7)])], None

        (refused,) = first.history.apply_evolution("", [EvolutionCommand(A, decide)]).result()
        assert isinstance(refused, ServiceUnavailable)
        assert values(first) == [0, 1, 2, 3]


def test_more_than_a_plan_holds_is_refused(url: str, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history_plan, "PLAN_MAX", 1_000)
    with process(url, clock) as held:
        refused: Any = held.evolve(A, Begin(CAR), AddInstances(SPEED, [seen(n, n) for n in range(40)]))
        assert refused.status == 413
        assert held.history.evolution("", A, TemporalQuery(), UNRESTRICTED) == EvolutionPage([])
