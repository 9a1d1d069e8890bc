"""What a device pushes over HTTP, and what it is answered: values that any door can carry."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, cast

from broker.encode.text import dump

JSON = "application/json"
TEXT = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Pushed:
    """One request: `query` holds the first value of each parameter, percent-decoded; header names are lower case."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer."""

    status: int
    body: bytes = b""
    content_type: str = JSON
    headers: tuple[tuple[str, str], ...] = ()


class Takes(Protocol):
    """A link that takes what is pushed below its path."""

    @property
    def path(self) -> str:
        """Where: `/iot/json`."""

    def knows(self, pushed: Pushed) -> bool:
        """Whether it is from one of this link's devices, or of its sender."""

    async def push(self, pushed: Pushed) -> Reply:
        """The answer. It never raises for what is in the request."""


def refusal(status: int, name: str, message: str) -> Reply:
    """An error as IoT Agents tell it."""
    return Reply(status, dump({"name": name, "message": message}))


async def answer(links: Iterable[object], pushed: Pushed) -> Reply:
    """What the link answers whose path it is; of several with one path the one that knows the sender, else the first.

    `links` may hold links of any kind; it runs on their event loop (`Running.call`). 404 where none has that path.
    """
    taking = (cast("Takes", link) for link in links if hasattr(link, "push"))
    there = [one for one in taking if pushed.path == one.path or pushed.path.startswith(f"{one.path}/")]
    if not there:
        return refusal(404, "NOT_FOUND", f"nothing is taken at {pushed.path[:200]}")
    knowing = (link for link in there if link.knows(pushed)) if len(there) > 1 else iter(there)
    return await next(knowing, there[0]).push(pushed)
