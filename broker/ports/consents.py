"""Which consents hold: what the policy of access looks up, for every entity that somebody may be shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from broker.model.values import Instant
from broker.ports import Principal

GRANULARITIES: Final = ("raw", "hourly", "daily", "monthly", "aggregate")
"""From fine to coarse: who may have a fine one may have what is coarser."""
ANY: Final = "*"
"""Every attribute of the type that needs no special care (a comprehensive consent)."""


@dataclass(frozen=True, slots=True)
class Item:
    """A data item: an entity type and an attribute (IRIs, the attribute may be ANY), no finer than `granularity`."""

    type: str
    attribute: str
    granularity: str = "raw"


@dataclass(frozen=True, slots=True)
class Grant:
    """One consent of one person as decisions need it; `until` and `covers_to` are exclusive, None: without end.

    It holds from `since` until `until`, and covers what was observed from `covers_from` to `covers_to`. `record` is the
    entity id of the consent.
    """

    record: str
    subject: str
    items: frozenset[Item]
    since: Instant
    until: Instant | None = None
    covers_from: Instant | None = None
    covers_to: Instant | None = None


@dataclass(frozen=True, slots=True)
class Emergency:
    """Somebody looks without consent (break glass): who, at whom (empty: all of the tenant), until when, and why."""

    id: str
    principal: str
    subjects: frozenset[str]
    until: Instant
    reason: str


class Grants(Protocol):
    """What one recipient may have for one set of purposes, at one epoch. Every method is cheap: dictionaries."""

    @property
    def epoch(self) -> int:
        """The consent epoch that it is of."""

    def of(self, subject: str, type_: str, attribute: str) -> tuple[Grant, ...]:
        """A person's grants for an attribute of a type; those for ANY are among them."""

    def subjects(self) -> frozenset[str]:
        """Persons who granted anything."""


class Consents(Protocol):
    """The consents of a tenant, as they are now: kept in memory and followed, in every process of the hub.

    What is asked is no older than 1 second after the change was acknowledged, in whichever process it was made, and
    not older at all in the process that made it.
    """

    def epoch(self, tenant: str) -> int:
        """Rises with every change that may change a decision; caches compare it."""

    def grants(self, tenant: str, recipient: str, purposes: frozenset[str]) -> Grants:
        """What an organisation may have; empty where it is unknown, suspended, or its evidence has expired."""

    def acting_for(self, tenant: str, subject: str) -> frozenset[str]:
        """For whom this person may look and decide now: themself, children, wards, those who asked them to."""

    def emergencies(self, tenant: str, principal: Principal) -> tuple[Emergency, ...]:
        """Those of this principal that run now."""

    def listen(self, told: Callable[[str], None]) -> None:
        """Call `told(tenant)` after each change of an epoch; it must be quick."""


class NoConsents:
    """Nobody consented to anything."""

    def epoch(self, tenant: str) -> int:  # noqa: ARG002 - the port's
        """Always 0."""
        return 0

    def grants(self, tenant: str, recipient: str, purposes: frozenset[str]) -> Grants:  # noqa: ARG002 - the port's
        """None."""
        return _NONE

    def acting_for(self, tenant: str, subject: str) -> frozenset[str]:  # noqa: ARG002 - the port's
        """Themself."""
        return frozenset({subject}) if subject else frozenset()

    def emergencies(self, tenant: str, principal: Principal) -> tuple[Emergency, ...]:  # noqa: ARG002 - the port's
        """None."""
        return ()

    def listen(self, told: Callable[[str], None]) -> None:
        """Nothing ever changes."""


class _NoGrants:
    epoch = 0

    def of(self, subject: str, type_: str, attribute: str) -> tuple[Grant, ...]:  # noqa: ARG002 - the port's
        return ()

    def subjects(self) -> frozenset[str]:
        return frozenset()


_NONE: Final = _NoGrants()
