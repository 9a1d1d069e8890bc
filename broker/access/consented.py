"""The policy of a city with residents: everybody sees what the law of access lets them see, as consents are now."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple, Protocol

from broker.access.deciding import Decider, Rights, View
from broker.access.labels import NoTags, Profile, Profiles, Tags, label, subject_number
from broker.access.rights import WRITES
from broker.access.roles import WRITERS
from broker.model.entity import Entity
from broker.model.values import Instant, Json
from broker.ports import SYSTEM, UNRESTRICTED, Clock, Labels, Principal, Restriction
from broker.ports.blind import Blind
from broker.ports.consents import Consents
from broker.query.ast import EVERYTHING, Node, SubjectIn

MINUTE_US: Final = 60_000_000
RESIDENT, RECIPIENT = "resident", "recipient"
_CACHED_MAX: Final = 2_000


class Admission(Protocol):
    """Who may perform what at all: the table of rights."""

    def admit(self, principal: Principal, tenant: str, operation: str) -> None:
        """Raises where the principal may not perform the operation."""

    def admit_command(self, principal: Principal, tenant: str, entity: Entity, attribute: str) -> None:
        """Raises where the principal may not command a device by this attribute."""


class _Cached(NamedTuple):
    epoch: int
    tags: int
    until: Instant
    restriction: Restriction
    blind: Restriction


class ConsentPolicy:
    """The port Access. Restrictions are kept for a minute at most, and for no longer than their epoch."""

    def __init__(
        self,
        consents: Consents,
        clock: Clock,
        admission: Admission,
        tags: Tags | None = None,
        personal: Iterable[str] = (),
    ) -> None:
        """`personal` are the tenants of persons: what nobody knows is hidden there."""
        self.consents: Final = consents
        self.tags: Final = tags or NoTags()
        self.personal: Final = frozenset(personal)
        self._clock, self._admission = clock, admission
        self._profiles = Profiles(self.tags)
        self._cached: dict[tuple[str, Principal], _Cached] = {}
        self._until: Callable[[str], Instant] | None = getattr(consents, "next_moment", None)
        self._asked: Callable[[str], Sequence[tuple[str, str]]] | None = getattr(consents, "asked", None)

    def restrict(self, principal: Principal, tenant: str, operation: str) -> Restriction:
        """What they may see: the same wherever something is told; who writes need not see what is there."""
        if SYSTEM in principal.roles:
            return UNRESTRICTED
        found = self._found(principal, tenant)
        return found.blind if operation in WRITES and not WRITERS.isdisjoint(principal.roles) else found.restriction

    def _found(self, principal: Principal, tenant: str) -> _Cached:
        now, epoch, tags = self._clock.now(), self.consents.epoch(tenant), self.tags.version()
        key = (tenant, principal)
        found = self._cached.get(key)
        if found is not None and found.epoch == epoch and found.tags == tags and now < found.until:
            return found
        until = (now // MINUTE_US + 1) * MINUTE_US
        if self._until is not None:
            until = min(until, self._until(tenant))
        restriction = self._made(principal, tenant, now)
        if len(self._cached) >= _CACHED_MAX:
            self._cached.clear()
        found = self._cached[key] = _Cached(epoch, tags, until, restriction, Blind(sees=restriction.view))
        return found

    def admit(self, principal: Principal, tenant: str, operation: str) -> None:
        """As the table of rights says."""
        self._admission.admit(principal, tenant, operation)

    def admit_command(self, principal: Principal, tenant: str, entity: Entity, attribute: str) -> None:
        """As the table of rights says."""
        self._admission.admit_command(principal, tenant, entity, attribute)

    def label(self, entity: Entity) -> Labels:
        """Whom the entity is about."""
        return label(entity)

    def now(self) -> Instant:
        """What the clock says."""
        return self._clock.now()

    def profile(self, types: Json) -> Profile:
        """What is known of the entities of these types."""
        self._profiles.refresh()
        return self._profiles.of(types)

    def asked(self, tenant: str) -> Sequence[tuple[str, str]]:
        """Recipients and purposes for which there are consents."""
        return () if self._asked is None else self._asked(tenant)

    def decider(self, principal: Principal, tenant: str, granularity: str = "raw") -> Decider:
        """What decides about single instances."""
        return Decider(self._rights(principal, tenant), granularity)

    def _made(self, principal: Principal, tenant: str, now: Instant) -> Restriction:
        rights = self._rights(principal, tenant)
        views: dict[str, View] = {}

        def coarse(granularity: str) -> View:
            found = views.get(granularity)
            if found is None:
                found = views[granularity] = Decider(rights, granularity).view
            return found

        return Restriction(_concerned(rights), Decider(rights).view, coarse, now)

    def _rights(self, principal: Principal, tenant: str) -> Rights:
        consents, of = self.consents, principal.recipient
        self._profiles.refresh()
        asks = bool(of) and RECIPIENT in principal.roles
        return Rights(
            self._profiles,
            self._clock,
            consents.acting_for(tenant, principal.subject) if RESIDENT in principal.roles else frozenset(),
            tuple(consents.grants(tenant, of, frozenset({one})) for one in sorted(principal.purposes)) if asks else (),
            consents.emergencies(tenant, principal),
            tenant in self.personal,
        )


def _concerned(rights: Rights) -> Node:
    """Whose entities they may see anything of; everybody's where an emergency is about no certain persons."""
    persons = set(rights.acting)
    for grants in rights.grants:
        persons |= grants.subjects()
    for one in rights.emergencies:
        if not one.subjects:
            return EVERYTHING
        persons |= one.subjects
    return SubjectIn(None, frozenset(map(subject_number, persons)))
