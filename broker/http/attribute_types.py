"""`/attributes` and `/attributes/{attrId}`: which attributes there are (clauses 6.27, 6.28)."""

from __future__ import annotations

from broker.http.exchange import Exchange
from broker.http.messages import Answer
from broker.http.respond import content
from broker.operations import discover


def retrieve_attributes(exchange: Exchange) -> Answer:
    """GET /attributes: a list of names, or with `details=true` of Attribute (clause 6.27.3.1)."""
    broker, call = exchange.house.broker, exchange.call
    if exchange.parameters.flag("details"):
        return content(exchange, discover.list_attributes_in_detail(broker, call))
    return content(exchange, discover.list_attributes(broker, call))


def retrieve_attribute(exchange: Exchange) -> Answer:
    """GET /attributes/{attrId}: Attribute, 404 (clause 6.28.3.1)."""
    iri = exchange.call.names.expand(exchange.path["attrId"], "attrId")
    return content(exchange, discover.describe_attribute(exchange.house.broker, exchange.call, iri))
