"""The room of parcel lockers. It follows nothing: lockers ask at its door, and the hub is read when a place is kept."""

from __future__ import annotations

from typing import Final

from services.lockers.configured import read_settings
from services.lockers.desk import TABLES, Lockers
from services.lockers.doors import Doors
from services.pattern.cases import Cases
from services.pattern.room import CityRoom, Service
from services.room import Ground

NAME: Final = "lockers"


def open_room(ground: Ground) -> CityRoom:
    """The room. Raises BadCity."""
    settings, cases = read_settings(ground.city), Cases(ground, NAME)
    ground.file.tables("lockers_places", TABLES)
    lockers = Lockers(ground, cases, settings)
    return CityRoom(ground, cases, Service(NAME, Doors(lockers).routes(), lockers.render, lockers.due))
