"""Frames of one adapter: understood, and kept, before its link is told.

frame ─ codec ─> readings ─ registry, rate, clock, dedupe ─ mapping ─> fragments ─> one transaction ─> the link goes on
                                                           └─> quarantine ─────────┘
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final, TypeAlias

import apsw

from adapters.alerting import raised, withdrawn
from adapters.clocks import USUAL, Leeway
from adapters.counting import Counts
from adapters.dedupe import Dedupe, Key, key_of
from adapters.device import Device, Registry
from adapters.frame import BadFrame, Frame
from adapters.link import Codec
from adapters.mapping.applying import apply
from adapters.mapping.plan import DeviceMapping
from adapters.quarantine import Quarantine, Quarantined, Refused
from adapters.queue import Kept, Queue, Write, kept_of, row_of
from adapters.rate import Rates
from adapters.readings import Answered, Readings
from adapters.speaking import Given, opened_anyway, speaker
from adapters.store import AdapterStore, NotKept
from adapters.watching import LastSeen, Seen
from broker.model.values import Instant
from broker.ports import Clock
from broker.ports.hub import Fragment

log = logging.getLogger("misono.adapters")

PAYLOAD_MAX: Final = 1 << 20
READINGS_MAX: Final = 1_000
TEXT_MAX: Final = 10_000
INLINE_MAX: Final = 32 << 10
"""A longer payload is decoded in a thread: it would hold up every other link."""
PAUSE_S, PAUSE_MAX_S = 0.1, 10.0
OFFLINE: Final = "offline"
"""The channel of what no device said."""
Answers: TypeAlias = Callable[[Device, Answered], "Future[object]"]
"""Takes what a device said of a command; done when that is durable."""


def unlearnt(_device: Device, _entities: Iterable[str]) -> None:
    """Nobody wants to know."""


def to_nobody(_device: Device, _answer: Answered) -> Future[object]:
    """Nobody gave a command."""
    done: Future[object] = Future()
    done.set_result(None)
    return done


@dataclass(frozen=True, slots=True)
class Shared:
    """What the adapters of a process have together."""

    store: AdapterStore
    queue: Queue
    quarantine: Quarantine
    dedupe: Dedupe
    seen: LastSeen
    clock: Clock


@dataclass(frozen=True, slots=True)
class Adapter:
    """One adapter as the pipeline knows it; `mappings` gives one by its name. Raises BadFrame (`no_mapping`)."""

    name: str
    codec: Codec
    registry: Registry
    mappings: Callable[[str], DeviceMapping]
    mapping: str = ""
    leeway: Leeway = USUAL
    counts: Counts = field(default_factory=Counts)
    answered: Answers = to_nobody
    learn: Callable[[Device, Iterable[str]], None] = unlearnt
    """Told of entities that a device writes for the first time."""


class _Gone(Exception):
    """Rows that are replayed were taken, or thrown away, by somebody else meanwhile."""


def _unknown_yet() -> Future[bool]:
    """Nobody who waits for it can cancel it."""
    done: Future[bool] = Future()
    done.set_running_or_notify_cancel()
    return done


@dataclass(slots=True)
class _Batch:
    """What a transaction will hold; `done` tells whether it was written, once it is known that nobody tries again.

    `waiting` are messages that another batch is taking.
    """

    rows: list[tuple[apsw.SQLiteValue, ...]] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    keys: dict[int, Key] = field(default_factory=dict)
    seen: dict[int, tuple[Seen, set[str]]] = field(default_factory=dict)
    answers: list[tuple[Device, Answered]] = field(default_factory=list)
    replayed: Sequence[Quarantined] = ()
    written: Future[None] | None = None
    done: Future[bool] = field(default_factory=_unknown_yet)
    waiting: list[tuple[Given, Readings, Future[bool]]] = field(default_factory=list)

    def note(self, seen: Seen, entities: Collection[str] = ()) -> None:
        """Write the device, with entities that were made of it for the first time."""
        _, made = self.seen.setdefault(id(seen), (seen, set()))
        made.update(entities)


class Intake:
    """One adapter's way in; its methods run on the loop that runs the links."""

    def __init__(self, adapter: Adapter, shared: Shared) -> None:
        self._adapter = adapter
        self._shared = shared
        self._rates = Rates()
        self._under_way: dict[int, _Batch] = {}

    async def take(self, frames: Sequence[Frame]) -> None:
        """As Receive says: each frame is in the queue or in quarantine on return."""
        batch = _Batch()
        with self._taking(batch):
            for frame in frames:
                await self._add(Given(frame), batch)
            await self._keep(batch)
        while batch.waiting:
            batch = await self._look_again(batch.waiting)

    async def replay(self, rows: Sequence[Quarantined]) -> None:
        """Take quarantined frames once more, as things are now; what is still wrong is quarantined anew.

        Rows that are no longer all there are left for the next time.
        """
        batch = _Batch(replayed=rows)
        for row in rows:
            kept = row.refused.kept
            await self._add(Given(kept.frame(), dict(kept.opened), again=True), batch)
        with suppress(_Gone):
            await self._keep(batch)

    async def _look_again(self, waiting: Sequence[tuple[Given, Readings, Future[bool]]]) -> _Batch:
        """What was left to another batch: a repetition where that was written, else taken here."""
        await asyncio.wait([asyncio.wrap_future(done) for done in {done for _, _, done in waiting}])
        batch = _Batch()
        with self._taking(batch):
            for given, readings, done in waiting:
                if done.result():
                    self._adapter.counts.repeated += 1
                else:
                    self._add_said(given, [readings], batch)
            await self._keep(batch)
        return batch

    @contextmanager
    def _taking(self, batch: _Batch) -> Iterator[None]:
        """Have its messages known as under way until they are durable, or it is given up; a write goes on by itself."""

        def left(written: Future[None] | None) -> None:
            for message in batch.keys:
                del self._under_way[message]
            batch.done.set_result(written is not None and written.exception() is None)

        try:
            yield
        finally:
            if batch.written is None:
                left(None)
            else:
                batch.written.add_done_callback(left)

    async def _add(self, given: Given, batch: _Batch) -> None:
        frame, counts = given.frame, self._adapter.counts
        counts.frames += 1
        try:
            said = await self._decode(frame)
        except Exception as error:  # noqa: BLE001  the outermost loop of a frame: no fault shall end the link
            opened_anyway(self._adapter.name, self._adapter.registry, given)
            self._refuse(given, frame.device, self._bad(error), batch)
            return
        counts.readings += sum(len(readings.readings) for readings in said)
        self._add_said(given, said, batch)

    def _add_said(self, given: Given, said: Sequence[Readings], batch: _Batch) -> None:
        writes: list[Write] = []
        for readings in said:
            try:
                writes += self._understand(given, readings, batch)
            except Exception as error:  # noqa: BLE001  as before: what others said in this frame is taken
                self._refuse(given, readings.device, self._bad(error), batch)
        if writes:
            batch.rows.append(row_of(kept_of(self._adapter.name, given.frame, "", given.opened), writes))

    def _bad(self, error: Exception) -> BadFrame:
        if isinstance(error, BadFrame):
            return error
        log.error("adapter %s failed on a frame", self._adapter.name, exc_info=error)
        return BadFrame("failed", f"a fault of the adapter: {type(error).__name__}")

    async def _decode(self, frame: Frame) -> Sequence[Readings]:
        """Raises BadFrame."""
        size = len(frame.payload)
        if size > PAYLOAD_MAX:
            raise BadFrame("oversized", f"{size} bytes; at most {PAYLOAD_MAX} are taken")
        if size > INLINE_MAX:
            found = await asyncio.to_thread(self._adapter.codec.decode, frame)
        else:
            found = self._adapter.codec.decode(frame)
        number = sum(len(readings.readings) for readings in found)
        if number > READINGS_MAX:
            raise BadFrame("oversized", f"{number} readings; at most {READINGS_MAX} are taken")
        return found

    def _understand(self, given: Given, readings: Readings, batch: _Batch) -> list[Write]:
        """The writes that follow from what one device said; none where it said it before. Raises BadFrame."""
        adapter, now = self._adapter, given.frame.received_at
        device = speaker(adapter.name, adapter.registry, given, readings.device)
        if not given.again and not self._rates.admits((device.tenant, device.id), device.rate_per_s, now):
            raise BadFrame("rate", f"more than {device.rate_per_s:g} messages a second for longer than a burst")
        _check_texts(readings)
        newest = adapter.leeway.check(readings, now)
        seen = self._shared.seen.of(device, now)
        if not seen.kept:
            batch.note(seen)
        if self._repeated(seen, given, readings, batch):
            return []
        if readings.answers is not None:
            batch.answers.append((device, readings.answers))
        fragments = self._map(device, readings, given.frame)
        made = {str(fragment["id"]) for fragment in fragments} - seen.entities
        if made:
            self._adapter.learn(device, made)
            batch.note(seen, made)
        writes = [(device.tenant, fragment) for fragment in fragments]
        if seen.offline:
            seen.offline = False
            batch.note(seen)
            writes.append(withdrawn(device))
        if newest < seen.newest:
            adapter.counts.late += 1
        seen.newest, seen.last_at = max(newest, seen.newest), max(now, seen.last_at)
        self._shared.seen.changed(seen)
        return writes

    async def watch(self, started_at: Instant) -> None:
        """Tell of devices that have been silent for too long, and no longer of those that are gone."""
        name, now, batch = self._adapter.name, self._shared.clock.now(), _Batch()
        if self._shared.queue.full:
            return
        devices = self._adapter.registry.of_adapter(name)
        for device, seen in self._shared.seen.due(devices, started_at, now):
            since = max(seen.last_at, started_at)
            batch.rows.append(row_of(Kept(name, device.id, now, OFFLINE), [raised(device, since, now)]))
            batch.note(seen)
            seen.offline = True
        for seen in self._shared.seen.left(name, devices):
            gone = Device(seen.device, seen.adapter, seen.tenant)
            batch.rows.append(row_of(Kept(name, gone.id, now, OFFLINE), [withdrawn(gone)]))
            batch.note(seen)
            seen.offline = False
        await self._keep(batch)

    def _repeated(self, seen: Seen, given: Given, readings: Readings, batch: _Batch) -> bool:
        """Whether it was taken before; what another batch is taking waits for that one."""
        key = key_of(seen.salt, self._adapter.name, readings)
        if key is None or given.again:
            return False
        other = self._under_way.get(key.message)
        taken = self._shared.dedupe.find(key.message) if other is None else other.keys[key.message]
        if taken is None:
            batch.keys[key.message] = key
            self._under_way[key.message] = batch
            return False
        if taken.said != key.said:
            raise BadFrame("replayed", f"message {readings.sequence!r} was taken before, and said something else")
        if other is None or other is batch:
            self._adapter.counts.repeated += 1
        else:
            batch.waiting.append((given, readings, other.done))
        return True

    def _map(self, device: Device, readings: Readings, frame: Frame) -> Sequence[Fragment]:
        if readings.answers is not None and not readings.readings:
            return ()
        mapping = self._adapter.mappings(device.mapping or self._adapter.mapping)
        mapped = apply(mapping, readings, device, frame.received_at)
        self._adapter.counts.left_out.update(one.why for one in mapped.left_out)
        return mapped.fragments

    def _refuse(self, given: Given, device: str, bad: BadFrame, batch: _Batch) -> None:
        self._adapter.counts.quarantined[bad.reason] += 1
        kept = kept_of(self._adapter.name, given.frame, device, given.opened)
        if len(kept.payload) > PAYLOAD_MAX:
            kept = replace(kept, payload=kept.payload[:1000])
        batch.refused.append(Refused(kept, bad.reason, str(bad), self._shared.clock.now()))

    async def _keep(self, batch: _Batch) -> None:
        """Return once all of it is durable."""
        while self._shared.queue.full:  # noqa: ASYNC110  another thread empties it
            await asyncio.sleep(PAUSE_S)
        for device, answer in batch.answers:
            await self._insist(partial(self._adapter.answered, device, answer))
        if batch.rows or batch.refused or batch.keys or batch.seen or batch.replayed:
            await self._insist(partial(self._write, batch))

    async def _insist(self, write: Callable[[], Future[Any]]) -> None:
        """Write until it is written: a device's message waits with it."""
        pause = PAUSE_S
        while True:
            try:
                await asyncio.wrap_future(write())
            except NotKept as error:
                log.warning("nothing is taken for now: %s", error)
                await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311  no secret
                pause = min(2 * pause, PAUSE_MAX_S)
            else:
                return

    def _write(self, batch: _Batch) -> Future[None]:
        """One transaction. Who waits for it may be cancelled: what becomes of it is noted all the same."""
        shared = self._shared

        def settled(written: Future[None]) -> None:
            if written.exception() is None:
                shared.dedupe.note(batch.keys.values(), shared.clock.now())
                return
            for seen, made in batch.seen.values():
                seen.kept = False
                seen.entities -= made

        for seen, made in batch.seen.values():
            seen.kept = True
            seen.entities |= made
        pending = shared.store.write(lambda db: self._insert(db, batch), lambda _done: shared.queue.grew(batch.rows))
        pending.add_done_callback(settled)
        batch.written = pending
        return pending

    def _insert(self, db: apsw.Connection, batch: _Batch) -> None:
        shared = self._shared
        if batch.replayed and shared.quarantine.remove(db, batch.replayed) < len(batch.replayed):
            raise _Gone
        if batch.rows:
            shared.queue.insert(db, batch.rows)
        if batch.refused:
            shared.quarantine.insert(db, batch.refused)
        if batch.keys:
            shared.dedupe.insert(db, batch.keys.values(), shared.clock.now())
        for seen, made in batch.seen.values():
            shared.seen.insert(db, seen, made)


def _check_texts(readings: Readings) -> None:
    for reading in readings.readings:
        value = reading.value
        if isinstance(value, str) and len(value) > TEXT_MAX:
            raise BadFrame("oversized", f"{reading.quantity[:50]!r} is a text of {len(value)} characters")
