"""A receiver of notifications on a port of this machine, which behaves as it is told."""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

Behaviour = Callable[["Handler"], None]


@dataclass(frozen=True)
class Received:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes
    at: float

    @property
    def json(self) -> Any:
        """The body, read."""
        return json.loads(self.body)


class Handler(BaseHTTPRequestHandler):
    """Keeps what comes, then behaves."""

    protocol_version = "HTTP/1.1"
    server: Server

    def do_POST(self) -> None:
        """Take one notification."""
        self.body = body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        behave = self.server.receiver.behave
        if behave is answer_ok:
            self.server.receiver.take(Received(self.path, dict(self.headers), body, time.monotonic()))
        else:
            self.server.receiver.refused += 1
        behave(self)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Server(ThreadingHTTPServer):
    """With its receiver."""

    daemon_threads = True
    receiver: Receiver

    def handle_error(self, *_: object) -> None:
        """A connection that its other side gave up."""


def answer(status: int, body: bytes = b"") -> Behaviour:
    """Answer with a status and a body."""

    def behave(handler: Handler) -> None:
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return behave


def answer_ok(handler: Handler) -> None:
    """Answer 200."""
    answer(200)(handler)


def hang(handler: Handler) -> None:
    """Say nothing for longer than anybody waits."""
    handler.server.receiver.released.wait(60)
    handler.close_connection = True


def reset(handler: Handler) -> None:
    """Break the connection."""
    handler.close_connection = True
    handler.connection.setsockopt(1, 13, b"\x01\0\0\0\0\0\0\0")  # SO_LINGER 0: closed by a reset
    handler.connection.close()


@dataclass
class Receiver:
    """`received` in the order of arrival; `behave` may be changed at any time."""

    behave: Behaviour = answer_ok
    received: list[Received] = field(default_factory=list)
    refused: int = 0
    port: int = 0

    def __post_init__(self) -> None:
        self.released = threading.Event()
        self._arrived = threading.Condition()
        self._server: Server | None = None

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> Receiver:
        """Listen, on the port it had before where it had one."""
        self._server = Server(("127.0.0.1", self.port), Handler)
        self._server.receiver = self
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def wrap(self, trust: ssl.SSLContext) -> None:
        """Speak TLS from now on."""
        assert self._server is not None
        self._server.socket = trust.wrap_socket(self._server.socket, server_side=True)

    def stop(self) -> None:
        """Be gone: connections are refused."""
        self.released.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    def take(self, one: Received) -> None:
        """Keep a request."""
        with self._arrived:
            self.received.append(one)
            self._arrived.notify_all()

    def wait(self, number: int, seconds: float = 10) -> list[Received]:
        """The first requests, once there are so many; fails when there are not in time."""
        with self._arrived:
            enough = self._arrived.wait_for(lambda: len(self.received) >= number, seconds)
            assert enough, f"{len(self.received)} of {number} came"
            return list(self.received)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
