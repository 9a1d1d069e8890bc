"""Whose a participant is: what the community's EnergyProsumer entities say of whom they are about."""

from __future__ import annotations

from collections.abc import Mapping
from threading import Lock
from time import monotonic
from typing import Final

from broker.model.subjects import whose
from broker.ports.hub import Hub
from services.energy.configured import Community
from services.energy.sites import sites_of

FRESH_S: Final = 10.0


class People:
    """Who stands behind each participant; read anew after some seconds."""

    def __init__(self, hub: Hub, community: Community) -> None:
        self._hub, self._community = hub, community
        self._known: Mapping[str, frozenset[str]] = {}
        self._until, self._lock = 0.0, Lock()

    def look(self) -> Mapping[str, frozenset[str]]:
        """The pseudonyms of each participant: none for a shop. Raises HubAway."""
        with self._lock:
            if self._until <= monotonic():
                tenant = self._community.tenant
                members = [one.participant for one in sites_of(self._hub, tenant, self._community.id)]
                self._known = {one: whose(self._hub.entity(tenant, one) or {}) for one in members}
                self._until = monotonic() + FRESH_S
            return self._known

    def named(self, participant: str) -> list[str]:
        """The pseudonyms of one, as they were last read."""
        return sorted(self._known.get(participant, frozenset()))
