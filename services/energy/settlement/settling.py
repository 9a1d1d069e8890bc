"""Settling one slot: a pure function of its inputs; every Wh and every mJPY that one gives another gets.

Contracts are paid as they were agreed (those that were stopped: as they were metered). Who took more or gave less than
that buys the difference from the imbalance account, who took less or gave more sells it, at the price of the slot. The
buyer also pays the line (the grid company), the operator, and the tax on all of that. Amounts are rounded once, so that
the lines of a kind sum to their total exactly (largest remainder).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from broker.model.values import Instant
from services.energy.settlement.inputs import GROSS_UP, MILLION, Agreed, Imbalance, SlotInputs, Tariff

KWH: Final = 1_000


@dataclass(slots=True)
class Record:
    """One participant's slot. Money is positive where it is received. `imbalance_wh`: more taken than planned."""

    participant: str
    sold: int = 0
    bought: int = 0
    lost: int = 0
    taken: int = 0
    imbalance_wh: int = 0
    energy: int = 0
    wheeling: int = 0
    fee: int = 0
    imbalance: int = 0
    tax: int = 0
    estimated: bool = False

    @property
    def amount(self) -> int:
        """What it comes to, with tax."""
        return self.energy + self.wheeling + self.fee + self.imbalance + self.tax

    def row(self) -> tuple[int, ...]:
        """Its numbers, in the order of the members."""
        return (
            self.sold, self.bought, self.lost, self.taken, self.imbalance_wh, self.energy, self.wheeling, self.fee,
            self.imbalance, self.tax, int(self.estimated),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Shares:
    """What others than the participants get of a slot: money in mJPY, and energy in Wh."""

    grid: int
    fee: int
    tax: int
    imbalance: int
    lost_wh: int
    imbalance_wh: int


@dataclass(frozen=True, slots=True)
class Settled:
    """A slot, settled; `unmetered` are participants without a meter, who are settled as planned."""

    start: Instant
    records: tuple[Record, ...]
    shares: Shares
    unmetered: tuple[str, ...] = ()
    unpriced: bool = False
    """There is no imbalance price yet: differences are not paid."""


@dataclass(slots=True)
class _Plan:
    """Energy per participant, as agreed: into the house."""

    wh: dict[str, int] = field(default_factory=lambda: defaultdict(int))


def settle(inputs: SlotInputs) -> Settled:
    """The slot. The same inputs in any order give the same."""
    records: dict[str, Record] = {}
    contracts = _as_metered(sorted(inputs.contracts, key=lambda one: one.id), inputs)
    plan = _trade(records, contracts, inputs.tariff)
    for who, metered in inputs.meters.items():
        record = _of(records, who)
        record.taken, record.estimated = metered.imported - metered.exported, metered.estimated
        record.imbalance_wh = record.taken - plan.wh[who]
    unmetered = sorted(records.keys() - inputs.meters.keys())
    for who in unmetered:
        records[who].taken = plan.wh[who]
    ordered = [records[who] for who in sorted(records)]
    _tax(ordered, inputs.tariff)
    _imbalances(ordered, inputs.imbalance)
    return Settled(
        inputs.start, tuple(ordered), shares_of(ordered), tuple(unmetered),
        inputs.imbalance is None and any(one.imbalance_wh for one in ordered),
    )  # fmt: skip


def rounded(exact: Sequence[int], unit: int) -> list[int]:
    """Whole amounts of exact ones in parts of a unit, whose sum is that of the exact ones, rounded down.

    `rounded([1_500, 1_500], 1_000) == [2, 1]`. What is left goes to the largest remainders, of equal ones the first.
    """
    parts = [one // unit for one in exact]
    left = sum(exact) // unit - sum(parts)
    by_remainder = sorted(range(len(exact)), key=lambda place: (-(exact[place] % unit), place))
    for place in by_remainder[:left]:
        parts[place] += 1
    return parts


def _as_metered(contracts: Sequence[Agreed], inputs: SlotInputs) -> list[tuple[Agreed, int]]:
    """Contracts and their energy: of those that were stopped, what the seller's meter gave to all of its own."""
    if not any(one.stopped for one in contracts):
        return [(one, one.wh) for one in contracts]
    found = {one.id: one.wh for one in contracts}
    sellers: dict[str, list[Agreed]] = defaultdict(list)
    for one in contracts:
        sellers[one.seller].append(one)
    for seller, its in sellers.items():
        metered = inputs.meters.get(seller)
        owed = sum(one.wh for one in its)
        given = min(owed, 0 if metered is None else metered.exported)
        parts = rounded([one.wh * given for one in its], max(owed, 1))
        found.update({one.id: part for one, part in zip(its, parts, strict=True) if one.stopped})
    return [(one, found[one.id]) for one in contracts]


def _trade(records: dict[str, Record], contracts: Sequence[tuple[Agreed, int]], tariff: Tariff) -> _Plan:
    """Energy and its price, the line and the operator."""
    plan = _Plan()
    prices = rounded([one.price * wh for one, wh in contracts], KWH)
    lines = rounded([tariff.wheeling * wh for _, wh in contracts], KWH)
    fees = rounded([tariff.fee * wh for _, wh in contracts], KWH)
    for (one, wh), price, line, fee in zip(contracts, prices, lines, fees, strict=True):
        seller, buyer = _of(records, one.seller), _of(records, one.buyer)
        sent, got = _sent_and_got(wh, tariff)
        seller.sold, buyer.bought = seller.sold + sent, buyer.bought + got
        bearer = seller if tariff.losses == GROSS_UP else buyer
        bearer.lost += sent - got
        plan.wh[one.seller] -= sent
        plan.wh[one.buyer] += got
        seller.energy, buyer.energy = seller.energy + price, buyer.energy - price
        buyer.wheeling, buyer.fee = buyer.wheeling - line, buyer.fee - fee
    return plan


def _sent_and_got(wh: int, tariff: Tariff) -> tuple[int, int]:
    """What the seller puts on the line, and what the buyer takes from it."""
    left = MILLION - tariff.loss
    if tariff.losses == GROSS_UP:
        return -(-wh * MILLION // left), wh
    return wh, wh * left // MILLION


def _tax(records: Sequence[Record], tariff: Tariff) -> None:
    """On what a buyer pays for energy, line and operator; who sells more than it buys pays none."""
    bases = [max(0, -(one.energy + one.wheeling + one.fee)) if one.bought else 0 for one in records]
    for one, tax in zip(records, rounded([base * tariff.tax for base in bases], MILLION), strict=True):
        one.tax = -tax


def _imbalances(records: Sequence[Record], price: Imbalance | None) -> None:
    if price is None:
        return
    exact = [-one.imbalance_wh * (price.shortage if one.imbalance_wh > 0 else price.surplus) for one in records]
    for one, amount in zip(records, rounded(exact, KWH), strict=True):
        one.imbalance = amount


def shares_of(records: Sequence[Record]) -> Shares:
    """What others get, so that everything sums to zero."""
    lost = sum(one.lost for one in records)
    return Shares(
        grid=-sum(one.wheeling for one in records), fee=-sum(one.fee for one in records),
        tax=-sum(one.tax for one in records), imbalance=-sum(one.imbalance for one in records),
        lost_wh=lost, imbalance_wh=-sum(one.taken for one in records) - lost,
    )  # fmt: skip


def _of(records: dict[str, Record], who: str) -> Record:
    found = records.get(who)
    if found is None:
        found = records[who] = Record(who)
    return found
