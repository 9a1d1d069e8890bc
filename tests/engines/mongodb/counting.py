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
    """Commands of a number of operations."""

    sent: tuple[Sent, ...]
    operations: int = 1

    @property
    def commands(self) -> float:
        """Commands an operation."""
        return len(self.sent) / self.operations

    @property
    def statements(self) -> float:
        """Documents written, or looked for to be written, an operation."""
        return sum(one.statements for one in self.sent) / self.operations

    @property
    def documents_read(self) -> float:
        """Documents that came back an operation."""
        return sum(one.documents_read for one in self.sent) / self.operations

    @property
    def bytes_sent(self) -> float:
        """Bytes to the server an operation."""
        return sum(one.bytes_sent for one in self.sent) / self.operations

    @property
    def bytes_read(self) -> float:
        """Bytes from the server an operation."""
        return sum(one.bytes_read for one in self.sent) / self.operations

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

    def tally(self, work: Callable[[], object], *, operations: int = 1, background: tuple[str, ...] = ()) -> Tally:
        """What a piece of work sends, without what threads whose names begin with `background` send beside it."""
        with self.during() as kept:
            work()
        return Tally(tuple(one for one in kept if not one.thread.startswith(background)), operations)


COUNTING = Counting()
monitoring.register(COUNTING)
