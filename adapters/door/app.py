"""The ASGI callable: limits, route, access, then a handler in a thread, or a link on the loop of the links."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Mapping, MutableMapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final, Protocol

from adapters.door.described import describe
from adapters.door.hosts import is_ours
from adapters.door.refusals import EXPECTED, as_agent, as_problem
from adapters.door.route import Asked, Route, Routes, read_query
from adapters.link import Serves
from adapters.provisioning.reading import read_tenant
from broker.decode.text import parse_json
from broker.errors import (
    BadRequestData,
    Forbidden,
    InternalError,
    PayloadTooLarge,
    ReadOnly,
    ServiceUnavailable,
    UnsupportedMediaType,
)
from broker.http.front import Receive, Scope, Send, read_headers, read_path, send_response
from broker.http.messages import Request, Response
from broker.ports import Access, Principal

log = logging.getLogger("misono.adapters.door")

BODY_MAX: Final = 8 << 20
MEASURE_MAX: Final = 1 << 20
THREADS: Final = 4
AT_ONCE_MAX: Final = 64
"""Requests to operators' routes under way; the next one is told to come again."""
MEASURES_MAX: Final = 1_024
PATIENCE_S: Final = 30.0
"""So long a device waits where the queue is full: then it is told to send again."""
TAKE_S_MAX: Final = 30.0
"""So long a client may take to send its body."""
MEASURE: Final = "iot_measure"
_JSON: Final = frozenset({"application/json", "application/ld+json"})
_ANYONE: Final = Principal()


class Hears(Protocol):
    """The links that devices speak to through this door, and the loop that they run on."""

    def served(self) -> Mapping[str, Serves]:
        """By path."""

    def call(self, work: Coroutine[Any, Any, Response]) -> Future[Response]:
        """Do something on the loop of the links."""


@dataclass(frozen=True, slots=True)
class Rights:
    """Who may do what here."""

    access: Access
    read_only: bool = False
    hosts: frozenset[str] | None = None
    """Where nobody is asked who he is: the names of this machine beside localhost."""


class Door:
    """See the module; `close` ends its threads."""

    def __init__(self, routes: Routes, hears: Hears, rights: Rights) -> None:
        self._routes, self._hears, self._rights = routes, hears, rights
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="door")
        self._under_way = 0
        self._measures = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return
        raw_path = read_path(scope["raw_path"])
        face = as_agent if _is_agents(raw_path) else as_problem
        try:
            answer = await self._answer(scope, raw_path, receive)
        except EXPECTED as fault:
            answer = face(fault)
        except Exception:  # the outermost loop of a request
            log.exception("a request failed: %s %s", scope["method"], raw_path[:200])
            answer = face(InternalError("the broker failed; its log has the reason"))
        await send_response(_without_body(send) if scope["method"] == "HEAD" else send, answer)

    def described(self) -> Mapping[str, Any]:
        """Its rows of `/openapi.json`."""
        return describe(self._routes.all)

    def close(self) -> None:
        """End the threads, once their work is done."""
        self._pool.shutdown()

    async def _answer(self, scope: Scope, raw_path: str, receive: Receive) -> Response:
        headers = read_headers(scope["headers"])
        query = scope["query_string"].decode("latin-1")
        method = str(scope["method"])
        link = self._link(raw_path)
        if link is not None:
            if self._rights.read_only:
                raise ReadOnly
            body = await _read_body(headers, receive, MEASURE_MAX)
            return await self._measure(link, Request(method, raw_path, query, headers, body))
        self._check_host(headers.get("host", ""))
        route, path = self._routes.find("GET" if method == "HEAD" else method, raw_path)
        body = await _read_body(headers, receive, BODY_MAX) if route.body else b""
        return await self._in_thread(route, Request(method, raw_path, query, headers, body, path))

    def _link(self, raw_path: str) -> Serves | None:
        """The link of a path or of the nearest one above it."""
        served = self._hears.served()
        below = raw_path + "/"
        above = [path for path in served if below.startswith(path + "/")]
        return served[max(above, key=len)] if above else None

    async def _measure(self, link: Serves, request: Request) -> Response:
        self._rights.access.admit(_ANYONE, "", MEASURE)
        if self._measures >= MEASURES_MAX:
            raise ServiceUnavailable(f"{MEASURES_MAX} messages are under way", remedy="Send it again.")
        self._measures += 1
        try:
            async with asyncio.timeout(PATIENCE_S):
                return await asyncio.wrap_future(self._hears.call(_served(link, request)))
        except TimeoutError as late:
            raise ServiceUnavailable("the queue is full", remedy="Send it again.") from late
        finally:
            self._measures -= 1

    async def _in_thread(self, route: Route, request: Request) -> Response:
        if self._under_way >= AT_ONCE_MAX:
            raise ServiceUnavailable(f"{AT_ONCE_MAX} requests are under way", remedy="Ask again.")
        self._under_way += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, self._do, route, request)
        finally:
            self._under_way -= 1

    def _do(self, route: Route, request: Request) -> Response:
        if route.changes:
            self._check_change(request)
        tenant = tenant_of(request.headers)
        self._rights.access.admit(_ANYONE, tenant, route.operation)
        query = read_query(request.query_string, route.parameters)
        body = None
        if route.body:
            _check_media_type(request.headers)
            body = parse_json(request.body)
        return route.handler(Asked(request, tenant, request.path, query, body))

    def _check_host(self, host: str) -> None:
        """Raises Forbidden where a page may have got here by a name of its own that it had point to this machine."""
        hosts = self._rights.hosts
        if hosts is not None and not is_ours(host, hosts):
            raise Forbidden(
                f"{host[:100]!r} is not how this hub is reached, and nobody is asked who he is",
                remedy="ask 127.0.0.1, localhost or an address, or tell the hub its --public-url",
            )

    def _check_change(self, request: Request) -> None:
        """Raises ReadOnly; Forbidden where a page of another site asks through somebody's browser."""
        if self._rights.read_only:
            raise ReadOnly
        if request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            raise Forbidden("a page of another site asks for this", remedy="ask from this site, or without a browser")


def tenant_of(headers: Mapping[str, str]) -> str:
    """The tenant by NGSILD-Tenant or fiware-service, the default one where there is neither.

    Raises BadSettings for what is none, BadRequestData for two.
    """
    ours, theirs = headers.get("ngsild-tenant", ""), headers.get("fiware-service", "")
    if ours and theirs and ours != theirs:
        raise BadRequestData("NGSILD-Tenant and fiware-service name two tenants", pointer="fiware-service")
    return read_tenant(ours or theirs, "fiware-service" if theirs else "NGSILD-Tenant")


async def _served(link: Serves, request: Request) -> Response:
    return await link.serve(request)


def _is_agents(raw_path: str) -> bool:
    return raw_path == "/iot" or raw_path.startswith("/iot/")


def _check_media_type(headers: Mapping[str, str]) -> None:
    given = headers.get("content-type", "").partition(";")[0].strip().lower()
    if given not in _JSON:
        raise UnsupportedMediaType(f"a body of type {given[:50] or 'unknown'} is not read", remedy="application/json")


async def _read_body(headers: Mapping[str, str], receive: Receive, most: int) -> bytes:
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


def _without_body(send: Send) -> Send:
    """For HEAD: the head of the answer to GET."""

    async def send_head(message: MutableMapping[str, Any]) -> None:
        await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

    return send_head
