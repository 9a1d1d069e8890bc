"""The registrations of each tenant, indexed, as they are now.

Every process compares generations: what it wrote itself it sees at once, what another one wrote within LOOK_S.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from broker.errors import NonexistentTenant
from broker.model.registration import REGISTRATION, Registration
from broker.ports import Clock
from broker.ports.held import HeldStore
from broker.query.sources import Specification, matched
from federation.messages import Match

LOOK_S = 0.25
"""How old what is known of a tenant's registrations may be: other processes write them too."""

TENANTS_MAX = 4096
"""Tenants whose registrations are remembered."""


@dataclass(frozen=True, slots=True)
class Known:
    """The registrations of a tenant at a generation, and when it was last compared."""

    generation: int
    registrations: tuple[Registration, ...]
    looked_at: float


class Registry:
    """Which registrations match."""

    def __init__(self, held: HeldStore, clock: Clock, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._held = held
        self._clock = clock
        self._monotonic = monotonic
        self._known: dict[str, Known] = {}

    def active(self, tenant: str) -> bool:
        """Whether the tenant has registrations."""
        return bool(self.registrations(tenant))

    def registrations(self, tenant: str) -> tuple[Registration, ...]:
        """All of a tenant, oldest first, expired ones too."""
        known = self._known.get(tenant)
        now = self._monotonic()
        if known is None or now - known.looked_at > LOOK_S:
            known = self._known[tenant] = self._look(tenant, known, now)
        return known.registrations

    def moved(self, tenant: str) -> None:
        """The tenant's registrations have just changed."""
        self._known.pop(tenant, None)

    def matching(
        self, tenant: str, operation: str | None, wanted: Specification, via: frozenset[str] = frozenset()
    ) -> Sequence[Match]:
        """The registrations that serve this operation (Table 4.20-1; None: any) and match, oldest first (clause 5.12).

        Those whose alias stands in `via` have been asked already, and those whose end has passed are none.
        """
        now = self._clock.now()
        found = []
        for one in self.registrations(tenant):
            if operation is not None and operation not in one.supported:
                continue
            if one.alias is not None and one.alias in via:
                continue
            if one.expires_at is not None and one.expires_at <= now:
                continue
            parts = matched(one, wanted)
            if parts:
                found.append(Match(one, parts))
        return found

    def _look(self, tenant: str, known: Known | None, now: float) -> Known:
        if len(self._known) >= TENANTS_MAX:
            self._known.clear()
        try:
            generation = self._held.held_generation(tenant, REGISTRATION)
        except NonexistentTenant:
            return Known(0, (), now)
        if known is not None and known.generation == generation:
            return Known(generation, known.registrations, now)
        held = self._held.all_held(tenant, REGISTRATION)
        return Known(generation, tuple(Registration.from_body(one.body) for one in held), now)
