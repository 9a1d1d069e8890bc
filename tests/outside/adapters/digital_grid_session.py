"""A recorded session with the open APIS emulator: a gateway that answers as the emulator did, step by step.

    python -m tests.outside.adapters.digital_grid_session http://127.0.0.1:4390   records it anew, with 3 units

Between two settings a GET has one answer; a setting that was not recorded at that place ends the session.
"""

from __future__ import annotations

import json
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

RECORDED = Path(__file__).with_name("digital_grid_session.json")
SETTINGS = (
    "/set/dcdc/E001?mode=0x0014&dvg=350&dig=2.3",
    "/set/dcdc/E002?mode=0x0041&dvg=350&dig=2",
    "/set/dcdc/E003?mode=0x0002&dvg=350&dig=1.5",
    "/set/dcdc/E002?mode=0x0000&dvg=350&dig=2",
    "/set/dcdc/E003?mode=0x0000&dvg=350&dig=1.5",
    "/set/dcdc/E001?mode=0x0000&dvg=350&dig=2.3",
)
GETS = ("/get/log", "/get/unit/E001", "/get/unit/E002", "/get/unit/E003")
SETTLE_S = 14.0
"""The line's voltage takes that long to rise."""


@dataclass
class Session:
    """The gateway; `asked` is what was asked of it."""

    steps: list[dict[str, Any]]
    url: str = ""
    asked: list[str] = field(default_factory=list)
    step: int = 0

    def answer(self, path: str) -> Any:
        """What the emulator answered; None where it was not asked."""
        self.asked.append(path)
        if path.startswith("/set/"):
            if self.step + 1 >= len(self.steps) or self.steps[self.step + 1]["set"] != path:
                return None
            self.step += 1
            return self.steps[self.step]["answer"]
        return self.steps[self.step]["gets"].get(path)

    def settings(self) -> list[str]:
        """What was set."""
        return [path for path in self.asked if path.startswith("/set/")]


def read_session() -> list[dict[str, Any]]:
    """The steps: a setting with its answer (none at the beginning), and what GETs say after it."""
    steps: list[dict[str, Any]] = json.loads(RECORDED.read_bytes())["steps"]
    return steps


@contextmanager
def session(steps: list[dict[str, Any]] | None = None) -> Iterator[Session]:
    """The gateway on a port of this machine."""
    played = Session(read_session() if steps is None else steps)

    class Answering(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            found = played.answer(self.path)
            body = b"" if found is None else found.encode() if isinstance(found, str) else json.dumps(found).encode()
            with suppress(ConnectionError):
                self.send_response(500 if found is None else 200)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        server.daemon_threads = True
        played.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield played
        server.shutdown()
        thread.join()


def record(url: str) -> None:
    """Ask a running emulator, and write what it answers; what names its machine is left out."""

    def get(path: str) -> Any:
        with urllib.request.urlopen(url + path, timeout=5) as answer:
            body = json.loads(answer.read())
        for unit in body.values() if path == "/get/log" else [body]:
            if "oesunit" in unit:
                unit["oesunit"] = {name: unit["oesunit"][name] for name in ("id", "on", "display")}
        return body

    steps: list[dict[str, Any]] = [{"set": None, "answer": None, "gets": {path: get(path) for path in GETS}}]
    for path in SETTINGS:
        answer = get(path)
        time.sleep(SETTLE_S)
        steps.append({"set": path, "answer": answer, "gets": {path: get(path) for path in GETS}})
    about = (
        "hyphae/apis-emulator with three units in the morning of a January day, their loads made up, ten times as fast"
    )
    RECORDED.write_text(json.dumps({"about": about, "steps": steps}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    record(sys.argv[1])
