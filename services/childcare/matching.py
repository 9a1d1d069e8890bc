"""Which supporters a request suits. Pure.

suits(Wanted("lookingAfter", 3, (18,)), Offer(("lookingAfter",), (1, 2, 3), 12))     True
fee(800_000, start, end)       a fee per hour in thousandths for the time, in whole thousandths, rounded down
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from broker.model.values import Instant

HOUR_US: Final = 3_600_000_000
KINDS: Final = ("dropOffPickUp", "lookingAfter", "overnightCare", "sickChildCareKind")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a family asks for: the kind, the weekday (1 for Monday), the ages in months."""

    kind: str
    weekday: int
    ages: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Offer:
    """What a supporter takes on; no days: every day."""

    kinds: Sequence[str]
    days: Sequence[int] = ()
    least_months: int = 0
    times_helped: int = 0


def suits(wanted: Wanted, offer: Offer) -> bool:
    """Whether the supporter takes that on."""
    return (
        wanted.kind in offer.kinds
        and (not offer.days or wanted.weekday in offer.days)
        and all(age >= offer.least_months for age in wanted.ages)
    )


def weekday(at: Instant, zone: ZoneInfo) -> int:
    """1 for Monday, by the city's clock."""
    return datetime.fromtimestamp(at // 1_000_000, UTC).astimezone(zone).isoweekday()


def fee(per_hour: int, start: Instant, end: Instant) -> int:
    """What is owed, in thousandths."""
    return per_hour * (end - start) // HOUR_US
