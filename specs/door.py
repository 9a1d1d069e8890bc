"""The doors in this process, on an engine of choice, in an empty directory."""

from __future__ import annotations

import asyncio
import json
from argparse import ArgumentParser
from collections.abc import Callable, Coroutine, Iterator, Mapping, MutableMapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from flask import Flask

from broker.doors import Doors, make_doors
from broker.settings import Settings, add_options, read_settings
from broker.wiring import build
from tests.engines.wires.running import WIRES, fresh


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def header(self, name: str) -> str:
        """Its value, empty where there is none."""
        return self.headers.get(name.lower(), "")

    def text(self) -> str:
        """The body as text."""
        return self.body.decode()

    def json(self) -> Any:
        """The body read as JSON."""
        return json.loads(self.body)


Door: TypeAlias = Callable[[str, str, Mapping[str, str], bytes], Reply]
"""Method, path with query, headers, body -> reply."""


def settings_of(*words: str) -> Settings:
    """The settings of `misono serve WORDS`, without this process's environment."""
    parser = ArgumentParser()
    add_options(parser)
    return read_settings(parser.parse_args(words), {})


@contextmanager
def open_doors(store: str, directory: Path, *, deliver: bool = False) -> Iterator[Doors]:
    """Both doors of a broker, closed afterwards; notifications are sent where `deliver` says so."""
    with ExitStack() as closing:
        place = closing.enter_context(fresh(WIRES[store])) if store in WIRES else store
        settings = settings_of("--store", place, "--data", str(directory / "data"), "--allow-private")
        built = build(settings, deliver=deliver)
        closing.callback(built.close)
        doors = make_doors(built)
        closing.callback(doors.close)
        yield doors


@contextmanager
def open_flask(store: str, directory: Path) -> Iterator[Flask]:
    """The application, closed afterwards."""
    with open_doors(store, directory) as doors:
        yield doors.app()


def door_of(doors: Doors) -> Door:
    """The application as a function from requests to replies."""
    client = doors.app().test_client()

    def send(method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        with client.open(path, method=method, headers=dict(headers), data=body or None) as answer:
            found = {name.lower(): value for name, value in answer.headers.items()}
            return Reply(answer.status_code, found, answer.get_data())

    return send


def holds(part: Any, whole: Any) -> bool:
    """Whether `whole` has everything that `part` has: members of objects at any depth, arrays and values alike."""
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(name in whole and holds(part[name], whole[name]) for name in part)
    if isinstance(part, list):
        return isinstance(whole, list) and len(part) == len(whole) and all(map(holds, part, whole))
    return bool(part == whole and type(part) is type(whole))


def follow(doors: Doors, address: str, headers: Mapping[str, str], seconds: float) -> Reply:
    """What a stream sends in so many seconds; then the client disconnects."""
    path, _, query = address.partition("?")
    reply = Reply(0, {}, b"")

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(seconds)
        return {"type": "http.disconnect"}

    async def send(message: MutableMapping[str, Any]) -> None:
        nonlocal reply
        if message["type"] == "http.response.start":
            found = {name.decode().lower(): value.decode() for name, value in message["headers"]}
            reply = Reply(message["status"], found, b"")
        else:
            reply = Reply(reply.status, reply.headers, reply.body + message["body"])

    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
    }
    asyncio.run(_run(doors.front(scope, receive, send)))
    return reply


async def _run(work: Coroutine[Any, Any, None]) -> None:
    await work
