"""From the queue to the hub: batches, in order; a row goes when the hub has it, or has refused it."""

from __future__ import annotations

import logging
import random
from collections.abc import Mapping, Sequence
from threading import Event, Thread
from typing import Final

import apsw

from adapters.counting import Counts
from adapters.quarantine import Quarantine, Refused
from adapters.queue import Queue, Queued
from adapters.store import AdapterStore, NotKept
from broker.errors import NgsiError
from broker.ports import Clock
from broker.ports.hub import Fragment, Hub, HubAway

log = logging.getLogger("misono.adapters")

BATCH_ROWS: Final = 500
LOOK_S: Final = 1.0
PAUSE_S, PAUSE_MAX_S = 0.1, 10.0


class Sender:
    """One thread that empties the queue."""

    def __init__(self, hub: Hub, store: AdapterStore, queue: Queue, quarantine: Quarantine, clock: Clock) -> None:
        self._hub, self._store, self._queue, self._quarantine, self._clock = hub, store, queue, quarantine, clock
        self.counts: Mapping[str, Counts] = {}
        self._stopped = Event()
        self._pause = PAUSE_S
        self.away: str = ""
        """Why the hub takes nothing now; empty where it does."""
        self._thread = Thread(target=self._run, name="adapters-sender", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Finish the batch that is under way."""
        self._stopped.set()
        self._queue.filled.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._queue.filled.clear()
            try:
                if not self.send():
                    self._queue.filled.wait(LOOK_S)
                self._pause, self.away = PAUSE_S, ""
            except (HubAway, NotKept) as error:
                self._wait(str(error))
            except Exception:  # the outermost loop of the thread
                log.exception("sending to the hub failed")
                self._wait("sending failed; the log says why")

    def _wait(self, why: str) -> None:
        if not self.away:
            log.warning("the hub takes nothing now, the queue waits: %s", why)
        self.away = why
        self._stopped.wait(self._pause * random.uniform(0.5, 1.0))  # noqa: S311  no secret
        self._pause = min(2 * self._pause, PAUSE_MAX_S)

    def send(self) -> int:
        """Send one batch; how many rows went. Raises HubAway, NotKept."""
        rows = self._queue.next(BATCH_ROWS)
        if rows:
            refused = self._write(rows)
            self._store.write(lambda db: self._close(db, rows, refused)).result()
            self._queue.shrank(rows)
            self._count(rows, refused)
        return len(rows)

    def _write(self, rows: Sequence[Queued]) -> list[Refused]:
        """What the hub refused of it, a frame once."""
        refused: dict[int, Refused] = {}
        for tenant, writes in _runs(rows):
            upserts = [(row, fragment) for row, fragment in writes if len(fragment) > 1]
            results = self._upsert(tenant, [fragment for _, fragment in upserts])
            for (row, _), refusal in zip(upserts, results, strict=True):
                if refusal is not None and row.number not in refused:
                    refused[row.number] = Refused(row.kept, "refused", _told(refusal), self._clock.now())
        return [*refused.values()]

    def _upsert(self, tenant: str, fragments: Sequence[Fragment]) -> list[NgsiError | None]:
        try:
            return self._hub.upsert(tenant, fragments) if fragments else []
        except NgsiError as refusal:
            return [refusal] * len(fragments)

    def _close(self, db: apsw.Connection, rows: Sequence[Queued], refused: Sequence[Refused]) -> None:
        self._queue.remove(db, rows)
        if refused:
            self._quarantine.insert(db, refused)

    def _count(self, rows: Sequence[Queued], refused: Sequence[Refused]) -> None:
        for row in rows:
            if (counts := self.counts.get(row.kept.adapter)) is not None:
                counts.written += len(row.writes)
        for one in refused:
            if (counts := self.counts.get(one.kept.adapter)) is not None:
                counts.written -= 1
                counts.quarantined["refused"] += 1


def _runs(rows: Sequence[Queued]) -> list[tuple[str, list[tuple[Queued, Fragment]]]]:
    """The writes by tenant, each tenant's in order."""
    found: dict[str, list[tuple[Queued, Fragment]]] = {}
    for row in rows:
        for tenant, fragment in row.writes:
            found.setdefault(tenant, []).append((row, fragment))
    return list(found.items())


def _told(refusal: NgsiError) -> str:
    return f"{refusal} ({refusal.pointer})" if refusal.pointer else str(refusal)
