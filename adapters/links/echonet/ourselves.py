"""What we say of ourselves to nodes that ask: that we are a node with one object, a controller."""

from __future__ import annotations

from hashlib import sha256
from typing import Final

from adapters.codecs.echonet.message import (
    CONTROLLER,
    NODE,
    NODE_KIND,
    Message,
    Properties,
    Service,
    write_map,
    write_object,
    write_objects,
)

_NO_MAKER: Final = b"\xff\xff\xff"
_ID, _ID_BYTES = 0x83, 13
_INSTANCES: Final = write_objects([CONTROLLER])
_TOLD: Final[dict[int, bytes]] = {
    0x80: b"\x30",  # on
    0x82: bytes.fromhex("010E0100"),  # version 1.14, its own format
    0x88: b"\x42",  # nothing is wrong
    0x8A: _NO_MAKER,
    0xD3: bytes.fromhex("000001"),
    0xD4: bytes.fromhex("0002"),
    0xD5: _INSTANCES,
    0xD6: _INSTANCES,
    0xD7: b"\x01" + write_object(CONTROLLER)[:2],
    0x9D: write_map([0x80, 0xD5]),
    0x9E: write_map([]),
}
OURS: Final = {**_TOLD, 0x9F: write_map(sorted({*_TOLD, _ID, 0x9F} - {0xD5}))}


def answer_of(message: Message, name: str) -> Message | None:
    """The answer to a question about our node, whose id is made of its name; None where it asks for something else."""
    if not message.target.startswith(NODE_KIND):
        return None
    ours = {**OURS, _ID: b"\xfe" + _NO_MAKER + sha256(name.encode()).digest()[:_ID_BYTES]}
    told: Properties = tuple((code, ours.get(code, b"")) for code, _ in message.properties)
    whole = all(edt for _, edt in told)
    if message.service is Service.GET:
        service = Service.GET_RES if whole else Service.GET_SNA
    elif message.service is Service.INF_REQ:
        service = Service.INF if whole else Service.INF_SNA
    else:
        return None
    return Message(message.tid, NODE, message.source, service, told)
