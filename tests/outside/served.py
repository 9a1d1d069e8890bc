"""A broker served as a person would start it: `misono serve` in a process of its own, spoken to over HTTP only."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.fakes import plain

READY_S_MAX = 30.0
STOP_S_MAX = 20.0


@dataclass
class Served:
    """A running broker: `http` speaks to its API root; `process` is the whole service."""

    process: subprocess.Popen[bytes]
    port: int
    data: Path
    http: httpx.Client

    @property
    def root(self) -> str:
        """`http://127.0.0.1:PORT`."""
        return f"http://127.0.0.1:{self.port}"

    def kill(self) -> None:
        """End it as a power cut would: no handler runs."""
        self.http.close()
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(STOP_S_MAX)

    def rss_mib(self) -> float:
        """Resident memory of the process and its children, MiB."""
        pages = sum(_resident_pages(pid) for pid in process_tree(self.process.pid))
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _resident_pages(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1])


def process_tree(pid: int) -> list[int]:
    """A process and everything it started."""
    children = [
        int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()
    ]
    return [pid, *(below for child in children for below in process_tree(child))]


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def start(data: Path, *options: str, port: int | None = None) -> Served:
    """Start a broker on `data` and wait until it is ready."""
    port = free_port() if port is None else port
    command = [sys.executable, "-m", "broker", "serve", "--port", str(port), "--data", str(data), *options]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MISONO_")}
    data.mkdir(parents=True, exist_ok=True)
    with (data.parent / f"{data.name}.log").open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=environment)
    root = f"http://127.0.0.1:{port}"
    _wait_until_ready(process, root)
    return Served(process, port, data, plain.Client(base_url=root + "/ngsi-ld/v1", timeout=60))


def _wait_until_ready(process: subprocess.Popen[bytes], root: str) -> None:
    end = time.monotonic() + READY_S_MAX
    while time.monotonic() < end:
        assert process.poll() is None, f"the broker ended with {process.returncode} before it was ready"
        try:
            if plain.get(root + "/ready", timeout=5).status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.02)
    process.kill()
    raise AssertionError(f"the broker was not ready after {READY_S_MAX} s")


def stop(served: Served) -> int:
    """Ask it to end; its exit code."""
    served.http.close()
    if served.process.poll() is None:
        served.process.send_signal(signal.SIGTERM)
        try:
            served.process.wait(STOP_S_MAX)
        except subprocess.TimeoutExpired:
            served.process.kill()
            served.process.wait()
    return served.process.returncode


@contextmanager
def serving(data: Path, *options: str, port: int | None = None) -> Iterator[Served]:
    """A broker for the length of a block."""
    served = start(data, *options, port=port)
    try:
        yield served
    finally:
        stop(served)
