"""A Wi-SUN dongle with SK commands at the end of a pseudo terminal; what it is told to send goes to a node by UDP.

It keeps a dongle's promise: commands are echoed until that is switched off, nothing is sent before PANA let us in, a
beacon is heard by who has its id, the data of a datagram comes as bytes or in hexadecimal.
"""

from __future__ import annotations

import os
import pty
import select
import socket
import struct
import threading
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

PORT, GROUP = 3610, "224.0.23.0"
METER_LINK, METER = "001D129012345678", "FE80:0000:0000:0000:021D:1290:1234:5678"
OURS = "FE80:0000:0000:0000:021D:1291:0000:0574"
ID, PASSWORD = "00112233445566778899AABBCCDDEEFF", "0123456789AB"
BEACON = (
    ("Channel", "21"),
    ("Channel Page", "09"),
    ("Pan ID", "8888"),
    ("Addr", METER_LINK),
    ("LQI", "E1"),
    ("PairID", ID[-8:]),
)


@dataclass
class WisunDongle:
    """`meter` is the node's address; `plain`: data as bytes; `side`: a second network, and a word more."""

    meter: str
    ours: str
    plain: bool = True
    side: bool = False
    path: str = ""
    commands: list[str] = field(default_factory=list)
    echo: bool = True
    joined: bool = False
    said: dict[str, str] = field(default_factory=dict)
    scans: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)

    def open(self) -> threading.Thread:
        """Plug it in."""
        self._master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        self.path = os.ttyname(self._slave)
        self._air = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._air.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._air.bind(("", PORT))
        membership = struct.pack("4s4s", socket.inet_aton(GROUP), socket.inet_aton(self.ours))
        self._air.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
        thread = threading.Thread(target=self._work)
        thread.start()
        return thread

    def end(self, event: str = "29") -> None:
        """Lose the session."""
        self.joined = False
        self.say(f"EVENT {event} {METER}")

    def say(self, *lines: str) -> None:
        """Lines to who has it plugged in."""
        for line in lines:
            os.write(self._master, line.encode() + b"\r\n")

    def unplug(self) -> None:
        """Nothing more comes of it."""
        self._stop.set()

    def _work(self) -> None:
        left = b""
        while not self._stop.is_set():
            ready, _, _ = select.select([self._master, self._air.fileno()], [], [], 0.05)
            if self._air.fileno() in ready:
                self._received(self._air.recv(2048))
            if self._master in ready:
                left = self._read(left + os.read(self._master, 4096))
        for descriptor in (self._master, self._slave):
            os.close(descriptor)
        self._air.close()

    def _received(self, payload: bytes) -> None:
        if self.joined:
            side = "0 " if self.side else ""
            head = f"ERXUDP {METER} {OURS} 0E1A 0E1A {METER_LINK} 1 {side}{len(payload):04X} ".encode()
            os.write(self._master, head + (payload if self.plain else payload.hex().upper().encode()) + b"\r\n")

    def _read(self, left: bytes) -> bytes:
        while left:
            words = left.split(b" ")
            if left.startswith(b"SKSENDTO"):
                at = 6 if self.side else 5
                if len(words) <= at + 1:
                    return left
                begin = len(b" ".join(words[: at + 1])) + 1
                size = int(words[at], 16)
                if len(left) < begin + size:
                    return left
                self._send(left[: begin - 1].decode(), left[begin : begin + size])
                left = left[begin + size :]
                continue
            line, end, rest = left.partition(b"\r\n")
            if not end:
                return left
            self._obey(line.decode())
            left = rest
        return left

    def _send(self, command: str, payload: bytes) -> None:
        self.commands.append(command)
        if self.echo:
            self.say(command)
        if not self.joined:
            self.say("FAIL ER10")
            return
        self._air.sendto(payload, (self.meter, PORT))
        self.say(f"EVENT 21 {METER} 00", "OK")

    def _obey(self, command: str) -> None:
        self.commands.append(command)
        if self.echo:
            self.say(command)
        name, *words = command.split(" ")
        match name:
            case "SKSREG" if words[0] == "SFE":
                self.echo = words[1] != "0"
                self.say("OK")
            case "SKRESET" | "SKSREG" | "SKSETPWD" | "SKSETRBID":
                self.said[words[0] if name == "SKSREG" else name] = words[-1] if words else ""
                self.say("OK")
            case "SKSCAN":
                self._scan()
            case "SKLL64":
                self.say(METER)
            case "SKJOIN":
                self._join()
            case _:
                self.say("FAIL ER04")

    def _scan(self) -> None:
        self.scans += 1
        self.say("OK")
        if self.said.get("SKSETRBID") == ID and self.scans > 1:  # nobody was heard the first time
            self.say(f"EVENT 20 {OURS}", "EPANDESC", *(f"  {name}:{value}" for name, value in BEACON))
        self.say(f"EVENT 22 {OURS}")

    def _join(self) -> None:
        self.say("OK", f"EVENT 21 {METER} 00", f"EVENT 02 {METER}")
        payload = "0000001C40000001"
        self.say(f"ERXUDP {METER} {OURS} 02CC 02CC {METER_LINK} 0 {len(payload) // 2:04X} {payload}")
        registers = (self.said.get("S2"), self.said.get("S3"))
        self.joined = self.said.get("SKSETPWD") == PASSWORD and registers == ("21", "8888")
        self.say(f"EVENT {'25' if self.joined else '24'} {METER}")


@contextmanager
def wisun_dongle(meter: str, ours: str, *, plain: bool = True, side: bool = False) -> Iterator[WisunDongle]:
    """A dongle that is plugged in."""
    dongle = WisunDongle(meter, ours, plain, side)
    thread = dongle.open()
    try:
        yield dongle
    finally:
        dongle.unplug()
        thread.join()
