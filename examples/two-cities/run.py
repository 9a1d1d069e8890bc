"""Two cities, two hubs: Misono and Aizu each keep their own data, and one question is answered from both.

    .venv/bin/python examples/two-cities/run.py [--data DIR]

Starts both hubs on free ports of this machine, loads each city's data, registers each with the other, and shows: one
query over both, one subscription over both, and what is answered while Aizu's hub is down and after it came back.
Prints each step with what was seen; ends with 1 at the first that does not hold, and stops what it started.
"""

from __future__ import annotations

import argparse
import json
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Empty, Queue
from typing import Any

HERE = Path(__file__).resolve().parent
DISTRICT, AIZU = HERE.parent / "misono", HERE.parent / "aizu"
CONTEXT = "https://misono.example/contexts/district-v1.jsonld"
LINK = f'<{CONTEXT}>; rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"'
SHARED = ("Building", "WeatherObserved", "AirQualityObserved", "Park", "GtfsStop", "OffStreetParking")
"""What each city lets the other ask for: nothing of houses' energy, nothing of persons."""
WAIT_S = 20.0
NOTICE_S = 15.0
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
OPTIONS = ("--contexts", str(HERE / "contexts.tsv"), "--allow-private", "--forward-timeout-s", "3")


class Failed(Exception):
    """A step that does not hold."""


@dataclass
class City:
    """A city's hub: its name, which is its alias too, its port, its data."""

    name: str
    port: int
    data: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def root(self) -> str:
        """Where the others reach it."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Serve, and wait until it is ready."""
        words = [sys.executable, "-m", "broker", "serve", "--port", str(self.port), "--data", str(self.data), *OPTIONS]
        words += ["--alias", self.name, "--public-url", self.root]
        self.process = subprocess.Popen(words, cwd=HERE.parents[1], stdin=subprocess.DEVNULL)
        until(lambda: self.ask("GET", "/ready", api="").status == 200, f"{self.name} to be ready")

    def stop(self) -> None:
        """End it as an operator would."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(WAIT_S)

    def ask(self, method: str, path: str, body: object = None, *, api: str = "/ngsi-ld/v1") -> Reply:
        """The answer to a request, its names being the district's; status 0 where nobody answers."""
        headers = {"Content-Type": "application/json", "Link": LINK}
        data = None if body is None else json.dumps(body).encode()
        if isinstance(body, list):
            headers = {"Content-Type": "application/ld+json"}
        request = urllib.request.Request(self.root + api + path, data, headers, method=method)
        try:
            with OPENER.open(request, timeout=WAIT_S) as answer:
                return Reply(answer.status, answer.read(), answer.headers.get_all("NGSILD-Warning") or [])
        except urllib.error.HTTPError as refusal:
            return Reply(refusal.code, refusal.read(), [])
        except OSError:
            return Reply(0, b"", [])


@dataclass(frozen=True)
class Reply:
    """Status, body and warnings of an answer."""

    status: int
    body: bytes
    warnings: list[str] = field(default_factory=list)

    def ids(self) -> list[str]:
        """Of the entities in it."""
        if self.status != 200:
            raise Failed(f"{self.status}: {self.body.decode(errors='replace')[:300]}")
        return [entity["id"] for entity in json.loads(self.body)]

    def cities(self) -> set[str]:
        """Whose entities they are: `urn:ngsi-ld:Park:aizu:castle` is Aizu's."""
        return {one.split(":")[3] for one in self.ids()}


def until(holds: Callable[[], bool], what: str, seconds: float = WAIT_S) -> None:
    """Wait for something; Failed where it does not come."""
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            raise Failed(f"waited {seconds:.0f} s for {what}")
        time.sleep(0.05)


def say(step: str) -> None:
    """One line of the story."""
    print(f"  ok  {step}", flush=True)


def check(holds: object, what: str) -> None:
    """Say it, or fail."""
    if not holds:
        raise Failed(what)
    say(what)


@contextmanager
def receiver() -> Iterator[tuple[str, Queue[Any]]]:
    """A URL for notifications, and what came to it."""
    came: Queue[Any] = Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            came.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/notices", came
    finally:
        server.shutdown()
        server.server_close()


def load(city: City, *files: Path) -> None:
    """Put files' entities into a city's hub."""
    entities = [entity for file in files for entity in json.loads(file.read_text())]
    answer = city.ask("POST", "/entityOperations/create?local=true", entities)
    check(answer.status == 201, f"{city.name} has {len(entities)} entities of its own")


