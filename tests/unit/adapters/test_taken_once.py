"""A message that comes again while it is being taken, and a replay that is begun twice: written once, never lost."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from pathlib import Path
from threading import current_thread
from typing import Any

import pytest

from adapters.frame import Frame
from adapters.intake import Intake
from adapters.quarantine import Chosen
from adapters.store import AdapterStore, NotKept
from broker.model.values import to_text
from tests.fakes.hubs import HeldHub
from tests.fakes.piped import Pipe, piped, until

CITY = {
    "sensors.yaml": """
adapter: sensors
link: hand
codec: {kind: json, device: who, at: ts, sequence: seq}
mapping: rooms
devices:
  - {id: s1}
""",
    "rooms.yaml": """
mapping: rooms
version: 1
entities:
  - {id: "urn:ngsi-ld:Room:misono:{device}", type: Room, attributes: {warmth: {from: t, unit: CEL}}}
""",
}


class Held(AdapterStore):
    """A store where the intake's next writes wait until a test lets them go on, or fails them."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.hold = 0
        self.held: list[Callable[[Exception | None], None]] = []

    def write(self, work: Any, then: Any = None) -> Any:
        if not self.hold or current_thread().name != "adapters":
            return super().write(work, then)
        self.hold -= 1
        outer: Future[Any] = Future()
        outer.set_running_or_notify_cancel()

        def go_on(error: Exception | None) -> None:
            if error is not None:
                outer.set_exception(error)
                return
            inner = AdapterStore.write(self, work, then)
            inner.add_done_callback(
                lambda done: outer.set_exception(failed) if (failed := done.exception()) else outer.set_result(None)
            )

        self.held.append(go_on)
        return outer


class Taking:
    """An intake on a store that a test holds."""

    def __init__(self, pipe: Pipe, store: Held, hub: HeldHub) -> None:
        self.pipe, self.store, self.hub = pipe, store, hub
        self.refused: list[str] = []
        self.intake: Intake = pipe.assembled.running.adapters["sensors"].intake
        pipe.give("sensors", self.frame(seq="first"))
        pipe.settle()

    def frame(self, **said: Any) -> Frame:
        at = self.pipe.now()
        return Frame(json.dumps({"who": "s1", "t": 20, "ts": to_text(at), **said}).encode(), at)

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.pipe.assembled.running.call(work).result(10)

    def written(self) -> int:
        """How many fragments the hub has, but for the first."""
        self.pipe.settle()
        return sum(len(batch) for _, batch in self.hub.batches) - 1


def taking(tmp_path: Path, work: Callable[[Taking], None]) -> None:
    made: list[Held] = []

    def make(directory: Path) -> AdapterStore:
        made.append(Held(directory))
        return made[0]

    refused: list[str] = []
    hub = HeldHub(lambda _fragment: bool(refused))
    with piped(tmp_path, CITY, hub=hub, make_store=make) as pipe:
        one = Taking(pipe, made[0], hub)
        one.refused = refused
        work(one)


@pytest.mark.parametrize("fails", [False, True])
def test_a_repetition_is_acknowledged_when_it_is_kept(tmp_path: Path, *, fails: bool) -> None:
    def work(one: Taking) -> None:
        frame = one.frame(seq="17")

        async def twice() -> None:
            one.store.hold = 1
            first = asyncio.create_task(one.intake.take([frame]))
            await asyncio.sleep(0.02)
            first.cancel()  # the door's patience is at its end, the write goes on
            await asyncio.sleep(0.01)
            second = asyncio.create_task(one.intake.take([frame]))
            await asyncio.sleep(0.05)
            assert not second.done()
            one.store.held[0](NotKept("database is locked") if fails else None)
            await second

        one.run(twice())
        assert one.written() == 1
        assert one.pipe.counts("sensors").repeated == (0 if fails else 1)

    taking(tmp_path, work)


def test_a_repetition_during_a_refused_write_is_written_once(tmp_path: Path) -> None:
    def work(one: Taking) -> None:
        frame = one.frame(seq="17")

        async def twice() -> None:
            one.store.hold = 1
            first = asyncio.create_task(one.intake.take([frame]))
            await asyncio.sleep(0.02)
            one.store.held[0](NotKept("disk full"))
            await asyncio.sleep(0.01)
            await asyncio.gather(first, one.intake.take([frame]))

        one.run(twice())
        assert one.written() == 1
        assert one.pipe.counts("sensors").repeated == 1

    taking(tmp_path, work)


def test_two_equal_frames_that_wait_for_a_full_queue_are_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def work(one: Taking) -> None:
        frame, queue = one.frame(seq="17"), one.pipe.assembled.running.queue

        async def twice() -> None:
            monkeypatch.setattr("adapters.queue.ROWS_MAX", 0)
            both = [asyncio.create_task(one.intake.take([frame])) for _ in range(2)]
            await asyncio.sleep(0.05)
            assert queue.full
            monkeypatch.undo()
            await asyncio.gather(*both)

        one.run(twice())
        assert one.written() == 1

    taking(tmp_path, work)


def test_messages_that_cross_do_not_wait_for_each_other_for_ever(tmp_path: Path) -> None:
    def work(one: Taking) -> None:
        a, b = one.frame(seq="a"), one.frame(seq="b")

        async def crossing() -> None:
            await asyncio.wait_for(asyncio.gather(one.intake.take([a, b]), one.intake.take([b, a])), 5)

        one.run(crossing())
        assert one.written() == 2
        assert not one.intake._under_way

    taking(tmp_path, work)


def test_a_replay_whose_write_is_still_under_way_is_not_doubled(tmp_path: Path) -> None:
    def work(one: Taking) -> None:
        running = one.pipe.assembled.running
        one.refused.append("all")
        one.pipe.give("sensors", one.frame(seq="17"))
        before = one.written()
        one.refused.clear()
        rows = running.quarantine.find(Chosen())
        assert len(rows) == 1

        async def twice() -> None:
            one.store.hold = 1
            first = asyncio.create_task(one.intake.replay(rows))
            await asyncio.sleep(0.02)
            first.cancel()
            again = asyncio.create_task(one.intake.replay(rows))
            await again
            one.store.held[0](None)
            await asyncio.gather(first, return_exceptions=True)

        one.run(twice())
        until(lambda: not one.store.read("SELECT 1 FROM quarantined"))
        assert one.written() - before == 1

    taking(tmp_path, work)
