"""The section [lockers] of the file of --access.

[lockers]
tenant = "misono"
reserve_hours = 24      a compartment is kept for a parcel that is to come
hold_hours = 72         a parcel waits to be fetched
wrong_codes = 5         then the door stays shut for lock_minutes = 15
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from broker.model.values import Json
from services.room import BadCity

NUMBERS: Final = {
    "reserve_hours": (24, 168), "hold_hours": (72, 720), "wrong_codes": (5, 10), "lock_minutes": (15, 1_440)
}  # fmt: skip
"""What is usual, and the most."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the section says."""

    numbers: Mapping[str, int]

    def micros(self, name: str) -> int:
        """A number of hours or minutes in microseconds."""
        return self.numbers[name] * (3_600_000_000 if name.endswith("hours") else 60_000_000)


def read_settings(city: Mapping[str, Json]) -> Settings:
    """The section. Raises BadCity."""
    section = city["lockers"]
    if not isinstance(section, dict):
        raise BadCity("[lockers] is a table")
    said = cast("dict[str, Any]", section)
    known = {"tenant", *NUMBERS}
    if unknown := sorted(said.keys() - known):
        raise BadCity(f"[lockers] {unknown[0]}: there are {', '.join(sorted(known))}")
    numbers = {name: said.get(name, usual) for name, (usual, _) in NUMBERS.items()}
    for name, given in numbers.items():
        if type(given) is not int or not 1 <= given <= NUMBERS[name][1]:
            raise BadCity(f"[lockers] {name}: a whole number from 1 to {NUMBERS[name][1]}")
    return Settings(numbers)
