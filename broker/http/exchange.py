"""One request as a handler gets it: read, checked, and with its @context resolved (clause 6.3)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Protocol

from broker.http.media import Preferences
from broker.http.messages import Answer, Request
from broker.http.parameters import Parameters
from broker.ldcontext.active import ActiveContext
from broker.model.source_health import SourceHealth
from broker.model.values import Instant, Json
from broker.operations.broker import Broker, Call
from broker.ports import ANYONE, INLINE, ContextNames, ContextShelf, OverBudget, Principal
from broker.ports.disclosing import Telling
from broker.ports.identity import Identity
from broker.ports.outbox import Delivery
from broker.telemetry import Timing

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """What a request may ask for; beyond it a named refusal."""

    body_bytes_max: int = 8 * MIB
    page_default: int = 20
    page_max: int = 1000
    instances_max: int = 1000


class Far(Protocol):
    """Context sources beside this broker (clause 4.3.6): operations that registrations match are distributed."""

    def active(self, tenant: str) -> bool:
        """Whether the tenant has registrations; asked for every request, so it costs a look at a table."""

    def serves(self, name: str) -> bool:
        """Whether this operation of the table can be distributed."""

    def moved(self, tenant: str) -> None:
        """The tenant's registrations have just changed, through this process."""

    def healths(self, tenant: str) -> Mapping[str, SourceHealth]:
        """Registration -> how its source does, as all processes know it; none where it was never asked."""

    def subscribed(self, tenant: str) -> None:
        """A subscription of the tenant, to entities or to registrations, has just changed, through this process."""

    def told(self, tenant: str, ids: Sequence[str]) -> Mapping[str, Delivery]:
        """Counters of these subscriptions to registrations (clause 5.11.7); those without an entry never sent."""

    def relay(self, exchange: Exchange) -> Answer:
        """A source notifies of something that is subscribed to here (clause 5.8.6)."""

    def forget(self, tenant: str, registration_id: str) -> None:
        """The registration is deleted: what was counted of it goes too."""

    def metrics(self) -> str:
        """How this process's sources do, as Prometheus reads it."""

    def perform(self, name: str, local: Callable[[Exchange], Answer], exchange: Exchange) -> Answer:
        """The operation's answer from here and from the sources that match; `local` is its handler.

        Raises OverBudget on the event loop where a source must be asked.
        """


class Catalogues(Protocol):
    """What this hub holds, described for those who look for data."""

    def catalogue(self, broker: Broker, call: Call) -> dict[str, Json]:
        """A dcat:Catalog as JSON-LD, of what the caller may see."""

    def gives(self, iri: str) -> bool:
        """Whether the entities of this type may be taken away as a whole."""

    def turtle(self, document: Mapping[str, Json]) -> bytes:
        """The same graph as Turtle."""


class Models(Protocol):
    """Data models that entities of this broker may be held to."""

    def listed(self) -> Json:
        """The packages and their models."""

    def context(self, name: str) -> dict[str, Json] | None:
        """The @context of a package by the last part of its URL, `misono-energy-v1.jsonld`."""

    def type_of(self, name: str, names: ActiveContext) -> str:
        """The IRI of a type that a caller names: an IRI, a term of theirs, a model's name. Raises BadRequestData."""

    def policies(self, tenant: str) -> Json:
        """What is done about each type in the tenant, and about all others."""

    def say(self, tenant: str, iri: str, mode: Json) -> Future[bool]:
        """Do this about a type from now on, None: what is done about all others; False where nothing was said of it.

        Raises BadRequestData for what is no mode.
        """

    def metrics(self) -> str:
        """What the gate of this process found, as Prometheus reads it."""


@dataclass(frozen=True, slots=True)
class House:
    """What the handlers work with, built once by `wiring`; `inline`: its store may be read on the event loop."""

    broker: Broker
    names: ContextNames
    shelf: ContextShelf
    core: ActiveContext
    alias: str
    started_at: Instant
    limits: Limits = Limits()
    far: Far | None = None
    catalogues: Catalogues | None = None
    models: Models | None = None
    read_only: bool = False
    inline: bool = True
    identity: Identity | None = None
    """Who tells who asks; None where no access is configured."""
    telling: Telling | None = None
    """What leaves about persons is written down with it; None where no access is configured."""


@dataclass(slots=True)
class Exchange:
    """A request that has passed everything of clause 6.3.

    `path` are the decoded path variables, `media_type` what the answer will be in, `body` the parsed body without
    its @context (None where the operation has none), `call` tenant, @context and what the caller may see.
    """

    house: House
    request: Request
    path: Mapping[str, str]
    parameters: Parameters
    media_type: str
    preferences: Preferences
    call: Call
    body: Json
    timing: Timing | None


def resolve(house: House, source: Json, tenant: str) -> ActiveContext:
    """The names of a @context as a client gave it. Raises BadRequestData, LdContextNotAvailable.

    On the event loop nothing is fetched or stored: where that is needed the request goes to a thread (OverBudget).
    """
    if not INLINE.get():
        return house.names.resolve(source, tenant)
    found = house.names.resolve_cached(source, tenant)
    if found is None:
        raise OverBudget
    return found


def principal_of(house: House, request: Request) -> Principal:
    """Who asks. Raises as `Identity.identify`."""
    return ANYONE if house.identity is None else house.identity.identify(request)
