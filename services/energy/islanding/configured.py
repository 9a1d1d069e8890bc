"""The section [energy.islanding] of the file of --access.

[energy.islanding]
hours = 15                  so long each house's priority loads are to last before anything else is kept on or given
stable_s = 300              so long the mains must stand before routers are asked to go back
confirm_s = 600             so long the second person has to confirm a black start
drill_minutes_max = 240
volts = 200                 what the utility should give

[energy.islanding.sites."urn:ngsi-ld:DigitalGridRouter:misono:h1"]
battery_wh = 9_800
battery_w = 5_000
line_w = 3_000
loads_w = [0, 120, 90, 420]     mean watts of medical devices, of cold and communication, of light, of the rest
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from broker.model.values import Json
from services.energy.islanding.asking import Site
from services.energy.islanding.fold import Policy
from services.energy.islanding.rationing import LOADS, Rules
from services.energy.islanding.reading import NOMINAL_V
from services.room import BadCity

NUMBERS: Final = {
    "hours": (15, 1, 240), "stable_s": (300, 10, 3_600), "confirm_s": (600, 60, 3_600),
    "drill_minutes_max": (240, 5, 1_440), "volts": (round(NOMINAL_V), 12, 1_000), "floor": (20, 5, 90),
}  # fmt: skip
"""Each with its usual, its least and its largest value."""
_SITE: Final = ("battery_wh", "battery_w", "line_w", "loads_w")
_MOST: Final = 100_000_000


@dataclass(frozen=True, slots=True)
class Settings:
    """What the section says."""

    sites: Mapping[str, Site]
    rules: Rules
    policy: Policy
    drill_minutes_max: int
    volts: float


def read_settings(section: Mapping[str, Json]) -> Settings:
    """The section. Raises BadCity."""
    if unknown := sorted(section.keys() - {"sites", *NUMBERS}):
        raise BadCity(f"[energy.islanding] has no member {unknown[0]}; there are {', '.join(sorted(NUMBERS))}, sites")
    numbers = {name: _number("[energy.islanding]", section, name, NUMBERS[name]) for name in NUMBERS}
    given = section.get("sites", {})
    if not isinstance(given, dict):
        raise BadCity("[energy.islanding] sites: a table of routers by their ids")
    sites = {name: _site(name, one, numbers["floor"]) for name, one in given.items()}
    policy = Policy(stable_s=numbers["stable_s"], confirm_s=numbers["confirm_s"])
    return Settings(sites, Rules(hours=numbers["hours"]), policy, numbers["drill_minutes_max"], numbers["volts"])


def _number(where: str, section: Mapping[str, Any], name: str, bounds: tuple[int, int, int]) -> int:
    usual, least, most = bounds
    given = section.get(name, usual)
    if type(given) is not int or not least <= given <= most:
        raise BadCity(f"{where} {name}: a whole number from {least} to {most}")
    return given


def _site(name: str, given: object, floor: int) -> Site:
    where = f'[energy.islanding.sites."{name}"]'
    if not isinstance(given, dict) or set(given) != set(_SITE):
        raise BadCity(f"{where}: it has {', '.join(_SITE)}")
    loads = given["loads_w"]
    if not isinstance(loads, list) or len(loads) != len(LOADS) or any(type(one) is not int or one < 0 for one in loads):
        raise BadCity(f"{where} loads_w: whole watts of {', '.join(LOADS)}")
    held, power, line = (_number(where, given, one, (0, 1, _MOST)) for one in _SITE[:3])
    return Site(name, held, power, line, tuple(loads), floor)
