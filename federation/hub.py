"""Operations distributed: what the doors call instead of a local handler where registrations may match."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeAlias

from broker.http.exchange import Exchange
from broker.http.messages import Answer, Response
from broker.http.relays import no_copy
from broker.model.source_health import SourceHealth
from broker.ports.disclosing import numbered
from broker.ports.outbox import Delivery
from federation.health import Book
from federation.metrics import metrics_text
from federation.registry import Registry
from federation.resting import Listening, rests_on
from federation.sources import Sources

Local: TypeAlias = Callable[[Exchange], Answer]


@dataclass(frozen=True, slots=True)
class Hub:
    """What distributed handlers work with; `alias` and `public_url` are how peers know this broker."""

    registry: Registry
    sources: Sources
    alias: str
    public_url: str


FarHandler: TypeAlias = Callable[[Hub, Exchange, Local], Answer]
"""A distributed operation; where nothing matches it gives what `local` gives."""


class Subscribing(Protocol):
    """Subscriptions that reach beyond this broker, and those to registrations (clauses 5.8.1.4, 5.11)."""

    def moved(self, tenant: str) -> None:
        """Registrations or subscriptions of the tenant have just changed, through this process."""

    def told(self, tenant: str, ids: Sequence[str]) -> Mapping[str, Delivery]:
        """Counters of these subscriptions to registrations."""

    def relay(self, exchange: Exchange) -> Answer:
        """A source notifies."""


class Federation:
    """The port of the doors (`broker.http.exchange.Far`) over a table of distributed handlers."""

    def __init__(
        self,
        hub: Hub,
        handlers: Mapping[str, FarHandler],
        book: Book | None = None,
    ) -> None:
        self._hub = hub
        self._subscribing: Subscribing | None = None
        self._book = book
        self._handlers = handlers

    @property
    def hub(self) -> Hub:
        """What its handlers work with."""
        return self._hub

    def active(self, tenant: str) -> bool:
        """Whether the tenant has registrations."""
        return self._hub.registry.active(tenant)

    def serves(self, name: str) -> bool:
        """Whether this operation of the table can be distributed."""
        return name in self._handlers

    def moved(self, tenant: str) -> None:
        """The tenant's registrations have just changed."""
        self._hub.registry.moved(tenant)
        self.subscribed(tenant)

    def begin(self, subscribing: Subscribing) -> None:
        """From now on subscriptions are distributed, and their subscribers told."""
        self._subscribing = subscribing

    def subscribed(self, tenant: str) -> None:
        """A subscription of the tenant has just changed."""
        if self._subscribing is not None:
            self._subscribing.moved(tenant)

    def told(self, tenant: str, ids: Sequence[str]) -> Mapping[str, Delivery]:
        """Counters of these subscriptions to registrations."""
        return {} if self._subscribing is None else self._subscribing.told(tenant, ids)

    def relay(self, exchange: Exchange) -> Answer:
        """A source notifies of something that is subscribed to here."""
        if self._subscribing is None:
            raise no_copy()
        return self._subscribing.relay(exchange)

    def healths(self, tenant: str) -> Mapping[str, SourceHealth]:
        """Registration -> how its source does, as all processes know it."""
        return {} if self._book is None else self._book.healths(tenant)

    def forget(self, tenant: str, registration_id: str) -> None:
        """The registration is deleted: what was counted of it goes too."""
        if self._book is not None:
            self._book.forget(tenant, registration_id)

    def metrics(self) -> str:
        """How this process's sources do, as Prometheus reads it."""
        return "" if self._book is None else metrics_text(self._book.own(), self._book.worker)

    def perform(self, name: str, local: Local, exchange: Exchange) -> Answer:
        """The operation's answer from here and from the sources that match; `local=true` keeps it here."""
        handler = self._handlers.get(name)
        if handler is None or exchange.parameters.flag("local"):
            return local(exchange)
        listening = Listening(self._hub.sources)
        answer = handler(replace(self._hub, sources=listening), exchange, local)
        if not listening.answers or not isinstance(answer, Response):
            return answer
        headers = numbered(answer.headers, rests_on(exchange, listening.answers))
        return Response(answer.status, headers, answer.body)
