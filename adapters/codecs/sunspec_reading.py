"""The registers of one SunSpec model, read by its definition."""

from __future__ import annotations

import math
import struct
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Final

from adapters.codecs.registers import scaled, shortest
from adapters.codecs.sunspec_models import FORMATS, HEADER, NOT_THERE, Group, Spot
from adapters.readings import Reading
from broker.model.values import Json

PORTS: Final = frozenset({(714, "Prt")})
"""Groups whose members are parts of the device."""
_EXPONENT_MOST: Final = 10
_KNOWN: Final = frozenset({"sunssf", "uint16", "count"})
"""What scales points, or counts groups."""


@dataclass(frozen=True, slots=True)
class Said:
    """One reading, the name of its point without those of its groups, and the number of its port (`""`: none)."""

    port: str
    name: str
    reading: Reading


@dataclass(frozen=True, slots=True)
class _Where:
    model: int
    port: str = ""
    prefix: str = ""

    def inside(self, group: Group, index: int) -> _Where:
        if (self.model, group.name) in PORTS:
            return _Where(self.model, str(index))
        number = "" if group.count == 1 else f".{index}"
        return _Where(self.model, self.port, f"{self.prefix}{group.name}{number}.")


def read_model(number: int, group: Group, data: bytes) -> Generator[Said, None, int]:
    """All that a model says: its own points, then those of its groups (`Crv.1.Pt.2.V`, ports by their number).

    Points that the device does not have are left out, as are those that its model is too short for.
    """
    return _walk(group, data, 0, {}, _Where(number))


def raw(spot: Spot, data: bytes, place: int = 0) -> int | float | None:
    """The number in a point's registers, unscaled; None where the device does not have it."""
    start = 2 * (place + spot.offset)
    if spot.type not in FORMATS or start + 2 * spot.size > len(data):
        return None
    (number,) = struct.unpack_from(">" + FORMATS[spot.type], data, start)
    if number == NOT_THERE.get(spot.type) or number != number:  # noqa: PLR0124  NaN is not itself
        return None
    return number  # type: ignore[no-any-return]


def _walk(group: Group, data: bytes, place: int, outer: Mapping[str, int], where: _Where) -> Generator[Said, None, int]:
    """The readings of a group at a register, and the register after it."""
    known = {**outer, **_known(group, data, place)}
    for spot in group.spots:
        if place or spot.offset >= HEADER:
            reading = _reading(spot, data, place, known, where.prefix)
            if reading is not None:
                yield Said(where.port, spot.name, reading)
    place += group.length
    for below in group.groups:
        for index in range(1, _count(below, known, len(data) // 2 - place) + 1):
            place = yield from _walk(below, data, place, known, where.inside(below, index))
    return place


def _known(group: Group, data: bytes, place: int) -> dict[str, int]:
    numbers = ((spot.name, raw(spot, data, place)) for spot in group.spots if spot.type in _KNOWN)
    return {name: number for name, number in numbers if isinstance(number, int)}


def _count(group: Group, known: Mapping[str, int], left: int) -> int:
    """How often a group is there: never more often than registers are left for it."""
    room = left // max(group.length, 1)
    if isinstance(group.count, int):
        return min(group.count or room, room)
    return min(known.get(group.count, 0), room)


def _reading(spot: Spot, data: bytes, place: int, known: Mapping[str, int], prefix: str) -> Reading | None:
    name = prefix + spot.name
    if spot.type == "string":
        start = 2 * (place + spot.offset)
        text = _text(data[start : start + 2 * spot.size])
        return Reading(name, text) if text else None
    number = raw(spot, data, place)
    if number is None or spot.type == "sunssf":
        return None
    if spot.type.startswith(("enum", "bitfield")):
        return Reading(name, _word(spot, int(number)))
    exponent = known.get(spot.scale) if isinstance(spot.scale, str) else spot.scale
    if not math.isfinite(number) or (exponent is not None and abs(exponent) > _EXPONENT_MOST):
        return Reading(name, None, spot.unit, quality="bad")
    if isinstance(number, float) and spot.size == HEADER:
        number = shortest(number, struct.pack(">f", number))
    value = scaled(number, _factor(exponent or 0, spot.divisor))
    return Reading(name, value, spot.unit, None, "good" if exponent is not None else "uncertain")


@cache
def _factor(exponent: int, divisor: int) -> Fraction:
    return Fraction(10) ** exponent / divisor


def _word(spot: Spot, number: int) -> Json:
    if spot.type.startswith("enum"):
        return spot.symbols.get(number, number)
    bits = (bit for bit in range(16 * spot.size) if number >> bit & 1)
    return [spot.symbols.get(bit, f"bit {bit}") for bit in bits]


def _text(data: bytes) -> str:
    text = data.split(b"\0", 1)[0].decode("utf-8", "replace").strip()
    return "".join(sign for sign in text if sign.isprintable())
