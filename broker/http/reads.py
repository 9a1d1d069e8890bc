"""Retrievals that arrive together are read together: one statement for all of them (ARCHITECTURE: a warm door).

Each call into SQLite lets go of the interpreter, takes the file's lock and gives both back; with many clients that
costs more than the read. What arrives in one turn of the event loop is read as one group at the turn's end, after all
of it has arrived, and each request is then answered on its own, by the same handler as at any door.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future
from contextlib import suppress
from dataclasses import replace
from typing import TypeAlias

from broker.errors import NgsiError
from broker.http.exchange import House
from broker.http.messages import Answer, Request
from broker.http.operation import Operation
from broker.http.perform import perform
from broker.model.entity import Entity
from broker.ports import (
    AttributeCount,
    Command,
    EntityStore,
    OverBudget,
    Page,
    Restriction,
    TypeCount,
    TypeExtent,
)
from broker.query.ast import Selection, Window

GROUPED = "retrieve_entity"
"""The operation whose requests are read together."""
_Waiting: TypeAlias = tuple[Operation, Request, asyncio.Future[Answer]]
GROUP_MAX = 64
"""Requests a group: about 3 ms of work, then the event loop looks around."""


class Ahead:
    """A store that reads all entities of a group when the first of them is asked for; the rest goes to the store.

    So a failing read fails inside the request that asked, like any other, and the next one tries again.
    """

    def __init__(self, store: EntityStore, wanted: Mapping[str, Sequence[str]]) -> None:
        self.store = store
        self._wanted = wanted
        self._read: dict[str, dict[str, Entity]] = {}

    def read(self) -> None:
        """Read all of it now; what cannot be read is read again by the request that asks for it, and fails there."""
        for tenant, wanted in self._wanted.items():
            with suppress(NgsiError, OSError):
                self._read[tenant] = self.store.get_many(tenant, wanted)

    def get(self, tenant: str, entity_id: str) -> Entity | None:
        """The entity as it was read with its group; read now where the group does not ask for it."""
        wanted = self._wanted.get(tenant)
        if wanted is None:
            return self.store.get(tenant, entity_id)  # a snapshot's
        read = self._read.get(tenant)
        if read is None:
            read = self._read[tenant] = self.store.get_many(tenant, wanted)
        found = read.get(entity_id)
        if found is None and entity_id not in wanted:
            return self.store.get(tenant, entity_id)  # one that another links to
        return found

    def get_many(self, tenant: str, entity_ids: Sequence[str]) -> dict[str, Entity]:
        """Those there are."""
        return self.store.get_many(tenant, entity_ids)

    def apply(self, tenant: str, commands: Sequence[Command]) -> Future[list[object]]:
        """Write."""
        return self.store.apply(tenant, commands)

    def select(self, tenant: str, selection: Selection, window: Window, restriction: Restriction) -> Page:
        """Query."""
        return self.store.select(tenant, selection, window, restriction)

    def types(self, tenant: str, restriction: Restriction) -> list[TypeCount]:
        """The types."""
        return self.store.types(tenant, restriction)

    def attributes(self, tenant: str, restriction: Restriction) -> list[AttributeCount]:
        """The attributes."""
        return self.store.attributes(tenant, restriction)

    def extents(self, tenant: str, restriction: Restriction) -> list[TypeExtent]:
        """Where and when they are."""
        return self.store.extents(tenant, restriction)

    def scan(self, tenant: str) -> Iterator[Entity]:
        """All of them."""
        return self.store.scan(tenant)


class GroupedReads:
    """Collects retrievals until the event loop's turn ends, then answers them.

    A store that must not be read on the event loop is read by a thread of `pool`, for the whole group at once.
    """

    def __init__(self, house: House, pool: Executor) -> None:
        self._house, self._pool = house, pool
        self._waiting: list[_Waiting] = []

    def answer(self, operation: Operation, request: Request) -> asyncio.Future[Answer]:
        """What `perform` gives; fails with OverBudget where the request needs a thread."""
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[Answer] = loop.create_future()
        if not self._waiting:
            loop.call_soon(self._turn)
        self._waiting.append((operation, request, waiter))
        return waiter

    def _turn(self) -> None:
        loop = asyncio.get_running_loop()
        taken, self._waiting = self._waiting[:GROUP_MAX], self._waiting[GROUP_MAX:]
        if self._waiting:
            loop.call_soon(self._turn)
        if self._house.inline:
            self._answer(taken, self._ahead(taken) if len(taken) > 1 else None)
            return
        ahead = self._ahead(taken)
        reading = loop.run_in_executor(self._pool, ahead.read)
        reading.add_done_callback(lambda _: self._answer(taken, ahead))

    def _answer(self, taken: Sequence[_Waiting], ahead: Ahead | None) -> None:
        house = self._house
        if ahead is not None:
            house = replace(house, broker=replace(house.broker, entities=ahead))
        for operation, request, waiter in taken:
            if waiter.done():
                continue
            try:
                waiter.set_result(perform(house, operation, request))
            except OverBudget as needs_thread:
                waiter.set_exception(needs_thread)

    def _ahead(self, taken: Sequence[_Waiting]) -> Ahead:
        wanted: dict[str, list[str]] = {}
        for _, request, _ in taken:
            wanted.setdefault(request.headers.get("ngsild-tenant", ""), []).append(request.path["entityId"])
        return Ahead(self._house.broker.entities, wanted)
