"""Remote @contexts from a real server on loopback: what is read, what is refused, and in what time (clause 5.5.6)."""

from __future__ import annotations

import gzip
import socket
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Address
from threading import Thread
from time import monotonic, sleep
from typing import Any

import pytest

from broker.addresses import is_public
from broker.contexts.asking import CONTEXT_BYTES_MAX
from broker.contexts.copies import BadMap, read_copies
from broker.contexts.freshness import expires_at
from broker.contexts.loading import HttpLoader
from broker.errors import BadRequestData, LdContextNotAvailable
from tests.fakes.clock import START, FakeClock

ANY = str(IPv4Address(0))
GOOD = b'{"@context": {"speed": "https://ex.org/speed"}, "beside": 1}'


class Server(BaseHTTPRequestHandler):
    """Answers by path."""

    protocol_version = "HTTP/1.1"
    seen: list[str]

    def do_GET(self) -> None:
        self.seen.append(self.headers["Host"])
        getattr(self, "say_" + self.path.strip("/").partition("?")[0].partition("/")[0], self.say_missing)()

    def answer(self, body: bytes, status: int = 200, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def say_good(self) -> None:
        self.answer(GOOD, Content_Type="text/plain", Cache_Control="max-age=60")

    def say_zipped(self) -> None:
        self.answer(gzip.compress(GOOD), Content_Encoding="gzip")

    def say_bomb(self) -> None:
        self.answer(gzip.compress(b" " * (CONTEXT_BYTES_MAX + 1)), Content_Encoding="gzip")

    def say_long(self) -> None:
        self.answer(b" " * (CONTEXT_BYTES_MAX + 1))

    def say_moved(self) -> None:
        self.answer(b"", 302, Location="/good?a=b")

    def say_circle(self) -> None:
        self.answer(b"", 302, Location="/circle")

    def say_away(self) -> None:
        self.answer(b"", 302, Location="file:///etc/passwd")

    def say_html(self) -> None:
        self.answer(b"<html>")

    def say_list(self) -> None:
        self.answer(b"[]")

    def say_error(self) -> None:
        self.answer(GOOD, 503)

    def say_missing(self) -> None:
        self.answer(b"", 404)

    def say_drip(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        for _ in range(100):
            self.wfile.write(b" ")
            sleep(0.05)

    def say_silence(self) -> None:
        sleep(1.5)

    def log_message(self, *arguments: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def root() -> Iterator[str]:
    Server.seen = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    server.handle_error = lambda *_: None  # type: ignore[method-assign] # a client that hangs up is what is tested
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def loader() -> HttpLoader:
    return HttpLoader(FakeClock(), allow_private=True, timeout_s=0.7)


@pytest.mark.parametrize("path", ["good", "good/温度?q=é", "zipped", "moved"])
def test_json_with_a_context_is_taken_whatever_its_media_type(loader: HttpLoader, root: str, path: str) -> None:
    assert loader.load(f"{root}/{path}").document == {"@context": {"speed": "https://ex.org/speed"}}


def test_its_lifetime_is_what_the_server_says_or_a_day(loader: HttpLoader, root: str) -> None:
    assert loader.load(f"{root}/good").expires_at == START + 60_000_000
    assert loader.load(f"{root}/zipped").expires_at == START + 24 * 3600 * 1_000_000


def test_the_server_is_told_the_name_that_was_asked_for(loader: HttpLoader, root: str) -> None:
    name = root.replace("127.0.0.1", "localhost")
    try:
        loader.load(f"{name}/good")
    except LdContextNotAvailable:
        pytest.fail("localhost is 127.0.0.1 on every machine with a working resolver")
    assert Server.seen[-1] == name.removeprefix("http://")


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("bomb", "longer"),
        ("long", "longer"),
        ("circle", "redirects"),
        ("away", "no http"),
        ("error", "503"),
        ("nothing", "404"),
    ],
)
def test_what_cannot_be_used_is_refused_with_url_and_reason(
    loader: HttpLoader, root: str, path: str, reason: str
) -> None:
    with pytest.raises(LdContextNotAvailable, match=reason) as refusal:
        loader.load(f"{root}/{path}")
    assert f"{root}/{path}" in refusal.value.detail


@pytest.mark.parametrize(("path", "reason"), [("html", "no JSON"), ("list", "@context")])
def test_what_is_no_context_is_a_bad_request(loader: HttpLoader, root: str, path: str, reason: str) -> None:
    with pytest.raises(BadRequestData, match=reason) as refusal:
        loader.load(f"{root}/{path}")
    assert f"{root}/{path}" in refusal.value.detail


@pytest.mark.parametrize("path", ["drip", "silence"])
def test_a_slow_server_is_left_in_time(loader: HttpLoader, root: str, path: str) -> None:
    start = monotonic()
    with pytest.raises(LdContextNotAvailable):
        loader.load(f"{root}/{path}")
    assert monotonic() - start < 1.4


def test_nobody_there_is_refused() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/x"
        with pytest.raises(LdContextNotAvailable):
            HttpLoader(FakeClock(), allow_private=True).load(url)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "[::1]", "169.254.169.254", "10.0.0.1", "[::ffff:127.0.0.1]", ANY]
)
def test_private_addresses_are_not_asked(root: str, host: str) -> None:
    asked = len(Server.seen)
    with pytest.raises(LdContextNotAvailable, match=r"private|unknown"):
        HttpLoader(FakeClock()).load(root.replace("127.0.0.1", host) + "/good")
    assert len(Server.seen) == asked


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1:248:1893:25c8:1946", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        (ANY, False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fc00::1", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::a00:1", False),
        ("2002:0a00:0001::", False),
        ("ff0e::1", False),
    ],
)
def test_which_addresses_are_public(address: str, public: bool) -> None:
    assert is_public(address) is public


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 24 * 3600),
        ({"cache-control": "max-age=60"}, 60),
        ({"cache-control": "public, s-maxage=5, max-age=60"}, 5),
        ({"cache-control": "Max-Age=60", "age": "20"}, 40),
        ({"cache-control": "max-age=10", "age": "20"}, 0),
        ({"cache-control": "no-store, max-age=60"}, 0),
        ({"cache-control": "no-cache"}, 0),
        ({"cache-control": "max-age=x"}, 24 * 3600),
        ({"expires": "Thu, 01 Jan 2026 00:01:00 GMT"}, 60),
        ({"expires": "0"}, 0),
        ({"expires": "Wed, 31 Dec 2025 00:00:00 GMT"}, 0),
        ({"cache-control": "max-age=60", "expires": "0"}, 60),
        ({"cache-control": "max-age=999999999999"}, 365 * 24 * 3600),
    ],
)
def test_how_long_an_answer_may_be_used(headers: dict[str, str], seconds: int) -> None:
    assert expires_at(headers, START) == START + seconds * 1_000_000


def test_local_copies_are_read_from_a_map(tmp_path: Any) -> None:
    (tmp_path / "c.jsonld").write_bytes(GOOD)
    table = tmp_path / "map.tsv"
    table.write_text("# the city's\n\nhttps://x.org/c\tc.jsonld\n", "utf-8")
    assert read_copies(table) == {"https://x.org/c": {"@context": {"speed": "https://ex.org/speed"}}}


@pytest.mark.parametrize(
    "line", ["https://x.org/c c.jsonld", "c.jsonld\tc.jsonld", "https://x.org/c\tmissing", "https://x.org/c\tbad"]
)
def test_a_map_that_is_wrong_is_refused_with_its_line(tmp_path: Any, line: str) -> None:
    (tmp_path / "bad").write_text("[]", "utf-8")
    table = tmp_path / "map.tsv"
    table.write_text(line, "utf-8")
    with pytest.raises(BadMap, match="line 1"):
        read_copies(table)
    with pytest.raises(BadMap):
        read_copies(tmp_path / "none.tsv")
