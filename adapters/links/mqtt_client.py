"""Paho's client, which reads and acknowledges packets in bulk.

The library asks the socket for each byte of a header, and writes each acknowledgement by itself; every such call lets
go of the interpreter, and waits for it again while other threads work.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Final

from paho.mqtt import client as paho

BUFFER_BYTES: Final = 1 << 16
_PUBACK: Final = 0x40
_ACKNOWLEDGED: Final = struct.Struct("!BBH")


class BufferedClient(paho.Client):
    """`has_more` tells that something was read from the socket that no packet was made of yet.

    What is overridden and called here is none of the library's promises; the tests with mosquitto hold it.
    """

    _buffered = memoryview(b"")

    @property
    def has_more(self) -> bool:
        """Whether `loop_read` has something to do although the socket is silent."""
        return len(self._buffered) > 0

    def acknowledge(self, mids: Iterable[int]) -> None:
        """Acknowledge messages of QoS 1, in this order, in one write."""
        packets = b"".join([_ACKNOWLEDGED.pack(_PUBACK, 2, mid) for mid in mids])
        if packets:
            self._packet_queue(paho.PUBACK, packets, 0, 1)

    def _sock_recv(self, bufsize: int) -> bytes:
        if not self._buffered:
            if bufsize >= BUFFER_BYTES:
                return super()._sock_recv(bufsize)
            self._buffered = memoryview(super()._sock_recv(BUFFER_BYTES))
        taken = bytes(self._buffered[:bufsize])
        self._buffered = self._buffered[bufsize:]
        return taken
