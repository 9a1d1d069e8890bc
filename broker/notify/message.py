"""One notification, ready to go, and what a transport says of one that did not arrive (clauses 6.3.8, 7.2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from broker.model.subscription import Endpoint


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

    @property
    def headers(self) -> dict[str, str]:
        """What goes beside the body: `{"Content-Type": …, "Link": …, "NGSILD-Tenant": …}` and the receiverInfo."""
        found = {"Content-Type": self.content_type}
        if self.link is not None:
            found["Link"] = self.link
        if self.tenant:
            found["NGSILD-Tenant"] = self.tenant
        if self.redelivered:
            found[REDELIVERED] = "true"
        found.update(self.info)
        return found


REDELIVERED = "Misono-Redelivered"
"""Header, or member of MQTT metadata, of a notification that an operator asked to be sent again."""


class Undelivered(Exception):
    """It did not arrive, or nobody said that it did; the text says why: `the receiver answered 503`."""


class Transport(Protocol):
    """Takes messages to endpoints of some schemes."""

    async def send(self, message: Message, timeout_s: float) -> None:
        """Return once the receiver has it. Raises Undelivered, in `timeout_s` at the latest."""

    async def close(self) -> None:
        """Let go of connections."""


class Transports:
    """The transport for each scheme of an endpoint's URI: `http`, `https`, `mqtt`, `mqtts`."""

    def __init__(self, by_scheme: Mapping[str, Transport]) -> None:
        self._by_scheme = by_scheme

    async def send(self, message: Message, timeout_s: float) -> None:
        """As Transport.send, by the transport of the endpoint."""
        transport = self._by_scheme.get(message.endpoint.uri.partition(":")[0].lower())
        if transport is None:
            raise Undelivered(f"no transport for {message.endpoint.uri[:200]}")
        await transport.send(message, timeout_s)

    async def close(self) -> None:
        """Close each once."""
        for transport in set(self._by_scheme.values()):
            await transport.close()
