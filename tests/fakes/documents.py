"""The port DocumentStore in a dictionary; two Contexts over one of these are two processes over one store."""

from __future__ import annotations

import copy

from broker.model.values import Instant, Json
from broker.ports import DocumentStore, StoredDocument


class FakeDocuments(DocumentStore):
    """Keeps copies, so that nobody changes a row by changing what they put or found; `reads` counts look-ups."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], StoredDocument] = {}
        self._generations: dict[str, int] = {}
        self.reads = 0

    def put(self, kind: str, document_id: str, body: dict[str, Json], created_at: Instant) -> None:
        """Write."""
        self._rows[kind, document_id] = StoredDocument(document_id, copy.deepcopy(body), created_at)
        self._generations[kind] = self.generation(kind) + 1

    def find(self, kind: str, document_id: str) -> StoredDocument | None:
        """One document."""
        self.reads += 1
        return copy.deepcopy(self._rows.get((kind, document_id)))

    def all(self, kind: str) -> list[StoredDocument]:
        """All of a kind, oldest first."""
        self.reads += 1
        rows = [copy.deepcopy(row) for (of, _), row in self._rows.items() if of == kind]
        return sorted(rows, key=lambda row: row.created_at)

    def delete(self, kind: str, document_id: str) -> bool:
        """Whether there was one."""
        self._generations[kind] = self.generation(kind) + 1
        return self._rows.pop((kind, document_id), None) is not None

    def generation(self, kind: str) -> int:
        """Rises with every write of the kind."""
        return self._generations.get(kind, 0)
