"""What the door does when there is too much of something, or a client goes away."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Coroutine, Iterator, Mapping, MutableMapping
from concurrent.futures import Future
from typing import Any

import pytest

from adapters.door import app
from adapters.door.app import Door
from broker.access.policies import AllowAll
from broker.http.messages import Request, Response
from broker.http.rooms import door as rooms
from broker.http.rooms.door import Rights
from broker.http.rooms.route import Asked, Route, Routes


class Links:
    """One link, whose answers a test lets go."""

    paths = ("/iot/json",)

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.bodies: list[bytes] = []
        self.hold = False

    async def serve(self, request: Request) -> Response:
        """As Serves says."""
        self.bodies.append(request.body)
        if self.hold:
            await asyncio.sleep(60)
        if request.body == b"fault":
            raise ValueError("a fault of the link")
        return Response(200)

    def served(self) -> Mapping[str, Any]:
        """As Hears says."""
        return {"/iot/json": self}

    def call(self, work: Coroutine[Any, Any, Response]) -> Future[Response]:
        """As Hears says."""
        return asyncio.run_coroutine_threadsafe(work, self.loop)

    def close(self) -> None:
        """End the loop."""
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()


@pytest.fixture
def links() -> Iterator[Links]:
    made = Links()
    yield made
    made.close()


@pytest.fixture
def released() -> threading.Event:
    return threading.Event()


@pytest.fixture
def door(links: Links, released: threading.Event) -> Iterator[Door]:
    def slow(_asked: Asked) -> Response:
        released.wait(10)
        return Response(204)

    def faulty(_asked: Asked) -> Response:
        raise ZeroDivisionError

    rows = [Route("POST", "/admin/slow", "iot_slow", slow), Route("GET", "/admin/faulty", "iot_faulty", faulty)]
    made = Door(Routes(rows), links, Rights(AllowAll()))
    yield made
    released.set()
    made.close()


Message = MutableMapping[str, Any]
WHOLE: list[Message] = [{"type": "http.request", "body": b"{}", "more_body": False}]


async def ask(
    door: Door, method: str, path: str, messages: list[Message] | None = None, **headers: str
) -> tuple[int, bytes]:
    sent: list[Message] = []
    left = list(WHOLE if messages is None else messages)

    async def receive() -> Message:
        return left.pop(0) if left else await asyncio.Event().wait()  # type: ignore[return-value]

    async def send(message: Message) -> None:
        sent.append(message)

    given = {"transfer-encoding": "chunked", **{name.replace("_", "-"): text for name, text in headers.items()}}
    scope = {
        "type": "http",
        "method": method,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(name.encode(), text.encode()) for name, text in given.items()],
    }
    await door(scope, receive, send)
    return sent[0]["status"], sent[1]["body"]


def test_a_body_that_breaks_off_reaches_nobody(door: Door, links: Links) -> None:
    part = {"type": "http.request", "body": b'{"t"', "more_body": True}
    status, _ = asyncio.run(ask(door, "POST", "/iot/json", [part, {"type": "http.disconnect"}]))
    assert (status, links.bodies) == (400, [])


def test_a_body_that_never_ends_is_given_up(door: Door, links: Links, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rooms, "TAKE_S_MAX", 0.05)
    part = {"type": "http.request", "body": b'{"t"', "more_body": True}
    assert asyncio.run(ask(door, "POST", "/iot/json", [part]))[0] == 400
    endless: list[Message] = [{"type": "http.request", "body": b"x" * (1 << 19), "more_body": True}] * 5
    assert asyncio.run(ask(door, "POST", "/iot/json", endless))[0] == 413
    assert asyncio.run(ask(door, "POST", "/iot/json", None, content_length=str((1 << 20) + 1)))[0] == 413
    assert links.bodies == []


def test_devices_are_told_to_come_again_where_the_queue_is_full(
    door: Door, links: Links, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "PATIENCE_S", 0.1)
    monkeypatch.setattr(app, "MEASURES_MAX", 2)
    links.hold = True

    async def crowd() -> list[tuple[int, bytes]]:
        return list(await asyncio.gather(*(ask(door, "POST", "/iot/json") for _ in range(3))))

    answers = asyncio.run(crowd())
    assert [status for status, _ in answers] == [503, 503, 503]
    assert len(links.bodies) == 2, "the third one was not let in"
    links.hold = False
    assert asyncio.run(ask(door, "POST", "/iot/json"))[0] == 200


def test_operators_are_told_to_come_again_where_too_many_ask(
    door: Door, released: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rooms, "AT_ONCE_MAX", 2)

    async def crowd() -> list[int]:
        first = [asyncio.create_task(ask(door, "POST", "/admin/slow")) for _ in range(2)]
        await asyncio.sleep(0.05)
        third, _ = await ask(door, "POST", "/admin/slow")
        released.set()
        return [*(status for status, _ in await asyncio.gather(*first)), third]

    assert asyncio.run(crowd()) == [204, 204, 503]
    assert asyncio.run(ask(door, "POST", "/admin/slow"))[0] == 204


def test_a_fault_is_an_answer_and_a_line_of_the_log(door: Door, caplog: pytest.LogCaptureFixture) -> None:
    for method, path, body in (("GET", "/admin/faulty", b""), ("POST", "/iot/json", b"fault")):
        status, told = asyncio.run(ask(door, method, path, [{"type": "http.request", "body": body}]))
        assert status == 500
        assert b"its log has the reason" in told
        assert b"Error:" not in told
    assert len(caplog.records) == 2


@pytest.mark.parametrize(("site", "status"), [("cross-site", 403), ("same-site", 403), ("same-origin", 204)])
def test_a_page_of_another_site_changes_nothing(door: Door, released: threading.Event, site: str, status: int) -> None:
    released.set()
    assert asyncio.run(ask(door, "POST", "/admin/slow", sec_fetch_site=site))[0] == status


def test_a_path_of_thousands_of_segments_holds_nobody_up(door: Door) -> None:
    began = time.perf_counter()
    assert asyncio.run(ask(door, "POST", "/iot/x" + "/a" * 30_000))[0] == 404
    assert asyncio.run(ask(door, "POST", "/iot/json" + "/" * 30_000))[0] == 200
    assert time.perf_counter() - began < 0.2


@pytest.mark.parametrize(
    ("host", "status"),
    [("127.0.0.1:1026", 204), ("localhost", 204), ("LOCALHOST.:80", 204), ("[::1]:1026", 204), ("192.0.2.7", 204),
     ("hub.city.example:443", 204), ("", 204), ("attacker.example:1026", 403), ("127.0.0.1.attacker.example", 403),
     ("localhost.attacker.example", 403), ("[attacker.example]", 403)],
)  # fmt: skip
def test_where_nobody_is_asked_who_he_is_only_its_own_names_reach_the_operators_routes(
    links: Links, host: str, status: int
) -> None:
    rows = [Route("GET", "/admin/there", "iot_there", lambda _asked: Response(204))]
    for hosts, wanted in ((frozenset({"hub.city.example"}), status), (None, 204)):
        door = Door(Routes(rows), links, Rights(AllowAll(), hosts=hosts))
        assert asyncio.run(ask(door, "GET", "/admin/there", host=host))[0] == wanted
        assert asyncio.run(ask(door, "POST", "/iot/json", host=host))[0] == 200, "devices have keys"
        door.close()
