"""Register maps: where a Modbus device keeps what it measures; blocks to ask for, registers to values and back. Pure.

    {power: {holding: 40, type: int32, order: CDAB, scale: 0.1, unit: WTT, invalid: [-2147483648]}}

Addresses are those on the wire, from 0: what a manual calls 40041 is `holding: 40`.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, Literal, TypeAlias, cast, get_args

from adapters.frame import BadFrame
from adapters.readings import Quality, Reading
from broker.model.values import Json

Table: TypeAlias = Literal["coil", "discrete", "input", "holding"]
TABLES: Final = get_args(Table)
BITS: Final = frozenset({"coil", "discrete"})
"""Tables of single bits; the others have registers of 16."""
ORDERS: Final = ("ABCD", "CDAB", "BADC", "DCBA")
"""How the bytes of a value lie in its registers; ABCD is the standard's, CDAB has the low word first."""
NUMBERS: Final = {
    "int16": "h", "int32": "i", "int64": "q", "uint16": "H", "uint32": "I", "uint64": "Q",
    "float32": "f", "float64": "d",
}  # fmt: skip
TEXT: Final = "text"
BIT: Final = "bit"
ADDRESSES: Final = 65_536
BLOCK_MOST: Final = {"coil": 2000, "discrete": 2000, "input": 125, "holding": 125}
"""What one request may ask for, as Modbus has it."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Between which values, in the point's unit, it may be set."""

    least: float
    most: float


@dataclass(frozen=True, slots=True)
class Point:
    """One quantity: `size` registers (bits, in tables of bits) at `address`.

    A number is `raw * scale + plus`; raw values in `invalid` say that there is none. `words` name raw values, `names`
    bits of a register; `bit` takes one bit of it alone. `part` is the part of the device that it belongs to.
    """

    name: str
    table: Table
    address: int
    size: int
    type: str
    order: str = "ABCD"
    scale: Fraction = Fraction(1)
    plus: Fraction = Fraction(0)
    unit: str = ""
    invalid: frozenset[float] = frozenset()
    words: Mapping[int, str] | None = None
    names: Mapping[int, str] | None = None
    bit: int | None = None
    part: str = ""
    write: Limits | None = None


@dataclass(frozen=True, slots=True)
class Block:
    """Registers, or bits, one after another: `Block("holding", 40, 2)`; as a text `holding:40+2`."""

    table: Table
    start: int
    count: int

    def __str__(self) -> str:
        return f"{self.table}:{self.start}+{self.count}"

    def length(self) -> int:
        """How many bytes it has on the wire."""
        return (self.count + 7) // 8 if self.table in BITS else 2 * self.count

    def holds(self, point: Point) -> bool:
        """Whether all of a point is in it."""
        end = point.address + point.size
        return self.table == point.table and self.start <= point.address and end <= self.start + self.count


def read_block(text: str) -> Block:
    """`read_block("holding:40+2")`. Raises BadFrame."""
    table, _, place = text.partition(":")
    start, _, count = place.partition("+")
    if table in TABLES and all(number.isascii() and number.isdigit() and len(number) < 6 for number in (start, count)):  # noqa: PLR2004
        block = Block(cast("Table", table), int(start), int(count))
        if block.count and block.start + block.count <= ADDRESSES:
            return block
    raise BadFrame("wrong_type", f"{text[:40]!r} is no block: holding:40+2 would be one")


def plan(points: Iterable[Point], gap: int, most: int) -> tuple[Block, ...]:
    """What to ask for to read all of them with few requests.

    Up to `gap` registers between two points are read along; a block has at most `most`, and Modbus' own limit.
    """
    blocks: list[Block] = []
    for point in sorted(points, key=lambda point: (point.table, point.address, point.size)):
        end = point.address + point.size
        last = blocks[-1] if blocks else None
        if last is not None and last.table == point.table and point.address <= last.start + last.count + gap:
            count = max(end - last.start, last.count)
            if count <= min(most, BLOCK_MOST[point.table]):
                blocks[-1] = Block(point.table, last.start, count)
                continue
        blocks.append(Block(point.table, point.address, point.size))
    return tuple(blocks)


