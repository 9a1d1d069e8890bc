"""Connections to public addresses only: names are looked up here, and the connection is made to what was looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from broker.addresses import is_public

if TYPE_CHECKING:
    from socket import AddressFamily


class PrivateAddress(OSError):
    """The host has an address that is nobody's on the Internet."""


class PublicOnly(AbstractResolver):
    """Looks names up, and gives public addresses only."""

    def __init__(self) -> None:
        self._inner = aiohttp.ThreadedResolver()

    async def resolve(self, host: str, port: int = 0, family: AddressFamily = 0) -> list[ResolveResult]:  # type: ignore[assignment]
        """All addresses of the host. Raises PrivateAddress where one of them is not public."""
        found = await self._inner.resolve(host, port, family)
        for one in found:
            if not is_public(one["host"]):
                raise PrivateAddress(private(host, one["host"]))
        return found

    async def close(self) -> None:
        """Nothing is held."""
        await self._inner.close()


def private_literal(url: str) -> str | None:
    """Why a URL whose host is an address, which no resolver meets, may not be asked; None where it may."""
    host = urlsplit(url).hostname or ""
    try:
        public = is_public(host)
    except ValueError:
        return None
    return None if public else private(host, host)


def private(host: str, address: str) -> str:
    """The refusal."""
    return f"{host} has the address {address}, which is private; misono serve --allow-private permits it"
