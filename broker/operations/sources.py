"""Discovering context sources (clause 5.10)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from broker.model.registration import REGISTRATION, Registration
from broker.model.values import Instant, Json, to_text
from broker.operations.broker import Broker, Call
from broker.operations.register import require_registration_id, unknown_registration
from broker.ports.held import Held
from broker.query.ast import Window
from broker.query.source_filters import SourceQuery, fits


@dataclass(frozen=True, slots=True)
class Found:
    """A registration as it is kept."""

    registration: Registration
    created_at: Instant
    modified_at: Instant

    @property
    def system(self) -> Mapping[str, Json]:
        """When it was made and changed, as an answer has it."""
        return {"createdAt": to_text(self.created_at), "modifiedAt": to_text(self.modified_at)}


@dataclass(frozen=True, slots=True)
class FoundPage:
    """Registrations of one window, oldest first; `total` where it was asked for."""

    found: list[Found]
    total: int | None = None
    more: bool = False


def retrieve_source(broker: Broker, call: Call, registration_id: str) -> Found:
    """Retrieve Context Source Registration (clause 5.10.1). Raises ResourceNotFound."""
    require_registration_id(registration_id)
    held = broker.held.find_held(call.tenant, REGISTRATION, registration_id)
    if held is None:
        raise unknown_registration(registration_id)
    return _found(held)


def query_sources(broker: Broker, call: Call, query: SourceQuery, window: Window) -> FoundPage:
    """Query Context Source Registrations (clause 5.10.2): one window of those that match."""
    everything = map(_found, broker.held.all_held(call.tenant, REGISTRATION))
    matching = [one for one in everything if fits(one.registration, query)]
    end = window.offset + window.limit
    total = len(matching) if window.count else None
    return FoundPage(matching[window.offset : end], total, len(matching) > end)


def _found(held: Held) -> Found:
    return Found(Registration.from_body(held.body), held.created_at, held.modified_at)
