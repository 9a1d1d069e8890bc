"""The ports: what the operations need from the outside, as small Protocols.

Engines (`stores`), the remote world (`contexts`) and the policy (`access`) implement them; `wiring` hands them over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from broker.ldcontext.active import ActiveContext
from broker.model.entity import Document, Entity
from broker.model.geometry import Bounds
from broker.model.values import Instant, Json
from broker.ports.principals import ADAPTER, ANYONE, ROLES, SYSTEM, Principal
from broker.query.ast import EVERYTHING, Node, Selection, Window

__all__ = ["ADAPTER", "ANYONE", "ROLES", "SYSTEM", "Principal"]


@dataclass(frozen=True, slots=True)
class Keep:
    """Nothing to write; `result` answers the caller."""

    result: object = None


@dataclass(frozen=True, slots=True)
class Put:
    """Write `entity` (its version and instants are set by the store) and answer with `result`."""

    entity: Entity
    result: object = None


@dataclass(frozen=True, slots=True)
class Remove:
    """Delete the entity and answer with `result`."""

    result: object = None


Decision: TypeAlias = Keep | Put | Remove


@dataclass(frozen=True, slots=True)
class Command:
    """One read-modify-write of one entity.

    `decide(current, now)` is pure, may run more than once, and gets the row as it is inside the transaction (None
    where there is none or it has expired); it returns a Decision or raises NgsiError, which leaves the row alone
    and is what the caller gets. `now` is never before the tenant's last change. `creates` says that it may make the
    tenant. `expected` is the document that is put as it is where there was none: an engine may prepare for it. `by` is
    who writes: some attributes are commands to devices, which not everybody may give.
    """

    id: str
    decide: Callable[[Entity | None, Instant], Decision]
    creates: bool = False
    expected: Document | None = None
    by: Principal = ANYONE


@dataclass(frozen=True, slots=True)
class Restriction:
    """What a principal may see: a condition on entities, and the view of what is left of one.

    `view(entity)` gives the entity without its hidden attributes, instances and sub-attributes, or None where it
    may not be seen at all; None instead of a function: everything is visible (the hot path).
    """

    where: Node = EVERYTHING
    view: Callable[[Entity], Entity | None] | None = None
    coarse: Callable[[str], Callable[[Entity], Entity | None]] | None = None
    """Gives the view that holds for aggregates over periods of a granularity (`hourly`, `daily`, `monthly`: the city's
    own hours, days and months) and of enough values: what may be seen no finer is left in it. None: as `view`."""
    now: Instant = 0
    """When it was made: periods that have ended by then may be told so, and no period ends before it is made anew."""

    def show(self, entity: Entity | None) -> Entity | None:
        """The entity as the principal sees it; None where it does not exist for them."""
        return entity if entity is None or self.view is None else self.view(entity)


UNRESTRICTED = Restriction()


@dataclass(frozen=True, slots=True)
class Page:
    """Entities of one window in their order, as the principal sees them; `total` where it was asked for."""

    entities: list[Entity]
    total: int | None = None
    more: bool = False


@dataclass(frozen=True, slots=True)
class TypeCount:
    """One entity type: how many entities have it, and attribute IRI -> the kinds seen (`Property`, …)."""

    iri: str
    entities: int
    attributes: Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class AttributeCount:
    """One attribute name: how many instances there are, its kinds, and the types of the entities that have it."""

    iri: str
    instances: int
    kinds: frozenset[str]
    types: frozenset[str]


@dataclass(frozen=True, slots=True)
class TypeExtent:
    """Where and when the entities of a type are: first creation, last change, and the box around their GeoProperties.

    `box` is west, south, east, north in degrees; None where none of them has a place.
    """

    iri: str
    created_at: Instant
    modified_at: Instant
    box: Bounds | None = None


INLINE: ContextVar[bool] = ContextVar("INLINE", default=False)
"""True on the event loop: a read may work INLINE_BUDGET_MS there, then it raises OverBudget and runs in a thread."""
INLINE_BUDGET_MS = 2


class OverBudget(Exception):
    """An inline read needs more than its budget; the door runs it again in a thread, where INLINE is False."""


class OverBudgetOnce(OverBudget):
    """So it is this time, because something has to be read anew first; the next one like it may be inline."""


class EntityStore(Protocol):
    """Current state. Raises NonexistentTenant for a tenant nobody made (the default tenant `""` always exists)."""

    def apply(self, tenant: str, commands: Sequence[Command]) -> Future[list[object]]:
        """Run commands in order, each in a savepoint of its own, in one transaction; done when it is durable.

        The list holds, at each command's place, its Decision's `result` or the NgsiError it raised. The future
        fails with ServiceUnavailable where the queue is full or the writer has ended.
        """

    def get(self, tenant: str, entity_id: str) -> Entity | None:
        """The live (unexpired) entity, or None."""

    def get_many(self, tenant: str, entity_ids: Sequence[str]) -> dict[str, Entity]:
        """The live entities of these ids that there are, of one moment."""

    def select(self, tenant: str, selection: Selection, window: Window, restriction: Restriction) -> Page:
        """The window of the answer. Raises TooComplexQuery past the work budget, OverBudget where INLINE is set."""

    def types(self, tenant: str, restriction: Restriction) -> list[TypeCount]:
        """Every type of live visible entities, by IRI."""

    def attributes(self, tenant: str, restriction: Restriction) -> list[AttributeCount]:
        """Every attribute name of live visible entities, by IRI."""

    def extents(self, tenant: str, restriction: Restriction) -> list[TypeExtent]:
        """Where and when the live visible entities of each type are, by IRI."""

    def scan(self, tenant: str) -> Iterator[Entity]:
        """All live entities in creation order, of one moment, read as they are asked for (export)."""


class Tenants(Protocol):
    """The tenants of a store."""

    def exists(self, tenant: str) -> bool:
        """Whether something was ever created in it; the default tenant `""` always exists."""

    def names(self) -> list[str]:
        """All of them, the default tenant `""` first."""


@dataclass(frozen=True, slots=True)
class LoggedChange:
    """One row of the change log: the changed members before and after, whole instances, expanded.

    `before` is None for a creation, `after` None for a deletion; a member absent from one side was added or removed.
    `types` and `scopes` are the entity's after the change, or, deleted, as they last were.
    """

    sequence: int
    entity_id: str
    version: int
    at: Instant
    before: Mapping[str, Json] | None
    after: Mapping[str, Json] | None
    subjects: frozenset[int] = frozenset()
    data_classes: frozenset[str] = frozenset()
    types: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()


class ChangeLog(Protocol):
    """Every change in the order of its commit, kept by age and size."""

    def since(self, tenant: str, sequence: int, limit: int) -> list[LoggedChange]:
        """Rows after `sequence`, oldest first. Raises ResourceNotFound where they are no longer all there."""

    def bounds(self, tenant: str) -> tuple[int, int]:
        """The oldest and the newest sequence kept; (0, 0) for an empty log."""

    def listen_to_commits(self, told: Callable[[str], None]) -> None:
        """Call `told(tenant)` right after each commit of this process, on its writer's thread: it must be quick."""


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """A JSON document of some kind (`context`), hub-wide; `generation` rises with every write in its kind."""

    id: str
    body: dict[str, Json]
    created_at: Instant


