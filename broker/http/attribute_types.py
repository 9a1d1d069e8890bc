"""`/attributes` and `/attributes/{attrId}`: which attributes there are (clauses 6.27, 6.28)."""

from __future__ import annotations

from broker.errors import ResourceNotFound
from broker.http.exchange import Exchange
from broker.http.messages import Answer
from broker.http.respond import content
from broker.operations import discover

_MEMBERS = frozenset({"id", "type", "scope", "@id", "@type", "@context"})


def retrieve_attributes(exchange: Exchange) -> Answer:
    """GET /attributes: a list of names, or with `details=true` of Attribute (clause 6.27.3.1)."""
    broker, call = exchange.house.broker, exchange.call
    if exchange.parameters.flag("details"):
        return content(exchange, discover.list_attributes_in_detail(broker, call))
    return content(exchange, discover.list_attributes(broker, call))


def retrieve_attribute(exchange: Exchange) -> Answer:
    """GET /attributes/{attrId}: Attribute, 404 (clause 6.28.3.1)."""
    name = exchange.path["attrId"]
    if name in _MEMBERS:
        raise ResourceNotFound(
            f"{name} is a member of entities and no attribute",
            pointer="attrId",
            clause="5.7.10.4",
            remedy="GET /attributes",
        )
    iri = exchange.call.names.expand(name, "attrId")
    return content(exchange, discover.describe_attribute(exchange.house.broker, exchange.call, iri))
