"""Amounts as people write them, in points and yen, and as the books hold them: whole thousandths.

units(12.5, "/amount") -> 12_500        told(12_500) -> 12.5        told(12_000) -> 12
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from broker.errors import BadRequestData
from services.ledger.postings import AMOUNT_MAX, UNITS

_MOST: Final = AMOUNT_MAX // UNITS


def units(given: object, pointer: str) -> int:
    """Thousandths of a positive number of points or yen. Raises BadRequestData for what is finer, or too much."""
    if isinstance(given, bool) or not isinstance(given, int | float):
        raise BadRequestData("an amount is a number", pointer=pointer, remedy="12 or 12.5")
    if not 0 < given <= _MOST:  # not a number neither
        raise BadRequestData("an amount is more than 0", pointer=pointer, remedy=f"0.001 to {_MOST}")
    exact = Decimal(str(given)) * UNITS
    if exact != int(exact):
        raise BadRequestData("an amount has three decimals at most", pointer=pointer, remedy="12.345")
    return int(exact)


def told(amount: int) -> int | float:
    """As an answer has it: a whole number where it is one."""
    whole, rest = divmod(amount, UNITS)
    return whole if not rest else amount / UNITS