class DocumentStore(Protocol):
    """Hub-wide documents: contexts now; subscriptions and registrations later."""

    def put(self, kind: str, document_id: str, body: dict[str, Json], created_at: Instant) -> None:
        """Write, durable on return."""

    def find(self, kind: str, document_id: str) -> StoredDocument | None:
        """One document."""

    def all(self, kind: str) -> list[StoredDocument]:
        """All of a kind, oldest first."""

    def delete(self, kind: str, document_id: str) -> bool:
        """Whether there was one; durable on return."""

    def generation(self, kind: str) -> int:
        """Rises with every write of the kind, by any process: a cache compares it."""


@dataclass(frozen=True, slots=True)
class LoadedContext:
    """A remote @context as it came: its document and how long it may be used."""

    document: dict[str, Json]
    expires_at: Instant


class ContextLoader(Protocol):
    """Fetches remote @contexts: bounded in size and time, never from private addresses unless allowed."""

    def load(self, url: str) -> LoadedContext:
        """Raises LdContextNotAvailable, or BadRequestData for what is no @context, naming the URL and the reason."""


@dataclass(frozen=True, slots=True)
class ContextEntry:
    """One stored @context and what is known of it (clause 5.13.3.5).

    `kind` is `Hosted` (a client gave it), `ImplicitlyCreated` (this broker made it to have a URL) or `Cached` (this
    broker fetched it, or it is built in: `fixed`). `changed` names the terms a newer version gives another IRI; that
    version is kept apart until the entry is reloaded.
    """

    id: str
    url: str
    kind: str
    created_at: Instant
    document: dict[str, Json]
    expires_at: Instant | None = None
    hits: int = 0
    last_used_at: Instant | None = None
    changed: tuple[str, ...] = ()
    fixed: bool = False


