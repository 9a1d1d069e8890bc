"""Modbus: registers and bits as they were read, to readings by a register map.

A frame's payload is the data of its blocks one after another as on the wire, `about["blocks"]` says which
(`holding:40+2,coil:0+8`), `about["map"]` by which map.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

from adapters.codecs.register_maps import map_named, read_maps
from adapters.codecs.registers import BITS, Block, Point, read_block, read_point
from adapters.frame import BadFrame, Frame
from adapters.readings import Reading, Readings
from broker.model.values import Json


def make_codec(settings: Json) -> ModbusCodec:
    """The codec with the maps of its settings. Raises BadSettings."""
    return ModbusCodec(read_maps(settings))


class ModbusCodec:
    """Reads what its maps name; points that no block has are left out."""

    def __init__(self, maps: Mapping[str, tuple[Point, ...]]) -> None:
        self._maps = maps
        self._places = lru_cache(maxsize=256)(self._find)

    def decode(self, frame: Frame) -> Sequence[Readings]:
        """One Readings for the device and for each part that the map names."""
        length, places = self._places(frame.about.get("map", ""), frame.about.get("blocks", ""))
        payload = frame.payload
        if len(payload) < length:
            raise BadFrame("truncated", f"{len(payload)} bytes; the blocks have {length}")
        if len(payload) > length:
            raise BadFrame("oversized", f"{len(payload)} bytes; the blocks have {length}")
        parts: dict[str, list[Reading]] = {}
        for point, offset, bit in places:
            if point.table in BITS:
                data = bytes([payload[offset] >> bit & 1])
            else:
                data = payload[offset : offset + 2 * point.size]
            parts.setdefault(point.part, []).append(read_point(point, data))
        return [Readings(frame.device, tuple(readings), part) for part, readings in parts.items()]

    def _find(self, name: str, blocks_text: str) -> tuple[int, list[tuple[Point, int, int]]]:
        """How many bytes the blocks have, and where in them each point is: byte, and bit in tables of bits."""
        try:
            points = map_named(self._maps, name)
        except LookupError as fault:
            raise BadFrame("wrong_type", str(fault)) from fault
        starts: list[tuple[int, Block]] = []
        length = 0
        for text in blocks_text.split(","):
            block = read_block(text)
            starts.append((length, block))
            length += block.length()
        places = []
        for point in points:
            found = next(((start, block) for start, block in starts if block.holds(point)), None)
            if found is not None:
                start, block = found
                away = point.address - block.start
                offset = start + (away // 8 if point.table in BITS else 2 * away)
                places.append((point, offset, away % 8))
        return length, places
