"""Consuming history: retrieve one evolution, query many (clauses 5.7.3, 5.7.4).

    retrieve_evolution(broker, call, "urn:ngsi-ld:House:1", TemporalQuery("after", at)) -> EvolutionPage
    query_evolutions(broker, call, HasType("https://…/House"), query, Window(limit=20)) -> EvolutionPage

What comes back is what the caller may see, cut to the query's time and its limit of instances.
"""

from __future__ import annotations

from broker.operations.broker import Broker, Call
from broker.operations.evolve import no_evolution
from broker.operations.identifiers import require_uri
from broker.ports.evolution import EvolutionPage
from broker.query.ast import Node, Window
from broker.query.temporal import TemporalQuery


def retrieve_evolution(broker: Broker, call: Call, entity_id: str, query: TemporalQuery) -> EvolutionPage:
    """Retrieve Temporal Evolution of an Entity (clause 5.7.3): a page with this one.

    Raises ResourceNotFound where there is none, or nothing of it within the query's time; BadRequestData where the id
    is no URI; InvalidRequest where an attribute asked for by name cannot be aggregated so.
    """
    page = broker.history.evolution(call.tenant, entity_id, query, call.restriction)
    if not page.evolutions:
        require_uri(entity_id)
        raise no_evolution(entity_id)
    return page


def query_evolutions(broker: Broker, call: Call, where: Node, query: TemporalQuery, window: Window) -> EvolutionPage:
    """Query Temporal Evolution of Entities (clause 5.7.4): a page in the order of creation, or by id.

    `where` is bound and holds every condition but that on time. Raises TooComplexQuery past the work budget, and
    InvalidRequest where an attribute asked for by name cannot be aggregated so.
    """
    return broker.history.evolutions(call.tenant, where, query, window, call.restriction)
