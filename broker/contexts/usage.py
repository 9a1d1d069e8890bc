"""How often and when last each stored @context was used (clause 5.13.3.5: numberOfHits, lastUsage).

Counted in memory, because a use must not cost a write; written down by `flush` under this process's name, so that
several processes add up and none overwrites another's. What was counted since the last flush is lost by a kill.
"""

from __future__ import annotations

from threading import Lock
from typing import cast

from broker.model.values import Instant, Json
from broker.ports import DocumentStore

KIND = "contextUse"


class Usage:
    """Counts by local id. `writer` names this process among those that share the store."""

    def __init__(self, documents: DocumentStore, writer: str = "0") -> None:
        self._documents = documents
        self._writer = writer
        self._lock = Lock()
        self._counts: dict[str, tuple[int, Instant]] = _read(documents.find(KIND, writer))
        self._dirty = False

    def count(self, context_id: str, now: Instant) -> None:
        """One use more."""
        with self._lock:
            hits, _ = self._counts.get(context_id, (0, 0))
            self._counts[context_id] = (hits + 1, now)
            self._dirty = True

    def of(self, context_id: str) -> tuple[int, Instant | None]:
        """Uses by all processes, as far as they wrote theirs down, and the time of the last."""
        hits, last = self._counts.get(context_id, (0, 0))
        for row in self._documents.all(KIND):
            if row.id != self._writer:
                more, at = _read(row).get(context_id, (0, 0))
                hits, last = hits + more, max(last, at)
        return hits, last or None

    def forget(self, context_id: str) -> None:
        """Start again at none, in every process's count."""
        with self._lock:
            if self._counts.pop(context_id, None):
                self._dirty = True
        for row in self._documents.all(KIND):
            if context_id in row.body:
                left = {name: count for name, count in row.body.items() if name != context_id}
                self._documents.put(KIND, row.id, left, row.created_at)

    def flush(self, now: Instant) -> None:
        """Write the counts down where they changed; durable on return."""
        with self._lock:
            if not self._dirty:
                return
            self._dirty = False
            body = {name: cast("Json", list(count)) for name, count in self._counts.items()}
        self._documents.put(KIND, self._writer, body, now)


def _read(row: object) -> dict[str, tuple[int, Instant]]:
    body = getattr(row, "body", None) or {}
    return {name: (count[0], count[1]) for name, count in body.items()}
