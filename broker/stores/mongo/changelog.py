r"""The change log: one document of the trail a change, read in the order of numbers, trimmed by age and size.

    {"_id": "city\nurn:x:1\nc\n17…", "t": "city", "i": "urn:x:1", "k": "c", "n": 17…, "v": 2, "m": …, "w": 812,
     "b": "{…}", "a": "{…}", "s": [7], "z": ["personal"], "y": "[[types], [scopes]]"}
    {"_id": "city\n\nc", "t": "city", "i": "", "k": "c", "n": 12…, "b": 61…, "p": 17…}

`b` and `a` are the images before and after, absent where there is none; `y` stands in rows whose images are not whole.
The last one is the mark of what was trimmed, up to the number `n`. Standing among the rows it comes first in every read
that begins too early, whatever was trimmed while it was read. `b` are the bytes kept, measured up to `p`.
"""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock
from typing import Any, Final

from broker.errors import ResourceNotFound
from broker.model.entity import as_list
from broker.model.values import Instant
from broker.ports import LoggedChange
from broker.stores.images import ERASED
from broker.stores.mongo.connection import Bson, asking
from broker.stores.mongo.ground import Happened, key
from broker.stores.mongo.hub import Hub
from broker.stores.mongo.keys import NAMED, named_members
from broker.stores.mongo.packing import packed, unpacked
from broker.stores.refusals import no_tenant

KIND: Final = "c"
BYTES_MAX: Final = 64 << 20
"""Images kept a tenant; past it the oldest go."""
AGE_MAX_US: Final = 7 * 24 * 3600 * 1_000_000
ROW_BYTES: Final = 64  # what a row costs beside its images
TEND_S: Final = 10.0
LEASE_S: Final = 120.0
SLICE: Final = 5_000  # rows looked at, or trimmed, by one command


