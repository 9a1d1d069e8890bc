"""A context source on a port of this machine, which answers as it is told, by path."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

Behaviour = Callable[["Handler"], None]


@dataclass(frozen=True)
class Asked:
    """One request as it came; header names in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Handler(BaseHTTPRequestHandler):
    """Keeps what comes, then behaves."""

    protocol_version = "HTTP/1.1"
    server: Server

    def answer(self) -> None:
        """Take one request."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        source = self.server.source
        source.asked.append(Asked(self.command, self.path, headers, body))
        source.behave(self)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = answer  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Server(ThreadingHTTPServer):
    """With its source."""

    daemon_threads = True
    source: RemoteSource

    def handle_error(self, *_: object) -> None:
        """A connection that its other side gave up."""


def answering(status: int, body: bytes = b"", **headers: str) -> Behaviour:
    """Answer so."""

    def behave(handler: Handler) -> None:
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return behave


@dataclass
class RemoteSource:
    """Use as a context manager: `with RemoteSource() as source: source.behave = answering(200, b"[]")`."""

    behave: Behaviour = field(default_factory=lambda: answering(200, b"[]"))
    asked: list[Asked] = field(default_factory=list)
    trust: ssl.SSLContext | None = None

    def __enter__(self) -> Self:
        self._server = Server(("127.0.0.1", 0), Handler)
        self._server.source = self
        if self.trust is not None:
            self._server.socket = self.trust.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        """Its endpoint."""
        return f"{'http' if self.trust is None else 'https'}://127.0.0.1:{self._server.server_address[1]}"
