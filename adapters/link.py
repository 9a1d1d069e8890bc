"""What a link and a codec promise to the pipeline."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeAlias, runtime_checkable

from adapters.device import Registry
from adapters.frame import Frame
from adapters.order import Delivered, Order
from adapters.readings import Readings
from broker.http.messages import Request, Response
from broker.model.values import Json
from broker.ports import Clock

Receive: TypeAlias = Callable[[Sequence[Frame]], Awaitable[None]]
"""Takes frames; returns when each is in the durable queue or in quarantine, so that the link may acknowledge them.

It waits where the queue is full (back-pressure), and never raises for what is in a frame.
"""


class Codec(Protocol):
    """Bytes to readings, without I/O, clock or state. `decode` raises BadFrame and nothing else."""

    def decode(self, frame: Frame) -> Sequence[Readings]:
        """What the frame says: none, one or several devices."""


class Link(Protocol):
    """One protocol's sockets."""

    async def run(self, receive: Receive) -> None:
        """Work until cancelled. An exception is logged and counted, and the link started again after a pause."""

    async def send(self, order: Order) -> Delivered:
        """Hand a command over. Raises NotReached; links without commands answer ERROR."""


@runtime_checkable
class Serves(Protocol):
    """A link that devices speak to through the hub's own HTTP door, beside `run` and `send`.

    `paths` are below `/iot`, such as `/iot/json`; a request to one of them, or to what is below it, is its own.
    """

    @property
    def paths(self) -> tuple[str, ...]:
        """Where it is spoken to; no two links have the same."""

    async def serve(self, request: Request) -> Response:
        """The answer, on the loop of the links, once `receive` has taken what the request brought."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What a link is made with; `settings` is the member `link` of the adapter's file, which the link checks itself.

    `folder` is where it may keep files of its own, `home` where the adapter's file is (relative paths start there).
    `codec` is the member `codec` of the same file: a link that asks devices asks for what it can read.
    """

    adapter: str
    settings: Mapping[str, Json]
    registry: Registry
    clock: Clock
    folder: Path
    home: Path
    codec: Mapping[str, Json] = field(default_factory=dict)


class BadSettings(ValueError):
    """An adapter's file that cannot be: names the member, and says what would do."""
