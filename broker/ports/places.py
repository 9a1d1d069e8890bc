"""Places: where a snapshot's data are, each a tenant of its own beside the tenant it was taken of.

Whatever works in a tenant works in a place: queries, writes, history, subscriptions. Its name holds `#`, which no
name that a request can give does:

    city#9f86d081884c7d65#urn:ngsi-ld:Snapshot:1        the snapshot of that id, in the tenant `city`
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Protocol

from broker.model.entity import Entity
from broker.model.evolution import Evolution
from broker.model.values import Json
from broker.ports import Principal, Restriction
from broker.query.ast import Selection

_MARK = "#"


def place_of(tenant: str, key: str, snapshot_id: str) -> str:
    """The name of a place; `key` is another one each time, so that no place is ever used again."""
    return _MARK.join((tenant, key, snapshot_id))


def home_of(tenant: str) -> str:
    """The tenant that a request named: of a place the one it belongs to, of a tenant itself."""
    return tenant.partition(_MARK)[0]


def snapshot_of(tenant: str) -> str | None:
    """The snapshot whose place this is; None for a tenant that is none."""
    parts = tenant.split(_MARK, 2)
    return parts[2] if len(parts) > 1 else None


class Walking(Protocol):
    """Reads of everything that a query selects, of one moment, as they are asked for."""

    def walk(self, tenant: str, selection: Selection, restriction: Restriction) -> Iterator[Entity]:
        """The selected entities as the principal sees them, in the order of the selection."""

    def walk_ids(self, tenant: str, selection: Selection, restriction: Restriction) -> Iterator[str]:
        """The ids of the same, without reading documents where the filter is exact."""


class Places(Walking, Protocol):
    """What an engine does with places. Like tenants, they are listed by `Tenants.names`."""

    def make_place(self, place: str) -> None:
        """An empty one, from now on there."""

    def fill_place(self, place: str, entities: Sequence[Entity]) -> Future[None]:
        """Put entities as they are, with their instants and versions, and without a trace in the change log.

        One that is there already gets the attributes, types and scopes that it lacks. Done when it is durable.
        """

    def copy_place(self, place: str, into: str) -> None:
        """Make the place `into` with the entities and the history of another, durable on return."""

    def drop_place(self, place: str) -> None:
        """Nothing is left of it. None was there: nothing happens."""


class Background(Protocol):
    """Work that goes on after its answer, one piece after the other."""

    @property
    def stopping(self) -> bool:
        """Whether the process is about to end: work that takes long leaves off, and another start takes it up."""

    def submit(self, work: Callable[[], object]) -> None:
        """Do this when what was submitted before is done; a failure is logged."""


@dataclass(frozen=True, slots=True)
class Inquiry:
    """A query of a snapshot as its maker sent it, in the names of `context`, and what they may see.

    `failures` grows by a text for each source that gave nothing, or no good.
    """

    tenant: str
    body: Json
    context: Json
    principal: Principal
    restriction: Restriction
    failures: list[str] = field(default_factory=list)


class Elsewhere(Protocol):
    """Context sources, of which a snapshot is made too (clause 5.16.1.4)."""

    def entities(self, inquiry: Inquiry) -> Iterator[Sequence[Entity]]:
        """The entities of a query that sources have a part of, each whole and once. Raises NgsiError."""

    def linked(self, inquiry: Inquiry, entities: Sequence[Entity], levels: int) -> Mapping[str, Entity | None]:
        """What these link to, so many levels deep, as far as sources have a part of it; None for what is nowhere."""

    def evolutions(self, inquiry: Inquiry) -> Iterator[Sequence[Evolution]]:
        """The same of a temporal query."""


class Nowhere:
    """Where there are no sources."""

    def entities(self, _: Inquiry) -> Iterator[Sequence[Entity]]:
        """None."""
        return iter(())

    def linked(self, _: Inquiry, __: Sequence[Entity], ___: int) -> Mapping[str, Entity | None]:
        """None."""
        return {}

    def evolutions(self, _: Inquiry) -> Iterator[Sequence[Evolution]]:
        """None."""
        return iter(())


NOWHERE: Elsewhere = Nowhere()


@dataclass(frozen=True, slots=True)
class News:
    """A notification that no subscription stands behind: to whom, with which pairs of receiverInfo, from which tenant.

    Its body is plain JSON, whose terms are those of the core @context.
    """

    endpoint: str
    receiver_info: tuple[tuple[str, str], ...]
    tenant: str
    body: Mapping[str, Json]


def to_nobody(_news: News) -> None:
    """Where nothing delivers, as in commands that serve nobody."""
