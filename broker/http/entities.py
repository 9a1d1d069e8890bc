"""`/entities` and `/entities/{entityId}` but for the query (clauses 6.4, 6.5)."""

from __future__ import annotations

from broker.decode.entity import decode_entity, decode_fragment
from broker.errors import BadRequestData
from broker.http.exchange import Exchange
from broker.http.messages import Answer, Deferred, Response
from broker.http.preconditions import etag, precondition
from broker.http.respond import created
from broker.http.targets import target, written
from broker.model.change import MergeOptions
from broker.model.names import is_datetime
from broker.operations import provide
from broker.operations.provide import Written

_SIMPLIFIED = frozenset({"simplified", "keyValues"})


def create_entity(exchange: Exchange) -> Answer:
    """POST /entities: 201, 409 (clause 6.4.3.1)."""
    document = decode_entity(exchange.body, exchange.call.names)
    condition = precondition(exchange)
    return Deferred(provide.create_entity(exchange.house.broker, exchange.call, document, condition), _created)


def _created(result: Written) -> Response:
    return created("entities", result.id, (etag(result.version),))


def replace_entity(exchange: Exchange) -> Answer:
    """PUT /entities/{entityId}: 204 (clause 6.5.3.3)."""
    where = target(exchange)
    body = exchange.body
    if isinstance(body, dict) and "id" not in body:
        body = {"id": where.id, **body}
    document = decode_entity(body, exchange.call.names)
    return Deferred(provide.replace_entity(exchange.house.broker, exchange.call, where, document), written)


def merge_entity(exchange: Exchange) -> Answer:
    """PATCH /entities/{entityId}: 204 (clause 6.5.3.4)."""
    names, parameters = exchange.call.names, exchange.parameters
    observed_at = parameters.text("observedAt")
    if observed_at is not None and not is_datetime(observed_at):
        raise BadRequestData(
            f"observedAt is '{observed_at[:50]}'", pointer="observedAt", clause="6.5.3.4",
            remedy="a UTC DateTime such as 2026-01-01T00:00:00Z",
        )  # fmt: skip
    simplified = bool(_SIMPLIFIED & {parameters.text("format"), *parameters.words("options")})
    fragment = decode_fragment(exchange.body, names, nulls=True, simplified=simplified, merge=True)
    options = MergeOptions(observed_at, parameters.text("lang"), simplified, names.expand_value)
    pending = provide.merge_entity(exchange.house.broker, exchange.call, target(exchange), fragment, options)
    return Deferred(pending, written)


def delete_entity(exchange: Exchange) -> Answer:
    """DELETE /entities/{entityId}: 204 (clause 6.5.3.2)."""
    return Deferred(provide.delete_entity(exchange.house.broker, exchange.call, target(exchange)), written)
