"""The door of adapters: the room of operators, and the paths of links, which are answered on the loop of the links."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Mapping
from concurrent.futures import Future
from typing import Any, Final, Protocol

from adapters.door.refusals import EXPECTED, as_agent, as_problem
from adapters.link import Serves
from adapters.provisioning.reading import read_tenant
from broker.errors import BadRequestData, InternalError, ReadOnly, ServiceUnavailable
from broker.http.front import Receive, Scope, Send, read_headers, read_path, send_response
from broker.http.messages import Request, Response
from broker.http.rooms.door import Rights, RoomDoor, read_body, without_body
from broker.http.rooms.route import Routes
from broker.ports import ANYONE

log = logging.getLogger("misono.adapters.door")

MEASURE_MAX: Final = 1 << 20
MEASURES_MAX: Final = 1_024
PATIENCE_S: Final = 30.0
"""So long a device waits where the queue is full: then it is told to send again."""
MEASURE: Final = "iot_measure"


class Hears(Protocol):
    """The links that devices speak to through this door, and the loop that they run on."""

    def served(self) -> Mapping[str, Serves]:
        """By path."""

    def call(self, work: Coroutine[Any, Any, Response]) -> Future[Response]:
        """Do something on the loop of the links."""


class Door:
    """See the module; `close` ends its threads."""

    def __init__(self, routes: Routes, hears: Hears, rights: Rights) -> None:
        self._room = RoomDoor(routes, rights, tenant_of)
        self._hears, self._rights = hears, rights
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
        await send_response(without_body(send) if scope["method"] == "HEAD" else send, answer)

    @property
    def routes(self) -> Routes:
        """Its table."""
        return self._room.routes

    def described(self) -> Mapping[str, Any]:
        """Its rows of `/openapi.json`."""
        return self._room.described()

    def close(self) -> None:
        """End the threads, once their work is done."""
        self._room.close()

    async def _answer(self, scope: Scope, raw_path: str, receive: Receive) -> Response:
        link = self._link(raw_path)
        if link is None:
            return await self._room.answer(scope, receive)
        if self._rights.read_only:
            raise ReadOnly
        headers, query = read_headers(scope["headers"]), scope["query_string"].decode("latin-1")
        body = await read_body(headers, receive, MEASURE_MAX)
        return await self._measure(link, Request(str(scope["method"]), raw_path, query, headers, body))

    def _link(self, raw_path: str) -> Serves | None:
        """The link of a path or of the nearest one above it."""
        served = self._hears.served()
        below = raw_path + "/"
        above = [path for path in served if below.startswith(path + "/")]
        return served[max(above, key=len)] if above else None

    async def _measure(self, link: Serves, request: Request) -> Response:
        """What a link answers to a device: it is the link that knows devices, by their keys."""
        self._rights.access.admit(ANYONE, "", MEASURE)
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
