"""A house as a plan sees it, and a plan. Energy is whole Wh; what a battery holds is kept to the thousandth.

Prices are mJPY/kWh, so that price times Wh is in millionths of a yen. Efficiencies are in thousandths.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from broker.model.values import Instant

Goal: TypeAlias = Literal["price", "selfConsumption", "reserve"]
GOALS: Final[tuple[Goal, ...]] = ("price", "selfConsumption", "reserve")
MILLI: Final = 1_000


@dataclass(frozen=True, slots=True)
class Battery:
    """`capacity` and `held` in Wh, `charge_w` and `discharge_w` at its terminals."""

    capacity: int
    held: int
    charge_w: int
    discharge_w: int
    floor: int = 200
    ceiling: int = 950
    charge_efficiency: int = 950
    discharge_efficiency: int = 950

    @property
    def lowest(self) -> int:
        """It is not emptied below this: the floor, or what it holds where that is less."""
        return min(self.capacity * self.floor // MILLI, self.held)

    @property
    def highest(self) -> int:
        """It is not filled above this: the ceiling, or what it holds where that is more."""
        return max(self.capacity * self.ceiling // MILLI, self.held)


@dataclass(frozen=True, slots=True)
class Car:
    """Plugged in from the slot `arrives` (its place) until `leaves`; then it is to hold `needed` Wh."""

    capacity: int
    held: int
    needed: int
    power_w: int
    arrives: int
    leaves: int
    efficiency: int = 900


@dataclass(frozen=True, slots=True)
class House:
    """What it has, and what may flow; `sells_stored`: whether what was stored may leave the house."""

    import_w: int
    export_w: int
    battery: Battery | None = None
    car: Car | None = None
    sells_stored: bool = False


@dataclass(frozen=True, slots=True)
class Outlook:
    """A slot to come: Wh of sun and load as forecast, mJPY/kWh to buy and to sell, Wh to be held at its end."""

    start: Instant
    pv: int
    load: int
    buy: int
    sell: int
    reserve: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """What a plan does in a slot, in Wh; `held` and `car_held` are thousandths of Wh at its end."""

    start: Instant
    bought: int
    sold: int
    charged: int
    discharged: int
    car: int
    curtailed: int
    unserved: int
    held: int
    car_held: int


@dataclass(frozen=True, slots=True)
class Plan:
    """Steps in their order; `measure` is what is made least of, `idle` that of leaving everything alone.

    `cost` and `idle_cost` are millionths of a yen, of what is bought and sold alone.
    """

    goal: Goal
    steps: tuple[Step, ...]
    measure: int
    idle: int
    cost: int
    idle_cost: int


def at_most(power_w: int, minutes: int) -> int:
    """The Wh that a power gives in so many minutes."""
    return power_w * minutes // 60


WEIGHTS: Final[Mapping[Goal, tuple[int, int]]] = {
    "price": (0, 0), "selfConsumption": (1_000_000, 0), "reserve": (0, 1_000_000)
}  # fmt: skip
"""mJPY for a kWh that passes the meter or is lost, and for a kWh and slot that the battery could hold more."""
SHORT: Final = 10_000_000
"""As much is missed for a kWh and slot that is wanting from the reserve."""
LATE: Final = 100_000_000
"""... for a kWh that the car leaves without."""
UNSERVED: Final = 1_000_000_000
"""... for a kWh of load that is not served."""


def left_value(house: House, outlook: tuple[Outlook, ...]) -> int:
    """Thousandths of a yen for a kWh left in the battery at the end: what the cheapest one costs, less what is lost."""
    if house.battery is None or not outlook:
        return 0
    return min(one.buy for one in outlook) * house.battery.discharge_efficiency // MILLI
