"""The figures of the plan for the district, out of what passed its meters in a day, and of where things are.

indicators(Day(pv=90_000, bought=60_000, sold=20_000, …))     {"renewableShare": 0.538, …}; nothing that is not known
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import asin, cos, radians, sin, sqrt
from typing import Final, TypeAlias

Point: TypeAlias = "tuple[float, float]"
"""Longitude and latitude."""
EARTH_M: Final = 6_371_000.0
DAY_HOURS: Final = 24


@dataclass(frozen=True, slots=True)
class Text:
    """What an indicator is called, how it is worked out, and in which unit it is."""

    ja: str
    en: str
    formula: str
    unit: str


INDICATORS: Final[Mapping[str, Text]] = {
    "renewableShare": Text("再生可能エネルギーの割合", "Renewable share", "(pv - sold) / (pv - sold + bought)", "1"),
    "selfConsumption": Text("自家消費率", "Self-consumption", "(pv - sold) / pv", "1"),
    "autonomyHours": Text("自立可能時間", "Hours of autonomy", "stored energy / mean load of the day", "h"),
    "co2Emitted": Text("電力による二酸化炭素", "CO2 of electricity", "bought * factor of the grid", "kg"),
    "co2Avoided": Text("減らした二酸化炭素", "CO2 avoided", "(pv - sold) * factor of the grid", "kg"),
    "serviceUse": Text("サービスの利用", "Use of services", "uses begun in the day, of all services", "1"),
    "walkability": Text(
        "歩いて暮らせる割合", "Walkability", "share of homes with one of each everyday place within a walk", "1"
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Day:
    """A day of the district, in Wh; `stored` is what its batteries held at the end. None: not known."""

    pv: int | None = None
    bought: int | None = None
    sold: int | None = None
    stored: int | None = None
    co2_g_per_kwh: int | None = None


def indicators(day: Day) -> dict[str, float]:
    """Those of energy that can be told."""
    if day.pv is None or day.bought is None or day.sold is None:
        return {}
    own = max(day.pv - day.sold, 0)
    used = own + day.bought
    found: dict[str, float] = {}
    if used:
        found["renewableShare"] = round(own / used, 4)
    if day.pv:
        found["selfConsumption"] = round(own / day.pv, 4)
    if used and day.stored is not None:
        found["autonomyHours"] = round(day.stored * DAY_HOURS / used, 2)
    if day.co2_g_per_kwh is not None:
        found["co2Emitted"] = round(day.bought * day.co2_g_per_kwh / 1_000_000, 3)
        found["co2Avoided"] = round(own * day.co2_g_per_kwh / 1_000_000, 3)
    return found


def walkability(homes: Sequence[Point], places: Mapping[str, Sequence[Point]], walk_m: int) -> float | None:
    """The share of homes from which one place of every kind is within so many metres, as the crow flies.

    None where there are no homes, or no kind was asked for.
    """
    if not homes or not places:
        return None
    near = [all(any(metres(home, one) <= walk_m for one in kind) for kind in places.values()) for home in homes]
    return round(sum(near) / len(homes), 4)


def metres(one: Point, other: Point) -> float:
    """How far two points are from each other."""
    (east, north), (far_east, far_north) = one, other
    over, up = radians(far_east - east) / 2, radians(far_north - north) / 2
    half = sin(up) ** 2 + cos(radians(north)) * cos(radians(far_north)) * sin(over) ** 2
    return 2 * EARTH_M * asin(sqrt(half))
