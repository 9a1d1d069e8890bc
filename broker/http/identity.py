"""`/info/sourceIdentity` (clause 6.33)."""

from __future__ import annotations

from broker.http.exchange import Exchange
from broker.http.messages import Answer
from broker.http.respond import content
from broker.operations.identity import source_identity


def retrieve_identity(exchange: Exchange) -> Answer:
    """GET /info/sourceIdentity: ContextSourceIdentity (clause 6.33.3.1)."""
    house = exchange.house
    body = source_identity(house.broker, exchange.call, alias=house.alias, started_at=house.started_at)
    return content(exchange, body)
