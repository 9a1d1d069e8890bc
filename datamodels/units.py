"""Units of measure by their UN/CEFACT code (Recommendation 20), what they convert to, and their names.

A value in one unit is `(value * factor + offset)` in the coherent unit of its quantity; only units of one quantity
convert into each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

from datamodels.source import Text

QUDT: Final = "http://qudt.org/vocab/unit/"
_DIGITS: Final = 15  # of a double: a conversion shall not show 0.30000000000000004


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit: `Unit("KWH", "kWh", "energy", 3600000, 0, …)`."""

    code: str
    symbol: str
    quantity: str
    factor: float
    offset: float
    qudt: str
    label: Text


class NoConversion(ValueError):
    """Two units that do not measure the same; the message names both."""


@cache
def units() -> dict[str, Unit]:
    """All that are known, by code."""
    rows = files("datamodels").joinpath("units.tsv").read_text(encoding="utf-8").splitlines()[1:]
    return {unit.code: unit for unit in map(_unit, rows)}


def convert(value: float, given: str, wanted: str) -> float:
    """`convert(1.5, "KWT", "WTT")` is 1500.

    Raises NoConversion: so for an unknown code, which converts to itself only, and a number that no float holds.
    """
    if given == wanted:
        return value
    one, other = units().get(given), units().get(wanted)
    if one is None or other is None or one.quantity != other.quantity:
        raise NoConversion(f"{given} does not convert to {wanted}")
    try:
        converted = (value * one.factor + one.offset - other.offset) / other.factor
    except OverflowError as error:
        raise NoConversion(f"a number beyond all measure does not convert to {wanted}") from error
    rounded = float(f"{converted:.{_DIGITS - 1}g}")
    return int(rounded) if isinstance(value, int) and rounded.is_integer() else rounded


def _unit(row: str) -> Unit:
    code, symbol, quantity, factor, offset, qudt, ja, en = row.split("\t")
    return Unit(code, symbol, quantity, float(factor), float(offset), QUDT + qudt, Text(ja, en))
