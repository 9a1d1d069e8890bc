"""The SunSpec models, compiled from the definitions that pysunspec2 brings: where each point is, and what it means."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

from adapters.link import BadSettings

MEASURING: Final = (1, 101, 102, 103, 201, 202, 203, 204, 701, 702, 704, 713, 714, 802)
"""The models that are read where an adapter names none: who it is, inverters, meters, DER, storage."""
UNITS: Final = {
    "A": ("AMP", 1), "Ah": ("AMH", 1), "C": ("CEL", 1), "Hz": ("HTZ", 1), "Secs": ("SEC", 1), "V": ("VLT", 1),
    "VA": ("D46", 1), "var": ("D44", 1), "Var": ("D44", 1), "W": ("WTT", 1), "Wh": ("WHR", 1), "WH": ("WHR", 1),
    "VAh": ("C79", 1000), "varh": ("K3", 1000), "Varh": ("K3", 1000),
    "Pct": ("P1", 1), "%": ("P1", 1), "%WHRtg": ("P1", 1),
}  # fmt: skip
"""UN/CEFACT codes, and by what a value is divided for them."""
FORMATS: Final = {
    "int16": "h", "int32": "i", "int64": "q", "sunssf": "h",
    "uint16": "H", "uint32": "I", "uint64": "Q", "count": "H", "enum16": "H", "enum32": "I",
    "bitfield16": "H", "bitfield32": "I", "bitfield64": "Q", "acc16": "H", "acc32": "I", "acc64": "Q",
    "float32": "f", "float64": "d",
}  # fmt: skip
NOT_THERE: Final = {
    "int16": -0x8000, "int32": -0x8000_0000, "int64": -0x8000_0000_0000_0000, "sunssf": -0x8000,
    "uint16": 0xFFFF, "uint32": 0xFFFF_FFFF, "uint64": 0xFFFF_FFFF_FFFF_FFFF, "count": 0xFFFF,
    "enum16": 0xFFFF, "enum32": 0xFFFF_FFFF,
    "bitfield16": 0xFFFF, "bitfield32": 0xFFFF_FFFF, "bitfield64": 0xFFFF_FFFF_FFFF_FFFF,
    "acc16": 0, "acc32": 0, "acc64": 0,
}  # fmt: skip
"""The raw value by which a device says that it does not have a point; floats say it by NaN."""
HEADER: Final = 2
"""Registers before the points: the model's number, and how many follow."""


@dataclass(frozen=True, slots=True)
class Spot:
    """One point: `size` registers at `offset` of its group. `scale` names its scale factor, or is its exponent."""

    name: str
    type: str
    size: int
    offset: int
    scale: str | int
    unit: str
    divisor: int
    symbols: dict[int, str]


@dataclass(frozen=True, slots=True)
class Group:
    """Points that lie together, `length` registers, then groups; `count` says how often the group is there.

    A number; the name of the point that holds it; 0: until the model ends.
    """

    name: str
    spots: tuple[Spot, ...]
    length: int
    groups: tuple[Group, ...]
    count: str | int


@cache
def model(number: int) -> Group:
    """The definition of one model. Raises BadSettings where there is none."""
    found = files("sunspec2").joinpath(f"models/json/model_{number}.json")
    if not found.is_file():
        raise BadSettings(f"codec/models: SunSpec has no model {number}")
    return _group(json.loads(found.read_text(encoding="utf-8"))["group"])


def spot_of(number: int, name: str) -> Spot:
    """A point of a model's own, with its offset from the model's first register."""
    return next(spot for spot in model(number).spots if spot.name == name)


def _group(definition: dict[str, Any]) -> Group:
    spots = tuple(_spots(definition))
    groups = tuple(map(_group, definition.get("groups", ())))
    length = spots[-1].offset + spots[-1].size if spots else 0
    return Group(definition["name"], spots, length, groups, definition.get("count", 1))


def _spots(definition: dict[str, Any]) -> Iterator[Spot]:
    offset = 0
    for point in definition.get("points", ()):
        size = int(point["size"])
        unit, divisor = UNITS.get(point.get("units", ""), ("", 1))
        symbols = {int(one["value"]): str(one["name"]) for one in point.get("symbols", ())}
        yield Spot(point["name"], point["type"], size, offset, point.get("sf", 0), unit, divisor, symbols)
        offset += size
