"""ECHONET Lite: frames of houses' devices to readings, as the tables of the appendix say.

`codec: {kind: echonet, zone: Asia/Tokyo, half_hours: true}`: where the devices' clocks are, and whether meters tell
what flowed in each half hour. Quantities have the names of the appendix (`instantaneousElectricPower`); parts are
objects (`0288-1`). A frame carries what its link remembers of the same object in `about`: codes and bytes in
hexadecimal (`{"E1": "01", "D3": "00000001"}`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from adapters.codecs.echonet.half_hours import Said, logs_of, read_half_hours
from adapters.codecs.echonet.message import REQUESTS, Message, parse_message
from adapters.codecs.echonet.values import read_property
from adapters.frame import BadFrame, Frame
from adapters.readings import Reading, Readings
from adapters.settings import Members

ZONE: Final = "Asia/Tokyo"
_CODE_DIGITS: Final = 2


@dataclass(frozen=True, slots=True)
class EchonetCodec:
    """One zone's devices."""

    zone: tzinfo
    half_hours: bool = True

    def decode(self, frame: Frame) -> Sequence[Readings]:
        """What the object says that sent the frame; nothing where it only says that something was done."""
        message = parse_message(frame.payload)
        if message.service in REQUESTS:
            raise BadFrame("wrong_type", f"asks ({message.service.name}); only answers and announcements say something")
        if not message.measures:
            return ()
        told = dict(_told(message))
        said = Said(frame.device, message.source, told, _remembered(frame.about), frame.received_at)
        return tuple(self._read(said))

    def _read(self, said: Said) -> Iterator[Readings]:
        kind, known = said.part.partition("-")[0], said.known
        logs = logs_of(kind, said.told)
        read: list[Reading] = []
        for code, edt in said.told.items():
            if code not in logs:
                read += read_property(kind, code, edt, known, self.zone)
        if read:
            yield Readings(said.device, tuple(read), said.part)
        if self.half_hours:
            yield from read_half_hours(said, self.zone)


def make_codec(settings: object) -> EchonetCodec:
    """The codec. Raises BadSettings."""
    members = Members(settings, "codec")
    zone, half_hours = members.text("zone", ZONE), members.flag("half_hours", default=True)
    members.done()
    try:
        return EchonetCodec(ZoneInfo(zone), half_hours)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise members.refuse("zone", f"a time zone such as {ZONE}") from None


def _told(message: Message) -> Iterator[tuple[int, bytes]]:
    """The properties with a value: those that could not be read have none."""
    yield from ((code, edt) for code, edt in (*message.properties, *message.got) if edt)


def _remembered(about: Mapping[str, str]) -> dict[int, bytes]:
    """What the link remembers: members of `about` whose names are codes."""
    found: dict[int, bytes] = {}
    for name, text in about.items():
        if len(name) == _CODE_DIGITS:
            try:
                found[int(name, 16)] = bytes.fromhex(text)
            except ValueError:
                raise BadFrame("wrong_type", f"about {name}: not a property in hexadecimal") from None
    return found
