"""The city's services inside a hub: `misono serve --access FILE`. For `wiring`, which imports this only with access."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from broker.access.explaining import explained, seers
from broker.admitting import Admitted, BadAccess
from broker.audit.log import AuditLog
from broker.http.exchange import House
from broker.http.front import Application
from broker.http.rooms.door import Rights, RoomDoor
from broker.http.rooms.explain import explain_routes
from broker.http.rooms.route import Route, Routes
from broker.hub.inside import HubInside
from broker.joining import public_url_of
from broker.keeping import KeptFile, UnusableFile
from broker.model.values import Json
from broker.ports import SYSTEM, Principal
from broker.settings import Settings
from broker.signing import Signer
from services.following import Following
from services.room import BadCity, Ground, Room
from services.table import ROOTS, open_rooms

if TYPE_CHECKING:
    from datamodels.at_need import AtNeed

__all__ = ["BadAccess", "Served", "furnish"]

PRINCIPAL = Principal("services", roles=frozenset({SYSTEM}))
NAME = "services.sqlite"
KEYS = "keys"


class Served:
    """What the doors serve of them."""

    def __init__(self, rooms: Mapping[str, Room], door: RoomDoor, following: Following) -> None:
        self._rooms, self._door, self._following = rooms, door, following

    def room(self, name: str) -> Room:
        """One of them."""
        return self._rooms[name]

    @property
    def mounts(self) -> Mapping[str, Application]:
        """Parts of the URL map."""
        return dict.fromkeys(ROOTS, self._door)

    @property
    def routes(self) -> tuple[Route, ...]:
        """Every row of their tables."""
        return self._door.routes.all

    def start(self) -> None:
        """Begin what they do by themselves."""
        for room in self._rooms.values():
            room.start()
        self._following.start()

    def stop(self) -> None:
        """End it, the last one first."""
        self._following.stop()
        for room in reversed([*self._rooms.values()]):
            room.stop()

    def state(self) -> Mapping[str, Json]:
        """How each of them is."""
        return {name: room.state() for name, room in self._rooms.items()} | {"following": self._following.state()}

    def metrics(self) -> str:
        """None of their own."""
        return ""

    def described(self) -> Mapping[str, Any]:
        """The door's paths."""
        return self._door.described()

    def erase(self, tenant: str, entity_id: str) -> Mapping[str, int]:
        """Erase what they keep of an entity."""
        gone: dict[str, int] = {}
        for room in self._rooms.values():
            gone.update(room.erase(tenant, entity_id))
        return gone


def furnish(settings: Settings, house: House, admitted: Admitted, packages: AtNeed, closing: ExitStack) -> Served:
    """The services, ready to start; `closing` stops them. Raises BadAccess."""
    directory = _directory(settings, closing)
    try:
        file = KeptFile(directory / NAME, "services")
    except UnusableFile as error:
        raise BadAccess(str(error)) from error
    closing.callback(file.close)
    hub = HubInside(house, PRINCIPAL)
    following = Following(hub, file)
    ground = Ground(
        hub=hub,
        file=file,
        clock=house.broker.clock,
        new_id=house.broker.new_id,
        signer=_signer(admitted, directory),
        audit=admitted.audit,
        consents=admitted.consents,
        library=packages.now,
        public_url=public_url_of(settings),
        following=following,
        city=admitted.city,
        rooms={},
    )
    try:
        rooms = open_rooms(ground)
    except BadCity as error:
        raise BadAccess(f"--access {settings.access}: {error}") from error
    own = [route for room in rooms.values() for route in room.routes()]
    routes = Routes([*own, *_explaining(house, admitted)])
    door = RoomDoor(routes, Rights(house.broker.access, settings.read_only, identity=house.identity))
    closing.callback(door.close)
    served = Served(rooms, door, following)
    closing.callback(served.stop)
    house.broker.beside.append(served.erase)
    return served


def _signer(admitted: Admitted, directory: Path) -> Signer:
    """The audit's, where there is one: all that the hub signs is signed with the same keys."""
    return admitted.audit.signer if isinstance(admitted.audit, AuditLog) else Signer.opened(directory / KEYS)


def _explaining(house: House, admitted: Admitted) -> Sequence[Route]:
    """Paths that tell why somebody sees something; none where no consents decide that."""
    if admitted.consenting is None:
        return ()
    policy = admitted.consenting.policy
    return explain_routes(house.broker.entities, partial(explained, policy), partial(seers, policy))


def _directory(settings: Settings, closing: ExitStack) -> Path:
    """Where their file is; what is in memory ends with the process, and so does this."""
    if settings.store != "memory":
        return settings.data
    return Path(closing.enter_context(TemporaryDirectory(prefix="misono-services-")))
