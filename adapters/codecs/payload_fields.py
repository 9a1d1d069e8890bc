"""Payloads of a few bytes, read as a YAML file says: fields by bit or byte, no program from anybody. Pure.

    fields:
      - {name: status, bit: 0, bits: 2}                          # bits counted from the first byte's highest
      - {name: battery, byte: 0, bytes: 2, bits: 14, times: 0.001, unit: VLT}   # the low 14 bits of two bytes
      - {name: temperature, byte: 2, bytes: 2, signed: true, times: 0.01, unit: CEL, bad: [327.67]}
      - {name: level, byte: 4, bytes: 4, little: true, float: true, unit: MTR, when: {status: [1, 2]}}
      - {name: door, bit: 64, bits: 1, words: {0: closed, 1: open}}
      - {name: serial, byte: -4, bytes: 4, hex: true, keep: false, optional: true}

`byte` counts from 0, or from the end where it is negative; `low` is where the bits begin, counted from the lowest of
these bytes. `bad` are values (after `times` and `plus`) that say that the device does not know. `keep: false` is
read for `when` alone. A payload that is too short is truncated, unless the field is `optional`.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from adapters.codecs.json_body import check_name
from adapters.frame import BadFrame
from adapters.link import BadSettings
from adapters.readings import Reading
from adapters.settings import Members
from broker.model.values import Json

FIELDS_MAX: Final = 200
PAYLOAD_BYTES_MAX: Final = 1024
_BITS_MAX: Final = 64
_TEXT_BYTES_MAX: Final = 256
_FLOATS: Final = {2: "e", 4: "f", 8: "d"}
_BYTE: Final = 8
_DIGITS: Final = 14


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a payload: `count` bytes from `byte` on, of them `bits` from the bit `low` on (0 is the lowest)."""

    byte: int
    count: int
    low: int
    bits: int
    little: bool = False

    def take(self, payload: bytes) -> bytes:
        """The bytes, the highest first; empty where the payload does not reach so far."""
        begin = self.byte if self.byte >= 0 else len(payload) + self.byte
        taken = payload[begin : begin + self.count] if begin >= 0 else b""
        if len(taken) < self.count:
            return b""
        return taken[::-1] if self.little else taken


@dataclass(frozen=True, slots=True)
class Field:
    """One field; see the module."""

    name: str
    place: Place
    form: str = "unsigned"
    times: float = 1
    plus: float = 0
    unit: str = ""
    bad: frozenset[float] = frozenset()
    words: Mapping[str, Json] | None = None
    when: tuple[tuple[str, frozenset[Json]], ...] = ()
    keep: bool = True
    optional: bool = False

    def value(self, taken: bytes) -> Json:
        """What the bytes say. Raises BadFrame."""
        if self.form == "hex":
            return taken.hex()
        if self.form == "text":
            return _text(taken, self.name)
        number = _number(self.form, self.place, taken)
        if not math.isfinite(number):
            return None
        if self.times != 1 or self.plus:
            number = _rounded(number * self.times + self.plus)
        if number in self.bad:
            return None
        if self.words is not None:
            return self.words.get(str(number), number)
        return number != 0 if self.form == "flag" else number


class Fields:
    """The fields of a payload: `Fields(fields).read(bytes)` gives its readings."""

    def __init__(self, fields: Sequence[Field]) -> None:
        self._fields = tuple(fields)

    def read(self, payload: bytes) -> tuple[Reading, ...]:
        """The readings. Raises BadFrame."""
        seen: dict[str, Json] = {}
        found = []
        for field in self._fields:
            if any(seen.get(name) not in wanted for name, wanted in field.when):
                continue
            taken = field.place.take(payload)
            if not taken:
                if field.optional:
                    continue
                raise BadFrame("truncated", f"{len(payload)} bytes do not reach to {field.name}")
            value = seen[field.name] = field.value(taken)
            if field.keep:
                found.append(Reading(field.name, value, field.unit, quality="bad" if value is None else "good"))
        return tuple(found)


def read_fields(rows: Sequence[Json], where: str) -> Fields:
    """The fields that a file lists. Raises BadSettings."""
    if not 0 < len(rows) <= FIELDS_MAX:
        raise BadSettings(f"{where}: from 1 to {FIELDS_MAX} fields would do")
    fields: list[Field] = []
    for place, row in enumerate(rows):
        fields.append(_field(Members(row, f"{where}/{place}"), {one.name for one in fields}))
    return Fields(fields)


