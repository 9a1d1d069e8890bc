"""The frames of ECHONET Lite: bytes to messages and back, property maps and lists of objects.

10 81 | tid (2) | who says it (3) | to whom (3) | service | number | code, length, bytes | code, length, bytes | …
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, TypeAlias

from adapters.frame import BadFrame

HEADER: Final = b"\x10\x81"
BYTES_MAX: Final = 65_507
"""The most that UDP carries."""
NODE: Final = "0EF0-1"
"""Where every node tells of itself."""
NODE_KIND: Final = "0EF0"
CONTROLLER: Final = "05FF-1"
"""Who asks: we go by this object."""
MAP_AS_LIST: Final = 15
"""Property maps of so many properties or fewer are lists; longer ones are bits."""


class Service(IntEnum):
    """What a message is about (ESV); `_SNA` says that it could not be done, or not all of it."""

    SET_I_SNA = 0x50
    SET_C_SNA = 0x51
    GET_SNA = 0x52
    INF_SNA = 0x53
    SET_GET_SNA = 0x5E
    SET_I = 0x60
    SET_C = 0x61
    GET = 0x62
    INF_REQ = 0x63
    SET_GET = 0x6E
    SET_RES = 0x71
    GET_RES = 0x72
    INF = 0x73
    INFC = 0x74
    INFC_RES = 0x7A
    SET_GET_RES = 0x7E


REQUESTS: Final = frozenset({Service.SET_I, Service.SET_C, Service.GET, Service.INF_REQ, Service.SET_GET})
TELLING: Final = frozenset(
    {Service.GET_RES, Service.GET_SNA, Service.INF, Service.INFC, Service.SET_GET_RES, Service.SET_GET_SNA}
)
"""Services that bring values."""
_TWICE: Final = frozenset({Service.SET_GET, Service.SET_GET_RES, Service.SET_GET_SNA})
"""Services with two lists of properties: what was to be set, and what was asked."""

Properties: TypeAlias = Sequence[tuple[int, bytes]]


@dataclass(frozen=True, slots=True)
class Message:
    """One message: `Message(1, "0288-1", "05FF-1", Service.GET_RES, ((0xE7, bytes.fromhex("000004B0")),))`.

    Objects are written class and instance: `"0288-1"`. `got` is the second list of the services that have two.
    """

    tid: int
    source: str
    target: str
    service: Service
    properties: Properties
    got: Properties = ()

    @property
    def measures(self) -> bool:
        """Whether it brings values of a device, not of a node as such."""
        return self.service in TELLING and not self.source.startswith(NODE_KIND)


def parse_message(payload: bytes) -> Message:
    """What the bytes say. Raises BadFrame: `oversized`, `wrong_type`, `truncated`."""
    if len(payload) > BYTES_MAX:
        raise BadFrame("oversized", f"{len(payload)} bytes; a frame of ECHONET Lite has at most {BYTES_MAX}")
    if payload[:2] != HEADER[: len(payload)]:
        raise BadFrame("wrong_type", "does not begin with 1081: no frame of ECHONET Lite in its own format")
    if len(payload) < len(HEADER) + 10:
        raise BadFrame("truncated", f"{len(payload)} bytes are less than a header")
    try:
        service = Service(payload[10])
    except ValueError:
        raise BadFrame("wrong_type", f"the service {payload[10]:02X} is not known") from None
    properties, end = _list(payload, 11)
    got: Properties = ()
    if service in _TWICE:
        got, end = _list(payload, end)
    if end != len(payload):
        raise BadFrame("oversized", f"{len(payload) - end} bytes after the last property")
    return Message(
        int.from_bytes(payload[2:4], "big"),
        read_object(payload[4:7]),
        read_object(payload[7:10]),
        service,
        properties,
        got,
    )


def build_message(message: Message) -> bytes:
    """The bytes of a message."""
    lists = [message.properties, message.got] if message.service in _TWICE else [message.properties]
    head = HEADER + message.tid.to_bytes(2, "big") + write_object(message.source) + write_object(message.target)
    return head + bytes([message.service]) + b"".join(map(_written, lists))


def read_object(three: bytes) -> str:
    """`02 88 01` -> `0288-1`."""
    return f"{three[0]:02X}{three[1]:02X}-{three[2]}"


def write_object(name: str) -> bytes:
    """`0288-1` -> `02 88 01`. Raises ValueError."""
    code, _, instance = name.partition("-")
    if len(code) != len("0288"):
        raise ValueError(f"{name!r}: an object such as 0288-1 would do")
    return bytes.fromhex(code) + bytes([int(instance)])


def read_objects(edt: bytes) -> tuple[str, ...]:
    """The objects of a node, from its instance list (D5, D6): those of which all three bytes came."""
    return tuple(read_object(edt[at : at + 3]) for at in range(1, len(edt) - 2, 3))


def write_objects(names: Sequence[str]) -> bytes:
    """An instance list."""
    return bytes([len(names)]) + b"".join(map(write_object, names))


def read_map(edt: bytes) -> frozenset[int]:
    """The properties of a property map (9D, 9E, 9F)."""
    if len(edt) <= MAP_AS_LIST + 1:
        return frozenset(edt[1:])
    return frozenset(
        0x80 + (bit << 4) + low for low, bits in enumerate(edt[1:17]) for bit in range(8) if bits >> bit & 1
    )


def write_map(codes: Sequence[int]) -> bytes:
    """A property map."""
    if len(codes) <= MAP_AS_LIST:
        return bytes([len(codes), *codes])
    bits = [0] * 16
    for code in codes:
        bits[code & 0xF] |= 1 << ((code >> 4) - 8)
    return bytes([len(codes), *bits])


def _list(payload: bytes, at: int) -> tuple[Properties, int]:
    if at >= len(payload):
        raise BadFrame("truncated", "ends before the number of properties")
    found, number = [], payload[at]
    at += 1
    for nth in range(number):
        begin = at + 2
        end = begin + payload[at + 1] if begin <= len(payload) else begin
        if end > len(payload):
            raise BadFrame("truncated", f"ends in property {nth + 1} of {number}")
        found.append((payload[at], payload[begin:end]))
        at = end
    return tuple(found), at


def _written(properties: Properties) -> bytes:
    return bytes([len(properties)]) + b"".join(bytes([code, len(edt)]) + edt for code, edt in properties)
