"""`misono serve` as a process: ready soon, small at rest, ended by a word or with its parent (the launch contract)."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest

IDLE_MIB_MAX = 90
GONE_S_MAX = 0.3


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def served(data: Path, *words: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    port = free_port()
    command = [sys.executable, "-m", "broker", "serve", "--port", str(port), "--data", str(data), *words]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            until(lambda: status(port, "/ready") == 200)
            yield process, port
        finally:
            process.kill()


def status(port: int, path: str, method: str = "GET", body: bytes | None = None) -> int:
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()


def until(holds: object, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not holds():  # type: ignore[operator]
        assert time.monotonic() < end
        time.sleep(0.01)


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] not in "ZX"
    except FileNotFoundError:
        return False


def rss_mib(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def test_one_worker_is_one_process_and_small_at_rest(tmp_path: Path) -> None:
    with served(tmp_path) as (process, port):
        time.sleep(2)
        assert children(process.pid) == []
        assert rss_mib(process.pid) < IDLE_MIB_MAX
        assert status(port, "/ngsi-ld/v1/types") == 200


@pytest.mark.parametrize("workers", ["1", "2"])
def test_told_to_stop_it_ends_with_0_and_what_it_acknowledged_is_there(tmp_path: Path, workers: str) -> None:
    entity = b'{"id": "urn:x:1", "type": "House"}'
    with served(tmp_path, "--workers", workers) as (process, port):
        assert status(port, "/ngsi-ld/v1/entities", "POST", entity) == 201
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    with served(tmp_path, "--workers", workers) as (_, port):
        assert status(port, "/ngsi-ld/v1/entities/urn:x:1") == 200


def test_workers_are_gone_with_the_process_that_started_them(tmp_path: Path) -> None:
    with served(tmp_path, "--workers", "2") as (process, _):
        workers = children(process.pid)
        assert len(workers) == 2
        process.kill()
        until(lambda: not any(map(alive, workers)), GONE_S_MAX)


def test_all_end_when_one_worker_does(tmp_path: Path) -> None:
    with served(tmp_path, "--workers", "2") as (process, _):
        until(lambda: len(children(process.pid)) == 2)
        os.kill(children(process.pid)[0], signal.SIGKILL)
        assert process.wait(20) != 0


def test_a_taken_port_is_refused_in_one_line(tmp_path: Path) -> None:
    with served(tmp_path / "one") as (_, port):
        command = [sys.executable, "-m", "broker", "serve", "--port", str(port), "--data", str(tmp_path / "two")]
        second = subprocess.run(command, capture_output=True, timeout=30, check=False)
    assert second.returncode == 2
    assert second.stderr.decode().startswith("misono: cannot listen on 127.0.0.1 port")
    assert second.stderr.decode().count("\n") == 1
