"""The section [energy.settlement]: when slots are settled, and what a meter can show.

[energy.settlement]
close_minutes = 10           so long after its end a slot is settled first
final_days = 30              after so many days a day is final, by itself, where nothing is missing
freeze_days = 60             and after so many it is frozen: corrections are adjustments from then on
modulus = 0                  where registers begin again, in Wh; 0: never
most_watts = 1000000         what can flow at most: what is more was no energy
gap_minutes = 10             readings further apart are spread, and said to be estimated
skew_seconds = 60            so far ahead a meter's clock may be
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from broker.model.values import Instant, Json
from services.energy.metering.registers import Limits
from services.energy.slots import MINUTE_US
from services.room import BadCity

_USUAL: Final[Mapping[str, int]] = {
    "close_minutes": 10, "final_days": 30, "freeze_days": 60, "modulus": 0, "most_watts": 1_000_000,
    "gap_minutes": 10, "skew_seconds": 60,
}  # fmt: skip
_MOST: Final = 1 << 40


@dataclass(frozen=True, slots=True)
class Settings:
    """What the section says."""

    close: Instant
    final_days: int
    freeze_days: int
    limits: Limits


def read_settings(said: Mapping[str, Json]) -> Settings:
    """The section. Raises BadCity."""
    found = dict(_USUAL)
    for name, value in said.items():
        if name not in _USUAL:
            raise BadCity(f"[energy.settlement] has no member {name}; there are {', '.join(_USUAL)}")
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _MOST:
            raise BadCity(f"[energy.settlement] {name} is a whole number from 0 on")
        found[name] = value
    if found["freeze_days"] < found["final_days"]:
        raise BadCity("[energy.settlement] freeze_days is final_days at least")
    limits = Limits(
        found["modulus"], found["most_watts"], found["gap_minutes"] * MINUTE_US, found["skew_seconds"] * 1_000_000
    )
    return Settings(found["close_minutes"] * MINUTE_US, found["final_days"], found["freeze_days"], limits)
