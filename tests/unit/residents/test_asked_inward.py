"""What a stranger's server has this hub ask: never its own network, by no redirect, and whatever DNS says."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from broker import addresses
from broker.addresses import Refused
from broker.contexts.asking import ask, ask_once

INSIDE, OUTSIDE = "127.0.0.1", "127.0.0.2"
"""Both are this machine; the second one stands for an address on the Internet."""


class Servers:
    """One inside, one outside; `says` is where the one outside leads."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.says = ""
        self.ports: dict[str, int] = {}

    def url(self, host: str, at: str = OUTSIDE) -> str:
        """The server at one of them, under a name."""
        return f"http://{host}:{self.ports[at]}/"


@pytest.fixture
def servers(monkeypatch: pytest.MonkeyPatch) -> Iterator[Servers]:
    found = Servers()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            address = str(self.connection.getsockname()[0])
            found.asked.append(address)
            leads = address == OUTSIDE and found.says
            self.send_response(302 if leads else 200)
            if leads:
                self.send_header("Location", found.says)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *arguments: Any) -> None:
            """Say nothing."""

    running = [ThreadingHTTPServer((host, 0), Handler) for host in (INSIDE, OUTSIDE)]
    for one in running:
        found.ports[str(one.server_address[0])] = one.server_port
        Thread(target=one.serve_forever, args=(0.01,), daemon=True).start()
    ordinary = addresses.is_public
    monkeypatch.setattr(addresses, "is_public", lambda address: address == OUTSIDE or ordinary(address))
    yield found
    for one in running:
        one.shutdown()
        one.server_close()


def test_the_one_outside_is_asked(servers: Servers) -> None:
    """So that the others are refused for a reason."""
    assert ask_once(servers.url(OUTSIDE), 2.0, False) == b"{}"
    assert ask(servers.url(OUTSIDE), 2.0, False)[1] == b"{}"


@pytest.mark.parametrize("host", [INSIDE, "localhost", "[::1]", "[::ffff:127.0.0.1]"])
def test_a_redirect_leads_nowhere_inside(servers: Servers, host: str) -> None:
    """Each step is looked at as the first one is."""
    servers.says = servers.url(host, INSIDE)
    for asking in (ask, ask_once):
        with pytest.raises(Refused):
            asking(servers.url(OUTSIDE), 2.0, False)
    assert INSIDE not in servers.asked


def test_keys_are_not_had_by_a_redirect_at_all(servers: Servers) -> None:
    """Not even to the same server."""
    servers.says = servers.url(OUTSIDE)
    with pytest.raises(Refused, match="302"):
        ask_once(servers.url(OUTSIDE), 2.0, False)
    assert servers.asked == [OUTSIDE]


@pytest.mark.parametrize("told", [[INSIDE], [OUTSIDE, INSIDE], ["::1"], ["10.0.0.1"], ["169.254.169.254"]])
def test_a_name_that_leads_inside_is_refused(
    servers: Servers, monkeypatch: pytest.MonkeyPatch, told: list[str]
) -> None:
    """By all that DNS says of it, not by what it says first."""
    monkeypatch.setattr(socket, "getaddrinfo", lambda _host, port, **_: [(2, 1, 6, "", (one, port)) for one in told])
    with pytest.raises(Refused, match="private"):
        ask_once(servers.url("evil.example"), 2.0, False)
    assert servers.asked == []


def test_a_name_that_leads_elsewhere_the_second_time_is_not_asked_twice(
    servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was looked at is what is connected to (DNS rebinding)."""
    told, ordinary = iter([OUTSIDE, INSIDE, INSIDE]), socket.getaddrinfo

    def looked_up(host: str, port: int, *rest: Any, **more: Any) -> Any:
        return ordinary(next(told) if host == "evil.example" else host, port, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", looked_up)
    assert ask_once(servers.url("evil.example"), 2.0, False) == b"{}"
    assert servers.asked == [OUTSIDE]