def read_point(point: Point, data: bytes) -> Reading:
    """The reading of a point out of its own bytes: of `size` registers, or one byte with 0 or 1 in tables of bits."""
    if point.table in BITS:
        return Reading(point.name, bool(data[0] & 1))
    value = _value(point, _ordered(point, data))
    quality: Quality = "bad" if value is None else "good"
    return Reading(point.name, value, point.unit, quality=quality)


def raw_of(point: Point, value: Json) -> list[int]:
    """The registers, or the one bit, to write. Raises ValueError, which says what would do."""
    if point.table in BITS:
        if not isinstance(value, bool):
            raise ValueError(f"{point.name}: true or false would do")
        return [int(value)]
    if point.words is not None and isinstance(value, str):
        known = {word: raw for raw, word in point.words.items()}
        if value not in known:
            raise ValueError(f"{point.name}: one of {', '.join(sorted(known))} would do")
        return _registers(point, known[value])
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{point.name}: a number would do")
    limits = point.write
    if limits is not None and not limits.least <= value <= limits.most:
        unit = point.unit and f" {point.unit}"
        raise ValueError(f"{point.name}: from {limits.least:g} to {limits.most:g}{unit} would do")
    raw = (Fraction(value) - point.plus) / point.scale
    return _registers(point, float(raw) if point.type.startswith("float") else round(raw))


def same(point: Point, written: Json, read: Json) -> bool:
    """Whether a value read back is what was written, but for what the register cannot tell apart."""
    if isinstance(written, bool | str) or isinstance(read, bool | str) or read is None:
        return written == read
    assert isinstance(written, int | float)
    assert isinstance(read, int | float)
    step = abs(float(point.scale)) if not point.type.startswith("float") else abs(written) * 1e-6
    return abs(written - read) <= step * 0.51


def shortest(value: float, data: bytes) -> float:
    """The shortest decimal that is this float32: 230.1, not 230.10000610351562."""
    for digits in (6, 7, 8):
        short = float(f"{value:.{digits}g}")
        if abs(short) < 3.4e38 and struct.pack(">f", short) == data:  # noqa: PLR2004  what a float32 holds
            return short
    return value


def _registers(point: Point, raw: float) -> list[int]:
    try:
        data = struct.pack(">" + NUMBERS[point.type], raw)
    except (struct.error, OverflowError) as fault:
        raise ValueError(f"{point.name}: {raw} does not fit into {point.type}") from fault
    return list(struct.unpack(f">{point.size}H", _ordered(point, data)))


def _ordered(point: Point, data: bytes) -> bytes:
    """The bytes from the wire in the standard's order, or the other way round: it is its own inverse."""
    if point.order in ("CDAB", "DCBA") and point.type != TEXT:
        data = b"".join(data[place : place + 2] for place in range(len(data) - 2, -1, -2))
    if point.order in ("BADC", "DCBA"):
        data = b"".join(data[place + 1 : place + 2] + data[place : place + 1] for place in range(0, len(data), 2))
    return data


def _value(point: Point, data: bytes) -> Json:
    """The value; None where the device says that there is none."""
    if point.type == TEXT:
        text = data.decode("utf-8", "replace").split("\0", 1)[0].strip()
        return "".join(sign for sign in text if sign.isprintable()) or None
    (raw,) = struct.unpack(">" + NUMBERS[point.type], data)
    if raw in point.invalid or not math.isfinite(raw):
        return None
    if point.bit is not None:
        return bool(raw >> point.bit & 1)
    if point.names is not None:
        return [name for bit, name in point.names.items() if raw >> bit & 1]
    if point.words is not None:
        word: Json = point.words.get(raw, raw)
        return word
    if point.type == "float32":
        raw = shortest(raw, data)
    value = scaled(raw, point.scale, point.plus)
    return value if math.isfinite(value) else None


def scaled(raw: float, scale: Fraction, plus: Fraction = Fraction(0)) -> float:
    """`raw * scale + plus` as the nearest number: an int where all three are whole; infinite where it is too large."""
    if isinstance(raw, int):
        above = raw * scale.numerator * plus.denominator + plus.numerator * scale.denominator
        below = scale.denominator * plus.denominator
        return above if below == 1 else above / below
    exact = raw * float(scale) + float(plus)
    return exact if raw == exact else float(f"{exact:.15g}")
