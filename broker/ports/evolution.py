"""History: every instance that an attribute ever had, written with the current state and kept apart from it.

The scope of an entity has a history too (clause 4.5.6): instances of the name `scope`, Properties whose value is one
scope or a list of them; one that comes from the current state has observedAt as a copy of modifiedAt. What was deleted
leaves one instance more (clause 4.5.7): its value is the NGSI-LD null ({"@none": null} in a languageMap, the empty list
for `scope`), and it has deletedAt.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from broker.model.entity import Instance
from broker.model.evolution import Evolution
from broker.model.values import Instant, Json
from broker.ports import ANYONE, Principal, Restriction
from broker.query.ast import Node, Window
from broker.query.temporal import TemporalQuery


@dataclass(frozen=True, slots=True)
class EvolutionPage:
    """Evolutions of one window in creation order, cut as their query says.

    `total` where it was asked for. `cut` is set where an attribute has more instances than the page limit: the least
    and the most recent instant (by the timeproperty) of the instances in this page, between which everything is there
    (clause 6.3.10, 206 and Content-Range). The cut is one in time for all attributes of the page: an attribute that
    is outside of it as a whole stays, with no instance.
    """

    evolutions: list[Evolution]
    total: int | None = None
    more: bool = False
    cut: tuple[Instant, Instant] | None = None


@dataclass(frozen=True, slots=True)
class EvolutionCommand:
    """One change of one entity's history that is no change of its current state (clauses 5.6.11 to 5.6.16).

    `decide(known, now)` gets what there is of it without its instances (None where there is nothing) and returns the
    steps to take and the caller's result, or raises NgsiError. `creates` says that it may make the tenant. `by` is who
    writes.
    """

    id: str
    decide: Callable[[Evolution | None, Instant], tuple[Sequence[EvolutionStep], object]]
    creates: bool = False
    by: Principal = ANYONE


@dataclass(frozen=True, slots=True)
class Begin:
    """There is a temporal representation from now on, with these types and scopes.

    With `created_at` it is the copy of one that was created then, and that was deleted at `deleted_at`, if it was.
    """

    types: tuple[str, ...]
    scopes: tuple[str, ...] = ()
    created_at: Instant | None = None
    deleted_at: Instant | None = None


@dataclass(frozen=True, slots=True)
class AddInstances:
    """Instances of an attribute (IRI), or of `scope`, each with a new instanceId.

    One that has observedAt takes the place of that with the same datasetId and observedAt, if any. One that has
    deletedAt says that the attribute ended then. With `copied`, they are put with the createdAt and modifiedAt that
    they have, and one that is there already is left out.
    """

    name: str
    instances: Sequence[Instance]
    copied: bool = False


@dataclass(frozen=True, slots=True)
class AddTypes:
    """Types and scopes that the entity has as well."""

    types: tuple[str, ...]
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DropAttribute:
    """All instances of an attribute; with a dataset id (None: the default one) those of it, unless `everything`.

    Fails the command with ResourceNotFound where there is none. `only` says which of them may go (None: all).
    """

    name: str
    dataset_id: str | None = None
    everything: bool = False
    only: Callable[[Instance], bool] | None = None


@dataclass(frozen=True, slots=True)
class EndAttribute:
    """An attribute (or "scope") that exists in history only is deleted now: what is left says so (clause 4.5.7).

    Which instances it concerns is as in DropAttribute. Fails the command where there are none.
    """

    name: str
    dataset_id: str | None = None
    everything: bool = False
    only: Callable[[Instance], bool] | None = None


@dataclass(frozen=True, slots=True)
class ReplaceInstance:
    """One instance gets other content and keeps its id and createdAt (clause 5.6.14).

    Fails the command with ResourceNotFound where there is none. `guard` gets the one that is there and gives what is
    written instead of `instance`, or raises NgsiError.
    """

    name: str
    instance_id: str
    instance: Instance
    guard: Callable[[Instance], Instance] | None = None


@dataclass(frozen=True, slots=True)
class DropInstance:
    """One instance (clause 5.6.15). Fails the command with ResourceNotFound where there is none.

    `guard` gets the one that is there, and raises NgsiError where it must not go.
    """

    name: str
    instance_id: str
    guard: Callable[[Instance], object] | None = None


@dataclass(frozen=True, slots=True)
class DropAll:
    """The whole history of the entity (clause 5.6.16)."""


EvolutionStep: TypeAlias = (
    Begin | AddInstances | AddTypes | DropAttribute | EndAttribute | ReplaceInstance | DropInstance | DropAll
)


@dataclass(frozen=True, slots=True)
class Retention:
    """How long history of a type is kept in full (µs; None: for ever), and what becomes of older: gone, or thinned.

    Thinned means one aggregate (average, least, greatest, count) for each `period` (µs) of a numeric attribute.
    """

    types: frozenset[str]
    keep: int | None
    then: Literal["gone", "thinned"] = "gone"
    period: int = 0


class EvolutionStore(Protocol):
    """History. Raises NonexistentTenant for a tenant nobody made."""

    def apply_evolution(self, tenant: str, commands: Sequence[EvolutionCommand]) -> Future[list[object]]:
        """Run commands in order, in the order of the tenant's writes; done when they are durable.

        The list holds each command's result, or the NgsiError it raised.
        """

    def evolution(self, tenant: str, entity_id: str, query: TemporalQuery, restriction: Restriction) -> EvolutionPage:
        """The evolution of one entity (none or one in the page), its instances as the query asks."""

    def known(self, tenant: str, entity_id: str) -> bool:
        """Whether there is history of an entity, or the entity itself: where not, `evolution` finds nothing of it.

        That is one look at what is durable, and assembles nothing. Any thread may ask, inside a write too.
        """

    def evolutions(
        self, tenant: str, where: Node, query: TemporalQuery, window: Window, restriction: Restriction
    ) -> EvolutionPage:
        """Evolutions of which something matches within the query's time (clause 5.7.4).

        Selected is what has an instance of `names` within the query's time and meets `where`: types and ids of the
        whole, everything else of all instances within the time, those of other names and datasets too. A scope is met
        where it was the entity's at some time of the query; instances of other times are then left out, and those of
        `scope` are the ones that held (clause 4.18, annex C.5.16).
        """

    def evolution_ids(self, tenant: str, where: Node, query: TemporalQuery, restriction: Restriction) -> Iterator[str]:
        """The ids of all evolutions that `evolutions` would give, of one moment, read as they are asked for."""

    def begun(self, tenant: str) -> Mapping[str, Instant]:
        """Since when there is history of the entities of each type (IRI): the earliest time of an instance.

        What an attribute has now may be left out of account.
        """

    def erase(self, tenant: str, *entity_ids: str) -> Future[Mapping[str, Json]]:
        """Everything that is known of entities, from every table: what went, by table (ARCHITECTURE 6)."""

    def erase_traces(self, tenant: str, *entity_ids: str) -> Future[Mapping[str, Json]]:
        """What the change log and notifications on their way tell of entities that stay: what went, by table."""

    def about(self, tenant: str, subject: str) -> Mapping[str, frozenset[str]]:
        """Every entity that is, or was, about a person, wherever it stands, and all whom it is about.

        The set is empty where only instances of some of its attributes are about them (see broker.model.subjects).
        """

    def subjects(self, tenant: str) -> Sequence[str]:
        """Everybody whom entities that are in the tenant's data are about, or were."""

    def known_ids(self, tenant: str) -> Sequence[str]:
        """Every id that stands anywhere in the tenant's data: entities, history, change log, outbox (for erasures)."""

    def retain(self, tenant: str, rules: Sequence[Retention]) -> int:
        """Apply retention once; how many instances went."""
