r"""Hub-wide documents: one bulk writes one, raises the generation of its kind and tells the other processes.

{"_id": "document\ncontext\nurn:1", "k": "document", "g": "context", "i": "urn:1", "d": "{…}", "c": 5, "o": 17}
"""

from __future__ import annotations

import json
from typing import Final

from pymongo import UpdateOne
from pymongo.collection import Collection
from pymongo.errors import PyMongoError

from broker.encode.text import dump
from broker.model.values import Instant, Json
from broker.ports import StoredDocument
from broker.stores.mongo.connection import Bson, asking
from broker.stores.mongo.generations import Generations
from broker.stores.mongo.ground import key
from broker.stores.mongo.pulse import Pulse
from broker.stores.mongo.stamps import Stamps

KIND: Final = "document"


class MongoDocuments:
    """DocumentStore."""

    def __init__(self, hub: Collection[Bson], stamps: Stamps, pulse: Pulse, generations: Generations) -> None:
        self._hub, self._stamps, self._pulse, self._generations = hub, stamps, pulse, generations

    def put(self, kind: str, document_id: str, body: dict[str, Json], created_at: Instant) -> None:
        """Write one document, durable on return."""
        what = {"$set": {"d": dump(body).decode(), "c": created_at}}
        once = {"k": KIND, "g": kind, "i": document_id, "o": self._stamps.next()}
        one = UpdateOne({"_id": key(KIND, kind, document_id)}, {**what, "$setOnInsert": once}, upsert=True)
        self._raise(kind, [one])

    def find(self, kind: str, document_id: str) -> StoredDocument | None:
        """One document."""
        with asking():
            row = self._hub.find_one({"_id": key(KIND, kind, document_id)})
        return None if row is None else _document(row)

    def all(self, kind: str) -> list[StoredDocument]:
        """All of a kind, oldest first."""
        with asking():
            rows = list(self._hub.find({"k": KIND, "g": kind}))
        return [_document(row) for row in sorted(rows, key=lambda row: (row["c"], row["o"]))]

    def delete(self, kind: str, document_id: str) -> bool:
        """Whether there was one; durable on return."""
        with asking():
            gone = self._hub.delete_one({"_id": key(KIND, kind, document_id)}).deleted_count > 0
        if gone:
            self._raise(kind, [])
        return gone

    def generation(self, kind: str) -> int:
        """Rises with every write of the kind, by any process."""
        return self._generations.of(_generation(kind))

    def _raise(self, kind: str, writes: list[UpdateOne]) -> None:
        name = _generation(kind)
        with asking():
            try:
                raised = self._generations.raised(name, "", kind)
                self._hub.bulk_write([*writes, raised, self._pulse.beat([name])])
            except PyMongoError:
                self._generations.forget([name])
                self._pulse.owe([name])
                raise
        self._generations.rose(name)


def _generation(kind: str) -> str:
    return key("generation", kind)


def _document(row: Bson) -> StoredDocument:
    return StoredDocument(row["i"], json.loads(row["d"]), row["c"])
