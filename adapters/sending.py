"""From the queue to the hub: batches, in order; a row goes when the hub has it, or has refused it."""

from __future__ import annotations

import logging
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from threading import Event, Lock, Thread
from typing import Final, Literal, TypeAlias

import apsw

from adapters.counting import Counts
from adapters.quarantine import Quarantine, Refused
from adapters.queue import Queue, Queued
from adapters.resuming import written_before
from adapters.store import AdapterStore, NotKept
from broker.errors import NgsiError, ResourceNotFound
from broker.ports import Clock
from broker.ports.hub import Fragment, Hub, HubAway

log = logging.getLogger("misono.adapters")

BATCH_ROWS: Final = 500
LOOK_S: Final = 1.0
"""So often it is looked for rows that another process put in."""
PAUSE_S, PAUSE_MAX_S = 0.1, 10.0
Kind: TypeAlias = Literal["upsert", "delete"]
Results: TypeAlias = "list[NgsiError | None]"


@dataclass(frozen=True, slots=True)
class Way:
    """What rows go from and to."""

    hub: Hub
    store: AdapterStore
    queue: Queue
    quarantine: Quarantine
    clock: Clock


class Sender:
    """One thread that empties the queue; `away` is why it waits, empty while it does not."""

    def __init__(self, way: Way, counts: Mapping[str, Counts]) -> None:
        self._way, self._counts = way, counts
        self._stopped = Event()
        self._pause = PAUSE_S
        self._sending = Lock()
        self._unsure = way.queue.depth > 0
        self.away = ""
        self._thread = Thread(target=self._run, name="adapters-sender", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Finish the batch that is under way."""
        self._stopped.set()
        self._way.queue.filled.set()
        if self._thread.ident is not None:
            self._thread.join()

    def between(self, work: Callable[[], None]) -> None:
        """Do something while no batch is under way."""
        with self._sending:
            work()

    def send(self) -> int:
        """Send one batch; how many rows went. Raises HubAway, NotKept: then they are still there."""
        way = self._way
        with self._sending:
            rows = way.queue.next(BATCH_ROWS)
            if rows:
                unsure, self._unsure = self._unsure, True
                refused, written = self._write(rows, unsure=unsure)

                def then(_done: None) -> None:
                    self._count(refused, written)
                    way.queue.shrank(rows)

                way.store.write(lambda db: self._close(db, rows, refused), then).result()
                self._unsure = False
        return len(rows)

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._way.queue.filled.clear()
            try:
                if not self.send():
                    self._way.queue.filled.wait(LOOK_S)
                self._pause, self.away = PAUSE_S, ""
            except (HubAway, NotKept) as error:
                self._wait(str(error))
            except Exception as error:  # the outermost loop of the thread: what was taken waits, whatever failed
                log.exception("sending to the hub failed")
                self._wait(f"{type(error).__name__}: {error}")

    def _wait(self, why: str) -> None:
        if not self.away:
            log.warning("the hub takes nothing now, the queue waits: %s", why)
        self.away = why
        self._stopped.wait(self._pause * random.uniform(0.5, 1.0))  # noqa: S311  no secret
        self._pause = min(2 * self._pause, PAUSE_MAX_S)

    def _write(self, rows: Sequence[Queued], *, unsure: bool) -> tuple[list[Refused], Counter[str]]:
        """What the hub refused, each frame once with the first refusal; how many fragments it took by adapter."""
        refused: dict[int, Refused] = {}
        written: Counter[str] = Counter()
        for tenant, kind, writes in _runs(rows):
            fragments = [fragment for _, fragment in writes]
            results = (
                self._send_once(tenant, fragments)
                if unsure and kind == "upsert"
                else self._send(tenant, kind, fragments)
            )
            for (row, _), refusal in zip(writes, results, strict=True):
                if refusal is None:
                    written[row.kept.adapter] += 1
                elif row.number not in refused:
                    refused[row.number] = Refused(row.kept, "refused", _told(refusal), self._way.clock.now())
        return [*refused.values()], written

    def _send_once(self, tenant: str, fragments: Sequence[Fragment]) -> Results:
        """The same where it is not known what of it the hub has: the process before, or the connection, ended in it."""
        hub = self._way.hub
        try:
            found = {entity_id: hub.entity(tenant, entity_id) for entity_id in {str(one["id"]) for one in fragments}}
        except NgsiError as refusal:
            raise HubAway(str(refusal)) from refusal
        known = written_before(fragments, {name: entity for name, entity in found.items() if entity is not None})
        left = iter(self._send(tenant, "upsert", [one for place, one in enumerate(fragments) if place not in known]))
        return [None if place in known else next(left) for place in range(len(fragments))]

    def _send(self, tenant: str, kind: Kind, fragments: Sequence[Fragment]) -> Results:
        """What became of each; a batch that is refused as a whole is tried in halves: one of it may be to blame."""
        hub = self._way.hub
        if not fragments:
            return []
        try:
            if kind == "delete":
                results = hub.delete(tenant, [str(fragment["id"]) for fragment in fragments])
                return [None if isinstance(one, ResourceNotFound) else one for one in results]
            results = hub.upsert(tenant, fragments)
        except NgsiError as refusal:  # of who asks, not of what: it may be admitted later
            raise HubAway(str(refusal)) from refusal
        if len(fragments) > 1 and results[0] is not None and all(one is results[0] for one in results):
            half = len(fragments) // 2
            return self._send(tenant, kind, fragments[:half]) + self._send(tenant, kind, fragments[half:])
        return results

    def _close(self, db: apsw.Connection, rows: Sequence[Queued], refused: Sequence[Refused]) -> None:
        self._way.queue.remove(db, rows)
        if refused:
            self._way.quarantine.insert(db, refused)

    def _count(self, refused: Sequence[Refused], written: Mapping[str, int]) -> None:
        for adapter, number in written.items():
            if (counts := self._counts.get(adapter)) is not None:
                counts.written += number
        for one in refused:
            if (counts := self._counts.get(one.kept.adapter)) is not None:
                counts.quarantined[one.reason] += 1


def _runs(rows: Sequence[Queued]) -> Iterator[tuple[str, Kind, list[tuple[Queued, Fragment]]]]:
    """The writes by tenant, each tenant's in order, as many at once as are of one kind."""
    of_tenants: dict[str, list[tuple[Queued, Fragment]]] = {}
    for row in rows:
        for tenant, fragment in row.writes:
            of_tenants.setdefault(tenant, []).append((row, fragment))
    for tenant, writes in of_tenants.items():
        run: list[tuple[Queued, Fragment]] = []
        for write in writes:
            if run and _kind(run[-1][1]) != _kind(write[1]):
                yield tenant, _kind(run[-1][1]), run
                run = []
            run.append(write)
        yield tenant, _kind(run[-1][1]), run


def _kind(fragment: Fragment) -> Kind:
    return "upsert" if len(fragment) > 1 else "delete"


def _told(refusal: NgsiError) -> str:
    return f"{refusal} ({refusal.pointer})" if refusal.pointer else str(refusal)
