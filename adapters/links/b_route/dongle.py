"""A Wi-SUN dongle at a serial port: SK commands one after the other, and what it tells in between."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import termios
import tty
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from adapters.links.b_route.sk import Datagram, Line, Splitter
from adapters.order import NotReached

log = logging.getLogger(__name__)
SPEEDS: Final = {9600: termios.B9600, 57_600: termios.B57600, 115_200: termios.B115200}
ANSWER_S: Final = 10.0
"""How long a dongle may take to answer a command."""
TOLD: Final = frozenset({"EVENT", "EPANDESC", "ERXTCP", "ENEIGHBOR"})
"""First words of what it says without being asked."""
_WRITE_PAUSE_S: Final = 0.005
_READ_BYTES: Final = 4096
_DESCRIBES: Final = ("Channel:", "Channel Page:", "Pan ID:", "Addr:", "LQI:", "Side:", "PairID:", "HopCount:")


class DongleFault(OSError):
    """The dongle refuses a command, says nothing, or is gone. Secrets are never in the message."""


class Dongle:
    """`told` gets what it says without being asked, `heard` what came by UDP."""

    def __init__(self, descriptor: int, told: Callable[[Line], None], heard: Callable[[Datagram], None]) -> None:
        self._descriptor = descriptor
        self._told = told
        self._heard = heard
        self._splitter = Splitter()
        self._answers: asyncio.Queue[Line | None] = asyncio.Queue()
        self._turn = asyncio.Lock()

    async def command(self, text: str, data: bytes | None = None, *, bare: bool = False) -> list[Line]:
        """What it answers before its OK; `bare`: the one line of a command that has no OK. Raises DongleFault."""
        name = text.partition(" ")[0]
        async with self._turn:
            while not self._answers.empty():
                self._answers.get_nowait()
            await self._write(text.encode("ascii") + (b"\r\n" if data is None else b" " + data))
            try:
                async with asyncio.timeout(ANSWER_S):
                    return await self._answer(name, bare=bare)
            except TimeoutError:
                raise DongleFault(f"no answer to {name}") from None

    async def _answer(self, name: str, *, bare: bool) -> list[Line]:
        lines: list[Line] = []
        while True:
            line = await self._answers.get()
            if line is None:
                raise DongleFault("the dongle is gone")
            match line.words[0]:
                case "OK":
                    return lines
                case "FAIL":
                    raise DongleFault(f"{name} is refused: {' '.join(line.words[1:2])}")
                case word if word == name:
                    continue  # its echo
                case _:
                    lines.append(line)
                    if bare:
                        return lines

    def take(self) -> None:
        """Read what is there, and hand it on."""
        try:
            data = os.read(self._descriptor, _READ_BYTES)
        except BlockingIOError:
            return
        except OSError as fault:
            data = b""
            log.info("the dongle cannot be read: %s", errno.errorcode.get(fault.errno or 0, "?"))
        if not data:
            self._answers.put_nowait(None)
            self._told(Line(("GONE",)))
            return
        for one in self._splitter.feed(data):
            if isinstance(one, Datagram):
                self._heard(one)
            elif one.words[0] in TOLD or one.text.startswith(_DESCRIBES):
                self._told(one)
            else:
                self._answers.put_nowait(one)

    async def _write(self, data: bytes) -> None:
        while data:
            try:
                data = data[os.write(self._descriptor, data) :]
            except BlockingIOError:
                await asyncio.sleep(_WRITE_PAUSE_S)
            except OSError as fault:
                raise DongleFault(f"the dongle is gone: {fault.strerror}") from fault


@asynccontextmanager
async def opened(
    port: str, speed: int, told: Callable[[Line], None], heard: Callable[[Datagram], None]
) -> AsyncIterator[Dongle]:
    """The dongle at a port. Raises OSError, DongleFault."""
    descriptor = os.open(port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    loop = asyncio.get_running_loop()
    try:
        try:
            tty.setraw(descriptor)
            settings = termios.tcgetattr(descriptor)
            settings[4] = settings[5] = SPEEDS[speed]
            termios.tcsetattr(descriptor, termios.TCSANOW, settings)
        except termios.error as fault:
            raise DongleFault(f"{port} is no serial port: {fault}") from fault
        dongle = Dongle(descriptor, told, heard)
        loop.add_reader(descriptor, dongle.take)
        yield dongle
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


async def send_datagram(dongle: Dongle, to: str, port: int, payload: bytes, side: str) -> None:
    """Send by UDP, secured. Raises NotReached."""
    words = f"SKSENDTO 1 {to} {port:04X} 1 {side}{len(payload):04X}"
    try:
        await dongle.command(words, payload)
    except DongleFault as fault:
        raise NotReached(str(fault)) from fault
