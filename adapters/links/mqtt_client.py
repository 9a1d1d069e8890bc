"""Paho's client, reading packets from a buffer: the library asks the socket for each byte of a header by itself.

Each of those calls lets go of the interpreter, and waits for it again while other threads work.
"""

from __future__ import annotations

from typing import Final

from paho.mqtt import client as paho

BUFFER_BYTES: Final = 1 << 16


class BufferedClient(paho.Client):
    """`has_more` tells that something was read from the socket that no packet was made of yet.

    The method that is overridden is none of the library's promises: where a version has it no more, the buffer stays
    empty and the socket is read as the library does it.
    """

    _buffered = memoryview(b"")

    @property
    def has_more(self) -> bool:
        """Whether `loop_read` has something to do although the socket is silent."""
        return len(self._buffered) > 0

    def _sock_recv(self, bufsize: int) -> bytes:
        if not self._buffered:
            if bufsize >= BUFFER_BYTES:
                return super()._sock_recv(bufsize)
            self._buffered = memoryview(super()._sock_recv(BUFFER_BYTES))
        taken = bytes(self._buffered[:bufsize])
        self._buffered = self._buffered[bufsize:]
        return taken
