"""Where notifications of the features arrive: a small HTTP server of this process."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Empty, Queue
from threading import Thread
from typing import Any

PLACE = "http://receiver"
"""How the features name it."""
WAIT_S = 10.0


@dataclass(frozen=True, slots=True)
class Notified:
    """One request that arrived: header names in lower case."""

    path: str
    headers: dict[str, str]
    body: Any


@dataclass
class Receiver:
    """The server's address and what arrived at it."""

    url: str
    arrived: Queue[Notified] = field(default_factory=Queue)

    def next(self, wait_s: float = WAIT_S) -> Notified | None:
        """The next one, in the order of arrival; None where none comes."""
        try:
            return self.arrived.get(timeout=wait_s)
        except Empty:
            return None


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver, gone at the end."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            """Keep it and answer 200."""
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            headers = {name.lower(): value for name, value in self.headers.items()}
            receiver.arrived.put(Notified(self.path, headers, body))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver = Receiver(f"http://127.0.0.1:{server.server_port}")
    thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
