"""The registrations of each tenant, indexed, as they are now.

Every process compares generations: what it wrote itself it sees at once, what another one wrote within LOOK_S.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Final

from broker.errors import NonexistentTenant
from broker.model.registration import REGISTRATION, Registration
from broker.model.values import Json
from broker.ports import INLINE, Clock, OverBudgetOnce
from broker.ports.held import Held, HeldStore
from broker.query.sources import Specification
from federation.index import Index
from federation.messages import Match

LOOK_S: Final = 0.25
"""How old what is known of a tenant's registrations may be: other processes write them too."""
TENANTS_MAX: Final = 4096
"""Tenants whose registrations are remembered."""
INLINE_MAX: Final = 200
"""Registrations that are read anew on the event loop, in about 2 ms; more than that take a thread."""


@dataclass(frozen=True, slots=True)
class Known:
    """The registrations of a tenant at a generation, how many moves were told before, and when it was compared.

    `index` is None where only their count is known. `read` keeps each body and what was made of it.
    """

    generation: int
    moves: int
    looked_at: float
    count: int = 0
    registrations: tuple[Registration, ...] = ()
    index: Index | None = None
    read: Mapping[str, tuple[Mapping[str, Json], Registration]] = field(default_factory=dict)


class Registry:
    """Which registrations match."""

    def __init__(self, held: HeldStore, clock: Clock, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._held = held
        self._clock = clock
        self._monotonic = monotonic
        self._known: dict[str, Known] = {}
        self._moves: dict[str, int] = {}
        self._reading = Lock()

    def active(self, tenant: str) -> bool:
        """Whether the tenant has registrations; they are not read for it."""
        return self._glance(tenant).count > 0

    def registrations(self, tenant: str) -> tuple[Registration, ...]:
        """All of a tenant, oldest first. Raises OverBudgetOnce where INLINE is set and many have to be read."""
        return self._look(tenant).registrations

    def moved(self, tenant: str) -> None:
        """The tenant's registrations have just changed."""
        self._moves[tenant] = self._moves.get(tenant, 0) + 1

    def may_match(self, tenant: str, entity_id: str) -> bool:
        """Whether `matching` can find anything for this one entity; costs less. Raises OverBudgetOnce as it does."""
        index = self._look(tenant).index
        return index is not None and index.may_match(entity_id)

    def matching(
        self, tenant: str, operation: str | None, wanted: Specification, via: frozenset[str] = frozenset()
    ) -> Sequence[Match]:
        """The registrations that serve this operation (Table 4.20-1; None: any) and match, oldest first (clause 5.12).

        Those whose alias stands in `via` have been asked already, and those whose end has passed are none. Raises
        OverBudgetOnce as `registrations` does.
        """
        index = self._look(tenant).index
        return () if index is None else index.matching(operation, wanted, via, self._clock.now())

    def _glance(self, tenant: str) -> Known:
        """What is known, compared with what is there; where that moved, only its count is up to date."""
        known, now = self._known.get(tenant), self._monotonic()
        moves = self._moves.get(tenant, 0)
        if known is not None and known.moves == moves and now - known.looked_at <= LOOK_S:
            return known
        found = self._compared(tenant, known, Known(0, moves, now))
        if len(self._known) >= TENANTS_MAX:
            self._known.clear()
        self._known[tenant] = found
        return found

    def _compared(self, tenant: str, known: Known | None, bare: Known) -> Known:
        try:
            generation = self._held.held_generation(tenant, REGISTRATION)
            if known is not None and known.generation == generation:
                return replace(known, moves=bare.moves, looked_at=bare.looked_at)
            count = self._held.page_held(tenant, REGISTRATION, 0, 1)[1]
        except NonexistentTenant:
            return bare
        return replace(bare, generation=generation, count=count, read={} if known is None else known.read)

    def _look(self, tenant: str) -> Known:
        """What is known, read anew where it moved."""
        known = self._glance(tenant)
        if known.index is not None or not known.count:
            return known
        if known.count > INLINE_MAX and INLINE.get():
            raise OverBudgetOnce
        with self._reading:
            known = self._glance(tenant)
            if known.index is not None:
                return known
            found = _read(known, self._held.all_held(tenant, REGISTRATION))
            self._known[tenant] = found
            return found


def _read(known: Known, held: Sequence[Held]) -> Known:
    read: dict[str, tuple[Mapping[str, Json], Registration]] = {}
    for one in held:
        before = known.read.get(one.id)
        read[one.id] = (
            before if before is not None and before[0] == one.body
            else (one.body, Registration.from_body(one.body))
        )  # fmt: skip
    registrations = tuple(registration for _, registration in read.values())
    return replace(known, count=len(held), registrations=registrations, index=Index(registrations), read=read)
