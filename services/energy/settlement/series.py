"""Imbalance prices as a series of somebody else: CSV, a line a slot. Pure.

start,shortage,surplus
2026-11-24T00:00:00Z,20.15,20.15         yen a kWh; without `surplus` it is the same
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from io import StringIO
from typing import Final

from broker.errors import BadRequestData
from broker.model.values import Instant, to_instant
from services.energy.slots import Slots

LINES_MAX: Final = 20_000
PRICE_MAX: Final = 1_000_000
_REMEDY: Final = "start,shortage,surplus: 2026-11-24T00:00:00Z,20.15,20.15"


def read_series(text: str, slots: Slots) -> Mapping[Instant, tuple[int, int]]:
    """Prices in mJPY a kWh by slot. Raises BadRequestData, which names the line."""
    found: dict[Instant, tuple[int, int]] = {}
    for place, line in enumerate(csv.reader(StringIO(text))):
        if not line or (place == 0 and line[0].strip() == "start"):
            continue
        if place > LINES_MAX:
            raise BadRequestData("there are too many lines", pointer="/csv", remedy=f"{LINES_MAX} at most")
        start = to_instant(line[0].strip())
        prices = [_price(one) for one in line[1:3]]
        if start is None or slots.start_of(start) != start or not prices or None in prices:
            raise BadRequestData(f"line {place + 1} is no slot and its price", pointer="/csv", remedy=_REMEDY)
        told = [one for one in prices if one is not None]
        found[start] = told[0], told[-1]
    if not found:
        raise BadRequestData("there is no line in it", pointer="/csv", remedy=_REMEDY)
    return found


def _price(text: str) -> int | None:
    try:
        exact = Decimal(text.strip()) * 1_000
    except InvalidOperation:
        return None
    if not exact.is_finite() or exact != exact.to_integral_value() or abs(exact) > PRICE_MAX:
        return None
    return int(exact)