def _field(given: Members, before: set[str]) -> Field:
    name = given.text("name")
    try:
        check_name(name)
    except BadFrame as refusal:
        raise given.refuse("name", "a name without control characters, quotes and brackets") from refusal
    form = _form(given)
    place = _place(given, form)
    when = given.below("when")
    if when.keys() - before:
        raise given.refuse("when", f"the name of a field above: {', '.join(sorted(before)) or 'there is none'}")
    words = given.below("words")
    found = Field(
        name,
        place,
        form,
        given.number("times", 1, -1e12, 1e12),
        given.number("plus", 0, -1e12, 1e12),
        given.text("unit", ""),
        frozenset(given.numbers("bad")),
        words or None,
        tuple((other, frozenset(_scalars(given, wanted))) for other, wanted in when.items()),
        given.flag("keep", default=True),
        given.flag("optional", default=False),
    )
    given.done()
    return found


def _form(given: Members) -> str:
    """How the bits are read: unsigned, signed, float, flag, text or hex."""
    forms = [name for name in ("signed", "float", "flag", "text", "hex") if given.flag(name, default=False)]
    if len(forms) > 1:
        raise given.refuse(forms[1], f"not beside {forms[0]}")
    return forms[0] if forms else "unsigned"


def _place(given: Members, form: str) -> Place:
    bit = given.whole("bit", -1, -1, PAYLOAD_BYTES_MAX * _BYTE - 1)
    little = given.flag("little", default=False)
    bits = given.whole("bits", 0, 0, _BITS_MAX)
    if bit >= 0:
        return _by_bit(given, bit, bits, little=little)
    longest = _TEXT_BYTES_MAX if form in ("text", "hex") else _BITS_MAX // _BYTE
    byte = given.whole("byte", PAYLOAD_BYTES_MAX, -PAYLOAD_BYTES_MAX, PAYLOAD_BYTES_MAX)
    if byte == PAYLOAD_BYTES_MAX:
        raise given.refuse("byte", "where the field begins, or `bit`,")
    count = given.whole("bytes", 1, 1, longest)
    low = given.whole("low", 0, 0, count * _BYTE - 1)
    if byte < 0 < byte + count:
        raise given.refuse("bytes", f"at most {-byte}: the payload ends there,")
    if form == "float" and (count not in _FLOATS or bits or low):
        raise given.refuse("float", "2, 4 or 8 bytes, all of their bits,")
    if form not in ("text", "hex") and low + bits > count * _BYTE:
        raise given.refuse("bits", f"at most {count * _BYTE - low}")
    return Place(byte, count, low, bits or count * _BYTE - low, little)


def _by_bit(given: Members, bit: int, bits: int, *, little: bool) -> Place:
    """The bytes around the bits from `bit` on, counted from the highest bit of the first byte."""
    if not bits:
        raise given.refuse("bits", f"how many, from 1 to {_BITS_MAX},")
    end = bit + bits
    first, last = bit // _BYTE, (end - 1) // _BYTE
    if little and (bit % _BYTE or end % _BYTE):
        raise given.refuse("little", "whole bytes")
    return Place(first, last - first + 1, (last + 1) * _BYTE - end, bits, little)


def _scalars(given: Members, wanted: Json) -> list[Json]:
    row: list[Json] = wanted if isinstance(wanted, list) else [wanted]
    if any(isinstance(one, list | dict) for one in row):
        raise given.refuse("when", "a value, or a list of values")
    return row


def _number(form: str, place: Place, taken: bytes) -> float:
    if form == "float":
        [number] = struct.unpack(f">{_FLOATS[place.count]}", taken)
        return _rounded(float(number), 7 if place.count < _BYTE else _DIGITS)
    whole = (int.from_bytes(taken) >> place.low) & ((1 << place.bits) - 1)
    return whole - (1 << place.bits) if form == "signed" and whole >> (place.bits - 1) else whole


def _rounded(number: float, digits: int = _DIGITS) -> float:
    """Without the digits that binary fractions add."""
    if isinstance(number, int) or not math.isfinite(number):
        return number
    return float(f"{number:.{digits}g}")


def _text(taken: bytes, name: str) -> str:
    try:
        return taken.rstrip(b"\0").decode()
    except UnicodeDecodeError as fault:
        raise BadFrame("wrong_type", f"{name} is no text in UTF-8: {fault.reason}") from None
