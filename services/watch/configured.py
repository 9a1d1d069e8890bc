"""The section [watch] of the file of --access.

[watch]
tenant = "misono"
zone = "Asia/Tokyo"          the hours of what is usual
learn_days = 7               so long it is learned before silence means anything
door_minutes = 30            a door may stand open
escalate_minutes = 30        until the next contact is told; urgent_minutes = 5 in an emergency
look_minutes = 5             between two looks at a home
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from broker.model.values import Json
from services.room import BadCity

NUMBERS: Final = {
    "learn_days": (7, 28), "door_minutes": (30, 1_440), "escalate_minutes": (30, 1_440), "urgent_minutes": (5, 1_440),
    "look_minutes": (5, 60),
}  # fmt: skip
"""What is usual, and the most."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the section says."""

    tenant: str
    zone: ZoneInfo
    numbers: Mapping[str, int]

    def number(self, name: str) -> int:
        """One of NUMBERS."""
        return self.numbers[name]


def read_settings(city: Mapping[str, Json]) -> Settings:
    """The section. Raises BadCity."""
    given_section = city["watch"]
    if not isinstance(given_section, dict):
        raise BadCity("[watch] is a table")
    said = cast("dict[str, Any]", given_section)
    known = {"tenant", "zone", *NUMBERS}
    if unknown := sorted(said.keys() - known):
        raise BadCity(f"[watch] {unknown[0]}: there are {', '.join(sorted(known))}")
    numbers = {name: said.get(name, usual) for name, (usual, _) in NUMBERS.items()}
    for name, given in numbers.items():
        if type(given) is not int or not 1 <= given <= NUMBERS[name][1]:
            raise BadCity(f"[watch] {name}: a whole number from 1 to {NUMBERS[name][1]}")
    try:
        zone = ZoneInfo(str(said.get("zone", "Asia/Tokyo")))
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise BadCity("[watch] zone is a name like Asia/Tokyo") from error
    return Settings(str(said.get("tenant", "")), zone, numbers)
