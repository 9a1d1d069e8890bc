"""What a settled slot comes to in the ledger: postings of some hundred participants, each balanced by itself. Pure.

Where one posting is not enough, each is balanced against the clearing account, which is at zero once all of them are
booked: what the participants get together is what the line, the operator, the tax and the imbalance account give.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from typing import Final, TypeAlias

from services.energy.settlement.settling import Record, Settled, Shares, shares_of
from services.ledger.postings import CLEARING, FEE, GRID, IMBALANCE, JPY, LOSSES, TAX, WH, Leg

CHUNK: Final = 490
"""Participants that one posting has: two legs each, of a thousand."""
AccountOf: TypeAlias = Callable[[str, str], str]
"""The account of an owner (a participant), or of a kind of the city's own, in a currency."""


def chunks(settled: Settled, account: AccountOf) -> list[tuple[Leg, ...]]:
    """The legs of each posting, all of which sum to zero in both currencies; the last one has the city's own."""
    parts = [settled.records[at : at + CHUNK] for at in range(0, len(settled.records), CHUNK)] or [()]
    found = [[*_of_participants(part, account)] for part in parts]
    if len(found) > 1:
        found.append([])
    found[-1] += _of_city(settled.shares, account)
    return [legs for one in found if (legs := _cleared(one, account))]


def changes(now: Settled, before: Sequence[Record], account: AccountOf) -> list[tuple[Leg, ...]]:
    """The same for what is otherwise than before: what a correction after the freeze adds."""
    net: Counter[tuple[str, str]] = Counter()
    for leg in (*_of_participants(now.records, account), *_of_city(now.shares, account)):
        net[leg.account, leg.currency] += leg.amount
    for leg in (*_of_participants(before, account), *_of_city(shares_of(before), account)):
        net[leg.account, leg.currency] -= leg.amount
    legs = [Leg(held, currency, amount) for (held, currency), amount in sorted(net.items()) if amount]
    found = [legs[at : at + 2 * CHUNK] for at in range(0, len(legs), 2 * CHUNK)]
    return [cleared for one in found if (cleared := _cleared(one, account))]


def digest(legs: Sequence[Leg]) -> bytes:
    """The same for the same legs."""
    return sha256("\n".join(f"{one.account} {one.currency} {one.amount}" for one in legs).encode()).digest()


def _of_participants(records: Iterable[Record], account: AccountOf) -> Iterable[Leg]:
    for one in records:
        if amount := one.amount:
            yield Leg(account(one.participant, JPY), JPY, amount)
        if one.taken:
            yield Leg(account(one.participant, WH), WH, one.taken)


def _of_city(shares: Shares, account: AccountOf) -> Iterable[Leg]:
    each = (
        (GRID, JPY, shares.grid), (FEE, JPY, shares.fee), (TAX, JPY, shares.tax), (IMBALANCE, JPY, shares.imbalance),
        (LOSSES, WH, shares.lost_wh), (IMBALANCE, WH, shares.imbalance_wh),
    )  # fmt: skip
    return [Leg(account(kind, currency), currency, amount) for kind, currency, amount in each if amount]


def _cleared(legs: list[Leg], account: AccountOf) -> tuple[Leg, ...]:
    for currency in (JPY, WH):
        if left := sum(leg.amount for leg in legs if leg.currency == currency):
            legs.append(Leg(account(CLEARING, currency), currency, -left))
    return tuple(legs)
