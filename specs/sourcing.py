"""A context source of the features: a small HTTP server of this process, what it is asked, and what it answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Protocol
from urllib.parse import parse_qsl, unquote

PLACE = "http://source"
"""How the features name it."""
API = "/ngsi-ld/v1"


@dataclass(frozen=True, slots=True)
class Asked:
    """One request that came, its path decoded and without the API's root; header names in lower case."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


@dataclass
class Source:
    """The server's address, what it answers by method and path, and what it was asked."""

    url: str = ""
    answers: dict[tuple[str, str], tuple[int, str]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)


class Knows(Protocol):
    """Who talks to the broker, and has a source beside it."""

    source: Source | None

    def send(self, method: str, path: str, text: str = "") -> Any:
        """Send a request."""


@contextmanager
def sourcing() -> Iterator[Source]:
    """A source that knows nothing yet, gone at the end."""
    source = Source()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(source))
    source.url = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield source
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(source: Source) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            text = self.rfile.read(int(self.headers["Content-Length"] or 0))
            path, _, query = self.path.partition("?")
            path = unquote(path).removeprefix(API).rstrip("/")
            headers = {name.lower(): value for name, value in self.headers.items()}
            asked = Asked(self.command, path, dict(parse_qsl(query)), headers, json.loads(text) if text else None)
            source.asked.append(asked)
            status, body = source.answers.get((self.command, path), (404, '{"type": "about:blank", "title": "none"}'))
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body.encode())))
            self.end_headers()
            self.wfile.write(body.encode())

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _answer  # noqa: N815 - the library's names

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
            """Say nothing."""

    return Handler


def of(client: Knows) -> Source:
    """The client's source."""
    assert client.source is not None, "the feature has no tag @sources"
    return client.source


def the_source_answers(client: Knows, docstring: str, status: int, method: str, path: str) -> None:
    """From now on, to this request."""
    of(client).answers[method, path] = (status, docstring)


def the_registration(client: Knows, docstring: str) -> None:
    """Registered, whatever comes after."""
    reply = client.send("POST", "/csourceRegistrations", docstring)
    assert reply.status == 201, reply


def the_source_was_asked(client: Knows, method: str, path: str, query: str = "") -> None:
    """Such a request came; its query has these parameters, and may have others."""
    wanted = dict(parse_qsl(query)).items()
    same = [one for one in of(client).asked if (one.method, one.path) == (method, path)]
    assert any(wanted <= one.query.items() for one in same), of(client).asked


def the_source_got(client: Knows, docstring: str) -> None:
    """The body of its last request is exactly this, but for an @context."""
    body = of(client).asked[-1].body
    body.pop("@context", None)
    assert body == json.loads(docstring), of(client).asked


def the_source_got_the_header(client: Knows, name: str, value: str) -> None:
    """Its last request had it."""
    assert of(client).asked[-1].headers.get(name.lower()) == value, of(client).asked[-1].headers


def the_source_was_asked_nothing(client: Knows) -> None:
    """No request came."""
    assert of(client).asked == []