class MongoLog:
    """ChangeLog, and what is kept of it beside the entities."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._trail = hub.ground.trail
        self._lock = Lock()
        self._grown: set[str] = set()
        self.listen_to_commits = hub.listen_to_commits
        hub.every("log", TEND_S, self.tend)

    def documents(self, happened: Happened) -> list[Bson]:
        """The row of a change."""
        change, logged = happened.change, happened.logged
        entity, number = change.entity, change.sequence
        version = entity.version if change.after is not None else entity.version + 1
        row: Bson = {
            "_id": key(happened.tenant, entity.id, KIND, number),
            "t": happened.tenant,
            "i": entity.id,
            "k": KIND,
            "n": number,
            "v": version,
            "m": change.at,
        }
        images = {"b": logged.before, "a": logged.after}
        row |= {name: packed(image) for name, image in images.items() if image is not None}
        row["w"] = ROW_BYTES + len(entity.id) + sum(len(row[name]) for name in images if name in row)
        if logged.before is not None and logged.after is not None:
            row["y"] = packed([list(entity.types), list(entity.scopes)])
        row |= named_members((logged.before, logged.after))
        lists = {"s": sorted(happened.subjects), "z": sorted(happened.data_classes)}
        return [row | {name: values for name, values in lists.items() if values}]

    def committed(self, tenant: str, happened: Sequence[Happened]) -> None:
        """There is something to measure."""
        if happened:
            with self._lock:
                self._grown.add(tenant)

    def since(self, tenant: str, sequence: int, limit: int) -> list[LoggedChange]:
        """Rows after `sequence`. Raises ResourceNotFound where some are gone."""
        self._must_exist(tenant)
        with asking():
            rows = list(self._trail.find(self._after(tenant, max(sequence, 0))).sort("n", 1).limit(limit))
        trimmed = next((int(row["n"]) for row in rows if not row["i"]), None)
        if trimmed is not None:
            raise ResourceNotFound(
                f"The change log was trimmed up to {trimmed}.",
                pointer="sequence",
                remedy=f"Start again from {trimmed}.",
            )
        return [_change(row) for row in rows]

    def bounds(self, tenant: str) -> tuple[int, int]:
        """The oldest and the newest sequence kept; (0, 0) for an empty log."""
        self._must_exist(tenant)
        ends = {"n": 1, "i": 1}
        with asking():
            where = self._after(tenant, -1)
            newest = list(self._trail.find(where, ends).sort("n", -1).limit(2))
            oldest = list(self._trail.find(where, ends).sort("n", 1).limit(2))
        rows = [row for row in (*oldest, *newest) if row["i"]]
        return (rows[0]["n"], max(row["n"] for row in rows)) if rows else (0, 0)

    def known_ids(self, tenant: str) -> set[str]:
        """The ids of entities that rows are about."""
        with asking():
            rows = self._trail.find({"t": tenant, "k": KIND}, {"i": 1})
            return {str(row["i"]) for row in rows if row["i"] not in {"", ERASED}}

    def erase(self, tenant: str, entity_id: str) -> int:
        """Drop the rows about an entity, how many there were; the newest row of all stays, and tells nothing."""
        newest = self.bounds(tenant)[1]
        where: Bson = {"t": tenant, "k": KIND, "i": entity_id}
        with asking():
            row = self._trail.find_one({**where, "n": newest}, {"a": 0, "s": 0, "z": 0, "y": 0, NAMED: 0})
            if row is not None:  # under another _id: that of the row names the entity
                blackened = {**row, "_id": key(tenant, ERASED, KIND, newest), "i": ERASED, "b": packed({})}
                self._trail.replace_one({"_id": blackened["_id"], "t": tenant, "i": ERASED}, blackened, upsert=True)
            return int(self._trail.delete_many(where).deleted_count)

    def tend(self) -> None:
        """Trim the logs of tenants that this process wrote to, where no other process is at it."""
        if not self._grown or self._hub.leases.take("log", self._hub.slots.holder, LEASE_S) is None:
            return
        try:
            while (tenant := self._one_grown()) is not None:
                self.trim(tenant)
        finally:
            self._hub.leases.release("log", self._hub.slots.holder)

    def trim(self, tenant: str) -> None:
        """Drop the oldest rows past AGE_MAX_US, and those past BYTES_MAX; the newest row stays."""
        _Trimming(self._hub, tenant).run()

    def _one_grown(self) -> str | None:
        with self._lock:
            return self._grown.pop() if self._grown else None

    def _after(self, tenant: str, sequence: int) -> Bson:
        settled = self._hub.slots.settled()
        within = {"$gt": sequence} if settled is None else {"$gt": sequence, "$lte": settled}
        return {"t": tenant, "k": KIND, "n": within}

    def _must_exist(self, tenant: str) -> None:
        if not self._hub.tenants.exists(tenant):
            raise no_tenant(tenant)


class _Trimming:
    """One tenant's log, measured and trimmed by one process at a time."""

    def __init__(self, hub: Hub, tenant: str) -> None:
        self._trail, self._tenant = hub.ground.trail, tenant
        self._mark = key(tenant, "", KIND)
        known = self._trail.find_one({"_id": self._mark}) or {}
        self._trimmed, self._bytes, self._measured = (int(known.get(name, 0)) for name in ("n", "b", "p"))
        settled = hub.slots.settled()
        self._last = 1 << 62 if settled is None else settled
        self._too_old = hub.ground.clock.now() - AGE_MAX_US

    def run(self) -> None:
        """Measure what is new, then drop what is too much."""
        while rows := self._rows(self._measured, self._last):
            self._bytes += sum(int(row["w"]) for row in rows)
            self._measured = rows[-1]["n"]
        self._keep()
        self._drop()  # what a crash left of the last time
        while self._trim(self._rows(self._trimmed, self._measured)):
            pass

    def _rows(self, after: int, last: int) -> list[Bson]:
        where = {"t": self._tenant, "k": KIND, "n": {"$gt": after, "$lte": last}, "_id": {"$ne": self._mark}}
        return list(self._trail.find(where, {"n": 1, "w": 1, "m": 1}).sort("n", 1).limit(SLICE))

    def _trim(self, rows: Sequence[Bson]) -> bool:
        """Whether there may be more."""
        cut = 0
        for row in rows:
            if row["n"] == self._measured or not self._is_too_much(row["m"]):
                break
            self._bytes -= int(row["w"])
            cut = row["n"]
        if not cut:
            return False
        self._trimmed = cut
        self._keep()  # first: who reads finds the mark, or every row
        self._drop()
        return bool(cut == rows[-1]["n"])

    def _drop(self) -> None:
        where = {"t": self._tenant, "k": KIND, "n": {"$lte": self._trimmed}, "_id": {"$ne": self._mark}}
        self._trail.delete_many(where)

    def _is_too_much(self, at: Instant) -> bool:
        return self._bytes > BYTES_MAX or at < self._too_old

    def _keep(self) -> None:
        what = {"t": self._tenant, "i": "", "k": KIND, "n": self._trimmed, "b": self._bytes, "p": self._measured}
        self._trail.update_one({"_id": self._mark}, {"$set": what}, upsert=True)


def _change(row: Bson) -> LoggedChange:
    before, after = (unpacked(row[name]) if name in row else None for name in ("b", "a"))
    types, scopes = unpacked(row["y"]) if "y" in row else _about(after or before or {})
    return LoggedChange(
        row["n"],
        row["i"],
        row["v"],
        row["m"],
        before,
        after,
        frozenset(row.get("s", ())),
        frozenset(row.get("z", ())),
        tuple(types),
        tuple(scopes),
    )


def _about(image: dict[str, Any]) -> tuple[list[str], list[str]]:
    return as_list(image.get("type")), as_list(image.get("scope"))
