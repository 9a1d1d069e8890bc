"""Servers that speak MongoDB's protocol, of others' making, for tests: started once a test run, ended with it.

    java   mongo-java-server, in memory or with a file that H2 keeps: right with many writers
    ferret FerretDB over SQLite: small data, one writer

`tools/install.sh wires` fetches and builds both into var/wire. `MONGO=host:port` names a running server of the first
kind, which is used instead and left running.
"""

from __future__ import annotations

import atexit
import os
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import Any, Final

import pytest
from pymongo import MongoClient

BUILT: Final = Path(__file__).resolve().parents[3] / "var" / "wire"
CLASSES: Final = f"{BUILT}:{BUILT}/lib/*"
JAVA: Final = ("java", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx768m", "-cp", CLASSES, "Wire")
WIRES: Final = {"mongo": "java", "ferret": "ferret"}
"""Name of an engine under test -> the server it runs on."""
MISSING: Final = "{} is not built: tools/install.sh wires says what is missing"


@contextmanager
def fresh(wire: str = "java") -> Iterator[str]:
    """The URL of an empty database, gone afterwards. Skips the test where the server cannot be had."""
    address = java() if wire == "java" else ferret()
    name = f"test_{secrets.token_hex(5)}"
    try:
        yield f"mongodb://{address}/{name}"
    finally:
        _client(address).drop_database(name)


@cache
def java() -> str:
    """Host and port of mongo-java-server, everything in memory."""
    running = os.environ.get("MONGO")
    if running:
        return running
    if not (BUILT / "Wire.class").exists():
        pytest.skip(MISSING.format("mongo-java-server"))
    server = start_java()
    atexit.register(stop, server[0])
    return server[1]


def start_java(port: int = 0, file: Path | None = None) -> tuple[subprocess.Popen[bytes], str]:
    """A server of its own, and its host and port; with a file it keeps what it was told over restarts."""
    return _started([*JAVA, str(port), *([str(file)] if file else [])], {})


@cache
def ferret() -> str:
    """Host and port of FerretDB, whose files go with it."""
    if not (BUILT / "ferretdb").exists():
        pytest.skip(MISSING.format("FerretDB"))
    place = mkdtemp(prefix="ferretdb-")
    server = _started([str(BUILT / "ferretdb"), place], {"DO_NOT_TRACK": "1"})
    atexit.register(rmtree, place, ignore_errors=True)
    atexit.register(stop, server[0])
    return server[1]


def stop(server: subprocess.Popen[bytes]) -> None:
    """End it: its input ends."""
    assert server.stdin is not None
    server.stdin.close()
    try:
        server.wait(10)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def _started(words: list[str], environment: dict[str, str]) -> tuple[subprocess.Popen[bytes], str]:
    """Every server says its port in a line of its own once it listens, and ends with its input."""
    server = subprocess.Popen(
        words,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **environment},
    )
    assert server.stdout is not None
    port = int(server.stdout.readline())
    server.stdout.close()
    return server, f"127.0.0.1:{port}"


@cache
def _client(address: str) -> MongoClient[dict[str, Any]]:
    client: MongoClient[dict[str, Any]] = MongoClient(f"mongodb://{address}/")
    atexit.register(client.close)
    return client
