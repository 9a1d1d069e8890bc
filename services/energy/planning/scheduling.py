"""When a battery and a car charge: a linear programme over the slots to come, carried out in whole Wh.

plan = schedule(house, outlook, "price", minutes=30)
plan.steps[0].charged            Wh into the battery in the first slot

A plan is never worse than leaving everything alone: where rounding made it so, nothing is done.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import ceil, floor
from typing import Final

from services.energy.planning.houses import (
    LATE,
    MILLI,
    SHORT,
    UNSERVED,
    WEIGHTS,
    Battery,
    Car,
    Goal,
    House,
    Outlook,
    Plan,
    at_most,
    left_value,
)
from services.energy.planning.programme import Programme
from services.energy.planning.running import cost, idle, measure, run

NEAR: Final = 1e-6
"""So near a whole Wh an answer of the solver is that."""
SLACK: Final = 3
"""Wh that are kept free at the meter, and one in the reserve, for what is rounded."""


@dataclass(slots=True)
class _Places:
    """Where the variables of each slot stand: into and out of the battery, what it holds, into the car."""

    charged: list[int] = field(default_factory=list)
    discharged: list[int] = field(default_factory=list)
    held: list[int] = field(default_factory=list)
    car: list[int] = field(default_factory=list)


def schedule(house: House, outlook: Sequence[Outlook], goal: Goal, minutes: int) -> Plan:
    """The best plan for a goal. Raises Unsolvable, ValueError where selling pays more than buying costs."""
    if any(slot.sell > slot.buy or slot.sell < 0 for slot in outlook):
        raise ValueError("energy is not sold for more than it is bought for")
    nothing = idle(house, outlook, minutes)
    planned = run(house, outlook, _wanted(house, outlook, goal, minutes), minutes) if outlook else ()
    without, with_it = (measure(house, outlook, steps, goal) for steps in (nothing, planned))
    steps = planned if with_it < without else nothing
    costs = cost(outlook, steps), cost(outlook, nothing)
    return Plan(goal, steps, min(with_it, without), without, *costs)


def _wanted(house: House, outlook: Sequence[Outlook], goal: Goal, minutes: int) -> list[tuple[int, int]]:
    programme, places = Programme(), _Places()
    for place, slot in enumerate(outlook):
        _flows(programme, places, (house, slot, place), (goal, minutes))
    if house.battery is not None:
        _holding(programme, places, house.battery, (outlook, goal))
        programme_end = left_value(house, tuple(outlook)) / MILLI
        last = programme.variable(0, house.battery.highest, -programme_end)
        programme.row({last: 1, places.held[-1]: -1}, 0, 0)
    if house.car is not None:
        _driving(programme, places, house.car)
    values = programme.solve()
    found = []
    for into, out, car in zip(places.charged, places.discharged, places.car, strict=True):
        found.append((_net(house.battery, values[into], values[out]), ceil(values[car] - NEAR)))
    return found


def _flows(programme: Programme, places: _Places, where: tuple[House, Outlook, int], how: tuple[Goal, int]) -> None:
    """What passes the meter, the battery and the car in a slot, and that nothing comes from nowhere."""
    (house, slot, place), (goal, minutes) = where, how
    passing = WEIGHTS[goal][0]
    battery, car = house.battery, house.car
    bought = programme.variable(
        0, max(at_most(house.import_w, minutes) - SLACK, 0), (slot.buy + passing) / MILLI
    )  # fmt: skip
    sold = programme.variable(0, at_most(house.export_w, minutes), (passing - slot.sell) / MILLI)
    curtailed = programme.variable(0, slot.pv, passing / MILLI)
    unserved = programme.variable(0, slot.load, UNSERVED / MILLI)
    most_out = at_most(battery.discharge_w, minutes) if battery else 0
    places.charged.append(programme.variable(0, at_most(battery.charge_w, minutes) if battery else 0))
    places.discharged.append(programme.variable(0, most_out if house.sells_stored else min(most_out, slot.load)))
    plugged = car is not None and car.arrives <= place < car.leaves
    places.car.append(programme.variable(0, at_most(car.power_w, minutes) if car and plugged else 0))
    terms = {
        bought: 1, unserved: 1, places.discharged[-1]: 1, sold: -1, curtailed: -1, places.charged[-1]: -1,
        places.car[-1]: -1,
    }  # fmt: skip
    programme.row(terms, slot.load - slot.pv, slot.load - slot.pv)


def _holding(programme: Programme, places: _Places, battery: Battery, wish: tuple[Sequence[Outlook], Goal]) -> None:
    """What the battery holds at the end of each slot, and what is wanting from the reserve."""
    outlook, goal = wish
    gap = WEIGHTS[goal][1] / MILLI
    for place, slot in enumerate(outlook):
        held = programme.variable(battery.lowest, battery.highest, -gap)
        into, out = battery.charge_efficiency / MILLI, MILLI / battery.discharge_efficiency
        terms = {held: 1.0, places.charged[place]: -into, places.discharged[place]: out}
        before = battery.held if place == 0 else 0
        if place:
            terms[places.held[-1]] = -1.0
        programme.row(terms, before, before)
        places.held.append(held)
        if slot.reserve:
            short = programme.variable(cost=SHORT / MILLI)
            programme.row({held: 1, short: 1}, min(slot.reserve + 1, battery.highest))


def _driving(programme: Programme, places: _Places, car: Car) -> None:
    """That the car holds what it needs when it leaves, as far as that can be, and no more than it can."""
    late = programme.variable(cost=LATE / MILLI)
    into = car.efficiency / MILLI
    plugged = dict.fromkeys(places.car[car.arrives : car.leaves], into)
    programme.row({**plugged, late: 1}, car.needed - car.held)
    programme.row(plugged, most=car.capacity - car.held)


def _net(battery: Battery | None, charged: float, discharged: float) -> int:
    """What goes into the battery, in whole Wh; both at once would only lose energy."""
    if battery is None:
        return 0
    into = charged * battery.charge_efficiency / MILLI - discharged * MILLI / battery.discharge_efficiency
    if into >= 0:
        return ceil(into * MILLI / battery.charge_efficiency - NEAR)
    return -floor(-into * battery.discharge_efficiency / MILLI + NEAR)
