"""What a hub, a proxy or another server answers: what a broker refuses is refused, all else says that it is away."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from broker.errors import AlreadyExists, BadRequestData, InternalError, NgsiError
from broker.hub import over_http
from broker.hub.over_http import HubOverHttp
from broker.ports.hub import HubAway

NGSI = "https://uri.etsi.org/ngsi-ld/errors/"
Answer = Callable[[str, bytes], tuple[int, Any]]


class Server:
    """A server that answers as it is told; `asked` are the requests: path and body."""

    def __init__(self) -> None:
        self.answer: Answer = lambda _path, _body: (204, None)
        self.asked: list[tuple[str, bytes]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                outer.asked.append((self.path, body))
                status, told = outer.answer(self.path, body)
                text = b"" if told is None else told if isinstance(told, bytes) else json.dumps(told).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST  # noqa: N815  the library calls it so

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = Thread(target=self.http.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.http.shutdown()
    made.thread.join()
    made.http.server_close()


@pytest.fixture
def hub(server: Server) -> Iterator[HubOverHttp]:
    with HubOverHttp(f"http://127.0.0.1:{server.http.server_port}/") as made:
        yield made


def fragments(number: int, size: int = 1) -> list[dict[str, Any]]:
    return [
        {"id": f"urn:x:{one}", "type": "https://x/T", "https://x/a": {"type": "Property", "value": "x" * size}}
        for one in range(number)
    ]


def problem(kind: str, status: int, **more: str) -> dict[str, Any]:
    return {"type": NGSI + kind, "title": "no", "status": status, **more}


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b"<html>please log in</html>"),
        (302, None),
        (404, b"<html>no such page</html>"),
        (400, {"error": "a proxy's"}),
        (401, problem("BadRequestData", 401)),
        (403, b""),
        (429, b""),
        (500, b"a stack trace"),
        (502, b""),
        (503, problem("InternalError", 503)),
        (504, b""),
    ],
)
def test_what_is_not_said_of_the_fragments_means_that_the_hub_is_away(
    server: Server, hub: HubOverHttp, status: int, body: Any
) -> None:
    server.answer = lambda _path, _body: (status, body)
    with pytest.raises(HubAway):
        hub.upsert("", fragments(2))
    if status != 200:
        with pytest.raises(HubAway):
            hub.entity("", "urn:x:1")


@pytest.mark.parametrize(
    ("kind", "status", "wanted"),
    [
        ("BadRequestData", 400, BadRequestData),
        ("AlreadyExists", 409, AlreadyExists),
        ("Unheard", 422, BadRequestData),
        ("InternalError", 500, InternalError),
    ],
)
def test_a_refusal_of_a_whole_batch_is_that_of_each(
    server: Server, hub: HubOverHttp, kind: str, status: int, wanted: type[NgsiError]
) -> None:
    server.answer = lambda _path, _body: (status, problem(kind, status, detail="so not", pointer="/a"))
    found = hub.upsert("", fragments(3))
    assert [type(one) for one in found] == [wanted] * 3
    assert found[0] is found[2]
    assert found[0] is not None
    assert (str(found[0]), found[0].pointer) == ("so not", "/a")


def test_a_broker_that_tells_no_places_is_understood_by_ids(server: Server, hub: HubOverHttp) -> None:
    errors = [{"entityId": "urn:x:1", "error": problem("BadRequestData", 400)}, {"entityId": "urn:y", "error": {}}]
    server.answer = lambda _path, _body: (207, {"success": [], "errors": errors})
    found = hub.upsert("", [*fragments(3), fragments(2)[1]])
    assert [one is None for one in found] == [True, False, True, False]


def test_batches_are_cut_by_length_and_number(
    server: Server, hub: HubOverHttp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(over_http, "BODY_BYTES", 2_000)
    monkeypatch.setattr(over_http, "BATCH_MAX", 4)
    assert hub.upsert("", fragments(6)) == [None] * 6
    assert hub.upsert("", fragments(3, size=1_500)) == [None] * 3
    assert [len(json.loads(body)) for _, body in server.asked] == [4, 2, 1, 1, 1]
    assert {path for path, _ in server.asked} == {"/ngsi-ld/v1/entityOperations/upsert?options=update"}


def test_ids_are_quoted_whole(server: Server, hub: HubOverHttp) -> None:
    server.answer = lambda _path, _body: (404, problem("ResourceNotFound", 404))
    assert hub.entity("", "urn:x:a/b?c#d") is None
    assert server.asked[0][0] == "/ngsi-ld/v1/entities/urn%3Ax%3Aa%2Fb%3Fc%23d"
