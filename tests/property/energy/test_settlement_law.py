"""Settling is a pure function: everything sums to zero, in whatever order it comes; registers tell what was metered."""

from __future__ import annotations

import random
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from services.energy.metering.registers import HOUR_US, Energy, Limits, Reading, energy, unrolled
from services.energy.settlement.inputs import GROSS_UP, RECEIVED, Agreed, Imbalance, Metered, SlotInputs, Tariff
from services.energy.settlement.legs import changes, chunks
from services.energy.settlement.settling import rounded, settle
from services.ledger.postings import JPY, WH

WHO = ("h1", "h2", "h3", "store", "mall")
MINUTE = 60_000_000
NAMES = st.sampled_from(WHO)
PAIRS = st.tuples(NAMES, NAMES).filter(lambda pair: pair[0] != pair[1])
PRICES = st.integers(-50_000, 300_000)
CONTRACTS = st.lists(st.tuples(PAIRS, st.integers(0, 20_000), st.integers(0, 50_000), st.booleans()), max_size=12).map(
    lambda told: tuple(
        Agreed(f"c{place}", *pair, 0, wh, price, stopped) for place, (pair, wh, price, stopped) in enumerate(told)
    )
)
METERS = st.dictionaries(NAMES, st.builds(Metered, st.integers(0, 30_000), st.integers(0, 30_000)))
SHARES = st.integers(0, 400_000)
TARIFFS = st.builds(
    Tariff, wheeling=st.integers(0, 9_999), fee=st.integers(0, 999), loss=SHARES, tax=SHARES,
    losses=st.sampled_from((RECEIVED, GROSS_UP)),
)  # fmt: skip
IMBALANCES = st.none() | st.builds(Imbalance, PRICES, PRICES)
INPUTS = st.builds(SlotInputs, st.just(0), CONTRACTS, METERS, TARIFFS, IMBALANCES)


@given(INPUTS)
def test_all_that_one_gives_others_get(inputs: SlotInputs) -> None:
    found = settle(inputs)
    shares = found.shares
    got = sum(one.amount for one in found.records) + shares.grid + shares.fee + shares.tax + shares.imbalance
    assert got == 0
    assert sum(one.taken for one in found.records) + shares.lost_wh + shares.imbalance_wh == 0
    for legs in chunks(found, lambda owner, currency: f"{owner} {currency}"):
        assert [sum(leg.amount for leg in legs if leg.currency == one) for one in (JPY, WH)] == [0, 0]


@given(INPUTS, st.integers())
def test_the_order_of_what_comes_says_nothing(inputs: SlotInputs, seed: int) -> None:
    chance = random.Random(seed)
    contracts, meters = [*inputs.contracts], [*inputs.meters.items()]
    chance.shuffle(contracts)
    chance.shuffle(meters)
    other = replace(inputs, contracts=tuple(contracts), meters=dict(meters))
    assert settle(other) == settle(inputs)
    assert other.hash() == inputs.hash()


@given(INPUTS)
def test_nothing_is_otherwise_where_nothing_is_otherwise(inputs: SlotInputs) -> None:
    found = settle(inputs)
    assert changes(found, found.records, lambda owner, currency: f"{owner} {currency}") == []


@given(INPUTS, INPUTS)
def test_what_is_adjusted_leads_from_before_to_now(before: SlotInputs, now: SlotInputs) -> None:
    def account(owner: str, currency: str) -> str:
        return f"{owner} {currency}"

    def net(*postings: list[tuple[object, ...]]) -> dict[str, int]:
        found: dict[str, int] = {}
        for legs in (one for each in postings for one in each):
            for leg in legs:
                held = str(leg.account)  # type: ignore[attr-defined]
                found[held] = found.get(held, 0) + int(leg.amount)  # type: ignore[attr-defined]
        return {held: amount for held, amount in found.items() if amount}

    old, new = settle(before), settle(now)
    adjusted: list[tuple[object, ...]] = [*changes(new, old.records, account)]
    assert net([*chunks(old, account)], adjusted) == net([*chunks(new, account)])


@given(st.builds(SlotInputs, st.just(0), CONTRACTS, METERS, st.just(Tariff(wheeling=2_000)), st.none()))
def test_who_keeps_what_was_agreed_pays_what_was_agreed(inputs: SlotInputs) -> None:
    running = replace(inputs, contracts=tuple(replace(one, stopped=False) for one in inputs.contracts), meters={})
    total = sum(one.wh * one.price for one in running.contracts)
    found = settle(running)
    assert found.shares.imbalance == 0
    assert found.shares.imbalance_wh == 0
    assert abs(sum(max(one.energy, 0) for one in found.records)) <= total // 1_000


@given(st.lists(st.integers(-(10**9), 10**9), max_size=20), st.sampled_from((1_000, 1_000_000)))
def test_parts_sum_to_their_total(exact: list[int], unit: int) -> None:
    parts = rounded(exact, unit)
    assert sum(parts) == sum(exact) // unit
    assert all(abs(part * unit - one) < unit for part, one in zip(parts, exact, strict=True))


@given(
    st.lists(st.integers(0, 200), min_size=30, max_size=60), st.integers(0, 99_999), st.integers(),
    st.lists(st.integers(1, 28), max_size=4, unique=True),
)  # fmt: skip
def test_late_doubled_and_rolled_over_readings_tell_the_same(
    flows: list[int], start: int, seed: int, lost: list[int]
) -> None:
    shown, readings = start, [Reading(0, start)]
    for minute, wh in enumerate(flows, 1):
        shown = (shown + wh) % 100_000
        readings.append(Reading(minute * MINUTE, shown))
    came = [one for one in readings if one.at // MINUTE not in lost] * 2
    random.Random(seed).shuffle(came)
    line = unrolled(came, Limits(modulus=100_000, most_w=13_000))
    assert energy(line, 0, 30 * MINUTE) == Energy(sum(flows[:30]))


def test_a_gap_is_spread_and_said_to_be_estimated() -> None:
    line = unrolled([Reading(0, 0), Reading(HOUR_US, 1_000), Reading(HOUR_US + MINUTE, 1_010)], Limits())
    assert energy(line, 0, HOUR_US // 2) == Energy(500, estimated=True)
    assert energy(line, HOUR_US, HOUR_US + MINUTE) == Energy(10)
    assert energy(line, HOUR_US, 2 * HOUR_US) is None


def test_a_glitch_is_left_out_and_another_meter_claims_nothing() -> None:
    glitch = [Reading(0, 5_000), Reading(MINUTE, 3), Reading(2 * MINUTE, 5_020)]
    assert energy(unrolled(glitch, Limits()), 0, 2 * MINUTE) == Energy(20)
    replaced = [Reading(0, 5_000), Reading(MINUTE, 3), Reading(2 * MINUTE, 23)]
    assert energy(unrolled(replaced, Limits()), 0, 2 * MINUTE) == Energy(20, estimated=True)