class ContextNames(Protocol):
    """@contexts as names: from how a client gave one to an ActiveContext."""

    def resolve_cached(self, source: Json, tenant: str = "") -> ActiveContext | None:
        """The names, where no I/O is needed for them; else None. For the event loop."""

    def resolve(self, source: Json, tenant: str = "") -> ActiveContext:
        """The names; may fetch and store. Raises BadRequestData or LdContextNotAvailable."""

    def link(self, source: Json, tenant: str = "") -> str:
        """A URL for this @context: its own, or that of an implicitly created one, which may be stored now."""


class ContextShelf(Protocol):
    """The @contexts this broker keeps; those of a tenant are seen by it alone, cached ones by all."""

    def add(self, context: Json, tenant: str) -> ContextEntry:
        """Keep a client's @context (kind Hosted), durable on return."""

    def entry(self, context_id: str, tenant: str) -> ContextEntry | None:
        """By its local id; for cached and built-in ones also by its URL."""

    def entries(self, tenant: str) -> list[ContextEntry]:
        """All stored ones that the tenant may see, oldest first; the built-in ones are not among them."""

    def used(self, entry: ContextEntry) -> None:
        """Count one use."""

    def remove(self, entry: ContextEntry) -> None:
        """Forget it, durable on return."""

    def reload(self, entry: ContextEntry) -> None:
        """Fetch a cached one again and take what came. Raises LdContextNotAvailable; the old one stays then."""


@dataclass(frozen=True, slots=True)
class Labels:
    """Whom an entity's parts concern and how sensitive they are; index rows carry these.

    Attribute IRI (None: the entity itself) -> subject number, data class (`none`, `personal`, `special-care`).
    """

    of: Mapping[str | None, tuple[int, str]] = field(default_factory=dict)


class Access(Protocol):
    """The policy seam (ARCHITECTURE: access is a seam from the first day)."""

    def restrict(self, principal: Principal, tenant: str, operation: str) -> Restriction:
        """What this principal may see in this operation."""

    def admit(self, principal: Principal, tenant: str, operation: str) -> None:
        """Raises where the principal may not perform the operation at all."""

    def admit_command(self, principal: Principal, tenant: str, entity: Entity, attribute: str) -> None:
        """Raises Forbidden where the principal may not command a device by this attribute (IRI) of its entity.

        Asked inside the write, of the entity as it would be; the write is refused as a whole then. Pure, and cheap.
        """

    def label(self, entity: Entity) -> Labels:
        """What the store writes into the subject and data-class columns. Pure, and cheap."""


class Clock(Protocol):
    """The time."""

    def now(self) -> Instant:
        """Microseconds since the epoch, UTC."""
