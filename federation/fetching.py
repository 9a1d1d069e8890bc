"""One request to a source over HTTP: kept-alive connections, and bounds on where it may go and what may come back.

A source is hostile until its answer has passed: redirects are not followed, answers are neither decompressed nor read
past the limit, and unless private addresses are allowed a name is resolved here and the connection made to what was
looked at. Used on one event loop; imported with the first forward (aiohttp is a fifth of an idle broker's memory).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from time import perf_counter
from typing import Any, Final

import aiohttp
from yarl import URL

from broker.model.values import Json
from broker.notify.public_only import PrivateAddress, PublicOnly, private_literal
from federation.certificates import BadCertificate, Certificates
from federation.fetched import Fetched, TooLarge, arrived, reason, timed_out, too_large
from federation.outgoing import Outgoing, over, with_header
from federation.tokens import NoToken, Tokens

IDLE_S: Final = 30.0  # a connection nobody used so long is closed
CONNECTIONS_MAX: Final = 32  # to one source
_UNAUTHORIZED: Final = 401
_JSON_BYTES_READ: Final = 256 * 1024


class Fetcher:
    """Made and used on one event loop."""

    def __init__(self, certificates: Certificates, answer_bytes: int, *, allow_private: bool) -> None:
        self._certificates = certificates
        self._answer_bytes = answer_bytes
        self._allow_private = allow_private
        connector = aiohttp.TCPConnector(
            limit=0, limit_per_host=CONNECTIONS_MAX, keepalive_timeout=IDLE_S, ttl_dns_cache=60,
            resolver=None if allow_private else PublicOnly(), happy_eyeballs_delay=None,
        )  # fmt: skip
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            skip_auto_headers=("Accept-Encoding", "User-Agent", "Content-Type"),
            timeout=aiohttp.ClientTimeout(),  # none of its own: `fetch` has one for all
            read_bufsize=_JSON_BYTES_READ,
        )
        self._tokens = Tokens(self._form)

    async def fetch(self, outgoing: Outgoing, credentials: Json, timeout_s: float) -> Fetched:
        """What the source answered within its time, or why there is nothing."""
        began = perf_counter()
        try:
            async with asyncio.timeout(timeout_s):
                fetched = await self._fetch(outgoing, credentials)
        except TimeoutError:
            fetched = timed_out(timeout_s)
        except TooLarge:
            fetched = too_large(self._answer_bytes)
        except (BadCertificate, NoToken, aiohttp.InvalidURL, ValueError) as error:
            fetched = Fetched(0, trouble="refused", detail=reason(error))
        except (aiohttp.ClientError, OSError) as error:
            refused = isinstance(getattr(error, "os_error", None), PrivateAddress)
            fetched = Fetched(0, trouble="refused" if refused else "unreachable", detail=reason(error))
        took_ms = 1000 * (perf_counter() - began)
        return Fetched(fetched.status, fetched.body, fetched.headers, fetched.trouble, fetched.detail, took_ms)

    async def _fetch(self, outgoing: Outgoing, credentials: Json) -> Fetched:
        if not self._allow_private and (refused := private_literal(outgoing.url)) is not None:
            return Fetched(0, trouble="refused", detail=refused)
        if not isinstance(credentials, dict):
            return await self._once(outgoing, outgoing.headers, trust=True)
        kind: Any = credentials.get("kind")
        if kind == "mtls":
            return await self._once(outgoing, outgoing.headers, trust=self._certificates.load(str(credentials["name"])))
        if kind == "header":
            proving = with_header(outgoing, credentials)
            return await self._once(proving, proving.headers, trust=True)
        return await self._with_token(outgoing, credentials)

    async def _with_token(self, outgoing: Outgoing, credentials: Mapping[str, Json]) -> Fetched:
        """With a token of the authorization server; a refused one is asked for anew, once."""
        token = await self._tokens.token(credentials)
        fetched = await self._once(outgoing, over(outgoing.headers, _bearer(token)), trust=True)
        if fetched.status != _UNAUTHORIZED:
            return fetched
        self._tokens.forget(credentials, token)
        token = await self._tokens.token(credentials)
        return await self._once(outgoing, over(outgoing.headers, _bearer(token)), trust=True)

    async def _once(self, outgoing: Outgoing, headers: dict[str, str], *, trust: Any) -> Fetched:  # noqa: ANN401  True or an SSLContext
        if trust is True and self._certificates.authorities is not None:
            trust = self._certificates.authorities
        async with self._session.request(
            outgoing.method, URL(outgoing.url, encoded=True), data=outgoing.body, headers=headers,
            allow_redirects=False, ssl=trust,
        ) as answer:  # fmt: skip
            body = await self._read(answer)
            names: dict[str, str] = {}
            for name, value in answer.headers.items():
                lowered = name.lower()
                names[lowered] = f"{names[lowered]}, {value}" if lowered in names else value
            return arrived(answer.status, names, body)

    async def _read(self, answer: aiohttp.ClientResponse) -> bytes:
        length = answer.content_length
        if length is not None and length > self._answer_bytes:
            answer.close()
            raise TooLarge
        if length is not None:
            return await answer.read()
        chunks, left = [], self._answer_bytes
        async for chunk in answer.content.iter_any():
            left -= len(chunk)
            if left < 0:
                answer.close()
                raise TooLarge
            chunks.append(chunk)
        return b"".join(chunks)

    async def _form(self, url: str, fields: Mapping[str, str], authorization: str) -> tuple[int, bytes]:
        """POST a form, as an authorization server takes it."""
        if not self._allow_private and (refused := private_literal(url)) is not None:
            raise PrivateAddress(refused)
        headers = {"Accept": "application/json", "Authorization": authorization}
        async with self._session.post(url, data=dict(fields), headers=headers, allow_redirects=False) as answer:
            return answer.status, await self._read(answer)

    async def close(self) -> None:
        """Close all connections."""
        await self._session.close()


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
