"""The trail: what follows from changes, written with one command for all of a group, and told when it is there.

Readers of other processes leave out numbers younger than SETTLE_S. What took longer than half of that between its
number and its documents gets a later place in the order (`n`); its ids and what they are made of stay.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from pymongo.errors import BulkWriteError

from broker.model.values import Instant
from broker.stores.mongo.connection import Bson
from broker.stores.mongo.ground import Beside, Ground, Happened
from broker.stores.mongo.stamps import SETTLE_S, STEP

log = logging.getLogger("misono.store")

DUPLICATE: Final = 11_000
LATE_S: Final = SETTLE_S / 2
LOG: Final = "c"
"""The kind of the documents of the log."""
IN_ORDER: Final = (LOG, "o")
"""Kinds of documents that are read in the order of their numbers."""


class Trail:
    """Writes what is kept beside the entities.

    `beside` are in the order in which their documents are written, the change log last: where it has a change, all that
    follows from it is there.
    """

    def __init__(self, ground: Ground, beside: Sequence[Beside]) -> None:
        self._ground, self._beside = ground, beside

    def write(self, happened: Sequence[Happened], began: float) -> list[Happened]:
        """Write the documents of changes whose numbers were given at `began` (monotonic); the changes as written."""
        if time.monotonic() - began > LATE_S:
            happened, began = self._later(happened), time.monotonic()
        documents = self._documents(happened)
        self._insert(documents)
        if time.monotonic() - began > LATE_S:
            return self._move(happened, documents)
        return list(happened)

    def write_again(self, happened: Sequence[Happened]) -> list[Happened]:
        """Write the documents of old changes, those that are there already stay; the changes as written."""
        later = self._later(happened)
        self._insert(self._documents(later))
        return later

    def _documents(self, happened: Sequence[Happened]) -> list[Bson]:
        """What follows from the changes, in order; of each change the log's document last."""
        found: list[Bson] = []
        for one in happened:
            for beside in self._beside:
                found += [_placed(document, one.late) for document in beside.documents(one)]
        return found

    def last_change(self, tenant: str) -> Instant:
        """When the newest change in the log was; 0 where there is none."""
        newest = self._ground.trail.find({"t": tenant, "k": LOG}, {"m": 1}).sort("n", -1).limit(1)
        return max((one.get("m", 0) for one in newest), default=0)

    def tell(self, tenant: str, happened: Sequence[Happened]) -> None:
        """Tell all parts that it is written."""
        for beside in self._beside:
            try:
                beside.committed(tenant, happened)
            except Exception:  # it is written; who listens undoes nothing
                log.exception("a listener failed after a write to tenant %r", tenant)

    def _insert(self, documents: Sequence[Bson]) -> None:
        if not documents:
            return
        try:
            self._ground.trail.insert_many(documents, ordered=False)
        except BulkWriteError as error:
            faults = error.details.get("writeErrors", [])
            if error.details.get("writeConcernErrors") or any(one["code"] != DUPLICATE for one in faults):
                raise

    def _later(self, happened: Sequence[Happened]) -> list[Happened]:
        """The changes with new places in the order, as far apart from each other as before."""
        first = min(one.change.sequence for one in happened)
        last = max(one.change.sequence + STEP * len(one.matched) for one in happened)
        late = self._ground.stamps.next((last - first) // STEP + 1) - first
        return [replace(one, late=late) for one in happened]

    def _move(self, happened: Sequence[Happened], documents: Sequence[Bson]) -> list[Happened]:
        """Give written documents later places: others may have read past theirs before they were there."""
        later = self._later(happened)
        ids = [document["_id"] for document in documents if document["k"] in IN_ORDER]
        gap = later[0].late - happened[0].late
        self._ground.trail.update_many({"_id": {"$in": ids}}, {"$inc": {"n": gap}})
        return later


def _placed(document: Bson, late: int) -> Bson:
    return {**document, "n": document["n"] + late} if late and document["k"] in IN_ORDER else document