def register(at: City, other: City) -> None:
    """Let a hub know that the other city may be asked for what is shared."""
    body = {
        "id": f"urn:ngsi-ld:ContextSourceRegistration:{other.name}",
        "type": "ContextSourceRegistration",
        "registrationName": f"What {other.name} shares with {at.name}",
        "information": [{"entities": [{"type": name} for name in SHARED]}],
        "contextSourceAlias": other.name,
        "endpoint": other.root,
    }
    answer = at.ask("POST", "/csourceRegistrations", body)
    if answer.status != 201:
        raise Failed(answer.body.decode())
    say(f"{at.name} may ask {other.name} for {len(SHARED)} types")


def query(misono: City, aizu: City) -> None:
    """One question, answered from both."""
    answer = misono.ask("GET", "/entities?type=WeatherObserved&pick=id,temperature")
    check(answer.cities() == {"misono", "aizu"}, f"weather, asked at misono, is of both: {' '.join(answer.ids())}")
    warm = misono.ask("GET", "/entities?type=WeatherObserved&q=temperature%3C10&pick=id")
    check(warm.cities() == {"aizu"} and len(warm.ids()) == 2, "below ten degrees it is in aizu only")
    check(aizu.ask("GET", "/entities?type=Park").cities() == {"misono", "aizu"}, "parks, asked at aizu, are of both")
    rooms = aizu.ask("GET", "/entities?type=Room")
    check(rooms.ids() == [], "rooms of misono's houses are not aizu's to see")


def warm_up(city: City, station: str, degrees: float) -> None:
    """Measure anew."""
    body = {"temperature": {"type": "Property", "value": degrees, "unitCode": "CEL"}}
    answer = city.ask("PATCH", f"/entities/urn:ngsi-ld:WeatherObserved:{city.name}:{station}/attrs?local=true", body)
    if answer.status != 204:
        raise Failed(answer.body.decode())


def expect_notice(came: Queue[Any], entity_id: str, what: str) -> None:
    """Wait for a notification about an entity."""
    end = time.monotonic() + NOTICE_S
    try:
        while (left := end - time.monotonic()) > 0:
            if any(entity["id"] == entity_id for entity in came.get(timeout=left)["data"]):
                say(what)
                return
    except Empty:
        pass
    raise Failed(f"no notice: {what}")


def subscribe(misono: City, url: str) -> None:
    """One subscription at Misono, about both."""
    body = {
        "id": "urn:ngsi-ld:Subscription:weather",
        "type": "Subscription",
        "entities": [{"type": "WeatherObserved"}],
        "watchedAttributes": ["temperature"],
        "notification": {"endpoint": {"uri": url, "accept": "application/json"}},
    }
    answer = misono.ask("POST", "/subscriptions", body)
    check(answer.status == 201, "one subscription to weather, at misono")


def story(misono: City, aizu: City, url: str, came: Queue[Any]) -> None:
    """All steps in their order."""
    load(misono, *sorted((DISTRICT / "data").glob("*.jsonld")))
    load(aizu, AIZU / "data/aizu.jsonld")
    register(misono, aizu)
    register(aizu, misono)
    query(misono, aizu)
    subscribe(misono, url)
    station = "urn:ngsi-ld:WeatherObserved:{}:hall"
    warm_up(misono, "hall", 14.0)
    expect_notice(came, station.format("misono"), "a change in misono is told")
    warm_up(aizu, "hall", 7.5)
    expect_notice(came, station.format("aizu"), "a change in aizu is told to the same subscriber")
    aizu.stop()
    down = misono.ask("GET", "/entities?type=WeatherObserved&pick=id")
    check(down.cities() == {"misono"}, "aizu's hub is down: misono answers with what it has")
    check(down.warnings, f"and says so: {down.warnings}")
    aizu.start()

    def both() -> bool:
        return misono.ask("GET", "/entities?type=WeatherObserved&pick=id").cities() == {"misono", "aizu"}

    until(both, "aizu to be asked again")
    say("aizu's hub is back: weather is of both again")
    warm_up(aizu, "hall", 8.0)
    expect_notice(came, station.format("aizu"), "and the subscription goes on")


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main() -> int:
    """Run the story on two hubs; 1 where a step does not hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="where both keep their data (default: a directory that is removed)")
    options = parser.parse_args()
    with ExitStack() as closing:
        place = options.data or Path(closing.enter_context(tempfile.TemporaryDirectory(prefix="two-cities-")))
        misono, aizu = (City(name, free_port(), place / name) for name in ("misono", "aizu"))
        for city in (misono, aizu):
            city.data.mkdir(parents=True, exist_ok=True)
            closing.callback(city.stop)
        url, came = closing.enter_context(receiver())
        try:
            misono.start()
            aizu.start()
            story(misono, aizu, url, came)
        except Failed as reason:
            print(f"FAIL  {reason}", flush=True)
            return 1
    print("Two cities, one question: all of it holds.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
