"""Sending batches to a broker, against a small server that says what a broker may say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from broker.commands._sinks import HttpSink
from broker.errors import BadRequestData, InternalError, PayloadTooLarge, ServiceUnavailable
from broker.model.entity import Document

DOCUMENTS: list[Document] = [
    {"id": f"urn:a:{number}", "type": "https://x.org/House", "expiresAt": "2030-01-01T00:00:00Z"} for number in range(4)
]
PROBLEM = {
    "type": "https://uri.etsi.org/ngsi-ld/errors/BadRequestData",
    "detail": "No.",
    "pointer": "/b",
    "clause": "4.6.2",
    "remedy": "yes",
}


class Answers:
    """What the server answers, one after the other, and what it was asked."""

    def __init__(self, *answers: tuple[int, Any]) -> None:
        self.waiting = list(answers)
        self.asked: list[tuple[str, dict[str, str], Any]] = []


@contextmanager
def broker(answers: Answers) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            answers.asked.append((self.path, dict(self.headers), body))
            status, problem = answers.waiting.pop(0)
            self.send_response(status)
            self.end_headers()
            if problem is not None:
                self.wfile.write(problem if isinstance(problem, bytes) else json.dumps(problem).encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the name of the base class
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def test_a_batch_that_goes_in_whole() -> None:
    answers = Answers((201, []), (204, None))
    with broker(answers) as url:
        sink = HttpSink(url + "/ngsi-ld/v1/", "北")
        assert sink.send(DOCUMENTS) == [None] * 4
        assert sink.send(DOCUMENTS[:1]) == [None]
    path, headers, body = answers.asked[0]
    assert path == "/ngsi-ld/v1/entityOperations/upsert"
    assert headers["NGSILD-Tenant"] == "%E5%8C%97"
    assert body[0] == {"id": "urn:a:0", "type": "https://x.org/House", "expiresAt": "2030-01-01T00:00:00Z"}


def test_some_are_refused() -> None:
    some = {"success": ["urn:a:0"], "errors": [{"entityId": "urn:a:2", "error": PROBLEM}]}
    with broker(Answers((207, some))) as url:
        first, second, third, fourth = HttpSink(url).send(DOCUMENTS)
    assert (first, second, fourth) == (None, None, None)
    assert isinstance(third, BadRequestData)
    assert (third.detail, third.pointer, third.clause, third.remedy) == ("No.", "/b", "4.6.2", "yes")


def test_a_batch_that_is_too_large_goes_in_halves() -> None:
    answers = Answers((413, {}), (201, []), (413, {}), (201, []), (413, {"type": "urn:misono:errors:PayloadTooLarge"}))
    with broker(answers) as url:
        refusals = HttpSink(url).send(DOCUMENTS)
    assert [len(body) for _, _, body in answers.asked] == [4, 2, 2, 1, 1]
    assert refusals[:3] == [None] * 3
    assert isinstance(refusals[3], PayloadTooLarge)


def test_what_is_no_broker() -> None:
    with broker(Answers((500, b"<html>"), (400, ["?"]))) as url:
        sink = HttpSink(url)
        for answer in (sink.send(DOCUMENTS[:1]), sink.send(DOCUMENTS[:1])):
            assert isinstance(answer[0], InternalError)
    assert isinstance(sink.send(DOCUMENTS[:1])[0], ServiceUnavailable)
