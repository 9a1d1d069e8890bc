"""What this hub holds: each type of entity, how many there are, what they tell, where and when they are.

The ground of catalogues for others; nobody learns more from it than the access policy lets them see.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from broker.model.values import Instant
from broker.operations.broker import Broker, Call
from broker.ports import TypeExtent


@dataclass(frozen=True, slots=True)
class Holding:
    """The entities of one type: `attributes` are IRIs, in their order; `located` that some of them have a place.

    `since` is when what is known of them begins.
    """

    iri: str
    entities: int
    attributes: tuple[str, ...]
    located: bool
    extent: TypeExtent
    since: Instant


def list_holdings(broker: Broker, call: Call, begun: Mapping[str, Instant]) -> list[Holding]:
    """Every type that there is, by IRI; `begun` as EvolutionStore gives it. Raises NonexistentTenant."""
    extents = {one.iri: one for one in broker.entities.extents(call.tenant, call.restriction)}
    found = []
    for one in broker.entities.types(call.tenant, call.restriction):
        extent = extents.get(one.iri)
        if extent is not None:  # else it went between the two looks
            located = any("GeoProperty" in kinds for kinds in one.attributes.values())
            since = min(extent.created_at, begun.get(one.iri, extent.created_at))
            found.append(Holding(one.iri, one.entities, tuple(sorted(one.attributes)), located, extent, since))
    return found
