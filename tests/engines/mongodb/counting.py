"""What goes over the wire to MongoDB: a listener that counts commands, documents and bytes while somebody asks."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import bson
from pymongo import monitoring

PER_STATEMENT = {"insert": "documents", "update": "updates", "delete": "deletes"}
REQUESTS = ("MainThread", "front", "misono-lane", "a2wsgi", "ThreadPoolExecutor")
"""How threads that work for requests are named; those of sweeps, leases and news of others are named otherwise."""


@dataclass(slots=True)
class Sent:
    """One command: its name, its collection, the thread that sent it, and what went each way."""

    name: str
    collection: str
    thread: str
    statements: int
    bytes_sent: int
    command: Mapping[str, Any]
    documents_read: int = 0
    bytes_read: int = 0


@dataclass(frozen=True, slots=True)
class Tally:
    """Commands of."""

    sent: tuple[Sent, ...]

    @property
    def commands(self) -> int:
        """Commands."""
        return len(self.sent)

    @property
    def statements(self) -> int:
        """Documents written, or looked for to be written,."""
        return sum(one.statements for one in self.sent)

    @property
    def documents_read(self) -> int:
        """Documents that came back."""
        return sum(one.documents_read for one in self.sent)

    @property
    def bytes_sent(self) -> int:
        """Bytes to the server."""
        return sum(one.bytes_sent for one in self.sent)

    @property
    def bytes_read(self) -> int:
        """Bytes from the server."""
        return sum(one.bytes_read for one in self.sent)

    def names(self) -> list[str]:
        """`["find entities", "update entities x2"]`: what was sent, in the order in which it was first."""
        counts = Counter(f"{one.name} {one.collection}" for one in self.sent)
        return [name if count == 1 else f"{name} x{count}" for name, count in counts.items()]


@dataclass
class Counting(monitoring.CommandListener):
    """Keeps what is sent while `during` runs; register it before clients are made: they ask for listeners once."""

    _open: dict[int, Sent] = field(default_factory=dict)
    _kept: list[Sent] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        """Keep it, where somebody counts."""
        if self._kept is None:
            return
        command = dict(event.command)
        statements = command.get(PER_STATEMENT.get(event.command_name, ""), ())
        one = Sent(
            event.command_name,
            str(command.get(event.command_name, "")),
            threading.current_thread().name,
            len(statements),
            len(bson.encode(command)),
            command,
        )
        with self._lock:
            self._open[event.request_id] = one
            if self._kept is not None:
                self._kept.append(one)

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        """What came back for it."""
        with self._lock:
            one = self._open.pop(event.request_id, None)
        if one is None:
            return
        cursor = event.reply.get("cursor", {})
        one.documents_read = len(cursor.get("firstBatch", cursor.get("nextBatch", ())))
        one.bytes_read = len(bson.encode(event.reply))

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        """It counts as sent."""
        with self._lock:
            self._open.pop(event.request_id, None)

    @contextmanager
    def during(self) -> Iterator[list[Sent]]:
        """What is sent while the block runs."""
        kept: list[Sent] = []
        with self._lock:
            self._kept = kept
        try:
            yield kept
        finally:
            with self._lock:
                self._kept = None

    def tally(self, work: Callable[[], object], threads: tuple[str, ...] = REQUESTS) -> Tally:
        """What a piece of work sends from threads whose names begin so: the broker's own go on beside it."""
        with self.during() as kept:
            work()
        return Tally(tuple(one for one in kept if one.thread.startswith(threads)))


COUNTING = Counting()
monitoring.register(COUNTING)
