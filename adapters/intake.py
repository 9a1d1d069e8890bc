"""Frames of one adapter: understood, and kept, before its link is told.

frame ─ codec ─> readings ─ registry, rate, clock, dedupe ─ mapping ─> fragments ─> one transaction ─> the link goes on
                                                           └─> quarantine ─────────┘
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
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
from adapters.store import AdapterStore, NotKept
from adapters.watching import LastSeen, Seen
from broker.model.values import Instant
from broker.ports import Clock
from broker.ports.hub import Fragment

log = logging.getLogger("misono.adapters")

PAYLOAD_MAX: Final = 1 << 20
READINGS_MAX: Final = 1_000
TEXT_MAX: Final = 10_000
NAME_MAX: Final = 256
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


@dataclass(slots=True)
class _Batch:
    """What a transaction will hold."""

    rows: list[tuple[apsw.SQLiteValue, ...]] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    keys: dict[int, Key] = field(default_factory=dict)
    seen: dict[int, tuple[Seen, set[str]]] = field(default_factory=dict)
    answers: list[tuple[Device, Answered]] = field(default_factory=list)
    replayed: Sequence[Quarantined] = ()
    repeats: bool = False

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
        self._under_way: set[asyncio.Future[None]] = set()

    async def take(self, frames: Sequence[Frame]) -> None:
        """As Receive says: each frame is in the queue or in quarantine on return."""
        batch = _Batch()
        for frame in frames:
            await self._add(frame, batch)
        await self._keep(batch)

    async def replay(self, rows: Sequence[Quarantined]) -> None:
        """Take quarantined frames once more, as things are now; what is still wrong is quarantined anew."""
        batch = _Batch(replayed=rows)
        for row in rows:
            await self._add(row.refused.kept.frame(), batch, again=True)
        await self._keep(batch)

    async def _add(self, frame: Frame, batch: _Batch, *, again: bool = False) -> None:
        counts = self._adapter.counts
        counts.frames += 1
        writes: list[Write] = []
        try:
            said = await self._decode(frame)
        except Exception as error:  # noqa: BLE001  the outermost loop of a frame: no fault shall end the link
            self._refuse(frame, frame.device, self._bad(error), batch)
            return
        for readings in said:
            counts.readings += len(readings.readings)
            try:
                writes += self._understand(frame, readings, batch, again=again)
            except Exception as error:  # noqa: BLE001  the same: what others said in this frame is taken
                self._refuse(frame, readings.device, self._bad(error), batch)
        if writes:
            batch.rows.append(row_of(kept_of(self._adapter.name, frame), writes))

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

    def _understand(self, frame: Frame, readings: Readings, batch: _Batch, *, again: bool) -> list[Write]:
        """The writes that follow from what one device said; none where it said it before. Raises BadFrame."""
        adapter, now = self._adapter, frame.received_at
        device = self._device(frame, readings, again=again)
        if not again and not self._rates.admits((device.tenant, device.id), device.rate_per_s, now):
            raise BadFrame("rate", f"more than {device.rate_per_s:g} messages a second for longer than a burst")
        _check_texts(readings)
        newest = adapter.leeway.check(readings, now)
        seen = self._shared.seen.of(device, now)
        if not seen.kept:
            batch.note(seen)
        if self._repeated(seen, readings, batch, again=again):
            return []
        if readings.answers is not None:
            batch.answers.append((device, readings.answers))
        fragments = self._map(device, readings, frame)
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

    def _device(self, frame: Frame, readings: Readings, *, again: bool) -> Device:
        """Who speaks. In a replay the key is not asked for again: it was not kept. Raises BadFrame."""
        name, registry = readings.device or frame.device, self._adapter.registry
        if not name or len(name) > NAME_MAX or not name.isprintable():
            raise BadFrame("unknown_device", f"a device's name has 1 to {NAME_MAX} printable characters")
        if again:
            known = next((one for one in registry.of_adapter(self._adapter.name) if one.id == name), None)
            if known is not None:
                return known
        return registry.find(self._adapter.name, name, frame.key)

    def _repeated(self, seen: Seen, readings: Readings, batch: _Batch, *, again: bool) -> bool:
        key = key_of(seen.salt, self._adapter.name, readings)
        if key is None or again:
            return False
        taken = batch.keys.get(key.message) or self._shared.dedupe.find(key.message)
        if taken is None:
            batch.keys[key.message] = key
            return False
        if taken.said != key.said:
            raise BadFrame("replayed", f"message {readings.sequence!r} was taken before, and said something else")
        self._adapter.counts.repeated += 1
        batch.repeats = True
        return True

    def _map(self, device: Device, readings: Readings, frame: Frame) -> Sequence[Fragment]:
        if readings.answers is not None and not readings.readings:
            return ()
        mapping = self._adapter.mappings(device.mapping or self._adapter.mapping)
        mapped = apply(mapping, readings, device, frame.received_at)
        self._adapter.counts.left_out.update(one.why for one in mapped.left_out)
        return mapped.fragments

    def _refuse(self, frame: Frame, device: str, bad: BadFrame, batch: _Batch) -> None:
        self._adapter.counts.quarantined[bad.reason] += 1
        kept = kept_of(self._adapter.name, frame, device)
        if len(kept.payload) > PAYLOAD_MAX:
            kept = Kept(kept.adapter, kept.device, kept.received_at, kept.channel, kept.about, kept.payload[:1000])
        batch.refused.append(Refused(kept, bad.reason, str(bad), self._shared.clock.now()))

    async def _keep(self, batch: _Batch) -> None:
        """Return once all of it is durable; what was repeated may still be on its way in."""
        queue = self._shared.queue
        while queue.full:  # noqa: ASYNC110  another thread empties it
            await asyncio.sleep(PAUSE_S)
        before = set(self._under_way) if batch.repeats else set()
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._under_way.add(done)
        try:
            for device, answer in batch.answers:
                await self._insist(partial(self._adapter.answered, device, answer))
            if batch.rows or batch.refused or batch.keys or batch.seen or batch.replayed:
                await self._insist(partial(self._write, batch))
        finally:
            self._under_way.discard(done)
            done.set_result(None)
        if before:
            await asyncio.wait(before)

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
        """One transaction. Who waits for it may be cancelled: it counts what was written, and forgets what was not."""
        shared = self._shared

        def settled(written: Future[None]) -> None:
            if written.exception() is None:
                return
            shared.dedupe.forget(batch.keys)
            for seen, made in batch.seen.values():
                seen.kept = False
                seen.entities -= made

        shared.dedupe.note(batch.keys.values(), shared.clock.now())
        for seen, made in batch.seen.values():
            seen.kept = True
            seen.entities |= made
        pending = shared.store.write(lambda db: self._insert(db, batch), lambda _done: shared.queue.grew(batch.rows))
        pending.add_done_callback(settled)
        return pending

    def _insert(self, db: apsw.Connection, batch: _Batch) -> None:
        shared = self._shared
        if batch.rows:
            shared.queue.insert(db, batch.rows)
        if batch.refused:
            shared.quarantine.insert(db, batch.refused)
        if batch.keys:
            shared.dedupe.insert(db, batch.keys.values(), shared.clock.now())
        for seen, made in batch.seen.values():
            shared.seen.insert(db, seen, made)
        if batch.replayed:
            shared.quarantine.remove(db, batch.replayed)


def _check_texts(readings: Readings) -> None:
    for reading in readings.readings:
        value = reading.value
        if isinstance(value, str) and len(value) > TEXT_MAX:
            raise BadFrame("oversized", f"{reading.quantity[:50]!r} is a text of {len(value)} characters")
