"""The door alone, for `misono adapter run --port`: aiohttp's server on a loop and in a thread of its own.

It listens on loopback: nobody is asked who he is here. What is to be reached from elsewhere goes through a proxy that
asks, or through the hub.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, MutableMapping
from threading import Thread
from typing import Any, Final

from aiohttp import web

from adapters.door.app import Door
from adapters.link import BadSettings

HOST: Final = "127.0.0.1"
HEADER_MAX: Final = 16_384
START_S: Final = 10.0
STOP_S: Final = 5.0
CHUNK: Final = 65_536


class Shell:
    """A door that is served; `port` is where. Raises BadSettings where it cannot listen."""

    def __init__(
        self,
        door: Door,
        port: int,
        new_loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop,
        host: str = HOST,
    ) -> None:
        self._door = door
        self._loop = new_loop()
        self._thread = Thread(target=self._loop.run_forever, name="door-server", daemon=True)
        self._thread.start()
        try:
            self._runner = asyncio.run_coroutine_threadsafe(self._start(host, port), self._loop).result(START_S)
        except OSError as error:
            self._end()
            raise BadSettings(f"--port {port}: {error}") from error
        self.port: Final = int(self._runner.addresses[0][1])

    def stop(self) -> None:
        """Take no more requests; those under way are answered."""
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result(2 * STOP_S)
        self._end()

    def _end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _start(self, host: str, port: int) -> web.ServerRunner:
        server = web.Server(self._serve, max_field_size=HEADER_MAX, max_line_size=HEADER_MAX)
        runner = web.ServerRunner(server, shutdown_timeout=STOP_S)
        await runner.setup()
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError:
            await runner.cleanup()
            raise
        return runner

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/ready":
            return web.json_response({"status": "ready"})
        raw_path, _, query = request.raw_path.partition("?")
        scope: MutableMapping[str, Any] = {
            "type": "http",
            "method": request.method,
            "raw_path": raw_path.encode("utf-8", "surrogateescape"),
            "query_string": query.encode("utf-8", "surrogateescape"),
            "headers": [(name.lower(), value) for name, value in request.raw_headers],
        }
        sent: list[MutableMapping[str, Any]] = []

        async def receive() -> MutableMapping[str, Any]:
            chunk = await request.content.read(CHUNK)
            return {"type": "http.request", "body": chunk, "more_body": not request.content.at_eof()}

        async def send(message: MutableMapping[str, Any]) -> None:
            sent.append(message)

        await self._door(scope, receive, send)
        return _response(sent)


def _response(sent: list[MutableMapping[str, Any]]) -> web.Response:
    """What the door sent, as aiohttp sends it, which counts the body itself."""
    given = ((name.decode("latin-1"), value.decode("latin-1")) for name, value in sent[0]["headers"])
    headers = {name: value for name, value in given if name.lower() != "content-length"}
    body = b"".join(message.get("body", b"") for message in sent[1:])
    return web.Response(status=sent[0]["status"], headers=headers, body=body)
