"""What a reading's value becomes: cast, scaled, brought into a unit, looked up, held to its bounds. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Literal, TypeAlias

from adapters.readings import Reading
from broker.model.values import Json, to_text
from datamodels.units import NoConversion, convert

As: TypeAlias = Literal["", "number", "integer", "text", "boolean", "instant", "epoch_s", "epoch_ms"]
Why: TypeAlias = Literal["bad", "ignored", "wrong_type", "unit", "unknown_word", "out_of_range", "incomplete", "no_id"]
INSTANTS: Final = frozenset({"instant", "epoch_s", "epoch_ms"})
"""Casts that make a DateTime (clause 4.6.3)."""
NOT_SAID: Final = frozenset({"bad", "ignored"})
"""Reasons that are no fault of the frame: the device says that it does not know."""
TEXT_MAX: Final = 10_000
_DIGITS_MAX: Final = 40
_FLAGS: Final = {"true": True, "false": False, "1": True, "0": False, "on": True, "off": False}
_MICRO: Final = 1_000_000
_MICRO_OF_MS: Final = 1_000
_YEARS_MAX_S: Final = 253_402_300_800  # the year 10000


class LeftOut(Exception):
    """A value that becomes nothing; `why` is counted."""

    def __init__(self, why: Why, message: str) -> None:
        super().__init__(message)
        self.why: Why = why


@dataclass(frozen=True, slots=True)
class Rule:
    """How a value is made, as a mapping's file says; the steps are taken in this order.

    `ignore` are values that mean nothing, `words` what a value stands for (`{"48": "on"}`, `otherwise` for any other),
    `reads` what it is cast to, then `times`, `plus`, then from `from_unit` (where the reading says none) into `unit`,
    `digits` after the point, and what is not from `least` to `most` is left out.
    """

    reads: As = ""
    ignore: frozenset[str] = frozenset()
    words: Mapping[str, Json] | None = None
    otherwise: Json = None
    times: float = 1
    plus: float = 0
    unit: str = ""
    from_unit: str = ""
    digits: int | None = None
    least: float | None = None
    most: float | None = None

    is_number: bool = field(init=False)
    """Whether only a number can come of it."""
    scales: bool = field(init=False)
    """Whether a number is changed, its unit apart."""

    def __post_init__(self) -> None:
        scales = self.times != 1 or self.plus != 0
        bounded = self.digits is not None or self.least is not None or self.most is not None
        object.__setattr__(self, "scales", scales)
        object.__setattr__(
            self, "is_number", self.reads in ("number", "integer") or bool(self.unit) or scales or bounded
        )

    def value(self, reading: Reading) -> Json:
        """The value. Raises LeftOut."""
        value = reading.value
        if self.ignore and key(value) in self.ignore:
            raise LeftOut("ignored", f"{reading.quantity} is {key(value)}, which means nothing")
        if self.words is not None:
            value = self._word(value, reading)
        if self.is_number:
            return self._number(_number(value, reading), reading)
        if self.reads:
            return _CASTS[self.reads](value, reading)
        if value is None or (isinstance(value, float) and not math.isfinite(value)):
            raise LeftOut("ignored", f"{reading.quantity} has no value")
        if isinstance(value, str) and len(value) > TEXT_MAX:
            raise LeftOut("out_of_range", f"{reading.quantity} has {len(value)} characters, more than {TEXT_MAX}")
        return value

    def unit_of(self, reading: Reading) -> str:
        """The unit that a number then has."""
        return self.unit or reading.unit or self.from_unit

    def _word(self, value: Json, reading: Reading) -> Json:
        assert self.words is not None
        found = self.words.get(key(value), self.otherwise)
        if found is None:
            raise LeftOut("unknown_word", f"{reading.quantity} is {key(value)[:40]!r}, which has no word")
        return found

    def _number(self, value: float, reading: Reading) -> float:
        if self.scales:
            value = _rounded(value * self.times + self.plus)
        given = reading.unit or self.from_unit
        if self.unit and given and given != self.unit:
            try:
                value = convert(value, given, self.unit)
            except NoConversion as refusal:
                raise LeftOut("unit", f"{reading.quantity}: {refusal}") from refusal
        if self.digits is not None:
            value = round(value, self.digits)
        if self.reads == "integer":
            value = round(value)
        if (self.least is not None and value < self.least) or (self.most is not None and value > self.most):
            raise LeftOut("out_of_range", f"{reading.quantity} is {value}, not from {self.least} to {self.most}")
        return value


def key(value: Json) -> str:
    """How a value is spelt in `words` and `ignore`: 48 and "48" alike, `true`, and nothing for what is no scalar."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value) if isinstance(value, int | float) else "null" if value is None else ""


