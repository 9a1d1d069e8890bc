"""What is posted: legs that sum to zero in every currency. Pure.

    Posting("quote-17", "dataBenefit", (Leg("urn:…:fund", POINT, -700), Leg("urn:…:hana", POINT, 700)))

Amounts are whole numbers of thousandths: of a point, of a yen. Positive is into the account.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from broker.errors import BadRequestData
from broker.model.values import Instant, Json

POINT, JPY, WH = "POINT", "JPY", "WH"
PURSES: Final = (POINT, JPY)
"""What people and organisations have accounts in."""
CURRENCIES: Final = (*PURSES, WH)
"""And watt-hours, whole ones, in which energy is settled."""
UNITS: Final = 1_000
"""Thousandths that a point and a yen have."""
AMOUNT_MAX: Final = 10**15
"""A leg at most: a billion of a billion of them still is an integer of SQLite."""
LEGS_MAX: Final = 1_000
TEXT_MAX: Final = 200
ISSUER, FUND, OPERATOR = "issuerAccount", "communityFund", "operatorAccount"
GRID, FEE, IMBALANCE = "gridAccount", "feeAccount", "imbalanceAccount"
TAX, LOSSES, CLEARING = "taxAccount", "lossAccount", "clearingAccount"
SETTLED: Final = {
    GRID: "urn:misono:ledger:grid", FEE: "urn:misono:ledger:fee", IMBALANCE: "urn:misono:ledger:imbalance",
    TAX: "urn:misono:ledger:tax", LOSSES: "urn:misono:ledger:losses",
    CLEARING: "urn:misono:ledger:clearing",
}  # fmt: skip
"""Those between which energy is settled: what they hold may be owed."""
CITY_OWNED: Final = {
    ISSUER: "urn:misono:ledger:issuer", FUND: "urn:misono:ledger:community", OPERATOR: "urn:misono:ledger:operator",
    **SETTLED,
}  # fmt: skip
"""Accounts of the city's own, by kind, and their owners: one each in every currency."""
FLOORLESS: Final = frozenset({ISSUER, *SETTLED})
"""Kinds of the city's own whose balance may fall below 0."""
ENERGY: Final = "energyAccount"
"""The kind of an account of a participant in energy: it may be owed, and its statement is that of settlement."""
KINDS: Final = ("residentAccount", "merchantAccount", ENERGY, *CITY_OWNED)
REASONS: Final = (
    "issuance", "purchase", "transfer", "dataBenefit", "energyReward", "energySettlement", "volunteerReward",
    "childcareReward", "pointsExpiry", "reversal",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Leg:
    """What one account gets (positive) or gives."""

    account: str
    currency: str
    amount: int


@dataclass(frozen=True, slots=True)
class Posting:
    """Something to be booked, once however often it is asked for: `key` tells that it is the same.

    `about` says what it rests on (a quote, a meter's slot); it holds no personal data, and cannot be erased.
    """

    key: str
    reason: str
    legs: tuple[Leg, ...]
    about: Mapping[str, Json] = field(default_factory=dict)
    reverses: str = ""


@dataclass(frozen=True, slots=True)
class Posted:
    """A booked posting."""

    number: int
    id: str
    at: Instant
    posting: Posting
    reversed_by: str = ""


@dataclass(frozen=True, slots=True)
class Account:
    """An account in one currency. `floor` is what its balance does not fall below (None: nothing keeps it)."""

    id: str
    owner: str
    kind: str
    currency: str
    balance: int = 0
    floor: int | None = 0
    state: str = "accountActive"
    opened_at: Instant = 0


def check(posting: Posting) -> None:
    """Raises BadRequestData for what cannot be booked."""
    if not 1 <= len(posting.key) <= TEXT_MAX:
        raise BadRequestData("a posting needs a key", pointer="/key", remedy=f"1 to {TEXT_MAX} characters")
    if posting.reason not in REASONS:
        raise BadRequestData("no such reason", pointer="/reason", remedy=", ".join(REASONS))
    if not 2 <= len(posting.legs) <= LEGS_MAX:  # noqa: PLR2004  from somewhere to somewhere
        raise BadRequestData("a posting has two legs or more", pointer="/legs", remedy=f"2 to {LEGS_MAX} legs")
    for place, leg in enumerate(posting.legs):
        _check_leg(place, leg)
    sums = Counter[str]()
    for leg in posting.legs:
        sums[leg.currency] += leg.amount
    if unequal := {currency: total for currency, total in sums.items() if total}:
        told = ", ".join(f"{currency} {total:+d}" for currency, total in sorted(unequal.items()))
        raise BadRequestData(
            f"the legs do not sum to zero: {told}", pointer="/legs", remedy="what one gives others get"
        )


def _check_leg(place: int, leg: Leg) -> None:
    if leg.currency not in CURRENCIES:
        raise BadRequestData("no such currency", pointer=f"/legs/{place}/currency", remedy=", ".join(CURRENCIES))
    if type(leg.amount) is not int or leg.amount == 0 or abs(leg.amount) > AMOUNT_MAX:
        raise BadRequestData(
            "an amount is a whole number of thousandths, and not 0",
            pointer=f"/legs/{place}/amount",
            remedy=f"-{AMOUNT_MAX} to {AMOUNT_MAX}",
        )


def reversal(posted: Posted, key: str) -> Posting:
    """The posting that takes another one back."""
    legs = tuple(Leg(leg.account, leg.currency, -leg.amount) for leg in posted.posting.legs)
    return Posting(key, "reversal", legs, {}, posted.id)


def shared(total: int, weights: Sequence[int]) -> list[int]:
    """A whole amount in parts by weights, exact to the unit: what is left over goes to the largest remainders.

    `shared(100, (70, 20, 10)) == [70, 20, 10]`; `shared(10, (1, 1, 1)) == [4, 3, 3]`. Of equal remainders the first
    one gets it.
    """
    whole = sum(weights)
    if whole <= 0 or min(weights) < 0 or total < 0:
        raise ValueError("weights and a total that are not below 0, and some weight")
    parts = [total * weight // whole for weight in weights]
    left = total - sum(parts)
    by_remainder = sorted(range(len(weights)), key=lambda place: (-(total * weights[place] % whole), place))
    for place in by_remainder[:left]:
        parts[place] += 1
    return parts
