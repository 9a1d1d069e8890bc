"""From the changes of a hub elsewhere to commands: those of claimed attributes, from a position that lasts.

The stream gives only changes of these attributes, and now and then a position that was passed over; a position is kept
with the commands that were found up to there, in one transaction. Without one it begins now, before anything is
claimed: what was written before then commands nothing.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Final

from adapters.commands.book import CommandBook
from adapters.commands.following import SAVE_S, Finder
from adapters.commands.targets import Targets
from broker.ports.hub import FollowedHub, HubAway, HubForgot

log = logging.getLogger("misono.adapters.commands")

PAUSE_S, PAUSE_MAX_S = 0.25, 10.0
"""So long a hub that is away is left alone, doubled each time."""
TURNS_MAX: Final = 16
"""Batches that one turn takes of a tenant: commands that are due shall not wait for all that came."""


class StreamFollower:
    """Reads the changes of tenants, each from its own position."""

    def __init__(
        self,
        hub: FollowedHub,
        book: CommandBook,
        targets: Targets,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._hub, self._book, self._finder, self._seconds = hub, book, Finder(book, targets), seconds
        self._positions: dict[str, int] = {}
        self._kept: dict[str, tuple[float, int]] = {}
        self._pause, self._again, self._away = PAUSE_S, 0.0, HubAway()

    def turn(self, tenant: str, attributes: frozenset[str]) -> None:
        """Take the commands that came. Raises HubAway, NotKept."""
        if self._seconds() < self._again:
            raise self._away
        try:
            for _ in range(TURNS_MAX):
                if not self._take(tenant, attributes):
                    break
        except HubAway as away:
            self._again, self._pause = self._seconds() + self._pause, min(2 * self._pause, PAUSE_MAX_S)
            self._away = HubAway(str(away))
            raise

    def _take(self, tenant: str, attributes: frozenset[str]) -> bool:
        """Whether something came."""
        position = self._position(tenant)
        try:
            found = self._hub.follow(tenant, position, attributes)
        except HubForgot:
            newest = self._hub.newest(tenant)
            log.warning("the changes of %r after %d are not kept: commands among them are lost", tenant, position)
            self._book.lost(tenant, position, newest)
            self._positions[tenant], self._kept[tenant] = newest, (self._seconds(), newest)
            return False
        if found.position != position:
            self._pause = PAUSE_S
        commands = [*self._finder.commands(tenant, found.changes)]
        self._positions[tenant] = found.position
        if commands or self._is_late(tenant, found.position):
            self._book.take(tenant, found.position, commands)
            self._kept[tenant] = self._seconds(), found.position
        return bool(found.changes)

    def _is_late(self, tenant: str, position: int) -> bool:
        """Whether the position that is kept is another one, and an old one."""
        at, kept = self._kept.get(tenant, (0.0, -1))
        return kept != position and self._seconds() - at >= SAVE_S

    def _position(self, tenant: str) -> int:
        found = self._positions.get(tenant)
        if found is None:
            found = self._book.position(tenant)
        if found is None:
            found = self._hub.newest(tenant)
            self._book.take(tenant, found, ())
        self._positions[tenant] = found
        return found
