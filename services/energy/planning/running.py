"""A schedule carried out in whole Wh: what is wanted is held to what the house can, slot after slot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from services.energy.planning.houses import (
    LATE,
    MILLI,
    SHORT,
    UNSERVED,
    WEIGHTS,
    Battery,
    Goal,
    House,
    Outlook,
    Step,
    at_most,
    left_value,
)

MILLION: Final = 1_000_000


def run(house: House, outlook: Sequence[Outlook], wanted: Sequence[tuple[int, int]], minutes: int) -> tuple[Step, ...]:
    """What becomes of `wanted`: in each slot Wh into the battery (negative: out of it) and into the car."""
    held = house.battery.held * MILLI if house.battery else 0
    car_held = house.car.held * MILLI if house.car else 0
    steps = []
    for place, (slot, (battery, car)) in enumerate(zip(outlook, wanted, strict=True)):
        into_car = _into_car(house, place, car, car_held, minutes)
        charged, discharged = _battery(house, slot, battery, held, minutes)
        most = at_most(house.import_w, minutes)
        over = slot.load + charged + into_car - slot.pv - discharged - most
        charged, over = _less(charged, over)
        into_car, over = _less(into_car, over)
        held += _stored(house.battery, charged) - _drawn(house.battery, discharged)
        car_held += into_car * (house.car.efficiency if house.car else 0)
        net = slot.load + charged + into_car - slot.pv - discharged
        bought, surplus = min(max(net, 0), most), max(-net, 0)
        sold = min(surplus, at_most(house.export_w, minutes))
        steps.append(
            Step(
                slot.start, bought, sold, charged, discharged, into_car, surplus - sold, max(net, 0) - bought, held,
                car_held,
            )
        )  # fmt: skip
    return tuple(steps)


def idle(house: House, outlook: Sequence[Outlook], minutes: int) -> tuple[Step, ...]:
    """Nothing is planned: the battery rests, the car charges as fast as it can from when it is plugged in."""
    steps: list[tuple[int, int]] = []
    held = house.car.held * MILLI if house.car else 0
    for place, slot in enumerate(outlook):
        car = 0
        if house.car is not None and house.car.arrives <= place < house.car.leaves:
            missing = max(house.car.needed * MILLI - held, 0)
            free = max(at_most(house.import_w, minutes) + slot.pv - slot.load, 0)
            car = min(-(-missing // house.car.efficiency), at_most(house.car.power_w, minutes), free)
            held += car * house.car.efficiency
        steps.append((0, car))
    return run(house, outlook, steps, minutes)


def measure(house: House, outlook: Sequence[Outlook], steps: Sequence[Step], goal: Goal) -> int:
    """What a plan makes least of, in millionths of a yen; times a thousand, since batteries hold thousandths."""
    passing, gap = WEIGHTS[goal]
    total = 0
    for slot, step in zip(outlook, steps, strict=True):
        total += (slot.buy * step.bought - slot.sell * step.sold) * MILLI
        total += (passing * (step.bought + step.sold + step.curtailed) + UNSERVED * step.unserved) * MILLI
        if house.battery is not None:
            total += gap * max(house.battery.highest * MILLI - step.held, 0)
            total += SHORT * max(min(slot.reserve, house.battery.highest) * MILLI - step.held, 0)
    if house.car is not None:
        total += LATE * max(house.car.needed * MILLI - _at_departure(house.car.leaves, steps, house.car.held), 0)
    return total - (left_value(house, tuple(outlook)) * steps[-1].held if steps else 0)


def cost(outlook: Sequence[Outlook], steps: Sequence[Step]) -> int:
    """Millionths of a yen for what is bought, less what is sold."""
    return sum(one.buy * step.bought - one.sell * step.sold for one, step in zip(outlook, steps, strict=True))


def _at_departure(leaves: int, steps: Sequence[Step], held: int) -> int:
    return steps[min(leaves, len(steps)) - 1].car_held if steps and leaves > 0 else held * MILLI


def _less(wanted: int, over: int) -> tuple[int, int]:
    """What is left of a flow when so much is over the limit, and what is still over."""
    cut = min(wanted, max(over, 0))
    return wanted - cut, over - cut


def _into_car(house: House, place: int, wanted: int, held: int, minutes: int) -> int:
    car = house.car
    if car is None or not car.arrives <= place < car.leaves:
        return 0
    room = max(car.capacity * MILLI - held, 0) // car.efficiency
    return max(min(wanted, at_most(car.power_w, minutes), room), 0)


def _battery(house: House, slot: Outlook, wanted: int, held: int, minutes: int) -> tuple[int, int]:
    """(charged, discharged), one of them 0."""
    battery = house.battery
    if battery is None:
        return 0, 0
    if wanted >= 0:
        room = max(battery.highest * MILLI - held, 0) // battery.charge_efficiency
        return min(wanted, at_most(battery.charge_w, minutes), room), 0
    there = max(held - battery.lowest * MILLI, 0) * battery.discharge_efficiency // MILLION
    least = there if house.sells_stored else min(there, slot.load)
    return 0, min(-wanted, at_most(battery.discharge_w, minutes), least)


def _stored(battery: Battery | None, charged: int) -> int:
    return 0 if battery is None else charged * battery.charge_efficiency


def _drawn(battery: Battery | None, discharged: int) -> int:
    """Thousandths that leave the battery for so many Wh at its terminals, rounded up."""
    return 0 if battery is None else -(-discharged * MILLION // battery.discharge_efficiency)
