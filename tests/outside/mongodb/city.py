"""Several brokers on one server that keeps its data in a file, and what writes to them."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from subprocess import Popen
from typing import Any, Final

import httpx
import pytest

from tests.engines.wires.running import BUILT, MISSING, start_java, stop
from tests.outside.served import Served, free_port, start
from tests.outside.served import stop as stop_broker

QUICK: Final = ("--allow-private", "--notify-backoff-s", "0.1", "--notify-backoff-max-s", "1")
TIMEOUT_S: Final = 25.0
"""Longer than a request may take whatever becomes of the store: what takes longer hangs."""


@dataclass
class Server:
    """One mongo-java-server with a file; it can be away for a while."""

    file: Path
    port: int = field(default_factory=free_port)
    process: Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """With the name of the database."""
        return f"mongodb://127.0.0.1:{self.port}/city"

    def start(self) -> None:
        """Listen."""
        self.process, _ = start_java(self.port, self.file)

    def stop(self) -> None:
        """Be away; what was written is in the file."""
        if self.process is not None:
            stop(self.process)
            self.process = None


class City:
    """Brokers by name, each with a directory of its own: they share nothing but the server."""

    def __init__(self, directory: Path, server: Server) -> None:
        self.directory, self.server = directory, server
        self.brokers: dict[str, Served] = {}
        self.ports: dict[str, int] = {}

    def start(self, name: str, *options: str) -> Served:
        """Start a broker, always on the same port."""
        port = self.ports.setdefault(name, free_port())
        options = ("--store", self.server.url, *QUICK, *options)
        self.brokers[name] = start(self.directory / name, *options, port=port)
        return self.brokers[name]

    def stop(self) -> None:
        """End all."""
        for broker in self.brokers.values():
            stop_broker(broker)


@contextmanager
def city(directory: Path) -> Iterator[City]:
    """A server with a file, and no broker yet."""
    if not (BUILT / "Wire.class").exists():
        pytest.skip(MISSING.format("mongo-java-server"))
    with ExitStack() as closing:
        server = Server(directory / "h2")
        server.start()
        closing.callback(server.stop)
        found = City(directory, server)
        closing.callback(found.stop)
        yield found


@dataclass(frozen=True)
class Answered:
    """One request: what was answered (0: nothing, the connection ended) and after how long."""

    status: int
    took_s: float
    retry_after: str | None = None


class Writer(threading.Thread):
    """Creates entities and raises a counter of its own, one request after the other, until it is told to stop.

    A broker that does not answer is left for the other one.
    """

    def __init__(self, ports: list[int], name: str) -> None:
        super().__init__(daemon=True)
        self.ports, self.label = ports, name
        self.created: list[str] = []
        self.doubtful: set[str] = set()
        self.counted = 0
        self.answers: list[Answered] = []
        self.ended = threading.Event()
        self._connection: HTTPConnection | None = None

    @property
    def counter(self) -> str:
        """The id of its counter."""
        return f"urn:ngsi-ld:Counter:{self.label}"

    def run(self) -> None:
        """Write."""
        try:
            self._write()
        finally:
            self._drop()

    def _write(self) -> None:
        number = 0
        while not self.ended.is_set():
            number += 1
            name = f"urn:ngsi-ld:Thing:{self.label}-{number}"
            thing = {"id": name, "type": "Thing", "value": {"type": "Property", "value": number}}
            status = self._post("/entities", thing)
            if status == 201:
                self.created.append(name)
            else:
                self.doubtful.add(name)
            counter = {"id": self.counter, "type": "Counter", "n": {"type": "Property", "value": number}}
            if self._post("/entityOperations/upsert", [counter]) in (201, 204):
                self.counted = number

    def stop(self) -> None:
        """Finish the request that is under way."""
        self.ended.set()
        self.join(2 * TIMEOUT_S)
        assert not self.is_alive(), "a request hangs"

    def _post(self, path: str, body: object) -> int:
        began = time.monotonic()
        try:
            if self._connection is None:
                self._connection = HTTPConnection("127.0.0.1", self.ports[0], timeout=TIMEOUT_S)
            headers = {"Content-Type": "application/json"}
            self._connection.request("POST", "/ngsi-ld/v1" + path, json.dumps(body), headers)
            answer = self._connection.getresponse()
            answer.read()
        except TimeoutError:
            self._drop()
            raise
        except (OSError, HTTPException):
            self._drop()
            self.answers.append(Answered(0, time.monotonic() - began))
            time.sleep(0.05)
            return 0
        retry_after = answer.getheader("Retry-After")
        self.answers.append(Answered(answer.status, time.monotonic() - began, retry_after))
        return answer.status

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self.ports = self.ports[1:] + self.ports[:1]


@contextmanager
def writing(ports: list[int], count: int = 3) -> Iterator[list[Writer]]:
    """Writers at work for the length of a block."""
    writers = [Writer(ports[at % len(ports) :] + ports[: at % len(ports)], f"w{at}") for at in range(count)]
    for writer in writers:
        writer.start()
    try:
        yield writers
    finally:
        for writer in writers:
            writer.stop()


def subscribe(broker: Served, name: str, uri: str, **more: Any) -> None:
    """Have new things told."""
    body = {
        "id": name,
        "type": "Subscription",
        "entities": [{"type": "Thing"}],
        "notification": {"endpoint": {"uri": uri}},
        **more,
    }
    answer = broker.http.post("/subscriptions", json=body)
    assert answer.status_code == httpx.codes.CREATED, answer.text


def ids(broker: Served, entity_type: str = "Thing") -> set[str]:
    """The ids of all entities of a type."""
    found: set[str] = set()
    while True:
        asked: dict[str, Any] = {"type": entity_type, "pick": "id", "limit": 1000, "offset": len(found)}
        page = broker.http.get("/entities", params=asked).json()
        found.update(one["id"] for one in page)
        if len(page) < 1000:
            return found


def until(holds: Callable[[], object], seconds: float = 30) -> float:
    """Wait; how long it took."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < seconds, "waited in vain"
        time.sleep(0.05)
    return time.monotonic() - began


def assert_kept(broker: Served, writers: list[Writer]) -> None:
    """Every write that was acknowledged is there, and nothing that was never asked for."""
    there = ids(broker)
    acknowledged = {name for writer in writers for name in writer.created}
    asked = acknowledged | {name for writer in writers for name in writer.doubtful}
    assert acknowledged <= there, sorted(acknowledged - there)[:9]
    assert there <= asked
    for writer in writers:
        counter = broker.http.get(f"/entities/{writer.counter}").json()
        assert counter["n"]["value"] in (writer.counted, writer.counted + 1), writer.label
