"""A follower of the change stream, spoken to as granian does, on the event loop of the test."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any

from broker.doors import Built
from broker.http.front import Front
from broker.model.entity import Entity
from tests.fakes.hiding import NS

WAIT_S = 5.0


@dataclass
class Event:
    """One event as an EventSource reads it; `id` None where it has none."""

    id: int | None
    name: str
    data: Any


@dataclass
class Follower:
    """What a client has got so far; `room` is cleared where it takes nothing more."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    text: bytes = b""
    ended: bool = False
    taken: int = 0
    room: asyncio.Event = field(default_factory=asyncio.Event)
    leaving: asyncio.Event = field(default_factory=asyncio.Event)
    got: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None

    async def receive(self) -> MutableMapping[str, Any]:
        await self.leaving.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode().lower(): value.decode() for name, value in message["headers"]}
            return
        await self.room.wait()
        self.taken += 1
        self.text += message["body"]
        self.ended = not message.get("more_body", False)
        self.got.set()

    def events(self) -> list[Event]:
        """Everything that was sent, in order; a block without data is an id alone."""
        return [_read(block) for block in self.text.decode().split("\n\n") if block]

    def changes(self) -> list[Any]:
        """The data of the changes so far."""
        return [event.data for event in self.events() if event.data is not None and not event.name]

    async def until(self, changes: int) -> list[Any]:
        """The changes, once there are so many."""
        await self.wait(lambda: len(self.changes()) >= changes)
        return self.changes()

    async def wait(self, holds: Callable[[], bool]) -> None:
        """Return once something holds of what was sent."""
        async with asyncio.timeout(WAIT_S):
            while not holds():
                self.got.clear()
                await self.got.wait()

    async def leave(self) -> None:
        """Disconnect, and wait until the broker has noticed."""
        self.leaving.set()
        assert self.task is not None
        async with asyncio.timeout(WAIT_S):
            await self.task


def _read(block: str) -> Event:
    found: dict[str, str] = {}
    for line in block.splitlines():
        name, _, value = line.partition(":")
        found[name] = value.removeprefix(" ")
    data = json.loads(found["data"]) if "data" in found else None
    return Event(int(found["id"]) if "id" in found else None, found.get("event", ""), data)


async def follow(front: Front, query: str = "", headers: Mapping[str, str] | None = None) -> Follower:
    """A new follower, its answer begun."""
    one = Follower()
    one.room.set()
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/events",
        "raw_path": b"/events",
        "query_string": query.encode("ascii"),
        "headers": [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()],
    }
    one.task = asyncio.create_task(front(scope, one.receive, one.send))
    await one.wait(lambda: bool(one.text) or one.ended)
    return one


def numbers(built: Built) -> list[int]:
    """The numbers of all changes."""
    return [change.sequence for change in built.house.broker.changes.since("", 0, 1_000)]


def entity(name: str, *, types: Any = "Car", scope: Any = None, **values: Any) -> Entity:
    document: dict[str, Any] = {"id": f"urn:ngsi-ld:{name}", "type": _iris(types)}
    if scope is not None:
        document["scope"] = scope
    for attribute, value in values.items():
        held = value if isinstance(value, dict | list) else {"type": "Property", "value": value}
        document[NS + attribute] = held
    return Entity(document, 0, 0)


def _iris(types: Any) -> Any:
    return [NS + one for one in types] if isinstance(types, list) else NS + types
