"""A web server whose files a test changes: it says ETag, answers 304, and counts what was asked."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class FeedServer:
    """`files` by path; a number instead of bytes is a status. `asked` are (path, status, headers) of every request."""

    port: int = 0
    files: dict[str, bytes | int] = field(default_factory=dict)
    asked: list[tuple[str, int, dict[str, str]]] = field(default_factory=list)

    def url(self, path: str) -> str:
        """Where a file is."""
        return f"http://127.0.0.1:{self.port}{path}"

    def statuses(self, path: str) -> list[int]:
        """How requests for a file were answered."""
        return [status for one, status, _ in self.asked if one == path]


@contextmanager
def feed_server() -> Iterator[FeedServer]:
    """It serves on a free port of loopback."""
    served = FeedServer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = served.files.get(self.path, 404)
            tag = f'"{hashlib.sha256(found).hexdigest()[:16]}"' if isinstance(found, bytes) else ""
            same = bool(tag) and self.headers.get("If-None-Match") == tag
            status = found if isinstance(found, int) else 304 if same else 200
            served.asked.append((self.path, status, dict(self.headers.items())))
            self.send_response(status)
            if status in (301, 302):
                self.send_header("Location", served.url("/elsewhere"))
            if tag:
                self.send_header("ETag", tag)
            body = found if isinstance(found, bytes) and not same else b""
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  as it is called there
            """Be quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
