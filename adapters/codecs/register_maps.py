"""Register maps as people write them, checked: the member `maps` of a Modbus adapter's codec."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from fractions import Fraction
from typing import Final

from adapters.codecs.registers import (
    ADDRESSES,
    BIT,
    BITS,
    BLOCK_MOST,
    NUMBERS,
    ORDERS,
    TABLES,
    TEXT,
    Limits,
    Point,
    Table,
)
from adapters.link import BadSettings
from adapters.settings import Members
from broker.model.values import Json

POINTS_MOST: Final = 1000
_NAME: Final = re.compile(r"[A-Za-z][\w.-]{0,99}")
_REGISTER_BITS: Final = 16
_SIZES: Final = {"16": 1, "32": 2, "64": 4}
_SCALES: Final = (1e-12, 1e12)
LIMIT_MOST: Final = 1e12


def read_maps(settings: Json) -> dict[str, tuple[Point, ...]]:
    """The maps of a codec's settings by name: `{"chiller": (Point("power", "holding", 40, …), …)}`.

    Raises BadSettings, which names the member.
    """
    codec = Members(settings, "codec")
    maps = codec.below("maps")
    codec.done()
    if not maps:
        raise BadSettings("codec/maps: at least one would do: {meter: {points: {power: {holding: 40, type: int32}}}}")
    return {name: _map(name, each) for name, each in maps.items()}


def map_named(maps: Mapping[str, tuple[Point, ...]], name: str) -> tuple[Point, ...]:
    """The map of that name; without a name the only one. Raises LookupError, which tells those that are there."""
    if not name and len(maps) == 1:
        return next(iter(maps.values()))
    if name not in maps:
        raise LookupError(f"no register map {name[:100]!r}; there are {', '.join(sorted(maps))}")
    return maps[name]


def _map(name: str, settings: Json) -> tuple[Point, ...]:
    where = f"codec/maps/{name}"
    members = Members(settings, where)
    order = members.one_of("order", ORDERS, "ABCD")
    points = members.below("points")
    members.done()
    if not 0 < len(points) <= POINTS_MOST:
        raise BadSettings(f"{where}/points: 1 to {POINTS_MOST:,} points would do")
    return tuple(_point(each, below, f"{where}/points/{each}", order) for each, below in points.items())


def _point(name: str, settings: Json, where: str, order: str) -> Point:
    if not _NAME.fullmatch(name):
        raise BadSettings(f"{where}: a name of letters, digits, '_', '.' and '-' would do")
    members = Members(settings, where)
    table, address = _place(members, settings, where)
    kind = BIT if table in BITS else members.one_of("type", (*NUMBERS, TEXT), "uint16")
    size = _size(members, kind, table)
    if address + size > ADDRESSES:
        raise BadSettings(f"{where}/{table}: it ends after the last address, {ADDRESSES - 1}")
    point = Point(
        name=name,
        table=table,
        address=address,
        size=size,
        type=kind,
        order=members.one_of("order", ORDERS, order),
        scale=_fraction(members, "scale", 1),
        plus=_fraction(members, "plus", 0),
        unit=members.text("unit", ""),
        invalid=frozenset(members.numbers("invalid")),
        words=_names(members, "words", None),
        names=_names(members, "bits", _REGISTER_BITS * size),
        bit=None if _absent(settings, "bit") else members.whole("bit", 0, 0, _REGISTER_BITS * size - 1),
        part=members.text("part", ""),
        write=_limits(members, settings, where, table),
    )
    members.done()
    _check(point, where)
    return point


def _check(point: Point, where: str) -> None:
    """What does not go together."""
    whole = "int" in point.type
    if (point.words is not None or point.names is not None or point.bit is not None) and not whole:
        raise BadSettings(f"{where}: words, bits and bit are of whole numbers; this is {point.type}")
    if (point.names is not None or point.bit is not None) and not point.type.startswith("u"):
        raise BadSettings(f"{where}/type: an unsigned one would do where bits are taken")
    if point.write is None:
        return
    if point.table not in ("coil", "holding") or point.type == TEXT or point.names is not None or point.bit is not None:
        raise BadSettings(f"{where}/write: only coils and whole numbers or floats in holding registers can be set")


def _place(members: Members, settings: Json, where: str) -> tuple[Table, int]:
    named = [table for table in TABLES if not _absent(settings, table)]
    if len(named) != 1:
        raise BadSettings(f"{where}: one of {', '.join(TABLES)} with its address would do")
    return named[0], members.whole(named[0], 0, 0, ADDRESSES - 1)


def _size(members: Members, kind: str, table: Table) -> int:
    if kind == TEXT:
        return members.whole("length", 1, 1, BLOCK_MOST[table])
    return 1 if kind == BIT else _SIZES[kind[-2:]]


def _fraction(members: Members, name: str, default: int) -> Fraction:
    value = members.number(name, default, -_SCALES[1], _SCALES[1])
    if name == "scale" and abs(value) < _SCALES[0]:
        raise members.refuse(name, "a number that is not 0")
    return Fraction(str(value))


def _names(members: Members, name: str, most: int | None) -> dict[int, str] | None:
    given = members.pairs(name)
    if not all(re.fullmatch(r"-?[0-9]{1,10}", key) for key in given):
        raise members.refuse(name, 'an object from numbers in quotes to words, {"0": off, "1": on},')
    named = {int(key): word for key, word in given.items()}
    if most is not None and not all(0 <= key < most for key in named):
        raise members.refuse(name, f"bits from 0 to {most - 1}")
    return named or None


def _limits(members: Members, settings: Json, where: str, table: Table) -> Limits | None:
    if _absent(settings, "write"):
        return None
    if table in BITS:
        return Limits(0, 1) if members.flag("write", default=False) else None
    limits = Members(members.below("write"), f"{where}/write")
    least = limits.number("least", math.nan, -LIMIT_MOST, LIMIT_MOST)
    most = limits.number("most", math.nan, least, LIMIT_MOST)
    limits.done()
    return Limits(least, most)


def _absent(settings: Json, name: str) -> bool:
    return not isinstance(settings, dict) or name not in settings
