"""What data cost by a version of the rules, and why. Pure.

    price(rules, [Line("HeartRateObservation/heartRate", "daily", 30, "day")], Buyer("commercial")) -> Price(…)

The price of one person's data is the exact sum over its values, cut at the cap of what one person is paid in a month,
and rounded up to a whole thousandth at the end: so a whole never costs more than its parts, and splitting never pays.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import Final

from services.pricing.rules import Rules

VALUES_MAX: Final = 10**9
EPSILON_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class Line:
    """So many values of an item of one person, at a granularity, so old; `special` where it needs special care."""

    item: str
    granularity: str
    values: int
    freshness: str = "day"
    special: bool = False


@dataclass(frozen=True, slots=True)
class Buyer:
    """Who asks: the class of the recipient, and whether nobody else gets the data meanwhile."""

    recipient_class: str
    exclusive: bool = False

    @property
    def exclusivity(self) -> str:
        """The word of the rules for it."""
        return "exclusive" if self.exclusive else "shared"


@dataclass(frozen=True, slots=True)
class Factor:
    """One reason of a price: what it is of, its word in the rules, and what it does to the price."""

    name: str
    word: str
    value: Fraction


@dataclass(frozen=True, slots=True)
class Priced:
    """A line with its reasons; `exact` is its price before caps and rounding, in thousandths."""

    line: Line
    base: int
    factors: tuple[Factor, ...]
    exact: Fraction


@dataclass(frozen=True, slots=True)
class Price:
    """What one person's data cost: `amount` is what is paid, `capped` says that the month's cap cut it."""

    lines: tuple[Priced, ...]
    exact: Fraction
    amount: int
    capped: bool


def price(rules: Rules, lines: Iterable[Line], buyer: Buyer, paid_this_month: int = 0) -> Price:
    """The price of one person's data. Raises KeyError for a word that the rules have not."""
    priced = tuple(_priced(rules, line, buyer) for line in lines)
    exact = sum((one.exact for one in priced), Fraction(0))
    amount = within_cap(rules, ceil(exact), paid_this_month)
    return Price(priced, exact, amount, capped=amount < ceil(exact))


def within_cap(rules: Rules, amount: int, paid_this_month: int) -> int:
    """What of an amount is left by the cap of the month."""
    return min(amount, max(rules.cap_month - paid_this_month, 0))


def _priced(rules: Rules, line: Line, buyer: Buyer) -> Priced:
    words = {
        "sensitivity": rules.level_of(line.item, special=line.special),
        "granularity": line.granularity,
        "freshness": line.freshness,
        "recipientClass": buyer.recipient_class,
        "exclusivity": buyer.exclusivity,
    }
    factors = tuple(Factor(name, word, rules.factor(name, word)) for name, word in words.items())
    base, exact = rules.base_of(line.item), Fraction(rules.base_of(line.item) * line.values)
    for factor in factors:
        exact *= factor.value
    return Priced(line, base, factors, exact)


def price_of_noise(rules: Rules, epsilon: Fraction, sensitivity: str, buyer: Buyer) -> int:
    """What one person is paid for a share in an aggregate with differential privacy: by how much it tells of them.

    It grows with epsilon in proportion: two answers of half the budget together never cost less than one of all of it.
    """
    factors = rules.factor("sensitivity", sensitivity) * rules.factor("recipientClass", buyer.recipient_class)
    return ceil(rules.epsilon * epsilon * factors)


def accepts(asks: Mapping[str, int], items: Sequence[str], amount: int) -> bool:
    """Whether what a person would be paid meets what they ask for these items.

    `asks` is the least for one provision, by item (`Type/attribute`, else `Type/*`, else `*`); for several it is the
    sum of theirs.
    """
    if not asks:
        return True
    return amount >= sum(asks.get(one, asks.get(f"{one.partition('/')[0]}/*", asks.get("*", 0))) for one in items)
