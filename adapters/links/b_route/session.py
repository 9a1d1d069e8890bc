"""Joining a smart meter's network (Wi-SUN, PANA) with the id and password of its B route, and how that ends.

scan for beacons that know our id -> channel, PAN, address -> join -> EVENT 25; EVENT 26 to 29 end it.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import Final

from adapters.links.b_route.dongle import Dongle
from adapters.links.b_route.sk import Line

log = logging.getLogger(__name__)
SCAN_DURATIONS: Final = (4, 5, 6, 7)
"""How long each of the 28 channels is listened to: 2 to the power of this by 10 ms, longer where nobody was heard."""
SCAN_S: Final = 60.0
JOIN_S: Final = 60.0
SCANNED, JOIN_FAILED, JOINED = "22", "24", "25"
ENDED: Final = {"26": "the meter ended it", "27": "it was ended", "28": "the meter was silent", "29": "it expired"}
AIR_FULL, AIR_FREE = "32", "33"
"""Sending is forbidden for a while: an hour has a limit; and allowed again."""
ID_DIGITS: Final = 32
PASSWORD_CHARACTERS: Final = 12


class NotJoined(Exception):
    """There is no session with the meter; the message says why."""


@dataclass(frozen=True, slots=True)
class Secrets:
    """The id and the password of a B route: `repr` does not show them."""

    id: str = field(repr=False)
    password: str = field(repr=False)


@dataclass(slots=True)
class Meter:
    """A beacon that was heard: `Meter("21", "8888", "001D129012345678", 200)`."""

    channel: str = ""
    pan: str = ""
    address: str = ""
    strength: int = 0


class Session:
    """What the dongle tells becomes a state here."""

    def __init__(self) -> None:
        self.free = asyncio.Event()
        self.ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._beacons: list[Meter] = []
        self._events: asyncio.Queue[str] = asyncio.Queue()
        self.free.set()

    def told(self, line: Line) -> None:
        """Take what a dongle says of its own accord."""
        if line.words[0] == "GONE":
            self._end("the dongle is gone")
        elif line.words[0] == "EPANDESC":
            self._beacons.append(Meter())
        elif line.words[0] == "EVENT" and len(line.words) > 1:
            self._event(line.words[1])
        elif self._beacons:
            _describe(self._beacons[-1], line.text)

    async def join(self, dongle: Dongle, secrets: Secrets, side: str) -> str:
        """The meter's address once it let us in. Raises NotJoined, DongleFault."""
        await dongle.command("SKRESET")
        await dongle.command("SKSREG SFE 0")
        await dongle.command(f"SKSETPWD {PASSWORD_CHARACTERS:X} {secrets.password}")
        await dongle.command(f"SKSETRBID {secrets.id}")
        meter = await self._scan(dongle, side)
        await dongle.command(f"SKSREG S2 {meter.channel}")
        await dongle.command(f"SKSREG S3 {meter.pan}")
        answer = await dongle.command(f"SKLL64 {meter.address}", bare=True)
        address = answer[0].words[0]
        await dongle.command(f"SKJOIN {address}")
        if await self._wait({JOINED, JOIN_FAILED}, JOIN_S) != JOINED:
            raise NotJoined("the meter does not let us in: is the password right?")
        log.info("joined a meter on channel %s", meter.channel)
        return address

    async def _scan(self, dongle: Dongle, side: str) -> Meter:
        for duration in SCAN_DURATIONS:
            self._beacons.clear()
            await dongle.command(f"SKSCAN 2 FFFFFFFF {duration} {side}".rstrip())
            await self._wait({SCANNED}, SCAN_S)
            heard = [one for one in self._beacons if one.channel and one.pan and one.address]
            if heard:
                return max(heard, key=lambda one: one.strength)
        raise NotJoined("no meter answers to this id: is it right, and the meter near?")

    async def _wait(self, events: set[str], seconds: float) -> str:
        try:
            async with asyncio.timeout(seconds):
                while True:
                    event = await self._events.get()
                    if event in events:
                        return event
        except TimeoutError:
            raise NotJoined("the dongle went quiet") from None

    def _event(self, event: str) -> None:
        if event == AIR_FULL:
            self.free.clear()
        elif event == AIR_FREE:
            self.free.set()
        elif event in ENDED:
            self._end(ENDED[event])
        else:
            self._events.put_nowait(event)

    def _end(self, why: str) -> None:
        if not self.ended.done():
            self.ended.set_result(why)


def _describe(meter: Meter, text: str) -> None:
    name, _, value = text.partition(":")
    match name:
        case "Channel":
            meter.channel = value
        case "Pan ID":
            meter.pan = value
        case "Addr":
            meter.address = value
        case "LQI":
            meter.strength = int(value, 16) if value.isalnum() and value.isascii() and _hexadecimal(value) else 0
        case _:
            pass


def _hexadecimal(text: str) -> bool:
    return all(one in "0123456789ABCDEFabcdef" for one in text)
