"""The room of the energy community: its parts, of which each has its own tables, doors and timers.

room.parts["settlement"]          parts call each other in Python, those that stand later those before
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Final, Protocol, cast

from broker.http.rooms.route import Route
from broker.model.values import Json
from services.energy.configured import Community, read_community
from services.room import Ground

PARTS: Final[dict[str, str]] = {
    "market": "services.energy.market.part",
    "settlement": "services.energy.settlement.part",
    "islanding": "services.energy.islanding.part",
    "planning": "services.energy.planning.part",
}
"""Each module has `open_part(ground, community, parts) -> Part`; in the order in which they are opened."""


class Part(Protocol):
    """One part of the service: as services.room.Room, of one community."""

    def routes(self) -> Sequence[Route]:
        """The rows of its table, below /services/energy/."""

    def start(self) -> None:
        """Begin what it does by itself."""

    def stop(self) -> None:
        """End that; nothing is lost."""

    def erase(self, tenant: str, entity_id: str) -> Mapping[str, int]:
        """Erase what it keeps of an entity; how much went, by place."""

    def state(self) -> Json:
        """`ok`, or what is wrong."""


OpenPart = Callable[[Ground, Community, Mapping[str, Part]], Part]


class EnergyRoom:
    """See the module."""

    def __init__(self, ground: Ground) -> None:
        self.community = read_community(ground.city)
        self.parts: Final[dict[str, Part]] = {}
        for name, module in PARTS.items():
            opened = cast("OpenPart", import_module(module).open_part)
            self.parts[name] = opened(ground, self.community, self.parts)

    def routes(self) -> Sequence[Route]:
        """As the port says."""
        return [route for part in self.parts.values() for route in part.routes()]

    def start(self) -> None:
        """As the port says."""
        for part in self.parts.values():
            part.start()

    def stop(self) -> None:
        """As the port says."""
        for part in reversed([*self.parts.values()]):
            part.stop()

    def erase(self, tenant: str, entity_id: str) -> Mapping[str, int]:
        """As the port says."""
        gone: dict[str, int] = {}
        for part in self.parts.values():
            gone.update(part.erase(tenant, entity_id))
        return gone

    def state(self) -> Json:
        """As the port says."""
        wrong = {name: state for name, part in self.parts.items() if (state := part.state()) != "ok"}
        return wrong or "ok"


def open_room(ground: Ground) -> EnergyRoom:
    """The energy community's."""
    return EnergyRoom(ground)
