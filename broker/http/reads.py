"""Retrievals that arrive together are read together: one statement for all of them (ARCHITECTURE: a warm door).

Each call into SQLite lets go of the interpreter, takes the file's lock and gives both back; with many clients that
costs more than the read. What arrives in one turn of the event loop is read as one group at the turn's end, after all
of it has arrived, and each request is then answered on its own, by the same handler as at any door.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace

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
    """Collects retrievals until the event loop's turn ends, then answers them."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._waiting: list[tuple[Operation, Request, asyncio.Future[Answer]]] = []

    def answer(self, operation: Operation, request: Request) -> asyncio.Future[Answer]:
        """What `perform` gives; fails with OverBudget where the request needs a thread."""
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[Answer] = loop.create_future()
        if not self._waiting:
            loop.call_soon(self._turn)
        self._waiting.append((operation, request, waiter))
        return waiter

    def _turn(self) -> None:
        taken, self._waiting = self._waiting[:GROUP_MAX], self._waiting[GROUP_MAX:]
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._turn)
        house = self._house if len(taken) == 1 else self._read_ahead([request for _, request, _ in taken])
        for operation, request, waiter in taken:
            if waiter.done():
                continue
            try:
                waiter.set_result(perform(house, operation, request))
            except OverBudget as needs_thread:
                waiter.set_exception(needs_thread)

    def _read_ahead(self, requests: Sequence[Request]) -> House:
        wanted: dict[str, list[str]] = {}
        for request in requests:
            wanted.setdefault(request.headers.get("ngsild-tenant", ""), []).append(request.path["entityId"])
        store = Ahead(self._house.broker.entities, wanted)
        return replace(self._house, broker=replace(self._house.broker, entities=store))
