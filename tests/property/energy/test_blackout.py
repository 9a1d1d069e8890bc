"""A blackout at the worst minute: states in order, priority loads on, nothing lost or paid twice, whatever is lost."""

from __future__ import annotations

import os
from collections.abc import Mapping
from itertools import pairwise

import pytest

from adapters.simulated.district.district import District, Span
from adapters.simulated.district.outlook import alone, helpers, sheds, worst_minute
from adapters.simulated.district.sites import PRIORITY
from services.energy.islanding.states import NEXT
from services.energy.settlement.inputs import Agreed, Imbalance, Metered, SlotInputs, Tariff
from services.energy.settlement.settling import Settled, settle
from tests.fakes.blackout import COMMUNITY, Channel, Contract, Market, Rig

MIDNIGHT = 1_795_446_000 - (1_795_446_000 + 9 * 3_600) % 86_400
SCHEDULES = int(os.environ.get("BLACKOUTS", "12"))
HOURS = 6
SLOT_S = 1_800
PRICE = 15_000


def district_at_worst(seed: int, hours: int = HOURS) -> tuple[District, int]:
    """A district a slot before that of its worst minute, at which the mains go for some hours."""
    district = District(seed, MIDNIGHT + 15 * 3_600, charged=70)
    at = worst_minute(district, 5 * 60)
    district.blackouts = [Span(at, at + hours * 3_600)]
    while district.at < at // SLOT_S * SLOT_S - SLOT_S:
        district.step()
    return district, at


def in_flight(at: int) -> Market:
    """Contracts of the slot before, of the one in which it happens, and of the one after."""
    market, slot = Market(), at // SLOT_S * SLOT_S
    for start in (slot - SLOT_S, slot, slot + SLOT_S):
        for seller, buyer, wh in (("h1", "h5", 300), ("h2", "h4", 200), ("mall", "store", 900)):
            market.contracts.append(Contract(f"{seller}-{buyer}-{start}", seller, buyer, start, start + SLOT_S, wh))
    return market


def settled(rig: Rig, start: int) -> Settled:
    """A slot as it was metered."""
    before, after = rig.registers[start], rig.registers[start + SLOT_S]
    meters = {name: Metered(after[name][1] - before[name][1], after[name][0] - before[name][0]) for name in before}
    agreed = tuple(
        Agreed(one.id, one.seller, one.buyer, one.start * 1_000_000, one.wh, one.price, one.stopped_at is not None)
        for one in rig.market.contracts
        if one.start == start
    )
    tariff = Tariff(wheeling=2_000, loss=40_000, tax=100_000)
    return settle(SlotInputs(start * 1_000_000, agreed, meters, tariff, Imbalance(20_000, 10_000)))


def assert_balanced(found: Settled) -> None:
    """What participants get and give is what others give and get."""
    shares = found.shares
    assert sum(one.amount for one in found.records) + shares.grid + shares.fee + shares.tax + shares.imbalance == 0


def assert_in_order(rig: Rig) -> None:
    """Every router and the community went through states that follow each other, and times that do."""
    for subject in (COMMUNITY, *rig.sites):
        states = ["connected", *rig.of(subject)]
        assert all(after in NEXT[before] for before, after in pairwise(states)), (subject, states)
        times = [one.at for one in rig.steps if one.subject == subject]
        assert times == sorted(times)


def assert_lasted(rig: Rig, lasts: Mapping[str, int], at: int, hours: int) -> None:
    """Priority loads stay on as long as the simulator says, but for what was given to others' medical devices."""
    for name, lasted in lasts.items():
        given = rig.district.routers[name].into["interchange"] - rig.given[name]
        need = sum(rig.district.usage[name].loads(at)[:PRIORITY])
        assert rig.shed.get(name, at + hours * 3_600) - at >= lasted - given * 110 // 100 // max(need, 1), name


def test_a_blackout_at_the_worst_minute() -> None:
    district, at = district_at_worst(seed=7)
    rig = Rig(district, market=in_flight(at))
    rig.minutes((at - district.at) // 60)
    lasts = alone(district, HOURS)
    rig.count()
    while district.at < at + HOURS * 3_600 + 3_600:
        rig.minute()
        for name in district.routers:
            if sheds(district, name, loads=1):
                assert not [one for one in helpers(district) if one != name], "somebody could have helped"
    assert rig.of(COMMUNITY) == ["isolated", "blackStart", "islanded", "resynchronising", "connected"]
    assert_in_order(rig)
    assert_lasted(rig, lasts, at, HOURS)
    assert lasts["h5"] < HOURS * 3_600
    assert "h5" not in rig.shed, "its medical devices are what the others are there for"
    assert len(rig.stops) == 1
    assert rig.market.told == 1
    for start in (at // SLOT_S * SLOT_S - SLOT_S, at // SLOT_S * SLOT_S, at // SLOT_S * SLOT_S + SLOT_S):
        assert_balanced(settled(rig, start))
    print(f"figure island_priority_loads {min(lasts.values()) / 3600:.1f} {len(lasts)}")


def test_what_was_in_flight_is_paid_as_metered_and_once() -> None:
    district, at = district_at_worst(seed=11, hours=1)
    rig = Rig(district, market=in_flight(at))
    slot = at // SLOT_S * SLOT_S
    while district.at <= slot + 4 * SLOT_S:
        rig.minute()
    found = settled(rig, slot)
    before, after = rig.registers[slot], rig.registers[slot + SLOT_S]
    for record in found.records:
        sent = after[record.participant][0] - before[record.participant][0]
        owed = sum(one.wh for one in rig.market.contracts if one.start == slot and one.seller == record.participant)
        assert record.sold == min(owed, sent), "paid for more than was sent, or for less than was agreed and sent"
    assert all(one.stopped_at is not None for one in rig.market.contracts if one.start == slot)
    assert settled(rig, slot) == found
    assert_balanced(found)


@pytest.mark.parametrize("seed", range(SCHEDULES))
def test_messages_lost_doubled_and_late(seed: int) -> None:
    district, at = district_at_worst(seed % 5, hours=2)
    lose, late_s = 10 + seed % 4 * 10, 60 + seed % 3 * 120
    rig = Rig(district, Channel(seed, lose, 30, late_s), Channel(seed + 1_000, lose, 30, late_s), in_flight(at))
    rig.minutes((at - district.at) // 60)
    lasts = alone(district, 2)
    rig.count()
    while district.at < at + 3 * 3_600 + 1_800:
        rig.minute()
    assert_in_order(rig)
    states = rig.of(COMMUNITY)
    assert (states[0], states[-1]) == ("isolated", "connected")
    assert "islanded" in states
    assert {one.state for one in rig.state.routers.values()} == {"connected"}
    assert {one.state for one in district.routers.values()} == {"connected"}
    assert len(rig.stops) == rig.market.told == states.count("isolated") - _collapses(states) == 1
    assert_lasted(rig, lasts, at, 2)
    for start in range(at // SLOT_S * SLOT_S - SLOT_S, at // SLOT_S * SLOT_S + 2 * SLOT_S, SLOT_S):
        assert_balanced(settled(rig, start))


def _collapses(states: list[str]) -> int:
    return sum(1 for before, after in pairwise(states) if after == "isolated" and before != "connected")
