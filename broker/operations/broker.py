"""What every operation is called with: the parts of this broker, and who calls in which tenant and @context."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field

from broker.ldcontext.active import ActiveContext
from broker.model.terms import Personal, nothing_personal
from broker.ports import (
    UNRESTRICTED,
    Access,
    ChangeLog,
    Clock,
    DocumentStore,
    EntityStore,
    Principal,
    Restriction,
    Tenants,
)
from broker.ports.erasures import UNRECORDED, Beside, Erasures
from broker.ports.evolution import EvolutionStore
from broker.ports.held import HeldStore
from broker.ports.outbox import Leases, Outbox, Probed, undelivered
from broker.ports.places import NOWHERE, Background, Elsewhere, News, Places, to_nobody

HOUR_S = 3_600.0


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """How long what somebody asked for is kept at most, and where they did not say how long; in seconds."""

    entity_map_s: float = HOUR_S
    snapshot_s: float = 7 * 24 * HOUR_S


@dataclass(frozen=True, slots=True)
class Broker:
    """The parts, built once by `wiring`."""

    entities: EntityStore
    tenants: Tenants
    changes: ChangeLog
    documents: DocumentStore
    access: Access
    clock: Clock
    held: HeldStore
    outbox: Outbox
    leases: Leases
    history: EvolutionStore
    new_id: Callable[[], str]
    """32 hexadecimal digits nobody has used before: the end of an id that this broker makes."""
    places: Places
    background: Background
    lifetimes: Lifetimes = Lifetimes()
    announce: Callable[[News], None] = to_nobody
    """Sends news on its way, and does not wait for it."""
    probe: Callable[[str, str], Future[Probed]] = undelivered
    """Notifies the endpoint of a subscription (tenant, id) once, of an entity that it selects, and counts nothing."""
    erasures: Erasures = UNRECORDED
    personal: frozenset[str] = frozenset()
    """Types (IRIs) that are described as about persons: of these, strangers are told that they exist."""
    elsewhere: Elsewhere = NOWHERE
    """What context sources have, for snapshots."""
    beside: list[Beside] = field(default_factory=list)
    """Who keeps something of entities beside the store: adapters, on its way in."""
    of_persons: Callable[[], Personal] = nothing_personal
    """What tells of persons as things are now: its sources are registered, and asked, under terms only."""


@dataclass(slots=True)
class Call:  # one a request and never changed; `frozen` would double the time to make it
    """One caller's call: `tenant` is `""` for the default one; `names` expands and compacts for this caller."""

    tenant: str
    names: ActiveContext
    principal: Principal = field(default_factory=Principal)
    restriction: Restriction = UNRESTRICTED
