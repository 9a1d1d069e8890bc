"""Documents of a tenant: subscriptions, registrations, entity maps, snapshots; changed as entities are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from broker.model.values import Instant, Json


@dataclass(frozen=True, slots=True)
class Held:
    """A document as it is kept; `version` counts its writes from 1. At `expires_at` it is gone (None: it stays)."""

    id: str
    body: Mapping[str, Json]
    created_at: Instant
    modified_at: Instant
    version: int = 1
    expires_at: Instant | None = None


@dataclass(frozen=True, slots=True)
class Hold:
    """Keep `body` and answer with `result`; from `expires_at` on there is no such document (None: it stays)."""

    body: Mapping[str, Json]
    result: object = None
    expires_at: Instant | None = None


@dataclass(frozen=True, slots=True)
class Drop:
    """Delete the document and answer with `result`."""

    result: object = None


@dataclass(frozen=True, slots=True)
class Leave:
    """Nothing to write; `result` answers the caller."""

    result: object = None


HeldDecision: TypeAlias = Hold | Drop | Leave


@dataclass(frozen=True, slots=True)
class HeldCommand:
    """One read-modify-write of one document of a kind (`subscription`, `registration`, `entity_map`, …).

    `decide(current, now)` is as `Command.decide`: pure, inside the transaction, and it may raise NgsiError, which is
    what the caller gets. `creates` says that it may make the tenant.
    """

    kind: str
    id: str
    decide: Callable[[Held | None, Instant], HeldDecision]
    creates: bool = False


class HeldStore(Protocol):
    """A tenant's documents. Raises NonexistentTenant for a tenant nobody made."""

    def apply_held(self, tenant: str, commands: Sequence[HeldCommand]) -> Future[list[object]]:
        """Run commands in order, in the order of the tenant's writes; done when they are durable.

        The list holds each command's result, or the NgsiError it raised. A change to a kind raises its generation in
        the same transaction, so that a write that follows is decided with the documents as they are then.
        """

    def find_held(self, tenant: str, kind: str, document_id: str) -> Held | None:
        """One document."""

    def all_held(self, tenant: str, kind: str) -> list[Held]:
        """All of a kind, oldest first."""

    def page_held(self, tenant: str, kind: str, offset: int, limit: int) -> tuple[list[Held], int]:
        """A window of a kind, oldest first, without reading the bodies before it; and how many there are in all."""

    def tenants_of(self, kind: str) -> list[str]:
        """Tenants that have, or had, documents of the kind. Opens no tenant."""

    def held_generation(self, tenant: str, kind: str) -> int:
        """Rises with every write of the kind, by any process: a cache compares it."""
