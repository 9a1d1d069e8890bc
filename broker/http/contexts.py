"""`/jsonldContexts` and `/jsonldContexts/{contextId}` (clauses 6.29, 6.30)."""

from __future__ import annotations

from broker.http.exchange import Exchange
from broker.http.messages import Answer
from broker.http.respond import NO_CONTENT, created, plain
from broker.operations import contexts


def add_context(exchange: Exchange) -> Answer:
    """POST /jsonldContexts: 201 (clause 6.29.3.1)."""
    return created("jsonldContexts", contexts.add_context(exchange.house.shelf, exchange.call.tenant, exchange.body))


def list_contexts(exchange: Exchange) -> Answer:
    """GET /jsonldContexts: URLs, or with `details=true` what is known of each (clause 6.29.3.2)."""
    parameters = exchange.parameters
    kind, detailed = parameters.text("kind"), parameters.flag("details")
    return plain(contexts.list_contexts(exchange.house.shelf, exchange.call.tenant, kind=kind, details=detailed))


def serve_context(exchange: Exchange) -> Answer:
    """GET /jsonldContexts/{contextId}: the @context, or with `details=true` what is known of it (clause 6.30.3.1)."""
    detailed = exchange.parameters.flag("details")
    context_id = exchange.path["contextId"]
    return plain(contexts.serve_context(exchange.house.shelf, exchange.call.tenant, context_id, details=detailed))


def delete_context(exchange: Exchange) -> Answer:
    """DELETE /jsonldContexts/{contextId}: 204, with `reload=true` fetched anew (clause 6.30.3.2)."""
    reload = exchange.parameters.flag("reload")
    contexts.delete_context(exchange.house.shelf, exchange.call.tenant, exchange.path["contextId"], reload=reload)
    return NO_CONTENT
