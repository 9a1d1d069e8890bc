"""What a service gets to stand on, and what it gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from broker.http.rooms.route import Route
from broker.keeping import KeptFile
from broker.model.values import Json
from broker.ports import Clock
from broker.ports.audit import Audit
from broker.ports.consents import Consents
from broker.ports.hub import Hub
from broker.signing import Signer
from datamodels.library import Library
from services.following import Following


class BadCity(Exception):
    """The file of --access is not in order; the text names the member and what would do."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What every room is opened with.

    `hub` writes as the hub itself (SYSTEM): what residents and recipients may not do is checked by the room before.
    `file` is shared: several processes of one hub may have it open, so that what a room knows is in its tables, and
    what it keeps in memory is no older than `file.generation()`. `city` is the file of --access, whole. What changes in
    the hub is followed by `following`.
    """

    hub: Hub
    file: KeptFile
    clock: Clock
    new_id: Callable[[], str]
    signer: Signer
    audit: Audit
    consents: Consents
    library: Callable[[], Library]
    public_url: str
    following: Following
    city: Mapping[str, Json] = field(default_factory=dict)
    rooms: Mapping[str, Room] = field(default_factory=dict)
    """Those that were opened before this one, by name: it may call what they offer in Python."""


class Room(Protocol):
    """One service. Its module has `open_room(ground: Ground) -> Room`, which raises BadCity."""

    def routes(self) -> Sequence[Route]:
        """The rows of its table; every one has a row in the table of rights (broker/access/rights.py and its parts)."""

    def start(self) -> None:
        """Begin what it does by itself (timers). Called in one process of the hub only."""

    def stop(self) -> None:
        """End that; nothing is lost."""

    def erase(self, tenant: str, entity_id: str) -> Mapping[str, int]:
        """Erase what it keeps of an entity; how much went, by place."""

    def state(self) -> Json:
        """`ok`, or what is wrong, for /health."""
