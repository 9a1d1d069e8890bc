"""One broker behind one door, in this process: what tests of clause 6 speak to."""

from __future__ import annotations

import asyncio
from argparse import Namespace
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote

from broker.doors import Built, Doors, make_doors
from broker.ports import INLINE, Access, Clock
from broker.settings import read_settings
from broker.wiring import build
from tests.engines.wires.running import WIRES, fresh

ROOT = "/ngsi-ld/v1"


@dataclass(frozen=True)
class Reply:
    """What came back; header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


class Door(Protocol):
    """Sends one request."""

    def __call__(self, method: str, path: str, headers: Mapping[str, str] = ..., body: bytes | None = ...) -> Reply: ...


@contextmanager
def broker(
    *,
    clock: Clock | None = None,
    access: Access | None = None,
    deliver: bool = False,
    city: Path | None = None,
    **options: str,
) -> Iterator[tuple[Built, Doors]]:
    """A broker on the memory store, or on what `options` say: `store="sqlite", data=…`, or `mongo`: an empty one.

    `city` is its file of --access.
    """
    with ExitStack() as closing:
        if options.get("store") in WIRES:
            options["store"] = closing.enter_context(fresh(WIRES[options["store"]]))
        environment = {"MISONO_STORE": "memory", **{f"MISONO_{name.upper()}": text for name, text in options.items()}}
        environment |= {} if city is None else {"MISONO_ACCESS": str(city)}
        built = build(read_settings(Namespace(config=""), environment), clock=clock, access=access, deliver=deliver)
        closing.callback(built.close)
        yield built, make_doors(built)


def front_door(doors: Doors) -> Door:
    """The ASGI front, on an event loop, spoken to as granian does."""

    def send(method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes | None = None) -> Reply:
        raw_path, _, query = path.partition("?")
        given = _complete(headers, body)
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "scheme": "http",
            "server": ("door", 80),
            "client": ("127.0.0.1", 1),
            "method": method,
            "path": unquote(raw_path),
            "raw_path": raw_path.encode("ascii"),
            "query_string": query.encode("ascii"),
            "headers": [(name.lower().encode("ascii"), text.encode("latin-1")) for name, text in given.items()],
        }
        return asyncio.run(_ask(doors, scope, body or b""))

    return send


async def _ask(doors: Doors, scope: dict[str, Any], body: bytes) -> Reply:
    INLINE.set(True)
    sent: list[MutableMapping[str, Any]] = []

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    await doors.front(scope, receive, send)
    start, *parts = sent
    headers = {name.decode("latin-1").lower(): text.decode("latin-1") for name, text in start["headers"]}
    return Reply(start["status"], headers, b"".join(part.get("body", b"") for part in parts))


def flask_door(doors: Doors) -> Door:
    """Flask alone."""

    def send(method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes | None = None) -> Reply:
        given = _complete(headers, body)
        length = {"CONTENT_LENGTH": given["Content-Length"]} if "Content-Length" in given else {}
        client = doors.app().test_client()
        found = client.open(path, method=method, headers=given, data=body, environ_overrides=length)
        return Reply(found.status_code, {name.lower(): text for name, text in found.headers.items()}, found.data)

    return send


def _complete(headers: Mapping[str, str] | None, body: bytes | None) -> dict[str, str]:
    """The headers with the media type and length of a body, unless they say otherwise."""
    given = dict(headers or {})
    if body is not None:
        given = {"Content-Type": "application/json", "Content-Length": str(len(body)), **given}
    return {name: text for name, text in given.items() if text}
