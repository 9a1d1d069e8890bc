"""The room of the store of one's own: its parts put together, and the timer of reserved erasures.

[store]                          of the file of --access; nothing of it must be there
look_s = 5                       how often it is looked for erasures that are due
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from broker.http.rooms.route import Route
from broker.model.values import Json
from services.looking import Looking
from services.room import BadCity, Ground
from services.store.doors import Doors
from services.store.erasing import Erasing
from services.store.holding import Holding
from services.store.tables import STEPS

LOOK_S = 5.0


class StoreRoom:
    """The port Room; `erasing` is what other rooms call."""

    def __init__(self, ground: Ground) -> None:
        self._look_s = _look_s(ground.city.get("store", {}))
        ground.file.tables("store", STEPS)
        self.erasing = Erasing(ground, Holding(ground.hub))
        self._doors = Doors(ground, self.erasing)
        self._looking = Looking("store", self._look_s, self.erasing.tick, "an erasure that is due waits")

    def routes(self) -> Sequence[Route]:
        """As the port says."""
        return self._doors.routes()

    def start(self) -> None:
        """As the port says."""
        self._looking.start()

    def stop(self) -> None:
        """As the port says."""
        self._looking.stop()

    def erase(self, tenant: str, entity_id: str) -> Mapping[str, int]:  # noqa: ARG002  the port's
        """Nothing: what is kept here is of persons, not of entities."""
        return {}

    def state(self) -> Json:
        """As the port says."""
        return self._looking.state()


def open_room(ground: Ground) -> StoreRoom:
    """The room. Raises BadCity."""
    return StoreRoom(ground)


def _look_s(section: Json) -> float:
    if not isinstance(section, dict) or section.keys() - {"look_s"}:
        raise BadCity("[store] has look_s, and nothing else")
    found = section.get("look_s", LOOK_S)
    if isinstance(found, bool) or not isinstance(found, int | float) or not 0 < found <= 3_600:  # noqa: PLR2004 - an hour
        raise BadCity("[store] look_s: seconds, at most 3600")
    return float(found)
