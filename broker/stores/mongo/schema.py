"""The version of what is kept, its steps from one version to the next, and the indexes.

    hub   {"_id": "schema", "version": 1}

Indexes are made in the background at every start; those that are there cost nothing. Until they are all there the
broker serves, slower.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from threading import Thread
from typing import Final

from pymongo import ASCENDING, IndexModel, timeout
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError, OperationFailure, PyMongoError

from broker.stores.mongo.connection import Bson, UnusableStore

log = logging.getLogger("misono.store")

SCHEMA: Final = "schema"
BUILD_S: Final = 24 * 3600.0
STEPS: Final[Sequence[Callable[[Database[Bson]], None]]] = ()
"""From version 1 to 2, from 2 to 3 …: each may run again, or in two processes at once."""
VERSION: Final = 1 + len(STEPS)


def _index(*names: str, where: Bson | None = None) -> IndexModel:
    """An index over members, of those documents only that are like `where`."""
    keys = [(name, ASCENDING) for name in names]
    if where is None:
        return IndexModel(keys)
    kind = where.get("k", "")
    return IndexModel(keys, name="_".join((*names, kind)), partialFilterExpression=where)


INDEXES: Final[Mapping[str, Sequence[IndexModel]]] = {
    "entities": (
        _index("t", "k", "o"),
        _index("t", "f"),
        _index("nx", where={"nx": {"$exists": True}}),
        _index("p.s", where={"p.s": {"$exists": True}}),
    ),
    "trail": (
        _index("t", "n", where={"k": "c"}),
        _index("t", "n", where={"k": "o"}),
        _index("t", "s", "n", where={"k": "o"}),
        _index("t", "n", where={"k": "x"}),
        _index("t", "s", where={"k": "d"}),
        _index("t", "i", "a", "w", "n", where={"k": "h"}),
        _index("t", "hy", where={"hy": {"$exists": True}}),
        _index("t", "hf", where={"hf": {"$exists": True}}),
        _index("t", "hb", where={"hb": {"$exists": True}}),
        _index("t", "y1", where={"y1": {"$exists": True}}),
    ),
    "known": (
        _index("t", "i"),
        _index("t", "hy", where={"hy": {"$exists": True}}),
        _index("t", "o", where={"o": {"$exists": True}}),
        _index("q", where={"q": {"$exists": True}}),
    ),
    "held": (_index("t", "k", "c", "i"), _index("x", where={"x": {"$exists": True}}), _index("k", "g")),
    "hub": (_index("k", "g"),),
}


def prepare(database: Database[Bson]) -> None:
    """Bring what is kept to this release's version. Raises UnusableStore where it is of a newer one."""
    hub = database["hub"]
    version = _version(hub)
    if version > VERSION:
        raise UnusableStore(
            f"its data are of version {version}, this release knows {VERSION}: start the release that wrote them"
        )
    for step in range(version, VERSION):
        STEPS[step - 1](database)
        hub.update_one({"_id": SCHEMA, "version": step}, {"$set": {"version": step + 1}})
        log.info("the store's data are of version %d now", step + 1)


def _version(hub: Collection[Bson]) -> int:
    found = hub.find_one({"_id": SCHEMA})
    if found is None:
        try:
            hub.insert_one({"_id": SCHEMA, "version": VERSION})
        except DuplicateKeyError:  # another process was as quick
            return _version(hub)
        return VERSION
    return int(found["version"])


class Indexing:
    """Makes the indexes; `state` says how far it is: `building`, `ok`, or `incomplete` where some cannot be made."""

    def __init__(self, database: Database[Bson]) -> None:
        self._database = database
        self._stopped = False
        self._thread: Thread | None = None
        self.state = "building"

    def start(self) -> None:
        """Make those that are not there: at once where there is nothing to read for it, else on a thread of its own."""
        missing = {name: self._missing(name) for name in INDEXES}
        if not any(missing.values()):
            self.state = "ok"
        elif self._database["entities"].find_one({}, {"_id": 1}) is None:
            self._make(missing)
        else:
            self._thread = Thread(target=self._work, args=(missing,), name="misono-indexes", daemon=True)
            self._thread.start()

    def join(self) -> None:
        """Wait until it is done."""
        if self._thread is not None:
            self._thread.join()

    def stop(self) -> None:
        """Begin no other one; the server finishes what it is at."""
        self._stopped = True

    def _work(self, missing: Mapping[str, Sequence[IndexModel]]) -> None:
        try:
            with timeout(BUILD_S):
                self._make(missing)
        except PyMongoError as error:
            self.state = "incomplete"
            if not self._stopped:
                log.error("the indexes are not all there: %s", type(error).__name__)  # noqa: TRY400 - no fault of ours

    def _make(self, missing: Mapping[str, Sequence[IndexModel]]) -> None:
        began = time.monotonic()
        results = [made for name, models in missing.items() if models for made in self._made_together(name, models)]
        self.state = "ok" if all(results) else "incomplete"
        log.info("made %d of %d missing indexes in %.1f s", sum(results), len(results), time.monotonic() - began)

    def _missing(self, name: str) -> list[IndexModel]:
        known = self._database[name].index_information()
        return [model for model in INDEXES[name] if model.document["name"] not in known]

    def _made_together(self, collection: str, models: Sequence[IndexModel]) -> list[bool]:
        """Which of them are there now: by one command, or one by one where the server does not take them all."""
        if self._stopped:
            return [False] * len(models)
        try:
            self._database[collection].create_indexes([*models])
        except OperationFailure:
            return [self._made(collection, model) for model in models]
        return [True] * len(models)

    def _made(self, collection: str, model: IndexModel) -> bool:
        """Whether it is there now: some servers do not take some of them."""
        name = model.document["name"]
        if self._stopped:
            return False
        try:
            self._database[collection].create_indexes([model])
        except OperationFailure as error:
            log.warning("no index %s of %s: %s", name, collection, (error.details or {}).get("errmsg"))
            return False
        return True
