"""One broker behind one door, in this process: what tests of clause 6 speak to."""

from __future__ import annotations

import asyncio
from argparse import Namespace
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import httpx

from broker.ports import INLINE, Access, Clock
from broker.settings import read_settings
from broker.wiring import Built, Doors, build, make_doors

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
    *, clock: Clock | None = None, access: Access | None = None, **options: str
) -> Iterator[tuple[Built, Doors]]:
    """A broker on the memory store, or on what `options` say: `store="sqlite", data=…`."""
    environment = {"MISONO_STORE": "memory", **{f"MISONO_{name.upper()}": text for name, text in options.items()}}
    built = build(read_settings(Namespace(config=""), environment), clock=clock, access=access)
    try:
        yield built, make_doors(built)
    finally:
        built.close()


def front_door(doors: Doors) -> Door:
    """The ASGI front, on an event loop."""

    def send(method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes | None = None) -> Reply:
        async def ask() -> Reply:
            INLINE.set(True)
            transport = httpx.ASGITransport(doors.front)
            async with httpx.AsyncClient(transport=transport, base_url="http://door") as client:
                found = await client.request(method, path, headers=_complete(headers, body), content=body)
            return Reply(found.status_code, dict(found.headers), found.content)

        return asyncio.run(ask())

    return send


def flask_door(doors: Doors) -> Door:
    """Flask alone."""

    def send(method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes | None = None) -> Reply:
        client = doors.app().test_client()
        found = client.open(path, method=method, headers=_complete(headers, body), data=body)
        return Reply(found.status_code, {name.lower(): text for name, text in found.headers.items()}, found.data)

    return send


def _complete(headers: Mapping[str, str] | None, body: bytes | None) -> dict[str, str]:
    """The headers with the media type and length of a body, unless they say otherwise."""
    given = dict(headers or {})
    if body is not None:
        given = {"Content-Type": "application/json", "Content-Length": str(len(body)), **given}
    return {name: text for name, text in given.items() if text}
