"""Two network namespaces joined by a cable: for protocols whose nodes all want the same port, each at an address."""

from __future__ import annotations

import ctypes
import os
import secrets
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

CLONE_NEWNET = 0x40000000
HERE, THERE = "198.18.0.1", "198.18.0.2"
_PREFIX = "24"


@dataclass(frozen=True, slots=True)
class Network:
    """One end: its namespace and its address."""

    name: str
    address: str


def ip(*words: str) -> None:
    """iproute2's `ip`. Raises CalledProcessError."""
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)


@contextmanager
def two_networks() -> Iterator[tuple[Network, Network]]:
    """Ours and theirs; the test is passed over where no namespaces can be made."""
    if shutil.which("ip") is None or os.geteuid() != 0:
        pytest.skip("network namespaces need root and iproute2")
    token = secrets.token_hex(3)
    ends = [Network(f"misono-{token}-{side}", address) for side, address in (("a", HERE), ("b", THERE))]
    made: list[str] = []
    try:
        try:
            for end in ends:
                ip("netns", "add", end.name)
                made.append(end.name)
        except subprocess.CalledProcessError as refused:
            pytest.skip(f"no network namespaces here: {refused.stderr.strip()}")
        cable = [f"m{token}{side}" for side in "ab"]
        ip("link", "add", cable[0], "netns", ends[0].name, "type", "veth", "peer", cable[1], "netns", ends[1].name)
        for end, wire in zip(ends, cable, strict=True):
            ip("-n", end.name, "address", "add", f"{end.address}/{_PREFIX}", "dev", wire)
            for device in ("lo", wire):
                ip("-n", end.name, "link", "set", device, "up")
            ip("-n", end.name, "route", "add", "224.0.0.0/4", "dev", wire)
        yield ends[0], ends[1]
    finally:
        for name in made:
            ip("netns", "delete", name)


@contextmanager
def inside(network: Network) -> Iterator[None]:
    """In there this thread, and what it starts, is in that namespace; sockets stay where they were made."""
    libc = ctypes.CDLL(None, use_errno=True)
    with (
        Path(f"/proc/self/task/{threading.get_native_id()}/ns/net").open("rb") as back,
        Path(f"/var/run/netns/{network.name}").open("rb") as there,
    ):
        _enter(libc, there.fileno())
        try:
            yield
        finally:
            _enter(libc, back.fileno())


def _enter(libc: ctypes.CDLL, descriptor: int) -> None:
    if libc.setns(descriptor, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")
