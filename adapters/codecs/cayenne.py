"""Cayenne Low Power Payload: channel, type, value, one after another. Pure.

    read_cayenne(bytes.fromhex("03670110"))  ->  (Reading("temperature_3", 27.2, "CEL"),)

Names are the type's and the channel's number, as The Things Network has them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from adapters.frame import BadFrame
from adapters.readings import Reading


@dataclass(frozen=True, slots=True)
class Value:
    """One number of a type: `Value("_3", 2, 0.1, "CEL", True)`; `name` goes after that of the type."""

    name: str
    count: int
    times: float = 1
    unit: str = ""
    signed: bool = False


@dataclass(frozen=True, slots=True)
class Type:
    """What comes after a channel and a type's number."""

    name: str
    values: tuple[Value, ...]

    @property
    def count(self) -> int:
        """Bytes."""
        return sum(value.count for value in self.values)


def _one(name: str, count: int, times: float = 1, unit: str = "", *, signed: bool = False) -> Type:
    return Type(name, (Value("", count, times, unit, signed),))


def _axes(name: str, times: float, unit: str = "") -> Type:
    return Type(name, tuple(Value(f".{axis}", 2, times, unit, signed=True) for axis in "xyz"))


TYPES: Final = {
    0: _one("digital_in", 1),
    1: _one("digital_out", 1),
    2: _one("analog_in", 2, 0.01, signed=True),
    3: _one("analog_out", 2, 0.01, signed=True),
    100: _one("generic", 4),
    101: _one("luminosity", 2, unit="LUX"),
    102: _one("presence", 1),
    103: _one("temperature", 2, 0.1, "CEL", signed=True),
    104: _one("relative_humidity", 1, 0.5, "P1"),
    113: _axes("accelerometer", 0.001),
    115: _one("barometric_pressure", 2, 0.1, "A97"),
    116: _one("voltage", 2, 0.01, "VLT"),
    117: _one("current", 2, 0.001, "AMP"),
    118: _one("frequency", 4, 1, "HTZ"),
    120: _one("percentage", 1, 1, "P1"),
    121: _one("altitude", 2, 1, "MTR", signed=True),
    125: _one("concentration", 2, 1, "59"),
    128: _one("power", 2, 1, "WTT"),
    130: _one("distance", 4, 0.001, "MTR"),
    131: _one("energy", 4, 0.001, "KWH"),
    132: _one("direction", 2, 1, "DD"),
    133: _one("unix_time", 4, 1, "SEC"),
    134: _axes("gyrometer", 0.01),
    135: Type("colour", tuple(Value(f".{one}", 1) for one in ("red", "green", "blue"))),
    136: Type(
        "gps",
        (
            Value(".latitude", 3, 0.0001, "DD", signed=True),
            Value(".longitude", 3, 0.0001, "DD", signed=True),
            Value(".altitude", 3, 0.01, "MTR", signed=True),
        ),
    ),
    142: _one("switch", 1),
}
"""By the number of the type."""
_HEAD: Final = 2
_DIGITS: Final = 14


def read_cayenne(payload: bytes) -> tuple[Reading, ...]:
    """The readings. Raises BadFrame."""
    found: list[Reading] = []
    at = 0
    while at < len(payload):
        channel, *number = payload[at : at + _HEAD]
        kind = TYPES.get(number[0]) if number else None
        if kind is None:
            raise BadFrame("wrong_type" if number else "truncated", f"byte {at + 1} is no type of Cayenne LPP")
        at += _HEAD
        if at + kind.count > len(payload):
            raise BadFrame("truncated", f"{len(payload)} bytes, and {kind.name} ends at {at + kind.count}")
        for value in kind.values:
            whole = int.from_bytes(payload[at : at + value.count], signed=value.signed)
            scaled = whole if value.times == 1 else float(f"{whole * value.times:.{_DIGITS}g}")
            found.append(Reading(f"{kind.name}_{channel}{value.name}", scaled, value.unit))
            at += value.count
    return tuple(found)
