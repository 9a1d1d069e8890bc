"""What devices push over HTTP: kept or refused with the right answer; commands that they fetch, or are sent."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from adapters.frame import Frame
from adapters.link import BadSettings, Serves
from adapters.links.http import HttpLink
from adapters.links.mailbox import Mailbox
from adapters.order import Delivered, NotReached, Order
from adapters.readings import Readings
from adapters.table import make_link
from broker.http.messages import Request, Response
from broker.model.values import Json
from tests.fakes.clock import START
from tests.fakes.linked import KEY, Linked, device_of, ground, linked

JSON, LIGHT, PLAIN = {"kind": "iota-json"}, {"kind": "ultralight"}, {"kind": "json", "device": "id"}
WHO = f"k={KEY}&i=h1"


@asynccontextmanager
async def http(home: Path, codec: dict[str, Any], **settings: Any) -> AsyncIterator[Linked]:
    device = device_of("h1", options={"configuration": {"sleepTime": 200}})
    async with linked(ground({"kind": "http", **settings}, codec, home, device)) as working:
        await asyncio.sleep(0)
        yield working


async def ask(working: Linked, method: str, path: str, query: str = WHO, body: bytes = b"", **headers: str) -> Response:
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    response: Response = await working.link.serve(Request(method, path, query, named, body))
    return response


def run(work: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        await asyncio.wait_for(work(), 30)

    asyncio.run(bounded())


def test_measures_are_kept_with_their_time_and_type(tmp_path: Path) -> None:
    async def work() -> None:
        async with http(tmp_path, JSON) as working:
            assert isinstance(working.link, Serves)
            assert working.link.paths == ("/iot/json",)
            query = f"{WHO}&t=2026-11-23T09%3A00%3A00%2B09%3A00"
            answer = await ask(working, "POST", "/iot/json", query, b'{"t": 1}', content_type="application/json")
            assert (answer.status, answer.body) == (200, b"")
            assert dict(answer.headers).keys() == {"X-Processing-Time"}
            await ask(working, "POST", "/iot/json/attrs/%E6%B8%A9", body=b"2")
            await ask(working, "POST", "/iot/json/commands", body=b'{"ping": "ok"}')
            first, second, third = working.frames
            assert (first.device, first.key, first.payload) == ("h1", KEY, b'{"t": 1}')
            assert first.about == {"content_type": "application/json", "t": "2026-11-23T09:00:00+09:00"}
            assert (second.channel, third.channel) == ("/iot/json/attrs/温", "/iot/json/commands")

    run(work)


@pytest.mark.parametrize(
    ("query", "body", "refused"),
    [
        ("i=h1", b"{}", (400, "MANDATORY_PARAMS_NOT_FOUND", 0)),
        ("k=x", b"{}", (400, "MANDATORY_PARAMS_NOT_FOUND", 0)),
        ("k=%FF&i=h1", b"{}", (400, "WRONG_SYNTAX", 0)),
        (f"k={KEY}&i=h2", b"{}", (404, "DEVICE_NOT_FOUND", 1)),
        ("k=wrong&i=h1", b"{}", (404, "DEVICE_NOT_FOUND", 1)),
        (WHO, b'{"t": 1', (400, "WRONG_SYNTAX", 1)),
        (WHO, b"", (400, "WRONG_SYNTAX", 1)),
        (WHO, b" " * (1 << 20) + b"{}", (413, "PAYLOAD_TOO_LARGE", 1)),
        (f"{WHO}&t=yesterday", b'{"t": 1}', (400, "WRONG_SYNTAX", 1)),
    ],
)
def test_what_is_refused_is_told_and_kept_for_quarantine(
    tmp_path: Path, query: str, body: bytes, refused: tuple[int, str, int]
) -> None:
    async def work() -> None:
        async with http(tmp_path, JSON) as working:
            answer = await ask(working, "POST", "/iot/json", query, body)
            assert (answer.status, json.loads(answer.body)["name"], len(working.frames)) == refused
            assert KEY not in answer.body.decode()

    run(work)


@dataclass
class Telling:
    """A codec that keeps in which thread it was asked."""

    threads: list[bool] = field(default_factory=list)

    def decode(self, frame: Frame) -> Sequence[Readings]:
        """As the port says; whether that was the main thread."""
        self.threads.append(threading.current_thread() is threading.main_thread())
        return [Readings(frame.device, ())]


def test_what_is_long_is_decoded_beside_the_loop(tmp_path: Path) -> None:
    async def work() -> None:
        codec = Telling()
        kept: list[Frame] = []

        async def receive(frames: Sequence[Frame]) -> None:
            kept.extend(frames)

        link = HttpLink(ground({"kind": "http"}, JSON, tmp_path, device_of("h1")), "/iot/json", codec, None)
        running = asyncio.create_task(link.run(receive))
        await asyncio.sleep(0)
        for size in (100, 100_000):
            assert (await link.serve(Request("POST", "/iot/json", WHO, {}, b"x" * size))).status == 200
        assert (codec.threads, len(kept)) == ([True, False], 2)
        running.cancel()

    run(work)


def test_a_wrong_key_and_an_unknown_device_get_one_answer(tmp_path: Path) -> None:
    async def work() -> None:
        async with http(tmp_path, JSON) as working:
            wrong = await ask(working, "POST", "/iot/json", "k=wrong&i=h1", b"{}")
            unknown = await ask(working, "POST", "/iot/json", "k=wrong&i=h2", b"{}")
            assert (wrong.status, wrong.body) == (unknown.status, unknown.body)

    run(work)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("PUT", "/iot/json", 405), ("POST", "/iot/json/x", 404), ("POST", "/iot/json/attrs/a/b", 404),
     ("POST", "/iot/jsonx", 404), ("POST", "/iot/json/attrs/" + "x" * 4_096, 404)],
)  # fmt: skip
def test_other_methods_and_paths(tmp_path: Path, method: str, path: str, status: int) -> None:
    async def work() -> None:
        async with http(tmp_path, JSON) as working:
            assert (await ask(working, method, path, body=b"{}")).status == status
            assert working.frames == []

    run(work)


def test_before_the_link_runs_and_after_it_is_asked_to_come_again(tmp_path: Path) -> None:
    link: Any = make_link("http", ground({"kind": "http"}, JSON, tmp_path))
    answer = asyncio.run(link.serve(Request("POST", "/iot/json", WHO, {}, b"{}")))
    assert (answer.status, dict(answer.headers)["Retry-After"]) == (503, "1")


def test_ultralight_in_the_query_and_commands_that_are_fetched(tmp_path: Path) -> None:
    async def work() -> None:
        async with http(tmp_path, LIGHT) as working:
            await ask(working, "GET", "/iot/d", f"{WHO}&d=t%7C21%23t%7C22")
            assert working.frames[0].payload == b"t|21#t|22"
            values: list[tuple[str, Json]] = [("turn", "left"), ("move", {"x": 1}), ("turn", "right")]
            sending = [
                asyncio.create_task(working.link.send(Order(f"c{at}", device_of("h1"), name, value)))
                for at, (name, value) in enumerate(values)
            ]
            await asyncio.sleep(0.05)
            answer = await ask(working, "GET", "/iot/d", f"{WHO}&getCmd=1")
            assert answer.body == b"h1@turn|left#h1@move|x=1"
            assert (await ask(working, "GET", "/iot/d", f"{WHO}&getCmd=1&d=t%7C1")).body == b"h1@turn|right"
            assert await asyncio.gather(*sending) == [Delivered("DELIVERED")] * 3
            assert len(working.frames) == 2

    run(work)


def test_commands_and_configuration_in_json(tmp_path: Path) -> None:
    async def work() -> None:
        async with http(tmp_path, JSON) as working:
            sending = asyncio.create_task(working.link.send(Order("c1", device_of("h1"), "turn", {"to": 3})))
            await asyncio.sleep(0.05)
            assert json.loads((await ask(working, "GET", "/iot/json", f"{WHO}&getCmd=1")).body) == {"turn": {"to": 3}}
            assert json.loads((await ask(working, "GET", "/iot/json", f"{WHO}&getCmd=1")).body) == {}
            assert await sending == Delivered("DELIVERED")
            body = b'{"type": "configuration", "fields": ["sleepTime", "x"]}'
            answer = await ask(working, "POST", "/iot/json/configuration", body=body)
            assert json.loads(answer.body) == {"sleepTime": 200, "dt": "20260101T000000Z"}
            assert (await ask(working, "POST", "/iot/json/configuration", body=b"{}")).status == 400

    run(work)


def test_a_command_that_nobody_fetches_in_time_is_taken_back() -> None:
    async def work() -> None:
        box = Mailbox(wait_s=0.05)
        for order in (
            Order("c1", device_of("h1"), "turn", 1),
            Order("c2", device_of("h1"), "move", 1, expires_at=START + 1_000),
        ):
            with pytest.raises(NotReached):
                await box.offer(order, START)
        assert box.fetch(device_of("h1"), START) == []

    run(work)


def test_one_that_expired_while_it_lay_there_is_not_fetched_and_one_that_was_fetched_is_delivered_once() -> None:
    async def work() -> None:
        box = Mailbox(wait_s=5)
        late = asyncio.create_task(
            box.offer(Order("c1", device_of("h1"), "turn", 1, expires_at=START + 4_000_000), START)
        )
        first = asyncio.create_task(box.offer(Order("c2", device_of("h1"), "move", 1), START))
        await asyncio.sleep(0.01)
        assert [one.id for one in box.fetch(device_of("h1"), START + 5_000_000)] == ["c2"]
        assert await first == Delivered("DELIVERED")
        assert await box.offer(Order("c2", device_of("h1"), "move", 1), START) == Delivered("DELIVERED")
        assert box.fetch(device_of("h1"), START) == []
        late.cancel()

    run(work)


@pytest.mark.parametrize(
    ("scheme", "header", "value"),
    [
        ("plain", "x-misono-secret", "s3cret"),
        ("bearer", "authorization", "Bearer s3cret"),
        ("hmac-sha256", "x-misono-secret", "sha256=" + hmac.new(b"s3cret", b'{"id": 1}', hashlib.sha256).hexdigest()),
    ],
)
def test_a_webhook_takes_what_shows_its_secret(tmp_path: Path, scheme: str, header: str, value: str) -> None:
    (tmp_path / "hook").write_text("s3cret\n")

    async def work() -> None:
        async with http(tmp_path, PLAIN, secret_file="hook", scheme=scheme) as working:  # noqa: S106 - a file's name
            [path] = working.link.paths
            assert path == "/iot/hooks/tried"
            for wrong in ("", value[:-1], value + "x", "\u00e9"):
                answer = await working.link.serve(Request("POST", path, "", {header: wrong}, b'{"id": 1}'))
                assert answer.status == 401
            assert working.frames == []
            answer = await working.link.serve(Request("POST", path, "", {header: value}, b'{"id": 1}'))
            assert answer.status == 200
            assert (await working.link.serve(Request("GET", path, "", {header: value}))).status == 405
            assert [one.payload for one in working.frames] == [b'{"id": 1}']

    run(work)


@pytest.mark.parametrize(
    ("settings", "codec", "member"),
    [({}, PLAIN, "link/secret"), ({"path": "/admin/x"}, JSON, "link/path"),
     ({"secret": "a", "secret_file": "b"}, PLAIN, "link/secret"),
     ({"secret_file": "missing"}, PLAIN, "link/secret_file"),
     ({"scheme": "md5"}, JSON, "link/scheme"), ({"port": 1}, JSON, "link/port")],
)  # fmt: skip
def test_settings_that_cannot_be(tmp_path: Path, settings: dict[str, Any], codec: dict[str, Any], member: str) -> None:
    with pytest.raises(BadSettings, match=member):
        make_link("http", ground({"kind": "http", **settings}, codec, tmp_path))


@asynccontextmanager
async def listening_device(answer: bytes, status: int) -> AsyncIterator[tuple[str, list[bytes]]]:
    """A device that listens on HTTP itself, and what it was told."""
    told: list[bytes] = []

    async def handle(request: web.Request) -> web.Response:
        told.append(await request.read())
        return web.Response(body=answer, status=status, headers={"Location": "http://127.0.0.1:1/"})

    server = web.Application()
    server.router.add_post("/cmd", handle)
    runner = web.AppRunner(server)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        yield f"http://127.0.0.1:{port}/cmd", told
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    ("codec", "answers", "told", "outcome"),
    [
        (JSON, (b'{"turn": "done"}', 200), b'{"turn":"left"}', Delivered("OK", "done")),
        (JSON, (b"", 200), b'{"turn":"left"}', Delivered("DELIVERED")),
        (JSON, (b'{"other": 1}', 200), b'{"turn":"left"}', Delivered("DELIVERED")),
        (LIGHT, (b"h1@turn|done", 200), b"h1@turn|left", Delivered("OK", "done")),
        (JSON, (b"no", 500), b'{"turn":"left"}', Delivered("ERROR", "the device answered 500")),
        (JSON, (b"", 302), b'{"turn":"left"}', Delivered("ERROR", "the device answered 302")),
    ],
)
def test_a_command_to_a_device_that_listens_itself(
    tmp_path: Path, codec: dict[str, Any], answers: tuple[bytes, int], told: bytes, outcome: Delivered
) -> None:
    async def work() -> None:
        async with http(tmp_path, codec) as working, listening_device(*answers) as (endpoint, heard):
            order = Order("c1", device_of("h1", options={"endpoint": endpoint}), "turn", "left")
            assert await working.link.send(order) == outcome
            assert heard == [told]
            gone = Order("c2", device_of("h1", address="http://127.0.0.1:1/cmd"), "turn", "left")
            with pytest.raises(NotReached):
                await working.link.send(gone)

    run(work)
