r"""Held documents and marks of a tenant: jobs in the line of its writes, each document against its version.

    {"_id": "city\nsubscription\nurn:s:1", "t": "city", "k": "subscription", "i": "urn:s:1", "d": "{…}", "v": 1,
     "c": …, "m": …, "x": when it expires, absent where it does not}
    {"_id": "city\n@\ntimer:1", "t": "city", "k": "@", "i": "timer:1", "d": "17"}

A write is: read, one bulk (the document, the generation beside it), the pulse.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from functools import partial
from typing import Final, cast

from broker.model.values import Instant, Json
from broker.ports.held import Held, HeldCommand
from broker.stores.mongo.connection import asking
from broker.stores.mongo.generations import KIND, listed
from broker.stores.mongo.ground import Line, first, key
from broker.stores.mongo.held_writes import Applying, held_of, live
from broker.stores.mongo.hub import Hub
from broker.stores.mongo.packing import packed, unpacked
from broker.stores.refusals import no_tenant

MARK: Final = "@"


class MongoHeld:
    """HeldStore and Marks. `dropped(tenant, kind, id)` is told, in a job of the tenant, of each document that went."""

    def __init__(self, hub: Hub, line: Line, dropped: Callable[[str, str, str], None]) -> None:
        self._hub, self._line, self._dropped = hub, line, dropped
        self._held = hub.ground.held

    def apply_held(self, tenant: str, commands: Sequence[HeldCommand]) -> Future[list[object]]:
        """Queue the commands in the tenant's line."""
        job = partial(self._applying(tenant).apply, commands)
        pending = self._line.run(tenant, [job], creates=any(one.creates for one in commands))
        return first(pending, lambda results: cast("list[object]", results))

    def find_held(self, tenant: str, kind: str, document_id: str) -> Held | None:
        """One document."""
        self._must_exist(tenant)
        with asking():
            row = self._held.find_one({"_id": key(tenant, kind, document_id)})
        return live(row, self._now())

    def all_held(self, tenant: str, kind: str) -> list[Held]:
        """All of a kind, oldest first."""
        self._must_exist(tenant)
        with asking():
            rows = list(self._held.find({"t": tenant, "k": kind}))
        found = [held for row in rows if (held := live(row, self._now())) is not None]
        return sorted(found, key=lambda one: (one.created_at, one.id))

    def page_held(self, tenant: str, kind: str, offset: int, limit: int) -> tuple[list[Held], int]:
        """A window of a kind, oldest first, and how many there are."""
        self._must_exist(tenant)
        where = {"t": tenant, "k": kind, "$or": [{"x": {"$exists": False}}, {"x": {"$gt": self._now()}}]}
        with asking():
            total = self._held.count_documents(where)
            if not limit or offset >= total:  # a limit of 0 is none to the server
                return [], total
            rows = self._held.find(where).sort([("c", 1), ("i", 1)]).skip(offset).limit(limit)
            return [held_of(row) for row in rows], total

    def tenants_of(self, kind: str) -> list[str]:
        """Tenants that have, or had, documents of the kind."""
        return self._hub.generations.tenants_of(kind)

    def held_generation(self, tenant: str, kind: str) -> int:
        """Rises with every write of the kind; answered from memory from the second time on."""
        self._must_exist(tenant)
        return self._hub.generations.of(key(tenant, kind))

    def mark(self, tenant: str, name: str, value: Json) -> Future[None]:
        """Keep a value under a name; None forgets it."""
        where = {"_id": key(tenant, MARK, name)}

        def keep(_now: Instant) -> None:
            if value is None:
                self._held.delete_one(where)
            else:
                what = {"t": tenant, "k": MARK, "i": name, "d": text}
                self._held.update_one(where, {"$set": what}, upsert=True)

        text = packed(value)
        return first(self._line.run(tenant, [keep]), lambda _: None)

    def marks(self, tenant: str, prefix: str) -> Mapping[str, Json]:
        """All whose names begin with the prefix."""
        self._must_exist(tenant)
        begin = key(tenant, MARK, prefix)
        with asking():
            rows = list(self._held.find({"_id": {"$gte": begin, "$lt": begin + "\U0010ffff"}}))
        return {row["i"]: unpacked(row["d"]) for row in sorted(rows, key=lambda row: str(row["i"]))}

    def sweep(self, now: Instant) -> int:
        """Drop what has expired, of all tenants; how many documents that were."""
        with asking():
            rows = list(self._held.find({"x": {"$lte": now}}, {"t": 1}))
        tenants = sorted({str(row["t"]) for row in rows})
        swept = [self._line.run(tenant, [self._applying(tenant).sweep]) for tenant in tenants]
        return sum(first(one, int).result() for one in swept)

    def drop_all(self, tenant: str) -> None:
        """Nothing is held of the tenant any more."""
        with asking():
            rows = self._held.find({"t": tenant, "k": KIND}, {"g": 1})
            kinds = [str(row["g"]) for row in rows]
            self._held.delete_many({"t": tenant})
            self._hub.generations.forget([key(tenant, kind) for kind in kinds])
            for kind in kinds:
                self._hub.generations.tenants_moved(kind)
            if kinds:
                self._hub.pulse.tell(listed(kind) for kind in kinds)

    def _must_exist(self, tenant: str) -> None:
        if not self._hub.tenants.exists(tenant):
            raise no_tenant(tenant)

    def _now(self) -> Instant:
        return self._hub.ground.clock.now()

    def _applying(self, tenant: str) -> Applying:
        return Applying(self._hub, tenant, self._dropped)
