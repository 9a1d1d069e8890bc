"""Context sources that behave badly, one way each: threads that listen on a port of this machine."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TypeAlias

Behaviour: TypeAlias = Callable[[socket.socket], None]
"""What is done with a connection whose request has come."""

CHUNK = b"x" * 65536
ENTITY = {"id": "urn:ngsi-ld:House:from-garbage", "type": "House"}
WRONG = [{}, 5, None, {"id": "x y"}, {**ENTITY, "type": 7}, {**ENTITY, "rooms": {"type": "Property"}}]
HUGE = json.dumps([{**ENTITY, "rooms": {"type": "Property", "value": 1}}]).replace("1}", "1e999}")


def _says(body: bytes, status: str = "200 OK", more: str = "") -> Behaviour:
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n{more}\r\n"
    return lambda connection: connection.sendall(head.encode() + body)


def hangs(connection: socket.socket) -> None:
    """Say nothing until the other side has gone."""
    while connection.recv(65536):
        pass


def drips(connection: socket.socket) -> None:
    """A byte now and then, for ever: no single wait is long."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n[")
    while True:
        connection.sendall(b" ")
        time.sleep(0.1)


def never_ends(connection: socket.socket) -> None:
    """A body of chunks without end."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        connection.sendall(f"{len(CHUNK):x}\r\n".encode() + CHUNK + b"\r\n")


def long_headers(connection: socket.socket) -> None:
    """A header without end."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Much: ")
    while True:
        connection.sendall(CHUNK)


GARBAGE: Mapping[str, Behaviour] = {
    "no json": _says(b"<html>It works</html>"),
    "binary": _says(bytes(range(256)) * 40),
    "no list": _says(b'{"id": 1, "type": []}'),
    "wrong entities": _says(json.dumps(WRONG).encode()),
    "deep": _says(b"[" * 200_000 + b"]" * 200_000),
    "huge number": _says(HUGE.encode()),
    "lone surrogate": _says(b'[{"id": "urn:ngsi-ld:House:\\ud800", "type": "House"}]'),
    "error": _says(b'{"error": "SHUTDOWN", "description": "not a problem body"}', "500 Internal Server Error"),
    "redirect": _says(b"", "302 Found", "Location: http://127.0.0.1:1/\r\n"),
    "cut off": lambda connection: connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n[{"),
    "no http": lambda connection: connection.sendall(b"220 smtp.example ESMTP\r\n"),
    "closes": lambda _: None,
    "drips": drips,
    "never ends": never_ends,
    "long headers": long_headers,
}  # fmt: skip
"""Ways to answer that no source should."""
UNASKED = _says(json.dumps([{**ENTITY, "id": "urn:ngsi-ld:Person:1", "type": "Person"}]).encode())
"""An entity that nobody asked for."""


@contextmanager
def source(behaviour: Behaviour) -> Iterator[str]:
    """A source that behaves so to everybody; its endpoint."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=_accept, args=(listening, behaviour), daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)


def _accept(listening: socket.socket, behaviour: Behaviour) -> None:
    with suppress(OSError):
        while True:
            connection, _ = listening.accept()
            threading.Thread(target=_answer, args=(connection, behaviour), daemon=True).start()


def _answer(connection: socket.socket, behaviour: Behaviour) -> None:
    with suppress(OSError), connection:
        request = b""
        while b"\r\n\r\n" not in request:
            part = connection.recv(65536)
            if not part:
                return
            request += part
        behaviour(connection)
