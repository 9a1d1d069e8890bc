"""The sockets of ECHONET Lite: one at our own address for all that is said, one that hears what is said to the group.

An answer may come from another port than the question went to: nodes are told apart by their addresses alone.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address
from typing import Final

from adapters.order import NotReached
from adapters.settings import Members

PORT: Final = 3610
GROUP: Final = "224.0.23.0"
_IP_MULTICAST_ALL: Final = 49
"""linux/in.h: off, a socket hears only the groups that it joined itself, and nothing twice."""


@dataclass(frozen=True, slots=True)
class Where:
    """Our address and port, and whose network is spoken to by multicast."""

    bind: str
    port: int
    interface: str
    multicast: bool

    def place(self, address: str) -> tuple[str, int] | None:
        """`192.0.2.7` and `127.0.0.2:3611` as host and port; None for what is no IPv4 address."""
        host, _, port = address.partition(":")
        try:
            IPv4Address(host)
            return host, int(port or self.port)
        except (AddressValueError, ValueError):
            return None


def read_where(members: Members) -> Where:
    """The sockets' part of a link's settings. Raises BadSettings."""
    bind = members.text("bind", "0.0.0.0")  # noqa: S104  devices of the house's network announce themselves to it
    where = Where(
        bind,
        members.whole("port", PORT, 1, 65_535),
        members.text("interface", bind),
        members.flag("multicast", default=True),
    )
    for name, address in (("bind", where.bind), ("interface", where.interface)):
        if where.place(address) is None or ":" in address:
            raise members.refuse(name, "an IPv4 address of this machine")
    return where


class Sockets:
    """Both sockets; `heard(host, port, bytes)` is called for all that comes. To be closed."""

    def __init__(self, where: Where, heard: Callable[[str, int, bytes], None]) -> None:
        self._where = where
        self._heard = heard
        self._open: list[asyncio.DatagramTransport] = []

    async def open(self) -> None:
        """Bind and join. Raises OSError."""
        own = _socket((self._where.bind, self._where.port))
        if self._where.multicast:
            interface = socket.inet_aton(self._where.interface)
            own.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, interface)
            own.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 0)  # we do not listen to ourselves
            group = _socket((GROUP, self._where.port))
            group.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(GROUP) + interface)
            await self._serve(own)
            await self._serve(group)
        else:
            await self._serve(own)

    def send(self, host: str, port: int, payload: bytes) -> None:
        """Put bytes on their way. Raises NotReached."""
        if not self._open:
            raise NotReached("the link is not up")
        self._open[0].sendto(payload, (host, port))

    def close(self) -> None:
        """Leave the network."""
        for one in self._open:
            one.close()
        self._open.clear()

    async def _serve(self, bound: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: _Ear(self._heard), sock=bound)
        self._open.append(transport)


class _Ear(asyncio.DatagramProtocol):
    """What comes in; errors of the network are a device's silence, which is seen to elsewhere."""

    def __init__(self, heard: Callable[[str, int, bytes], None]) -> None:
        self._heard = heard

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._heard(addr[0], addr[1], data)


def _socket(address: tuple[str, int]) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.setsockopt(socket.IPPROTO_IP, _IP_MULTICAST_ALL, 0)
        made.setblocking(False)  # noqa: FBT003  the standard library's own form
        made.bind(address)
    except OSError:
        made.close()
        raise
    return made
