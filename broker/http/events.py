"""The change stream: `GET /events`, Server-Sent Events of everything that changes in a tenant, in the order of commits.

    curl -N 'http://127.0.0.1:1026/events?type=House&attrs=temperature' -H 'Last-Event-ID: 41'

    id: 42
    data: {"id": "urn:ngsi-ld:House:1", "type": "House", "change": "updated", "version": 3, "at": "2026-…Z",
           "before": {"temperature": {…}}, "after": {"temperature": {…}}}

Without a position (Last-Event-ID, or `after`) it begins now. A position that is no longer kept is answered 410 with the
oldest change; who falls behind the log while following gets the event `gone`, and the end. A client is sent what it
takes: what waits for it stays in the log, never in memory. What it may see is asked anew with every batch.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from broker.encode.outcome import encode_problem
from broker.encode.text import dump
from broker.errors import InternalError, NgsiError, ServiceUnavailable
from broker.http.exchange import House
from broker.http.feed import BATCH_MAX, Feed, Recent
from broker.http.following import Following, open_following
from broker.http.front import Receive, Scope, Send, read_headers, read_path, send_response
from broker.http.messages import Request
from broker.http.perform import refuse
from broker.operations.follow import read_changes
from broker.ports import LoggedChange
from broker.query.ast import EVERYTHING

log = logging.getLogger("misono.events")

PATH = "/events"
FOLLOWERS_MAX = 512
"""Streams open at once in a process: half of the requests that granian lets be under way."""
HEARTBEAT_S = 15.0
"""So often an idle stream says that it is there, and how far it is: proxies cut what is silent for a minute."""
TAKE_S_MAX = 60.0
"""Who takes nothing for that long is ended; its Last-Event-ID brings it back."""
RETRY_MS = 2000
THREADS = 2

Found = TypeVar("Found")


class Events:
    """The ASGI callable behind PATH. All but the commits' notice happens on the event loop."""

    def __init__(self, house: House, heartbeat_s: float = HEARTBEAT_S) -> None:
        self._house = house
        self.heartbeat_s = heartbeat_s
        self._feeds: dict[str, Feed] = {}
        self._following: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = False
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="events")
        house.broker.changes.listen_to_commits(self._committed)

    def stop(self) -> None:
        """End every stream, and begin none; called on the event loop."""
        self._stopping = True
        for task in self._following:
            task.cancel()

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one follower until it goes, falls behind, or the broker stops."""
        headers = read_headers(scope["headers"])
        query_string = scope["query_string"].decode("latin-1")
        request = Request("GET", read_path(scope["raw_path"]), query_string, headers)
        try:
            following, link = await self._open(request)
        except NgsiError as error:
            await send_response(send, refuse(error, request))
            return
        await send({"type": "http.response.start", "status": 200, "headers": _headers(following, link)})
        feed = self._join(following)
        try:
            await self._until_gone(self._follow(following, feed, send), receive)
        finally:
            self._leave(following.call.tenant, feed)
        await _end(send)

    async def _open(self, request: Request) -> tuple[Following, str]:
        if self._stopping or len(self._following) >= FOLLOWERS_MAX:
            raise ServiceUnavailable(
                f"{len(self._following)} streams are open", remedy="Ask again later, with Last-Event-ID."
            )

        def work() -> tuple[Following, str]:
            following = open_following(self._house, request)
            return following, following.context_link()

        try:
            return await self._in_thread(work)
        except NgsiError:
            raise
        except Exception as fault:  # the outermost loop of this request
            log.exception("opening a stream failed: %s", request.query_string[:200])
            raise InternalError("the broker failed; its log has the reason") from fault

    async def _until_gone(self, follow: Coroutine[Any, Any, None], receive: Receive) -> None:
        """Follow until the client disconnects: only who waits for it is told."""
        following = asyncio.create_task(follow)
        disconnect = asyncio.create_task(_disconnected(receive))
        self._following.add(following)
        if self._stopping:
            following.cancel()
        try:
            await asyncio.wait((following, disconnect), return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._following.discard(following)
            for task in (following, disconnect):
                task.cancel()
            await asyncio.gather(following, disconnect, return_exceptions=True)

    async def _follow(self, following: Following, feed: Feed, send: Send) -> None:
        position, seconds = following.start, asyncio.get_running_loop().time
        await _send(send, b"retry: %d\nid: %d\n\n" % (RETRY_MS, position))
        said = seconds()
        try:
            while True:
                batch = feed.after(position)
                if batch is None:
                    changes = await self._read(following.call.tenant, position, BATCH_MAX)
                    batch = [Recent(change) for change in changes]
                if batch:
                    position = batch[-1].change.sequence
                    text = await self._events(following, batch)
                elif seconds() - said >= self.heartbeat_s or not await feed.moved(self.heartbeat_s):
                    text = b": \nid: %d\n\n" % position  # also where much happens that this client does not want
                else:
                    continue
                if text:
                    await _send(send, text)
                    said = seconds()
        except NgsiError as error:
            await _send(send, b"event: gone\ndata: %b\n\n" % dump(encode_problem(error)))
        except TimeoutError:
            log.info("a stream is ended: its client took nothing for %d s", TAKE_S_MAX)

    async def _events(self, following: Following, batch: Sequence[Recent]) -> bytes:
        restriction = following.restriction()
        if restriction.view is None and restriction.where == EVERYTHING:
            return following.events(batch)
        return await self._in_thread(lambda: following.restricted_events(batch, restriction))

    def _join(self, following: Following) -> Feed:
        tenant = following.call.tenant
        self._loop = asyncio.get_running_loop()
        feed = self._feeds.get(tenant)
        if feed is None:
            feed = Feed(lambda position, limit: self._read(tenant, position, limit), following.start)
            self._feeds[tenant] = feed
            feed.start()
        feed.followers += 1
        return feed

    def _leave(self, tenant: str, feed: Feed) -> None:
        feed.followers -= 1
        if not feed.followers:
            del self._feeds[tenant]
            feed.stop()

    def _committed(self, tenant: str) -> None:
        """On the writer's thread."""
        feed, loop = self._feeds.get(tenant), self._loop
        if feed is not None and loop is not None and not feed.awake:
            loop.call_soon_threadsafe(feed.wake)

    async def _read(self, tenant: str, position: int, limit: int) -> Sequence[LoggedChange]:
        changes = self._house.broker.changes
        return await self._in_thread(lambda: read_changes(changes, tenant, position, limit))

    async def _in_thread(self, work: Callable[[], Found]) -> Found:
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)


def _headers(following: Following, link: str) -> list[tuple[bytes, bytes]]:
    headers = [
        (b"Content-Type", b"text/event-stream"),
        (b"Cache-Control", b"no-store"),
        (b"X-Accel-Buffering", b"no"),
        (b"Link", link.encode("latin-1")),
    ]
    tenant = following.call.tenant
    return [*headers, (b"NGSILD-Tenant", tenant.encode("latin-1"))] if tenant else headers


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _send(send: Send, text: bytes) -> None:
    """Give bytes to the client; returns when there is room for more. Raises TimeoutError where it takes nothing."""
    async with asyncio.timeout(TAKE_S_MAX):
        await send({"type": "http.response.body", "body": text, "more_body": True})


async def _end(send: Send) -> None:
    try:
        async with asyncio.timeout(1):
            await send({"type": "http.response.body", "body": b"", "more_body": False})
    except TimeoutError:
        log.debug("a stream's client took nothing at its end")
