"""The bytes of one property to readings, and a value to the bytes that set it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, tzinfo
from typing import Final

from adapters.codecs.echonet.tables import Field, Property, properties
from adapters.readings import Reading
from broker.model.values import Instant, Json
from datamodels.units import NoConversion, convert

PRIVATE: Final = frozenset({("0288", 0xC0), ("028A", 0xC0), ("028F", 0xC0)})
"""Properties that are never handed on: the number of a B route opens a meter."""
Known = Mapping[int, bytes]
"""Properties of the same object by code: what came in the same frame, and what the link remembers."""
_DIGITS: Final = 15
_MICROSECONDS: Final = 1_000_000


class BadValue(ValueError):
    """A value that a property cannot be set to; the message says what would do."""


def read_property(kind: str, code: int, edt: bytes, known: Known, zone: tzinfo) -> tuple[Reading, ...]:
    """What a property says, a reading each field; `bad` where the bytes are not what the table says.

    A property that no table knows is given as it came: its code is the quantity, its bytes in hexadecimal the value.
    """
    if (kind, code) in PRIVATE:
        return ()
    found = properties(kind).get(code)
    if found is None:
        return (Reading(f"{code:02X}", edt.hex().upper()),)
    pieces = _split(found, edt)
    if pieces is None:
        return (Reading(found.fields[0].quantity, edt.hex().upper(), quality="bad"),)
    at = next((read_instant(piece, zone) for field, piece in pieces if field.kind == "instant"), None)
    dated = any(field.kind == "instant" for field in found.fields)
    read = (_reading(field, piece, known, kind, at) for field, piece in pieces if field.kind != "instant")
    return tuple(_undated(one) if dated and at is None else one for one in read)


def read_instant(edt: bytes, zone: tzinfo) -> Instant | None:
    """`07EA 0B 17 0C 1E 00`: half past noon of 2026-11-23 by the device's clock; None where there is no such time."""
    try:
        local = datetime(int.from_bytes(edt[:2], "big"), *edt[2:7], tzinfo=zone)  # type: ignore[misc]
        return max(round(local.timestamp()), 0) * _MICROSECONDS or None
    except (ValueError, OverflowError, TypeError):
        return None


def factor(field: Field, kind: str, known: Known) -> float | None:
    """What a number of this field is multiplied with; None where a unit is not known, which only the device can say.

    A device without a coefficient has 1; the unit of its counter has no such rule, and guessing it is wrong by tens.
    """
    product = field.scale
    for code in field.times:
        edt, said = known.get(code), properties(kind)[code].fields[0]
        if edt:
            raw = int.from_bytes(edt, "big")
            value = (said.words or {}).get(raw) if said.kind == "code" else raw
        else:
            value = None if said.kind == "code" else 1
        if not isinstance(value, int | float):
            return None
        product *= value
    return product


def scaled(raw: int, by: float) -> float:
    """A product without the dust of doubles: `scaled(12345, 0.1)` is 1234.5."""
    product = float(f"{raw * by:.{_DIGITS - 1}g}")
    return int(product) if product.is_integer() else product


def write_value(wanted: Property, value: Json, unit: str) -> bytes:
    """The bytes that set a property. Raises BadValue."""
    if len(wanted.fields) != 1:
        raise BadValue("a property of several fields is set by its bytes, in hexadecimal")
    return write_field(wanted.fields[0], value, unit)


def write_field(field: Field, value: Json, unit: str = "") -> bytes:
    """The bytes of one field. Raises BadValue."""
    for code, word in (field.words or {}).items():
        if word == value and isinstance(word, bool) == isinstance(value, bool):
            return code.to_bytes(field.size, "big")
    if field.kind == "number":
        return _number(field, value, unit)
    if field.kind == "code":
        raise BadValue(f"one of {', '.join(sorted(str(word) for word in (field.words or {}).values()))} would do")
    return _hexadecimal(value)


def _number(field: Field, value: Json, unit: str) -> bytes:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadValue("a number would do")
    try:
        raw = round((convert(value, unit, field.unit) if unit else value) / field.scale)
    except (NoConversion, OverflowError, ValueError) as fault:
        raise BadValue(str(fault)) from fault
    if not field.least <= raw <= field.most:
        least, most = (scaled(end, field.scale) for end in (field.least, field.most))
        raise BadValue(f"from {least} to {most} {field.unit} would do".rstrip())
    return raw.to_bytes(field.size, "big", signed=field.signed)


def _hexadecimal(value: Json) -> bytes:
    try:
        return bytes.fromhex(str(value))
    except ValueError:
        raise BadValue("bytes in hexadecimal would do") from None


def _split(found: Property, edt: bytes) -> list[tuple[Field, bytes]] | None:
    """The bytes of each field; None where there are more or fewer of them than the table says."""
    if found.fields[0].kind == "raw":
        return [(found.fields[0], edt)]
    pieces, at = [], 0
    for field in found.fields:
        size = len(edt) - at if field.columns else field.size
        if size % (field.size * (field.columns or 1)):
            return None
        pieces.append((field, edt[at : at + size]))
        at += size
    return pieces if at == len(edt) and all(len(piece) or field.columns for field, piece in pieces) else None


def _reading(field: Field, edt: bytes, known: Known, kind: str, at: Instant | None) -> Reading:
    by = factor(field, kind, known) if field.kind == "number" else None
    if field.columns:
        row = [_value(field, edt[begin : begin + field.size], by) for begin in range(0, len(edt), field.size)]
        return Reading(field.quantity, row, field.unit, at)
    value = _value(field, edt, by)
    if value is None:
        word = (field.words or {}).get(int.from_bytes(edt, "big"))
        return Reading(field.quantity, word, field.unit, at, "bad")
    return Reading(field.quantity, value, field.unit, at)


def _value(field: Field, edt: bytes, by: float | None) -> Json:
    """The value of one field; None for what is no value: a word for none, over or under what it can measure."""
    raw = int.from_bytes(edt, "big")
    match field.kind:
        case "number":
            number = int.from_bytes(edt, "big", signed=field.signed)
            outside = not field.least <= number <= field.most or raw in (field.words or {})
            return None if outside or by is None else scaled(number, by)
        case "code":
            return (field.words or {}).get(raw)
        case "time":
            return ":".join(f"{part:02d}" for part in edt)
        case "date":
            return f"{int.from_bytes(edt[:2], 'big'):04d}-{edt[2]:02d}-{edt[3]:02d}"
        case _:
            return edt.hex().upper()


def _undated(reading: Reading) -> Reading:
    return Reading(reading.quantity, reading.value, reading.unit, None, "bad")
