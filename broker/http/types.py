"""`/types` and `/types/{type}` (clauses 6.25, 6.26)."""

from __future__ import annotations

from broker.http.exchange import Exchange
from broker.http.messages import Answer
from broker.http.respond import content
from broker.operations import discover


def retrieve_entity_types(exchange: Exchange) -> Answer:
    """GET /types: a list of names, or with `details=true` of EntityType (clause 6.25.3.1)."""
    broker, call = exchange.house.broker, exchange.call
    if exchange.parameters.flag("details"):
        return content(exchange, discover.list_types_in_detail(broker, call))
    return content(exchange, discover.list_types(broker, call))


def retrieve_entity_type(exchange: Exchange) -> Answer:
    """GET /types/{type}: EntityTypeInfo, 404 (clause 6.26.3.1)."""
    iri = exchange.call.names.expand(exchange.path["type"], "type")
    return content(exchange, discover.describe_type(exchange.house.broker, exchange.call, iri))
