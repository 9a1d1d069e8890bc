"""The ASGI callable of a table of routes: limits, who asks, access, then a handler in a thread."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

from broker.decode.text import parse_json
from broker.errors import (
    BadRequestData,
    Forbidden,
    InternalError,
    NgsiError,
    PayloadTooLarge,
    ReadOnly,
    ServiceUnavailable,
    UnsupportedMediaType,
)
from broker.http.front import Receive, Scope, Send, read_headers, read_path, send_response
from broker.http.messages import Request, Response
from broker.http.perform import check_tenant
from broker.http.respond import problem
from broker.http.rooms.described import describe
from broker.http.rooms.hosts import is_ours
from broker.http.rooms.route import Asked, Route, Routes, read_query
from broker.ports import ANYONE, Access, Principal
from broker.ports.identity import Identity

log = logging.getLogger("misono.http.rooms")

BODY_MAX: Final = 8 << 20
THREADS: Final = 4
AT_ONCE_MAX: Final = 64
"""Requests under way; the next one is told to come again."""
TAKE_S_MAX: Final = 30.0
"""So long a client may take to send its body."""
_JSON: Final = frozenset({"application/json", "application/ld+json"})


@dataclass(frozen=True, slots=True)
class Rights:
    """Who may do what here."""

    access: Access
    read_only: bool = False
    hosts: frozenset[str] | None = None
    """Where nobody is asked who he is: the names of this machine beside localhost."""
    identity: Identity | None = None

    def principal(self, request: Request) -> Principal:
        """Who asks. Raises Unauthorized."""
        return ANYONE if self.identity is None else self.identity.identify(request)


def ngsild_tenant(headers: Mapping[str, str]) -> str:
    """The tenant by NGSILD-Tenant. Raises BadRequestData for what is none."""
    tenant = headers.get("ngsild-tenant", "")
    if tenant:
        check_tenant(tenant)
    return tenant


class RoomDoor:
    """See the module; `close` ends its threads. `tenant_of` reads the tenant out of the headers."""

    def __init__(
        self, routes: Routes, rights: Rights, tenant_of: Callable[[Mapping[str, str]], str] = ngsild_tenant
    ) -> None:
        self.routes, self.rights, self._tenant_of = routes, rights, tenant_of
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="door")
        self._under_way = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; refusals are problem bodies."""
        if scope["type"] != "http":
            return
        try:
            answer = await self.answer(scope, receive)
        except NgsiError as refusal:
            answer = problem(refusal)
        except Exception:  # the outermost loop of a request
            log.exception("a request failed: %s %s", scope["method"], read_path(scope["raw_path"])[:200])
            answer = problem(InternalError("the broker failed; its log has the reason"))
        await send_response(without_body(send) if scope["method"] == "HEAD" else send, answer)

    async def answer(self, scope: Scope, receive: Receive) -> Response:
        """What goes back. Raises every refusal of the request, and what its handler raises."""
        raw_path, headers = read_path(scope["raw_path"]), read_headers(scope["headers"])
        query, method = scope["query_string"].decode("latin-1"), str(scope["method"])
        self._check_host(headers.get("host", ""))
        route, path = self.routes.find("GET" if method == "HEAD" else method, raw_path)
        body = await read_body(headers, receive, BODY_MAX) if route.body else b""
        return await self._in_thread(route, Request(method, raw_path, query, headers, body, path))

    def described(self) -> Mapping[str, Any]:
        """Its rows of `/openapi.json`."""
        return describe(self.routes.all)

    def close(self) -> None:
        """End the threads, once their work is done."""
        self._pool.shutdown()

    async def _in_thread(self, route: Route, request: Request) -> Response:
        if self._under_way >= AT_ONCE_MAX:
            raise ServiceUnavailable(f"{AT_ONCE_MAX} requests are under way", remedy="Ask again.")
        self._under_way += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, self._do, route, request)
        finally:
            self._under_way -= 1

    def _do(self, route: Route, request: Request) -> Response:
        principal = ANYONE if route.open else self.rights.principal(request)
        if route.changes:
            self._check_change(request)
        tenant = self._tenant_of(request.headers)
        if not route.open:
            self.rights.access.admit(principal, tenant, route.operation)
        query = read_query(request.query_string, route.parameters)
        body = None
        if route.body:
            _check_media_type(request.headers)
            body = parse_json(request.body)
        return route.handler(Asked(request, tenant, request.path, query, body, principal))

    def _check_host(self, host: str) -> None:
        """Raises Forbidden where a page may have got here by a name of its own that it had point to this machine."""
        hosts = self.rights.hosts
        if hosts is not None and not is_ours(host, hosts):
            raise Forbidden(
                f"{host[:100]!r} is not how this hub is reached, and nobody is asked who he is",
                remedy="ask 127.0.0.1, localhost or an address, or tell the hub its --public-url",
            )

    def _check_change(self, request: Request) -> None:
        """Raises ReadOnly; Forbidden where a page of another site asks through somebody's browser."""
        if self.rights.read_only:
            raise ReadOnly
        if request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            raise Forbidden("a page of another site asks for this", remedy="ask from this site, or without a browser")


def _check_media_type(headers: Mapping[str, str]) -> None:
    given = headers.get("content-type", "").partition(";")[0].strip().lower()
    if given not in _JSON:
        raise UnsupportedMediaType(f"a body of type {given[:50] or 'unknown'} is not read", remedy="application/json")


async def read_body(headers: Mapping[str, str], receive: Receive, most: int) -> bytes:
    """The body, at most so long. Raises PayloadTooLarge."""
    length = headers.get("content-length", "")
    if length.isascii() and length.isdigit() and int(length) > most:
        raise PayloadTooLarge(f"the body has {length} bytes", pointer="Content-Length", remedy=f"{most} at most")
    if not length and "transfer-encoding" not in headers:
        return b""
    chunks, size = [], 0
    try:
        async with asyncio.timeout(TAKE_S_MAX):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise BadRequestData("the client went away before its body was whole")
                chunk = message.get("body", b"")
                size += len(chunk)
                if size > most:
                    raise PayloadTooLarge(f"the body has more than {most} bytes", remedy=f"{most} at most")
                chunks.append(chunk)
                if not message.get("more_body"):
                    return b"".join(chunks)
    except TimeoutError as late:
        raise BadRequestData(f"the body did not arrive within {TAKE_S_MAX:g} s") from late


def without_body(send: Send) -> Send:
    """For HEAD: the head of the answer to GET."""

    async def send_head(message: MutableMapping[str, Any]) -> None:
        await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

    return send_head
