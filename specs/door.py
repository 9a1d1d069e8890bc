"""The Flask door in this process, on an engine of choice, in an empty directory."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from flask import Flask

from broker.settings import Settings, add_options, read_settings
from broker.wiring import build, make_doors


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
def open_flask(store: str, directory: Path, *, deliver: bool = False) -> Iterator[Flask]:
    """The application, closed afterwards."""
    settings = settings_of("--store", store, "--data", str(directory / "data"), "--allow-private")
    built = build(settings, deliver=deliver)
    doors = make_doors(built)
    try:
        yield doors.app()
    finally:
        doors.close()
        built.close()


@contextmanager
def open_door(store: str, directory: Path, *, deliver: bool = False) -> Iterator[Door]:
    """The application as a function from requests to replies; notifications are sent where `deliver` says so."""
    with open_flask(store, directory, deliver=deliver) as app:
        client = app.test_client()

        def send(method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
            with client.open(path, method=method, headers=dict(headers), data=body or None) as answer:
                found = {name.lower(): value for name, value in answer.headers.items()}
                return Reply(answer.status_code, found, answer.get_data())

        yield send
