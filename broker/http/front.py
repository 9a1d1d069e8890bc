"""The warm door: an ASGI callable that serves the hot operations itself and hands all else to Flask.

Reads by id and small pages are done on the event loop; where one passes its budget (OverBudget) it is run again in a
thread, and where the store is a server it is run there at once. Writes are awaited without a thread: the writer's
thread puts finished futures into one list and wakes the loop once for all of them. Bodies over INLINE_BODY_BYTES_MAX
are decoded in a thread. Both doors route on the raw path.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Protocol, TypeAlias
from urllib.parse import quote

from broker.errors import NgsiError, ServiceUnavailable
from broker.http.exchange import House
from broker.http.health import Pages
from broker.http.messages import Answer, Request, Response
from broker.http.operation import Operation
from broker.http.perform import complete, perform, refuse
from broker.http.reads import GROUPED, GroupedReads
from broker.http.route import Routes
from broker.model.values import Json
from broker.ports import OverBudget, OverBudgetOnce

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

INLINE_BODY_BYTES_MAX = 32 * 1024
"""About 1 ms of parsing and decoding; a longer body would hold up every read behind it."""
_ASCII = "".join(map(chr, range(33, 127)))
THREADS = 4
"""For long bodies and reads over budget: with one GIL more threads only take turns."""
WAITING_THREADS = 32
"""Where reads wait for a server: a thread each, which does nothing meanwhile."""
PATIENCE_S = 5.0
"""So long a request waits for one of those threads: while the server does not answer, not all wait for it in turn."""
WENT_FAR_S, WENT_FAR_MAX = 5.0, 4096
FAR_THREADS = 64
"""For what waits for other context sources: a hanging one holds a thread until its time is up."""


@dataclass(frozen=True, slots=True)
class Beside:
    """What stands beside the operations: `streams` are what Flask cannot serve, by path.

    `mounts` are whole parts of the URL map that belong to others (`/iot`), by the beginning of the path: theirs is
    every method, and every refusal.
    """

    streams: Mapping[str, Application] = field(default_factory=dict)
    mounts: Mapping[str, Application] = field(default_factory=dict)


class Attachment(Protocol):
    """What is served beside the broker's own: its mounts (as Front says), how it is, and its counters."""

    @property
    def mounts(self) -> Mapping[str, Application]:
        """Parts of the URL map."""

    def state(self) -> Mapping[str, Json]:
        """Its parts for `/health`."""

    def metrics(self) -> str:
        """Its text for `/metrics`."""

    def described(self) -> Mapping[str, Any]:
        """Its paths for `/openapi.json`."""


