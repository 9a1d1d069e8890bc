"""One notification, ready to go, and what a transport says of one that did not arrive (clauses 6.3.8, 7.2)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Protocol

from broker.model.subscription import Endpoint
from broker.ports.disclosing import HEADER, Numbers
from broker.ports.places import home_of, snapshot_of


@dataclass(frozen=True, slots=True)
class Message:
    """`body` is the notification as JSON; `link` the value of its Link header, None where the @context is inside.

    `info` is the receiverInfo; `tenant` is `""` for the default one. `redelivered` marks one that had been given up.
    """

    id: str
    endpoint: Endpoint
    content_type: str
    body: bytes
    link: str | None = None
    info: tuple[tuple[str, str], ...] = ()
    tenant: str = ""
    redelivered: bool = False
    told: Future[Numbers] | None = None
    """What it tells of persons, on its way into the audit: done, with the numbers there, when it may go out."""
    rests_on: tuple[str, ...] = ()
    """Those numbers, and those of the sources that it came from, `aizu:4`."""

    @property
    def headers(self) -> dict[str, str]:
        """What goes beside the body: `{"Content-Type": …, "Link": …, "NGSILD-Tenant": …}` and the receiverInfo."""
        found = {"Content-Type": self.content_type}
        if self.link is not None:
            found["Link"] = self.link
        home, snapshot = home_of(self.tenant), snapshot_of(self.tenant)
        if home:
            found["NGSILD-Tenant"] = home
        if snapshot is not None:
            found["NGSILD-Snapshot"] = snapshot
        if self.redelivered:
            found[REDELIVERED] = "true"
        found.update(self.info)
        if self.rests_on:
            found[HEADER] = ", ".join(self.rests_on)
        return found


REDELIVERED = "Misono-Redelivered"
"""Header, or member of MQTT metadata, of a notification that an operator asked to be sent again."""


class BadKey(Exception):
    """The file holds no private key that can sign; the text says what would do."""


class Undelivered(Exception):
    """It did not arrive, or nobody said that it did; the text says why: `the receiver answered 503`."""


class Transport(Protocol):
    """Takes messages to endpoints of some schemes."""

    async def send(self, message: Message, timeout_s: float) -> None:
        """Return once the receiver has it. Raises Undelivered, in `timeout_s` at the latest."""

    async def close(self) -> None:
        """Let go of connections."""


class Transports:
    """The transport of an endpoint, by the scheme of its URI; each is made when it is first needed."""

    def __init__(self, make: Callable[[str], Transport | None], load: Callable[[str], None]) -> None:
        self._make = make
        self._load = load
        self._made: dict[str, Transport] = {}

    def prepare(self, uris: Iterable[str]) -> None:
        """Load what these endpoints will need, from any thread: half a second that no notification shall wait."""
        for scheme in {_scheme(uri) for uri in uris} - set(self._made):
            self._load(scheme)

    async def send(self, message: Message, timeout_s: float) -> None:
        """As Transport.send, by the transport of the endpoint, once the audit has it; raises what kept it from that."""
        if message.told is not None:
            numbers = await asyncio.wrap_future(message.told)
            message = replace(message, rests_on=(*map(str, numbers), *message.rests_on))
        scheme = _scheme(message.endpoint.uri)
        transport = self._made.get(scheme) or self._make(scheme)
        if transport is None:
            raise Undelivered(f"no transport for {message.endpoint.uri[:200]}")
        self._made[scheme] = transport
        await transport.send(message, timeout_s)

    async def close(self) -> None:
        """Let go of all connections."""
        for transport in self._made.values():
            await transport.close()


def _scheme(uri: str) -> str:
    """`http` for `https://…` too."""
    return uri.partition(":")[0].lower().removesuffix("s")
