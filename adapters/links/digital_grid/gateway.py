"""One gateway of digital grid routers, spoken to over HTTP as the open APIS does: everything is a GET."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from adapters.codecs.json_body import PAYLOAD_BYTES_MAX, parse
from adapters.frame import BadFrame
from adapters.order import NotReached
from broker.model.values import Json

if TYPE_CHECKING:
    from aiohttp import ClientSession

_OK: Final = 200


class Gateway:
    """`await Gateway("http://192.0.2.7:4390", 3.0).get("get", "log")` -> the bytes of the answer."""

    def __init__(self, url: str, timeout_s: float) -> None:
        self.url = url
        self.setting = asyncio.Lock()
        """Held while a set-point is written and read back: one after another."""
        self._timeout_s = timeout_s
        self._session: ClientSession | None = None

    async def get(self, *path: str, **query: str) -> bytes:
        """The answer to a request. Raises NotReached."""
        from aiohttp import ClientError, ClientSession, ClientTimeout  # noqa: PLC0415  only who asks pays for it
        from yarl import URL  # noqa: PLC0415

        if self._session is None:
            self._session = ClientSession(timeout=ClientTimeout(total=self._timeout_s), trust_env=False)
        url = URL(self.url).joinpath(*path).with_query(query)
        try:
            async with self._session.get(url, allow_redirects=False) as answer:
                if answer.status != _OK:
                    raise NotReached(f"{url} answers {answer.status}")
                body = bytearray()
                async for chunk in answer.content.iter_any():
                    body += chunk
                    if len(body) > PAYLOAD_BYTES_MAX:
                        raise NotReached(f"{url} answers more than {PAYLOAD_BYTES_MAX:,} bytes")
                return bytes(body)
        except (ClientError, TimeoutError, OSError, ValueError) as fault:
            raise NotReached(f"{url}: {type(fault).__name__} {fault}".rstrip()) from fault

    async def units(self) -> dict[str, Json]:
        """All units by id. Raises NotReached."""
        return objects(await self.get("get", "log"))

    async def close(self) -> None:
        """End the connections; the next request makes others."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()


def objects(body: bytes) -> dict[str, Json]:
    """The members of a JSON object. Raises NotReached where it is none."""
    try:
        value = parse(body)
    except BadFrame as fault:
        raise NotReached(str(fault)) from fault
    if not isinstance(value, dict):
        raise NotReached("the answer is no JSON object")
    return value
