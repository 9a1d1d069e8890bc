"""Tells the other processes on a data directory that there are rows for them to deliver.

A datagram on a local socket holds the name of a tenant. Losing one loses nothing: everybody looks now and then.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import Final

SLOTS_MIN: Final = 4  # processes that are told even where this one knows of no other
_BYTES_MAX: Final = 1024


class Doorbell:
    """The bell of one process: `slot` is its number among those that work in the directory."""

    def __init__(self, directory: Path, slot: int, slots: int) -> None:
        digest = blake2b(str(directory.resolve()).encode(), digest_size=12).hexdigest()
        self._others = [_address(digest, other) for other in range(max(slots, SLOTS_MIN)) if other != slot]
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.settimeout(0)
        with suppress(OSError):  # somebody has it: they hear it, and this process looks now and then
            self._socket.bind(_address(digest, slot))

    def listen(self, rung: Callable[[str], None]) -> None:
        """Call `rung(tenant)` on this event loop."""

        def read() -> None:
            with suppress(BlockingIOError):
                while True:
                    rung(self._socket.recv(_BYTES_MAX).decode(errors="replace"))

        asyncio.get_running_loop().add_reader(self._socket, read)

    def ring(self, tenant: str) -> None:
        """Tell the others."""
        for other in self._others:
            with suppress(OSError):
                self._socket.sendto(tenant.encode(), other)

    def close(self) -> None:
        """Hear nothing more."""
        with suppress(RuntimeError):
            asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()


def _address(digest: str, slot: int) -> str:
    return f"\0misono-{digest}-{slot}"