def _rounded(value: float) -> float:
    """Without the digits that binary fractions add: 3 * 0.1 is 0.3."""
    return value if isinstance(value, int) or not math.isfinite(value) else float(f"{value:.14g}")


def _number(value: Json, reading: Reading) -> float:
    kind = type(value)
    if kind is int or kind is float:
        number: float = value  # type: ignore[assignment]
    elif isinstance(value, str) and len(value) <= _DIGITS_MAX:
        number = _parsed(value, reading)
    elif value is None:
        raise LeftOut("ignored", f"{reading.quantity} has no value")
    else:
        raise LeftOut("wrong_type", f"{reading.quantity} is no number")
    if not math.isfinite(number):
        raise LeftOut("ignored", f"{reading.quantity} is {number}")
    return number


def _parsed(text: str, reading: Reading) -> float:
    if text.isascii() and "_" not in text:
        for read in (int, float):
            try:
                return read(text)
            except ValueError:
                continue
    raise LeftOut("wrong_type", f"{reading.quantity} is {text!r}, no number")


def _text(value: Json, reading: Reading) -> Json:
    if isinstance(value, dict | list | None):
        raise LeftOut("wrong_type", f"{reading.quantity} is no text")
    if isinstance(value, str) and len(value) > TEXT_MAX:
        raise LeftOut("out_of_range", f"{reading.quantity} has {len(value)} characters, more than {TEXT_MAX}")
    return key(value)


def _flag(value: Json, reading: Reading) -> Json:
    flag = _FLAGS.get(key(value).lower())
    if flag is None:
        raise LeftOut("wrong_type", f"{reading.quantity} is neither true nor false")
    return flag


def _instant(value: Json, reading: Reading) -> Json:
    """A DateTime of NGSI-LD (clause 4.6.3) of a text with its offset: `2026-11-23T12:00:00+09:00`."""
    try:
        read = datetime.fromisoformat(value) if isinstance(value, str) and len(value) <= _DIGITS_MAX else None
        moment = None if read is None or read.tzinfo is None else read.astimezone(UTC)
    except (ValueError, OverflowError):
        moment = None
    if moment is None:
        raise LeftOut("wrong_type", f"{reading.quantity} is no instant with its offset")
    return _typed(f"{moment.replace(tzinfo=None).isoformat(timespec='microseconds')}Z")


def _epoch(micros: int) -> Callable[[Json, Reading], Json]:
    def cast(value: Json, reading: Reading) -> Json:
        number = _number(value, reading)
        if not 0 <= number * micros < _YEARS_MAX_S * _MICRO:
            raise LeftOut("out_of_range", f"{reading.quantity} is no instant since 1970")
        return _typed(to_text(int(number * micros)))

    return cast


def _typed(text: str) -> Json:
    return {"@type": "DateTime", "@value": text}


_CASTS: Final[dict[str, Callable[[Json, Reading], Json]]] = {
    "text": _text,
    "boolean": _flag,
    "instant": _instant,
    "epoch_s": _epoch(_MICRO),
    "epoch_ms": _epoch(_MICRO_OF_MS),
}
CASTS: Final = frozenset({"number", "integer", *_CASTS})
