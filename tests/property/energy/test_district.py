"""The simulated district: energy is conserved to the joule, the same seed is the same, a month takes seconds."""

from __future__ import annotations

import os
from time import process_time

from adapters.simulated.district.battery import WH
from adapters.simulated.district.bus import Depot
from adapters.simulated.district.district import District, Span
from adapters.simulated.district.router import SetPoint

BEGIN = 1_795_446_000
DAYS = int(os.environ.get("DISTRICT_DAYS", "2"))
BLACKOUTS = [Span(BEGIN + 7_200, BEGIN + 20_000)]
FAULTS = [Span(BEGIN + 3_600, BEGIN + 9_000, "h2")]


def played(seed: int, steps: int) -> District:
    """A district in which h1 gives to h5 and to the store, through a blackout and a fault."""
    district = District(seed, BEGIN, blackouts=BLACKOUTS, faults=FAULTS)
    for step in range(steps):
        if step % 3 == 0:
            for name, watts in (("h1", 900), ("h5", -400), ("store", -600), ("h2", 5_000)):
                district.order(name, SetPoint(district.at + 180, power_w=watts))
        if step == 130:
            district.order("mall", SetPoint(district.at + 180, mode="form"))
        district.step()
        assert all(sum(one.watts.values()) == 0 for one in district.routers.values())
    return district


def test_energy_is_conserved_to_the_joule() -> None:
    district = played(3, 700)
    begun = District(3, BEGIN)
    for name, one in district.routers.items():
        assert sum(one.into.values()) == sum(one.out.values())
        stored = one.battery.held_j - begun.routers[name].battery.held_j
        assert one.into["battery"] - one.out["battery"] == stored + one.battery.lost_j
        assert one.battery.lost_j >= 0
        assert one.battery.at(4) <= one.battery.held_j <= one.battery.at(96)
    line = sum(one.into["interchange"] - one.out["interchange"] for one in district.routers.values())
    assert line == district.lost_j > 0


def test_the_same_seed_is_the_same_district() -> None:
    one, other, third = played(5, 300), played(5, 300), played(6, 300)
    assert one.routers == other.routers
    assert one.routers != third.routers


def test_what_ran_out_is_not_obeyed() -> None:
    district = District(1, BEGIN, charged=90)
    assert not district.order("h1", SetPoint(BEGIN - 1, power_w=500))
    assert district.order("h1", SetPoint(BEGIN + 60, power_w=500))
    assert district.order("h5", SetPoint(BEGIN + 60, power_w=-400))
    district.step()
    assert district.routers["h1"].watts["interchange"] > 0
    district.step()
    district.step()
    assert district.routers["h1"].watts["interchange"] == 0


def test_a_bus_charges_five_minutes_from_what_trains_gave() -> None:
    depot = Depot(BEGIN)
    held = depot.held_j
    for _ in range(1_440):
        depot.step(60)
    assert len(depot.sessions) == 32
    for one in depot.sessions:
        assert (one.end - one.start, one.joules) == (300, 250_000 * 300)
        assert one.regenerated <= one.joules
    assert depot.given_j + depot.mains_j + held == (
        sum(one.joules for one in depot.sessions) + depot.held_j + depot.lost_j
    )
    assert sum(one.regenerated for one in depot.sessions) * 2 > sum(one.joules for one in depot.sessions)


def test_a_bus_without_mains_takes_what_is_stored_and_no_more() -> None:
    depot = Depot(BEGIN - (BEGIN + 9 * 3_600) % 86_400 + 7 * 3_600, held_j=0, capacity_j=1_000_000)
    for _ in range(60):
        depot.step(60, mains=False)
    assert depot.mains_j == 0
    assert all(one.joules == one.regenerated < 250_000 * 300 for one in depot.sessions)


def test_a_month_takes_seconds() -> None:
    district, begun = District(7, BEGIN), process_time()
    for _ in range(DAYS * 1_440):
        district.step()
    took = (process_time() - begun) * 30 / DAYS
    print(f"figure district_month_s {took:.1f} {DAYS}")
    assert took < 60
    assert district.routers["h1"].register("load")[0] * WH > 0
