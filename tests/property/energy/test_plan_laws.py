"""Laws of plans: what they say can be done, they are never worse than nothing, and on small cases nothing is better.

`PLANS=2000` tries so many, as `make figures AREA=energy` does.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.energy.planning.houses import GOALS, LATE, UNSERVED, WEIGHTS, Battery, Car, Goal, House, Outlook, Plan
from services.energy.planning.scheduling import schedule

HOW_MANY = int(os.environ.get("PLANS", "60"))
HOUR = 3_600_000_000
TRIED: Counter[str] = Counter()


@pytest.fixture(scope="module", autouse=True)
def figures() -> Iterator[None]:
    yield
    for name in ("plans_wrong", "plans_against_brute_force"):
        if TRIED[f"{name}_tried"]:
            print(f"figure {name} {TRIED[name]} {TRIED[f'{name}_tried']}")


@st.composite
def _houses(draw: st.DrawFn, slots: int) -> House:
    capacity = draw(st.integers(0, 12_000))
    battery = Battery(
        capacity, draw(st.integers(0, capacity)), draw(st.integers(0, 5_000)), draw(st.integers(0, 5_000)),
        floor=draw(st.integers(0, 300)), ceiling=draw(st.integers(700, 1_000)),
        charge_efficiency=draw(st.integers(700, 1_000)), discharge_efficiency=draw(st.integers(700, 1_000)),
    )  # fmt: skip
    room = draw(st.integers(0, 60_000))
    arrives = draw(st.integers(0, slots))
    car = Car(
        room, draw(st.integers(0, room)), draw(st.integers(0, room)), draw(st.integers(0, 7_000)), arrives,
        draw(st.integers(arrives, slots)), draw(st.integers(700, 1_000)),
    )  # fmt: skip
    return House(
        draw(st.integers(0, 10_000)), draw(st.integers(0, 10_000)), draw(st.sampled_from((None, battery))),
        draw(st.sampled_from((None, car))), draw(st.booleans()),
    )  # fmt: skip


@st.composite
def _outlooks(draw: st.DrawFn, slots: int) -> list[Outlook]:
    found = []
    for place in range(slots):
        buy = draw(st.integers(0, 60_000))
        amounts = draw(st.integers(0, 3_000)), draw(st.integers(0, 3_000))
        found.append(Outlook(place * HOUR, *amounts, buy, draw(st.integers(0, buy)), draw(st.integers(0, 9_000))))
    return found


def broken(house: House, outlook: Sequence[Outlook], plan: Plan, minutes: int) -> list[str]:
    """Which rules of the house a plan does not keep, worked out anew in fractions."""
    held = Fraction(house.battery.held if house.battery else 0)
    wrong = []
    for place, (slot, step) in enumerate(zip(outlook, plan.steps, strict=True)):
        into = slot.pv + step.bought + step.discharged + step.unserved
        away = slot.load + step.sold + step.charged + step.car + step.curtailed
        wrong += ["balance"] * (into != away) + ["limits"] * (min(_flows(plan, place)) < 0)
        wrong += ["import"] * (step.bought * 60 > house.import_w * minutes)
        wrong += ["export"] * (step.sold * 60 > house.export_w * minutes)
        wrong += ["both"] * (step.charged > 0 and step.discharged > 0)
        if house.battery is not None:
            one = house.battery
            held += Fraction(step.charged * one.charge_efficiency, 1_000)
            held -= Fraction(step.discharged * 1_000, one.discharge_efficiency)
            wrong += ["held"] * (abs(held - Fraction(step.held, 1_000)) > Fraction(place + 1, 1_000))
            wrong += ["floor"] * (step.held < one.lowest * 1_000) + ["ceiling"] * (step.held > one.highest * 1_000)
            wrong += ["power"] * (max(step.charged, 0) * 60 > one.charge_w * minutes)
            wrong += ["stored sold"] * (not house.sells_stored and step.discharged > slot.load)
        car = house.car
        plugged = car is not None and car.arrives <= place < car.leaves
        wrong += ["car away"] * (step.car > 0 and not plugged)
        wrong += ["car full"] * (car is not None and step.car_held > max(car.capacity, car.held) * 1_000)
    return wrong


def _flows(plan: Plan, place: int) -> tuple[int, ...]:
    step = plan.steps[place]
    return step.bought, step.sold, step.charged, step.discharged, step.car, step.curtailed, step.unserved


@settings(max_examples=HOW_MANY, deadline=None)
@given(st.data(), st.integers(1, 12), st.sampled_from(GOALS), st.sampled_from((30, 60)))
def test_a_plan_can_be_done_and_is_never_worse_than_nothing(
    data: st.DataObject, slots: int, goal: Goal, minutes: int
) -> None:
    house, outlook = data.draw(_houses(slots)), data.draw(_outlooks(slots))
    plan = schedule(house, outlook, goal, minutes)
    wrong = broken(house, outlook, plan, minutes)
    worse = plan.measure > plan.idle
    TRIED["plans_wrong"] += bool(wrong or worse)
    TRIED["plans_wrong_tried"] += 1
    assert (wrong, worse) == ([], False)


@settings(max_examples=HOW_MANY, deadline=None)
@given(st.integers(0, 8_000), st.integers(0, 7_998), st.lists(st.integers(0, 1_500), min_size=2, max_size=24))
def test_a_reserve_is_kept_where_the_power_allows(held: int, reserve: int, loads: list[int]) -> None:
    # to the last Wh a battery is not filled: whole ones go in, and less than that is stored of each
    battery = Battery(8_000, held, 2_000, 2_000, floor=0, ceiling=1_000)
    outlook = [
        Outlook(place * HOUR, 0, load, 40_000 - 1_000 * (place % 24), 0, reserve) for place, load in enumerate(loads)
    ]
    plan = schedule(House(20_000, 5_000, battery), outlook, "price", 60)
    reached = held * 1_000
    for step in plan.steps:
        reached = min(reached + 2_000 * battery.charge_efficiency, reserve * 1_000)
        assert step.held >= reached


@st.composite
def _small(draw: st.DrawFn) -> tuple[House, list[Outlook], Goal]:
    """All in whole hundreds of Wh, nothing lost: what is best can be found by trying everything."""
    hundred = st.integers(0, 6).map(lambda one: one * 100)
    battery = Battery(
        600, draw(hundred), draw(st.sampled_from((100, 200, 300))), draw(st.sampled_from((100, 200, 300))), floor=0,
        ceiling=1_000, charge_efficiency=1_000, discharge_efficiency=1_000,
    )  # fmt: skip
    slots = draw(st.integers(1, 3))
    arrives = draw(st.integers(0, slots - 1))
    car = Car(400, 0, draw(st.integers(0, 4)) * 100, 200, arrives, draw(st.integers(arrives + 1, slots)), 1_000)
    outlook = []
    for place in range(slots):
        buy = draw(st.integers(1, 50)) * 1_000
        outlook.append(
            Outlook(place * HOUR, draw(hundred), draw(hundred), buy, draw(st.integers(0, buy // 1_000)) * 1_000)
        )
    house = House(100_000, 100_000, battery, draw(st.sampled_from((None, car))), draw(st.booleans()))
    return house, outlook, draw(st.sampled_from(GOALS))


def _best(house: House, outlook: Sequence[Outlook], goal: Goal) -> int:
    """The least measure of everything that can be done in steps of a hundred Wh."""
    battery, car = house.battery, house.car
    assert battery is not None
    moves = range(-battery.discharge_w, battery.charge_w + 1, 100)
    charges = range(0, 201, 100) if car else range(1)
    passing, gap = WEIGHTS[goal]
    found = []
    for tried in product(product(moves, charges), repeat=len(outlook)):
        held, car_held, total = battery.held, 0, 0
        for place, (slot, (move, into)) in enumerate(zip(outlook, tried, strict=True)):
            held += move
            if not 0 <= held <= battery.capacity or (-move > slot.load and not house.sells_stored):
                break
            if car and into and not car.arrives <= place < car.leaves:
                break
            car_held += into
            net = slot.load + move + into - slot.pv
            total += (slot.buy + passing) * net if net > 0 else (slot.sell - passing) * net
            total += gap * (battery.capacity - held)
        else:
            if car_held <= (car.capacity if car else 0):
                total += LATE * max(car.needed - car_held, 0) if car else 0
                found.append(total - min(one.buy for one in outlook) * held)
    return min(found)


@settings(max_examples=HOW_MANY, deadline=None)
@given(_small())
def test_trying_everything_finds_nothing_better(small: tuple[House, list[Outlook], Goal]) -> None:
    house, outlook, goal = small
    plan = schedule(house, outlook, goal, 60)
    best = _best(house, outlook, goal)
    differs = plan.measure != best * 1_000
    TRIED["plans_against_brute_force"] += differs
    TRIED["plans_against_brute_force_tried"] += 1
    assert not differs, (plan, best)


def test_load_is_served_before_anything_else() -> None:
    """The weights are in the order of what matters."""
    assert UNSERVED > LATE > max(max(one) for one in WEIGHTS.values())