class Front:
    """The door granian serves; `make_behind` gives Flask's ASGI face.

    Flask is made in a thread after the start: importing it takes longer than everything else together.
    """

    def __init__(
        self,
        house: House,
        routes: Routes,
        pages: Pages,
        make_behind: Callable[[], Application],
        beside: Beside | None = None,
    ) -> None:
        self._house = house
        self._find = routes.find
        self._pages = dict(pages)
        beside = beside or Beside()
        self._streams = beside.streams
        self._mounts = tuple(beside.mounts.items())
        threads = THREADS if house.inline else WAITING_THREADS
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="front")
        self._far = ThreadPoolExecutor(FAR_THREADS, thread_name_prefix="far")
        self._arrivals = Arrivals()
        self._went_far = WentFar()
        self._reads = GroupedReads(house, self._pool)
        self._make_behind = make_behind
        self._behind: Future[Application] | None = None

    def warm(self) -> None:
        """Begin to make Flask, before a request needs it."""
        if self._behind is None:
            self._behind = self._pool.submit(self._make_behind)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return
        raw_path = read_path(scope["raw_path"])
        try:
            operation, path = self._find(scope["method"], raw_path)
        except NgsiError as error:
            await self._unrouted(scope, receive, send, error)
            return
        headers = read_headers(scope["headers"])
        far = await self._is_far(operation, headers)
        if not operation.hot and not far:
            await self._to_flask(scope, receive, send, raw_path)
            return
        body = b"" if operation.body == "none" else await self._read_body(headers, receive)
        query_string = scope["query_string"].decode("latin-1")
        request = Request(scope["method"], raw_path, query_string, headers, body, path)
        await send_response(send, await self._serve(operation, request, far=far))

    async def _is_far(self, operation: Operation, headers: Mapping[str, str]) -> bool:
        far, tenant = self._house.far, headers.get("ngsild-tenant", "")
        if far is None or not far.serves(operation.name):
            return False
        try:
            return far.active(tenant)
        except OverBudget:
            return await asyncio.get_running_loop().run_in_executor(self._pool, far.active, tenant)

    async def _serve(self, operation: Operation, request: Request, *, far: bool) -> Response:
        if self._needs_thread(operation, request) or (far and self._went_far.lately(request)):
            answer = await self._in_thread(operation, request, far=far)
        else:
            try:
                grouped = operation.name == GROUPED
                answer = (
                    await self._reads.answer(operation, request)
                    if grouped
                    else perform(self._house, operation, request)
                )
            except OverBudgetOnce:
                answer = await self._in_thread(operation, request, far=far)
            except OverBudget:
                answer = await self._over_budget(operation, request, far=far)
        if isinstance(answer, Response):
            return answer
        await self._arrivals.wait(answer.pending)
        return complete(answer, request)

    def _needs_thread(self, operation: Operation, request: Request) -> bool:
        if len(request.body) > INLINE_BODY_BYTES_MAX or not operation.hot:
            return True
        return not (self._house.inline or operation.changes or operation.name == GROUPED)

    async def _over_budget(self, operation: Operation, request: Request, *, far: bool) -> Answer:
        if far:
            self._went_far.note(request)
        return await self._in_thread(operation, request, far=far)

    async def _in_thread(self, operation: Operation, request: Request, *, far: bool) -> Answer:
        loop = asyncio.get_running_loop()
        pool = self._far if far else self._pool
        if self._house.inline or far:
            return await loop.run_in_executor(pool, perform, self._house, operation, request)
        return await loop.run_in_executor(pool, self._in_time, operation, request, monotonic())

    def _in_time(self, operation: Operation, request: Request, began: float) -> Answer:
        if monotonic() - began > PATIENCE_S:
            return refuse(ServiceUnavailable("The store is slow; nothing was done."), request)
        return perform(self._house, operation, request)

    async def _read_body(self, headers: dict[str, str], receive: Receive) -> bytes:
        """The body; not read where it is too long or has no length: those requests are refused by their headers."""
        length = headers.get("content-length", "")
        if not length.isdigit() or int(length) > self._house.limits.body_bytes_max:
            return b""
        message = await receive()
        body: bytes = message.get("body", b"")
        if not message.get("more_body"):
            return body
        chunks = [body]
        while message.get("more_body"):
            message = await receive()
            chunks.append(message.get("body", b""))
        return b"".join(chunks)

    async def _unrouted(self, scope: Scope, receive: Receive, send: Send, error: NgsiError) -> None:
        """A page or a stream outside the standard's root, or a refusal; HEAD is Flask's to cut."""
        raw_path = read_path(scope["raw_path"])
        page, stream = self._pages.get(raw_path), self._streams.get(raw_path)
        mounted = next((one for root, one in self._mounts if raw_path == root or raw_path.startswith(root + "/")), None)
        if mounted is not None:
            await mounted(scope, receive, send)
        elif scope["method"] == "HEAD":
            await self._to_flask(scope, receive, send, raw_path)
        elif stream is not None and scope["method"] == "GET":
            await stream(scope, receive, send)
        elif page is not None and scope["method"] == "GET":
            await send_response(send, page())
        else:
            request = Request(scope["method"], raw_path, "", read_headers(scope["headers"]))
            await send_response(send, refuse(error, request))

    async def _to_flask(self, scope: Scope, receive: Receive, send: Send, raw_path: str) -> None:
        headers = read_headers(scope["headers"])
        body = await self._read_body(headers, receive) if headers.get("content-length", "0") != "0" else b""

        async def receive_again() -> MutableMapping[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        self.warm()
        assert self._behind is not None
        await self._arrivals.wait(self._behind)
        behind = self._behind.result()
        await behind({**scope, "path": raw_path, "root_path": ""}, receive_again, _as_coroutine(send))

    def close(self) -> None:
        """End the threads, once their work is done."""
        self._pool.shutdown()
        self._far.shutdown()


class WentFar:
    """Requests that needed other sources a moment ago: the same ones are not tried without them first.

    Trying costs as much as planning does. Where sources are no longer needed a thread answers all the same.
    """

    def __init__(self, now: Callable[[], float] = monotonic) -> None:
        self._now = now
        self._until: dict[tuple[str, str, str], float] = {}

    def lately(self, request: Request) -> bool:
        """Whether such a request went far in the last WENT_FAR_S."""
        return bool(self._until) and self._until.get(_likeness(request), 0.0) > self._now()

    def note(self, request: Request) -> None:
        """It went far."""
        if len(self._until) >= WENT_FAR_MAX:
            self._until.clear()
        self._until[_likeness(request)] = self._now() + WENT_FAR_S


def _likeness(request: Request) -> tuple[str, str, str]:
    return request.headers.get("ngsild-tenant", ""), request.raw_path, request.query_string


class Arrivals:
    """Futures of other threads, awaited on the event loop with one wake-up for all that finish together."""

    def __init__(self) -> None:
        self._done: deque[asyncio.Future[None]] = deque()
        self._woken = False

    async def wait(self, pending: Future[Any]) -> None:
        """Return once `pending` is done, however it ends."""
        if pending.done():
            return
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[None] = loop.create_future()

        def arrived(_pending: Future[Any]) -> None:
            self._done.append(waiter)
            if not self._woken:
                self._woken = True
                loop.call_soon_threadsafe(self._wake)

        pending.add_done_callback(arrived)
        await waiter

    def _wake(self) -> None:
        # First the flag, then the list: what arrives in between is either taken here or wakes the loop again.
        self._woken = False
        while self._done:
            waiter = self._done.popleft()
            if not waiter.done():
                waiter.set_result(None)


def read_path(raw: bytes) -> str:
    """The raw path as text; bytes that should have been percent-encoded are now."""
    return raw.decode("ascii") if raw.isascii() else quote(raw, safe=_ASCII)


def read_headers(raw: list[tuple[bytes, bytes]]) -> dict[str, str]:
    """Lower-case names; a name sent twice has its values joined (RFC 9110)."""
    headers: dict[str, str] = {}
    for name_bytes, value_bytes in raw:
        name = name_bytes.decode("latin-1")
        value = value_bytes.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def _as_coroutine(send: Send) -> Send:
    """Granian's `send` gives an awaitable that is no coroutine; a2wsgi needs one."""

    async def send_on(message: MutableMapping[str, Any]) -> None:
        await send(message)

    return send_on


async def send_response(send: Send, response: Response) -> None:
    """Send one whole response."""
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in response.headers]
    if response.status != 204:  # noqa: PLR2004  no Content-Length there (clause 6.3.6)
        headers.append((b"Content-Length", b"%d" % len(response.body)))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body})
