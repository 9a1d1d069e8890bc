"""The door behind a proxy that ends TLS: what it tells of a client's certificate is believed from it alone (RFC 9440).

Anybody can send a header Client-Cert; who is not in `--trusted-proxy` has it taken away. A proxy that is in there
replaces what a client sent by what it checked itself (RFC 9440, section 3).

A header with an underscore in its name is taken away from everybody: behind WSGI `Client_Cert` is `Client-Cert`.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import Final

from broker.http.front import Application, Receive, Scope, Send

_TOLD: Final = frozenset({b"client-cert", b"client-cert-chain"})


class Proxied:
    """An application that believes these networks; see the module."""

    def __init__(self, door: Application, trusted: Iterable[str]) -> None:
        self._door = door
        networks = tuple(ip_network(one) for one in trusted)

        @lru_cache(maxsize=1024)
        def is_trusted(address: str) -> bool:
            try:
                found = ip_address(address)
            except ValueError:
                return False
            return any(found in network for network in networks)

        self._is_trusted = is_trusted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http":
            given = scope["headers"]
            strange = {name for name, _ in given if name in _TOLD or b"_" in name}
            if strange and self._is_trusted(_address(scope)):
                strange -= _TOLD
            if strange:
                scope = {**scope, "headers": [(name, value) for name, value in given if name not in strange]}
        await self._door(scope, receive, send)


def _address(scope: Scope) -> str:
    client = scope.get("client")
    return str(client[0]) if client else ""
