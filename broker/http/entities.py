"""`/entities` and `/entities/{entityId}` but for the query (clauses 6.4, 6.5)."""

from __future__ import annotations

from collections.abc import Callable

from broker.decode.entity import decode_entity, decode_fragment
from broker.decode.query import Query
from broker.errors import BadRequestData, ResourceNotFound
from broker.http.batch import done
from broker.http.exchange import Exchange
from broker.http.mapping import map_headers, map_of_one, named_map
from broker.http.messages import Answer, Deferred, Response
from broker.http.preconditions import etag, precondition
from broker.http.respond import Headers, created
from broker.http.seeking import attributes_of, query_of, seek, view_of
from broker.http.showing import geometry_property, show_many, show_one
from broker.http.targets import target, types_of, versioned, written
from broker.model.change import MergeOptions
from broker.model.entity import Entity
from broker.model.names import is_datetime
from broker.operations import consume, provide
from broker.operations import purge as purging
from broker.operations.batch import BatchResult
from broker.operations.provide import Written
from broker.operations.purge import Purge

_SIMPLIFIED = frozenset({"simplified", "keyValues"})


def create_entity(exchange: Exchange) -> Answer:
    """POST /entities: 201, 409 (clause 6.4.3.1)."""
    document = decode_entity(exchange.body, exchange.call.names)
    condition = precondition(exchange)
    return Deferred(provide.create_entity(exchange.house.broker, exchange.call, document, condition), _created)


def _created(result: Written) -> Response:
    return created("entities", result.id, versioned(result))


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


def retrieve_entity(exchange: Exchange) -> Answer:
    """GET /entities/{entityId}: 200, 203, 404 (clause 6.5.3.1)."""
    house, call, entity_id = exchange.house, exchange.call, exchange.path["entityId"]
    if not exchange.parameters and "ngsild-entitymap" not in exchange.request.headers:
        entity = consume.retrieve_entity(house.broker, call, entity_id)
        return show_one(exchange, entity, entity, (etag(entity.version),))
    geometry_property(exchange, exchange.parameters.text("geometryProperty"))
    query = query_of(exchange.parameters)
    view = view_of(query, call.names)
    consume.require_depth(None, view.projection, view.join)
    whole = consume.retrieve_entity(house.broker, call, entity_id, types_of(exchange))
    _require_attributes(exchange, query, whole)
    headers = (etag(whole.version), *map_of_one(exchange, entity_id))
    if view.join is not None and view.join.mode == "flat":
        found = consume.retrieve_with_linked(house.broker, call, entity_id, types_of(exchange), view)
        if len(found) > 1:
            return show_many(exchange, found, query.lang, headers)
        entity = found[0]
    else:
        entity = consume.retrieve_entity(house.broker, call, entity_id, types_of(exchange), view)
    if not entity.document:
        raise ResourceNotFound(
            "nothing is left of the entity", pointer="omit", clause="5.7.1.4", remedy="leave some members in"
        )
    return show_one(exchange, entity, whole, headers)


def _require_attributes(exchange: Exchange, query: Query, entity: Entity) -> None:
    """Raise ResourceNotFound where the entity has none of `attrs` (clause 5.7.1.4)."""
    wanted = attributes_of(query, exchange.call.names)
    if wanted and not any(name in entity.document for name in wanted):
        raise ResourceNotFound(
            "the entity has none of these attributes", pointer="attrs", clause="5.7.1.4", remedy="leave attrs out"
        )


def purge_entities(exchange: Exchange) -> Answer:
    """DELETE /entities: 204, 207 (clause 6.4.3.3)."""
    names, parameters = exchange.call.names, exchange.parameters
    local = parameters.flag("local") if "local" in parameters else None
    where = seek(query_of(parameters), names, local=local).selection.where
    purge = read_purge(exchange)
    entity_map = named_map(exchange)
    pending = purging.purge_entities(exchange.house.broker, exchange.call, where, purge, entity_map)
    return Deferred(pending, done if entity_map is None else _done_with(map_headers(entity_map)))


def read_purge(exchange: Exchange) -> Purge:
    """What goes of the entities. Raises BadRequestData for `keep` and `drop` at once."""
    return Purge(_names(exchange, "keep"), _names(exchange, "drop"))


def _done_with(headers: Headers) -> Callable[[BatchResult], Response]:
    def render(result: BatchResult) -> Response:
        response = done(result)
        return Response(response.status, response.headers + headers, response.body)

    return render


def _names(exchange: Exchange, parameter: str) -> frozenset[str] | None:
    text = exchange.parameters.text(parameter)
    if text is None:
        return None
    terms = [term.strip() for term in text.split(",")]
    return frozenset(term if term == "scope" else exchange.call.names.expand(term, parameter) for term in terms)
