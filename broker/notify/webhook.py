"""Notifications over HTTP: kept-alive connections, limits on what a receiver may answer, and where they may go (6.3.8).

A receiver has the notification when it answers 2xx. What it sends back is read only so far as keeps the connection
usable. Redirects are not followed. Unless private addresses are allowed, the name of a host is resolved here and a
connection made to no address that is not public; it is made to the address that was looked at.
"""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path
from typing import Any, Final, Protocol

import aiohttp
from yarl import URL

from broker.notify.message import Message, Undelivered
from broker.notify.public_only import PublicOnly, private_literal

ANSWER_BYTES_MAX: Final = 64 * 1024  # of an answer: after it the connection is given up, the notification is not
IDLE_S: Final = 60.0  # a connection nobody used so long is closed
REASON_CHARACTERS_MAX: Final = 300
_OK: Final = range(200, 300)


class Sign(Protocol):
    """Signs a request."""

    def __call__(self, url: str, headers: dict[str, str], body: bytes) -> None:
        """Add the headers of a signature."""


class Webhooks:
    """The transport of `http` and `https`. Made and used on one event loop."""

    def __init__(self, *, allow_private: bool, sign: Sign | None = None, ca: Path | None = None) -> None:
        self._allow_private = allow_private
        self._sign = sign
        trust: ssl.SSLContext | bool = True
        if ca is not None:
            trust = ssl.create_default_context()
            trust.load_verify_locations(ca)
        resolver = None if allow_private else PublicOnly()
        connector = aiohttp.TCPConnector(
            limit=0, keepalive_timeout=IDLE_S, ssl=trust, resolver=resolver, ttl_dns_cache=60, happy_eyeballs_delay=None
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            skip_auto_headers=("Accept-Encoding",),
            timeout=aiohttp.ClientTimeout(),  # none of its own: `send` has one for all
            headers={"User-Agent": "misono", "Accept": "*/*"},
        )

    async def send(self, message: Message, timeout_s: float) -> None:
        """POST it. Raises Undelivered."""
        uri = message.endpoint.uri
        if not self._allow_private and (refused := private_literal(uri)) is not None:
            raise Undelivered(refused)
        headers = message.headers
        if self._sign is not None:
            self._sign(str(URL(uri)), headers, message.body)
        try:
            async with asyncio.timeout(timeout_s):
                await self._post(uri, headers, message.body)
        except TimeoutError:
            raise Undelivered(f"no answer within {timeout_s:g} s") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise Undelivered(_reason(error)) from error

    async def _post(self, uri: str, headers: dict[str, str], body: bytes) -> None:
        try:
            await self._post_once(uri, headers, body)
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError) as error:
            if isinstance(error, aiohttp.ClientConnectorError):
                raise
            # The receiver closed a kept-alive connection just as it was used: once more, on another one.
            await self._post_once(uri, headers, body)

    async def _post_once(self, uri: str, headers: dict[str, str], body: bytes) -> None:
        async with self._session.post(URL(uri), data=body, headers=headers, allow_redirects=False) as answer:
            if answer.status not in _OK:
                raise Undelivered(f"the receiver answered {answer.status} {answer.reason or ''}".rstrip())
            if not answer.content.at_eof():
                await _drain(answer)

    async def close(self) -> None:
        """Close all connections."""
        await self._session.close()


async def _drain(answer: aiohttp.ClientResponse) -> None:
    """Read a short answer to its end, so that the connection can be used again; give up a longer one."""
    left = ANSWER_BYTES_MAX
    try:
        async for chunk in answer.content.iter_any():
            left -= len(chunk)
            if left < 0:
                answer.close()
                return
    except (aiohttp.ClientError, OSError, ValueError, asyncio.CancelledError):
        answer.close()  # the receiver has said 2xx: how its answer ends, or that it never does, changes nothing


def _reason(error: Exception) -> str:
    inner: Any = getattr(error, "os_error", None) or error
    return f"{type(error).__name__}: {inner}"[:REASON_CHARACTERS_MAX]
