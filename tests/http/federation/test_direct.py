"""Answers byte by byte: what HTTP is, and what a hostile source sends in its place (RFC 9112, 6)."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import pytest

from federation.direct import Direct, address_of
from federation.fetched import Fetched
from federation.outgoing import Outgoing
from tests.fakes.quiet import quietest

Script = Callable[[socket.socket], None]


@dataclass
class Wire:
    """A server that plays one script a connection, the last one again and again."""

    url: str
    heads: list[bytes] = field(default_factory=list)


@contextmanager
def playing(*scripts: Sequence[bytes]) -> Iterator[Wire]:
    """Each script is what a connection answers to its requests, one after the other; then it is closed."""
    server = socket.create_server(("127.0.0.1", 0))
    wire = Wire(f"http://127.0.0.1:{server.getsockname()[1]}/ngsi-ld/v1/entities")

    def serve() -> None:
        number = 0
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            threading.Thread(
                target=play, args=(connection, scripts[min(number, len(scripts) - 1)]), daemon=True
            ).start()
            number += 1

    def play(connection: socket.socket, script: Sequence[bytes]) -> None:
        with connection, suppress(OSError):  # the other side may have enough
            for answer in script:
                head = b""
                while b"\r\n\r\n" not in head:
                    data = connection.recv(65536)
                    if not data:
                        return
                    head += data
                wire.heads.append(head)
                connection.sendall(answer)

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield wire
    finally:
        server.close()


def fetch(wire: Wire, direct: Direct | None = None, *, safe: bool = True, timeout_s: float = 1.0) -> Fetched:
    one = direct or Direct(1000, allow_private=True)
    try:
        return one.fetch(Outgoing("GET", wire.url, {"Via": "1.1 misono"}, safe=safe), timeout_s)
    finally:
        if direct is None:
            one.close()


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]"


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (OK, b"[]"),
        (b"HTTP/1.0 200\r\n\r\n[1]", b"[1]"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n[\r\n2;x=y\r\n1]\r\n0\r\n\r\n", b"[1]"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\nT: u\r\n\r\n", b"[]"),
        (b"HTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" + OK, b"[]"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b""),
    ],
)
def test_bodies_of_every_framing(answer: bytes, body: bytes) -> None:
    with playing([answer]) as wire:
        fetched = fetch(wire)
    assert (fetched.trouble, fetched.body) == ("", body)


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/2 200 OK\r\n\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" * 10,
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n[]",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n[]",
        b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n[]",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"HTTP/1.1 200 OK\r\n folded: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno header\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n[]]\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\n" + b"T: u\r\n" * 100 + b"\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 70_000 + b"\r\n\r\n",
    ],
)
def test_what_is_no_http_is_no_answer(answer: bytes) -> None:
    with playing([answer]) as wire:
        assert fetch(wire).trouble == "invalid"


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"64\r\n" + b"x" * 100 + b"\r\n" + b"385\r\n",
        b"HTTP/1.0 200 OK\r\n\r\n" + b"x" * 2000,
    ],
)
def test_what_is_too_large_is_not_read(answer: bytes) -> None:
    with playing([answer]) as wire:
        assert fetch(wire).trouble == "too large"


def test_connections_are_kept_and_used_again() -> None:
    direct = Direct(1000, allow_private=True)
    with playing([OK] * 3, [b"HTTP/1.1 500 x\r\n\r\n"]) as wire:
        assert [fetch(wire, direct).status for _ in range(3)] == [200] * 3
    direct.close()


@pytest.mark.parametrize(
    "answer",
    [
        OK + b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n[]",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n[]",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\n\r\n",
    ],
)
def test_a_connection_that_may_hold_something_else_is_not_used_again(answer: bytes) -> None:
    direct = Direct(1000, allow_private=True)
    with playing([answer, b"never"], [OK]) as wire:
        assert [fetch(wire, direct).body for _ in range(2)] == [b"[]", b"[]"]
        assert len(wire.heads) == 2
    direct.close()


def test_a_safe_request_is_sent_again_where_the_connection_had_just_been_closed() -> None:
    direct = Direct(1000, allow_private=True)
    with playing([OK, b""], [OK]) as wire:
        assert fetch(wire, direct).status == 200
        assert fetch(wire, direct).status == 200
        assert len(wire.heads) == 3
    direct.close()


def test_a_write_is_sent_once() -> None:
    direct = Direct(1000, allow_private=True)
    with playing([OK, b""], [OK]) as wire:
        assert fetch(wire, direct).status == 200
        assert fetch(wire, direct, safe=False).trouble == "unreachable"
        assert len(wire.heads) == 2
    direct.close()


def test_a_connection_closed_while_idle_is_seen_before_it_is_used() -> None:
    direct = Direct(1000, allow_private=True)
    with playing([OK]) as wire:
        assert fetch(wire, direct).status == 200
        time.sleep(0.05)
        assert fetch(wire, direct, safe=False).status == 200
    direct.close()


def test_the_deadline_holds_for_all_of_it() -> None:
    def trickle(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.recv(65536)
            for byte in OK:
                connection.sendall(bytes([byte]))
                time.sleep(0.05)

    def window() -> list[float]:
        with socket.create_server(("127.0.0.1", 0)) as server:
            threading.Thread(target=lambda: trickle(server.accept()[0]), daemon=True).start()
            began = time.monotonic()
            assert fetch(Wire(f"http://127.0.0.1:{server.getsockname()[1]}/"), timeout_s=0.2).trouble == "timeout"
            return [time.monotonic() - began]

    assert max(quietest("trickle", 0.4, window)) < 0.4


@pytest.mark.parametrize("header", ["a\r\nHost: evil", "a\nb", "a\0"])
def test_no_header_is_smuggled_in(header: str) -> None:
    with playing([OK]) as wire:
        fetched = Direct(1000, allow_private=True).fetch(Outgoing("GET", wire.url, {"X": header}), 1.0)
        assert (fetched.trouble, wire.heads) == ("refused", [])


def test_every_address_of_a_host_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    ordinary = socket.getaddrinfo

    def looked_up(host: str, port: int, *rest: Any, **more: Any) -> Any:
        if host != "two.example":
            return ordinary(host, port, *rest, **more)
        return [(0, 0, 0, "", (address, port)) for address in ("127.0.0.2", "127.0.0.1")]

    with playing([OK]) as wire:
        monkeypatch.setattr(socket, "getaddrinfo", looked_up)
        wire.url = wire.url.replace("127.0.0.1", "two.example")
        assert fetch(wire).status == 200


def test_an_address_is_read_from_its_url() -> None:
    assert address_of("http://a.org") == ("a.org", 80, "a.org", "/")
    assert address_of("http://[::1]:99/x?y=/z") == ("::1", 99, "[::1]:99", "/x?y=/z")


@pytest.mark.parametrize("url", ["http://a.org:99999/", "http://a b/", "http://a.org/x y", "http:///x"])
def test_what_is_no_address_is_refused(url: str) -> None:
    fetched = Direct(1000, allow_private=True).fetch(Outgoing("GET", url, {}), 1.0)
    assert fetched.trouble in ("refused", "unreachable")
